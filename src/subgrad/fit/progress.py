"""The progress of a run on a terminal; silence elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

from subgrad.fit.history import History


class Progress:
    """A line for the running epoch, with the numbers of the last one.

    Args:
        epochs: how many there will be.
        verbose: None shows it if standard error is a terminal.
    """

    def __init__(self, epochs: int, verbose: bool | None) -> None:
        self._bar = None
        if verbose or (verbose is None and sys.stderr.isatty()):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self._task = self._bar.add_task("", total=epochs)

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def batches(self, epoch: int, share: float) -> None:
        """``share`` of the running epoch (from 0) is done."""
        if self._bar:
            self._bar.update(self._task, completed=epoch + share)

    def epoch(self, history: History) -> None:
        """An epoch is done."""
        if self._bar:
            last = history.epochs[-1].items()
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in last if name != "seconds")
            self._bar.update(self._task, completed=len(history), description=numbers)

    def say(self, message: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(message)
