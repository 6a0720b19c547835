"""What a certificate of stationarity is: a small record that can be saved."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from subgrad.errors import FileError
from subgrad.io.atomic import write_atomically
from subgrad.io.number_text import at_most

Claim = Literal["stationary", "descent", "unknown"]

CLAIMS = get_args(Claim)

FORMAT = "subgrad certificate 1"

LARGEST = 2**28
"""The bytes that a file may have. Read, its numbers take some ten times as many."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is claimed of a point, and the numbers that show it. True if the claim is that it is stationary.

    - "stationary": ``weights @ gradients`` has a norm of at most ``tolerance``. With ``delta`` above 0 the gradients
      are those at ``points`` within delta of x, so 0 is, up to the tolerance, in Goldstein's delta-subdifferential
      (A. Goldstein, "Optimization of Lipschitz continuous functions", Mathematical Programming 13, 1977). With delta 0
      they are limits: each stays what it is on the way from its point to x. A slope that leads out of the bounds
      ``low`` and ``high``, for a variable within delta of one, does not count: this is the condition for a minimum
      within the bounds.
    - "descent": ``direction`` p has g.p >= \\|p\\|^2 for all gradients g, and f falls by at least a quarter of
      step \\|p\\|^2 from x to x - step p; with delta 0 also at smaller steps, else step \\|p\\| is delta.
    - "unknown": neither was found; ``reason`` says why.

    Attributes:
        claim: one of the three.
        x: the variables, one after the other, shape (n,).
        delta, tolerance: as given to `is_stationary`.
        points: shape (m, n).
        gradients: f's gradients at the points, shape (m, n).
        weights: shape (m,), at least 0, of sum 1.
        direction: shape (n,).
        low, high: shape (n,), infinite where there is no bound.
        step: a number above 0, or 0 if nothing falls.
        shapes: those of the variables.
        dtype: the dtype of the variables.
        reason: why nothing is known, or what was assumed and not verified.
    """

    claim: Claim
    x: np.ndarray
    delta: float
    tolerance: float
    points: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray
    direction: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: float
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    reason: str = ""

    def __bool__(self) -> bool:
        return self.claim == "stationary"

    @property
    def norm(self) -> float:
        """Of ``weights @ gradients``, without what leads out of the bounds; inf if there are none."""
        if not len(self.weights):
            return math.inf
        return math.hypot(*self.inward(self.weights @ self.gradients, (self.low, self.high)))

    def inward(self, slope: np.ndarray, limits: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """A slope without what leads out of the limits: downhill is where minus the slope points."""
        slope = np.where(self.x - limits[0] <= self.delta, np.minimum(slope, 0), slope)
        return np.where(limits[1] - self.x <= self.delta, np.maximum(slope, 0), slope)

    def __str__(self) -> str:
        where = f"within {self.delta:g} of the point" if self.delta else "at the point"
        if self.claim == "unknown":
            return f"unknown {where}: {self.reason}"
        bounded = " and the bounds" if np.isfinite([self.low, self.high]).any() else ""
        gradients = f"{len(self.points)} gradients {where}{bounded}"
        if self.claim == "stationary":
            return f"stationary: {gradients} have a convex combination of norm {at_most(self.norm, 3)}"
        return f"descent: with {gradients}, f falls at a rate near {self.norm:.3g}"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate as JSON, with every number exact. Raises `FileError` if that cannot be done."""
        content = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}
        for end in ("low", "high"):
            content[end] = [b if math.isfinite(b) else None for b in content[end]]
        text = json.dumps({"format": FORMAT, **content}, indent=1, allow_nan=False)
        if len(text) > LARGEST:
            raise FileError(f"cannot write {path}: the certificate has {len(text):,} bytes, {LARGEST:,} are the most")
        write_atomically(path, text.encode())


class LoadedCertificate(Certificate):
    """One from a file: until `verify_certificate` has checked it, it is no more than what somebody has written."""

    def __str__(self) -> str:
        return f"the file claims {self.claim!r} of a point with {self.x.size} variables; verify_certificate checks that"


__all__ = ["CLAIMS", "Certificate", "Claim", "LoadedCertificate"]
