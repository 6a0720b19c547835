"""The numbers of a network with one hidden layer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad.approx.shallow import shallow
from subgrad.nn.layers.compose import Sequential


class HiddenUnits(NamedTuple):
    """F(x) = Σ v_i φ(w_i·x + b_i) + c, with w of shape (n, d), b and v of (n,)."""

    w: np.ndarray
    b: np.ndarray
    v: np.ndarray
    c: float

    def network(self, activation: str) -> Sequential:
        """As a module."""
        return shallow(self.w, self.b, self.v, self.c, activation)
