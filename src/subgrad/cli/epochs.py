"""The progress of a long run in a log file or a pipe: a line for an epoch, where a terminal shows a bar."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console

from subgrad.fit import History
from subgrad.fit.history import numbers

SECONDS = 5.0  # from one line to the next, at least: a run that is over by then prints none


def epoch_lines(
    console: Console, epochs: int, clock: Callable[[], float] = time.monotonic
) -> list[Callable[[History], None]]:
    """Callbacks for `fit`: one that prints, or none if ``console`` is a terminal."""
    return lines_now_and_then(console, SECONDS, lambda history: line(history, epochs), clock)


def lines_now_and_then(
    console: Console, seconds: float, text: Callable[[History], str], clock: Callable[[], float] = time.monotonic
) -> list[Callable[[History], None]]:
    """As `epoch_lines`, with a text of one's own, each at least so many seconds after the one before."""
    if console.is_terminal or console.quiet:
        return []
    last = clock()

    def print_line(history: History) -> None:
        nonlocal last
        if clock() - last >= seconds:
            last = clock()
            console.print(text(history), soft_wrap=True)

    return [print_line]


def line(history: History, epochs: int) -> str:
    """The numbers of the last epoch, and how long all have taken.

    >>> line(History([{"loss": 0.5, "accuracy": 0.75, "seconds": 61.0}] * 2), 10)
    '  epoch 2 of 10: loss 0.5; accuracy 0.75; 122 s'
    """
    seconds = sum(history["seconds"])
    return f"  epoch {len(history)} of {epochs}: {numbers(history.epochs[-1])}; {seconds:.0f} s"


__all__ = ["epoch_lines", "line", "lines_now_and_then"]
