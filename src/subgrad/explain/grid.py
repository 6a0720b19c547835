"""A table of texts, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from subgrad.display.html_table import html_table
from subgrad.display.markup import Markup

if TYPE_CHECKING:
    from rich.table import Table

_NUMBERS = ("sum of", "used", "paths", "mult.")


@dataclass(frozen=True)
class Grid:
    """Lines of cells below the names of their columns; a line may be short."""

    title: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]

    def printed(self) -> Table:
        """For a console of Rich."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for name in self.columns:
            right = name in _NUMBERS
            table.add_column(name, justify="right" if right else "left", style="dim" if right else None)
        for line in self.lines:
            table.add_row(*map(Text, line), style=None if len(line) == len(self.columns) else "dim")
        return table

    def html(self) -> Markup:
        """For a page."""
        full = [[*line, *[""] * (len(self.columns) - len(line))] for line in self.lines]
        return html_table(self.columns, full, self.title, _NUMBERS)


__all__ = ["Grid"]
