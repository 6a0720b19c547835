"""Options of a run that have parts of their own."""

from __future__ import annotations

import os
from dataclasses import dataclass

from subgrad.errors import ArgumentError
from subgrad.fit.history import History


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss (training loss without validation) has not improved for a while.

    The model ends with the parameters of its best epoch, also if all epochs were run (Prechelt 1998, "Early stopping,
    but when?").

    Args:
        patience: epochs without improvement before the run stops.
        min_delta: by how much the loss must fall to count as an improvement.

    Example:
        >>> EarlyStopping(patience=2).says_stop(History([{"loss": 1.0}, {"loss": 2.0}, {"loss": 3.0}]))
        True
    """

    patience: int = 10
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ArgumentError(f"patience is a number of epochs, 1 or more, got {self.patience}")

    def says_stop(self, history: History) -> bool:
        best, since = float("inf"), 0
        for value in history[history.monitored]:
            improved = value < best - self.min_delta
            best, since = (value, 0) if improved else (best, since + 1)
        return since >= self.patience


@dataclass(frozen=True)
class Checkpoint:
    """Save the run to ``path`` after every ``every`` epochs, so that ``fit(resume=path)`` can go on from there."""

    path: str | os.PathLike[str]
    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ArgumentError(f"a checkpoint is saved every 1 or more epochs, got {self.every}")
