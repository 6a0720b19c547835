"""What `subgrad.approximate` is doing, on a terminal, if it takes longer than a moment; silence elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

MOMENT = 0.5  # seconds before anything is shown


class Progress:
    """A line that says what is being built, with the time that it has taken.

    Args:
        verbose: None shows it if standard error is a terminal.
    """

    def __init__(self, verbose: bool | None) -> None:
        self._shown = sys.stderr.isatty() if verbose is None else verbose
        self._start, self._bar, self._task = time.perf_counter(), None, None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.pause()

    def __call__(self, doing: str) -> None:
        """What is begun now."""
        if not self._shown or time.perf_counter() - self._start < MOMENT:
            return
        if self._bar is None:
            self._bar = _bar()
            self._task = self._bar.add_task(doing, total=None)
            self._bar.start()
        self._bar.update(self._task, description=doing)

    def pause(self) -> None:
        """Take the line away, for a proof has one of its own."""
        if self._bar:
            self._bar.stop()
        self._bar = None


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)


__all__ = ["Progress"]
