"""The progress of a proof on a terminal, if it takes longer than a moment; silence elsewhere."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any, Protocol

from subgrad.io.number_text import at_least, at_most, given
from subgrad.io.terminal import ProgressLine


class Search(Protocol):
    """What a search for a bound says of itself."""

    @property
    def goal(self) -> float | None: ...
    @property
    def below(self) -> float: ...
    @property
    def above(self) -> float: ...
    @property
    def open(self) -> Sized: ...
    @property
    def boxes(self) -> int: ...
    @property
    def budget(self) -> int: ...


class Progress(ProgressLine):
    """A line with the bound so far, the goal, and the boxes that are left.

    Args:
        verbose: None shows it if standard error is a terminal.
    """

    def __init__(self, verbose: bool | None) -> None:
        super().__init__(verbose, _columns, stays=True)

    def __call__(self, search: Search) -> None:
        """A round of the search is over."""
        self.show(lambda: said(search), search.boxes, search.budget)


def said(search: Search) -> str:
    """What is known so far."""
    wanted = "" if search.goal is None else f", wanted {given(search.goal)}"
    between = f"between {at_least(search.below, 6)} and {at_most(search.above, 6)}"
    return f"{between}{wanted}; {len(search.open):,} boxes open"


def _columns() -> list[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn

    columns = [TextColumn("boxes"), MofNCompleteColumn(), BarColumn(20), TextColumn("{task.description}")]
    return [*columns, TimeElapsedColumn()]


__all__ = ["Progress", "said"]
