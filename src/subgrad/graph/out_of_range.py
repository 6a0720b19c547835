"""The error for an integer that is out of range: the same one from NumPy references and from native code."""

from __future__ import annotations

from subgrad.errors import DataError, ShapeError, SubgradError
from subgrad.graph import source_location


class OutOfRange(IndexError):
    """Inside of an evaluation: ``value`` is not in ``low`` to ``high - 1``.

    ``of`` names the loss that takes the integers as its classes; without one they are indices along an axis of length
    ``high``.
    """

    def __init__(self, value: int, low: int, high: int, of: str) -> None:
        super().__init__(value)
        self.value, self.low, self.high, self.of = value, low, high, of

    def located(self) -> SubgradError:
        """The error for the user, with the line that `source_location.inherit` has set."""
        if self.of:
            has = f"{self.of} has {self.high} classes, 0..{self.high - 1}"
            return DataError(f"{has}, got {self.value} (at {source_location.user_site()})")
        allowed = "" if self.low < 0 else ", and negative ones do not count from the end here"
        return ShapeError(f"index {self.value} is out of range for an axis of length {self.high}{allowed}")


__all__ = ["OutOfRange"]
