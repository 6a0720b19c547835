"""What is wished of any model for a table, besides its training."""

from __future__ import annotations

from dataclasses import dataclass

from subgrad.data.task import Task
from subgrad.errors import DataError


@dataclass(frozen=True)
class Wishes:
    """Calibrations by rows that a model was not trained on.

    Attributes:
        balance: rare classes are to count as much as frequent ones.
        interval: the level of intervals around numbers; None for none.
    """

    balance: bool = False
    interval: float | None = None

    @property
    def calibrate(self) -> bool:
        """Whether rows that are held out are needed."""
        return self.balance or self.interval is not None

    @property
    def flag(self) -> str:
        """The option that asked for it."""
        return "--balance" if self.balance else "--interval"

    def check(self, task: Task) -> None:
        """Raise `DataError` for a wish that the task has no place for."""
        if self.balance and task == "regression":
            raise DataError("--balance is for classes, and the target is numbers")
        if self.interval is not None and task == "classification":
            raise DataError("--interval is for numbers, and the target is classes, which have probabilities")


__all__ = ["Wishes"]
