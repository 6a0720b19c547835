"""The progress of a proof on a terminal, if it takes longer than a moment; silence elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from subgrad.bounds.search import Search
from subgrad.io.digits import at_least, at_most, given

MOMENT = 0.5  # seconds before anything is shown


class Progress:
    """A line with the bound so far, the goal, and the boxes that are left.

    Args:
        verbose: None shows it if standard error is a terminal.
    """

    def __init__(self, verbose: bool | None) -> None:
        self._shown = sys.stderr.isatty() if verbose is None else verbose
        self._start, self._bar, self._task = time.perf_counter(), None, None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, search: Search) -> None:
        """A round of the search is over."""
        if not self._shown or time.perf_counter() - self._start < MOMENT:
            return
        if self._bar is None:
            self._bar = _bar()
            self._task = self._bar.add_task(said(search), total=search.budget)
            self._bar.start()
        self._bar.update(self._task, completed=search.boxes, description=said(search))


def said(search: Search) -> str:
    """What is known so far."""
    wanted = "" if search.goal is None else f", wanted {given(search.goal)}"
    between = f"between {at_least(search.below, 6)} and {at_most(search.above, 6)}"
    return f"{between}{wanted}; {len(search.open):,} boxes open"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("boxes"), MofNCompleteColumn(), BarColumn(20), TextColumn("{task.description}")
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


__all__ = ["Progress", "said"]
