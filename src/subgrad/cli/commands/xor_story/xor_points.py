"""The four points of XOR, and how numbers about them are printed."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid

POINTS = ((-1, -1), (-1, 1), (1, -1), (1, 1))
LABELS = (-1, 1, 1, -1)

WIDTH = 80


def number(value: float) -> str:
    """Three decimals with a sign, but only an exact 0 as 0.

    >>> number(0.0), number(-0.25), number(1e-9)
    ('0', '-0.250', '+1e-09')
    """
    if not value:
        return "0"
    return f"{value:+.3f}" if abs(value) >= 0.0005 else f"{value:+.0e}"


def point(x: Sequence[int]) -> str:
    """A point of the square.

    >>> point((-1, 1))
    '(-1, +1)'
    """
    return f"({x[0]:+d}, {x[1]:+d})"


def grid(*headings: str) -> Grid:
    """An empty table of numbers."""
    table = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def show(console: Console, table: Grid) -> None:
    console.print(table)
    console.print()


def heading(console: Console, text: str) -> None:
    console.print(f"{text}\n", style="bold")


def tell(console: Console, text: str) -> None:
    """A paragraph, in lines that are easy to read."""
    console.print(" ".join(text.split()), width=min(console.width, WIDTH))
    console.print()
