"""What is wished of any model for a table, besides its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import typer

from subgrad.calibration import Calibrated, Decision, Intervals, PredictionSets, rows_needed, rows_needed_for_set
from subgrad.data.task import Task
from subgrad.errors import DataError


@dataclass(frozen=True)
class Wishes:
    """Calibrations by rows that a model was not trained on.

    Attributes:
        balance: rare classes are to count as much as frequent ones.
        interval: the level of intervals around numbers; None for none.
        sets: the level of sets of classes; None for none.
    """

    balance: bool = False
    interval: float | None = None
    sets: float | None = None

    @property
    def calibrate(self) -> bool:
        """Whether rows that are held out are needed."""
        return self.balance or self.interval is not None or self.sets is not None

    @property
    def flag(self) -> str:
        """The option that asked for it."""
        return "--interval" if self.interval is not None else "--set" if self.sets is not None else "--balance"

    @property
    def probabilities(self) -> bool:
        """Whether probabilities are needed."""
        return self.balance or self.sets is not None

    def check_rows(self, rows: int, which: str = "rows") -> None:
        """Raise `DataError` for fewer rows to calibrate by than the level takes."""
        needed = rows_needed(self.interval) if self.interval else rows_needed_for_set(self.sets) if self.sets else 0
        if rows < needed:
            raise DataError(f"{self.flag} {self.interval or self.sets:g} takes {needed} {which}, there are {rows}")

    def learnt(self, truth: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
        """What is wished, as the record of a model has it.

        Args:
            truth: (n,) numbers, or places of classes, of rows that the model was not trained on.
            answers: (n,) numbers, or probabilities (n, classes).
        """
        decision = Decision.fit(truth, answers) if self.balance else None
        intervals = None if self.interval is None else Intervals.fit(truth, answers, self.interval)
        sets = None if self.sets is None else PredictionSets.fit(answers[np.arange(len(truth)), truth], self.sets)
        return Calibrated(decision, intervals, sets).to_plain()

    def check(self, task: Task) -> None:
        """Raise `DataError` for a wish that the task has no place for."""
        if self.balance and task == "regression":
            raise DataError("--balance is for classes, and the target is numbers")
        if self.interval is not None and task == "classification":
            raise DataError("--interval is for numbers, and the target is classes: --set gives those that may be right")
        if self.sets is not None and task == "regression":
            raise DataError("--set is for classes, and the target is numbers, which have an --interval")


class Given(Protocol):
    """Options in which wishes are."""

    @property
    def balance(self) -> bool | None: ...

    @property
    def interval(self) -> float | None: ...

    @property
    def sets(self) -> float | None: ...


def wishes_of(given: Given) -> Wishes:
    """The wishes in some options. Raises a usage error for a level that is no share."""
    for flag, level in (("--interval", given.interval), ("--set", given.sets)):
        if level is not None and not 0 < level < 1:
            raise typer.BadParameter(f"a share between 0 and 1, got {level}", param_hint=f"'{flag}'")
    return Wishes(bool(given.balance), given.interval, given.sets)


__all__ = ["Wishes", "wishes_of"]
