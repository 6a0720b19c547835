"""Where the points of a function are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""f and its gradient at a flat vector."""


@dataclass(frozen=True, eq=False)
class Space:
    """Where the points are: their arrays' shapes and dtype, and the bounds, infinite where there are none."""

    shapes: tuple[tuple[int, ...], ...]
    dtype: np.dtype
    low: np.ndarray
    high: np.ndarray

    def inside(self, point: np.ndarray) -> np.ndarray:
        """The nearest numbers of the dtype, within the bounds."""
        return np.clip(point, self.low, self.high).astype(self.dtype).astype(np.float64)
