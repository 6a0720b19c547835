"""What second derivatives say of a stationary point."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from subgrad.io.number_text import at_most

Verdict = Literal["strict local minimum", "not a local minimum", "unknown"]


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """What is proved of a stationary point beside a minimiser's. True if it is a strict local minimum.

    - "strict local minimum": there is one within ``distance``; f rises from it in all directions that leave a kink, and
      is curved upwards along those that stay on all of them. If the kinks are independent, no other stationary point
      is near it.
    - "not a local minimum": there is such a point, and f falls from it along the curve
      x + t ``direction`` + t^2 ``bend``, for t of both signs if ``curvature`` is below 0, else for t above 0.
    - "unknown": neither was proved; ``reason`` says why.

    Attributes:
        verdict: one of the three.
        x: the stationary point, up to rounding; the variables one after the other, shape (n,). Empty if unknown.
        distance: it is within this of the minimiser's point; inf if unknown.
        curvature: the least second derivative along the kinks, about; inf if no direction stays on all of them, NaN if
            it decides nothing.
        direction, bend: shape (n,); 0 unless there is a way down.
        reason: why nothing is known; empty if it is.
    """

    verdict: Verdict
    x: np.ndarray
    distance: float
    curvature: float
    direction: np.ndarray
    bend: np.ndarray
    reason: str = ""

    def __bool__(self) -> bool:
        return self.verdict == "strict local minimum"

    def __str__(self) -> str:
        if self.verdict == "unknown":
            return f"unknown: {self.reason}"
        if self.verdict == "not a local minimum":
            how = f"curvature {self.curvature:.3g}" if self.curvature < 0 else "a slope downhill"
            return f"not a local minimum: {how} at a stationary point within {at_most(self.distance, 3)}"
        rise = "on all sides" if math.isinf(self.curvature) else f"with curvature {self.curvature:.3g}"
        return f"strict local minimum within {at_most(self.distance, 3)}, {rise}"


def nothing(reason: str) -> SecondOrder:
    """That nothing is known, and why."""
    none = np.zeros(0)
    return SecondOrder("unknown", none, math.inf, math.nan, none, none, reason)


__all__ = ["SecondOrder", "Verdict", "nothing"]
