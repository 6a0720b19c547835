"""The error for an integer that is out of range: the same one from NumPy references and from native code."""

from __future__ import annotations

from subgrad.errors import DataError, ShapeError, SubgradError
from subgrad.graph import source_location


class OutOfRange(IndexError):
    """Inside of an evaluation: ``value`` is not in ``low`` to ``high - 1``.

    ``of`` is what a loss says of the labels that it takes; without it they are indices along an axis of length
    ``high``. Labels that are classes, from 0 on, are told; of others the integer says only that they are not taken.
    """

    def __init__(self, value: int, low: int, high: int, of: str) -> None:
        super().__init__(value)
        self.value, self.low, self.high, self.of = value, low, high, of

    def located(self) -> SubgradError:
        """The error for the user, with the line that `source_location.inherit` has set."""
        if self.of:
            got = "others" if self.low else self.value
            return DataError(source_location.user_site().after(f"{self.of}, got {got}"))
        allowed = "" if self.low < 0 else ", and negative ones do not count from the end here"
        return ShapeError(f"index {self.value} is out of range for an axis of length {self.high}{allowed}")


__all__ = ["OutOfRange"]
