"""The network beside what needs no input, metric by metric: a table that keeps within the width of a page."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as Grid

from subgrad.metrics import Estimate
from subgrad.metrics.bootstrap import shown

NETWORK = "the network"
WIDTH = 80  # of a table at the most: more metrics go into a table of their own
HEAD = 12  # the width of a metric's name, which takes several lines


class Compared(NamedTuple):
    """A metric: its name in words, that of the network with its interval, that without inputs, and their decimals."""

    words: str
    found: Estimate
    guess: float
    decimals: int | None


def print_comparison(console: Console, compared: Sequence[Compared], guess: str) -> None:
    """A row for the network, its intervals below, and one for the ``guess``; a column for each metric.

    Rows begin with their names, so that programs find them.
    """
    for i, metrics in enumerate(_blocks(console, compared, guess)):
        if i:
            console.print()
        console.print(_grid(metrics, guess))


def _blocks(console: Console, compared: Sequence[Compared], guess: str) -> Iterator[Sequence[Compared]]:
    """As many metrics at a time as fit side by side, one at least."""
    most, left = min(console.width, WIDTH), list(compared)
    unbound = console.options.update(max_width=10 * WIDTH)
    while left:
        count = len(left)
        while count > 1 and Measurement.get(console, unbound, _grid(left[:count], guess)).maximum > most:
            count -= 1
        yield left[:count]
        left = left[count:]


def _grid(metrics: Sequence[Compared], guess: str) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("", no_wrap=True, max_width=WIDTH // 3)
    for metric in metrics:
        grid.add_column("\n".join(textwrap.wrap(metric.words, HEAD)), justify="right", no_wrap=True)
    grid.add_row(NETWORK, *(shown(m.found.value, m.decimals) for m in metrics), style="bold green")
    if any(not math.isnan(m.found.low) for m in metrics):
        for end in ("low", "high"):
            cells = (shown(getattr(m.found, end), m.decimals) for m in metrics)
            grid.add_row("  95% from" if end == "low" else "       to", *cells, style="dim")
    grid.add_row(guess, *(shown(m.guess, m.decimals) for m in metrics))
    return grid


__all__ = ["Compared", "print_comparison"]
