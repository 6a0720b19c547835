"""A line on the terminal that says what takes longer than a moment; silence elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

MOMENT = 0.5  # seconds before anything is shown

_silent = ContextVar("silent", default=False)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """No lines inside, unless they are asked for: somebody else says how far all of it is."""
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)


def _is_shown(verbose: bool | None) -> bool:
    return sys.stderr.isatty() and not _silent.get() if verbose is None else verbose


class ProgressLine:
    """One line of Rich, which comes after a moment and goes at the end of the ``with`` block.

    Args:
        verbose: None shows it if standard error is a terminal.
        columns: makes Rich's columns, at the first line that is shown: Rich is not loaded before.
        stays: whether the last line stays on the terminal.
    """

    def __init__(self, verbose: bool | None, columns: Callable[[], Sequence[Any]], stays: bool = False) -> None:
        self._shown = _is_shown(verbose)
        self._start, self._columns, self._stays = time.perf_counter(), columns, stays
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.pause()

    def show(self, description: Callable[[], str], completed: int | None = None, total: int | None = None) -> None:
        """What is done now, how much of it, and of how much; the text is made only if it is shown."""
        if not self._shown or time.perf_counter() - self._start < MOMENT:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(*self._columns(), console=Console(stderr=True), transient=not self._stays)
            self._task = self._bar.add_task(description(), total=total)
            self._bar.start()
        self._bar.update(self._task, completed=completed, description=description())

    def pause(self) -> None:
        """Take the line away until there is something to show again."""
        if self._bar:
            self._bar.stop()
        self._bar = None


@contextlib.contextmanager
def waiting(description: str, verbose: bool | None) -> Iterator[None]:
    """Say what is being waited for, if it takes longer than a moment: for work that cannot report from inside."""
    if not _is_shown(verbose):
        yield
        return
    shown: list[Any] = []
    timer = threading.Timer(MOMENT, lambda: shown.append(_spinner(description)))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it may be about to show
        for status in shown:
            status.stop()


def _spinner(description: str) -> Any:
    from rich.console import Console

    status = Console(stderr=True).status(description)
    status.start()
    return status


__all__ = ["MOMENT", "ProgressLine", "waiting"]
