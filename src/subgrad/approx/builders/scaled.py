"""The affine map from a box to the cube [-1, 1]^d, in which all builders work."""

from __future__ import annotations

import numpy as np

from subgrad.approx.builders.hidden_units import HiddenUnits


class Scaled:
    """The affine map from a box (d, 2) to the cube; a side without length stays a point, at 0."""

    def __init__(self, box: np.ndarray) -> None:
        self.middle = box[:, 0] + (box[:, 1] - box[:, 0]) / 2
        half = (box[:, 1] - box[:, 0]) / 2
        self.half = np.where(half > 0, half, 1.0)

    def points(self, X: np.ndarray) -> np.ndarray:
        """Points of the box, in the cube."""
        return (X - self.middle) / self.half

    def back(self, Z: np.ndarray) -> np.ndarray:
        """Points of the cube, in the box."""
        return self.middle + Z * self.half

    def inside(self, units: HiddenUnits) -> HiddenUnits:
        """Units on the box, as those on the cube."""
        return units._replace(w=units.w * self.half, b=units.b + units.w @ self.middle)

    def units(self, inside: HiddenUnits) -> HiddenUnits:
        """Units on the cube, as those on the box.

        >>> found = Scaled(np.array([[0.0, 4.0]])).units(HiddenUnits(np.ones((1, 1)), np.zeros(1), np.ones(1), 0.0))
        >>> found.w.tolist(), found.b.tolist()
        ([[0.5]], [-1.0])
        """
        w = inside.w / self.half
        return inside._replace(w=w, b=inside.b - w @ self.middle)
