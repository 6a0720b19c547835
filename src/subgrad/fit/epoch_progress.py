"""The progress of a run on a terminal; silence elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

from subgrad.fit.history import History, numbers


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
            from rich.table import Column

            epoch = TextColumn("epoch", table_column=Column(min_width=5))
            count = MofNCompleteColumn(table_column=Column(min_width=2 * len(str(epochs)) + 1))
            columns = (epoch, count, BarColumn(20), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True))
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
            self._bar.update(self._task, completed=len(history), description=numbers(history.epochs[-1]))

    def say(self, message: str) -> None:
        """A line that stays."""
        if self._bar:
            self._bar.console.print(message)
