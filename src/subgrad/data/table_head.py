"""What a notebook shows of a table: its first rows, and below each name how the column is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgrad.data.formats import NumberFormat
from subgrad.display.html_table import html_table, shown

if TYPE_CHECKING:
    from subgrad.data.table import Table

_ROWS, _COLUMNS, _LETTERS = 8, 20, 60


def head(table: Table) -> str:
    """The first rows as they came, with rows and columns that are left out counted."""
    names = list(table)[:_COLUMNS]
    formats = [table.format(name) for name in names]
    columns = [[_short(value) for value in table.series(name).head(_ROWS)] for name in names]
    heads = ["", *(f"{_short(name)}\n{how.kind}" for name, how in zip(names, formats, strict=True))]
    numbers = [name for name, how in zip(heads[1:], formats, strict=True) if isinstance(how, NumberFormat)]
    rows = [[str(i), *cells] for i, cells in enumerate(zip(*columns, strict=True))]
    size = f"{table.rows:,} rows, {len(table):,} columns" + (f": the first {_COLUMNS}" if len(table) > _COLUMNS else "")
    return shown(html_table(heads, rows, numbers=numbers), size, *table.notes)


def _short(value: object) -> str:
    text = "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"


__all__ = ["head"]
