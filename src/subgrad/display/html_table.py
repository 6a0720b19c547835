"""Tables that notebooks show, in the one look that all of this package's displays have."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from subgrad.display.markup import Markup, element

SHOWN = 20
"""How many rows are shown of a table that may have any number of them."""


def shown(*content: str | Markup) -> str:
    """What a notebook shows: elements, and texts as paragraphs, with the look that they have in light and in dark."""
    parts = [part if isinstance(part, Markup) else element("p", part) for part in content]
    return element("div", element("style", Markup(_look())), *parts, class_="subgrad")


def html_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", numbers: Iterable[str] = ()
) -> Markup:
    """A table with a row of names, and the first cell of each row as its heading.

    Args:
        columns: their names; no row of names if all are empty.
        rows: of texts, which are escaped.
        title: what stands above it.
        numbers: the names of columns that are set to the right.

    >>> html_table(["", "n"], [["<x>", "1"]], numbers=["n"]).partition("<tbody>")[2]
    '<tr><th>&lt;x&gt;</th><td class="num">1</td></tr></tbody></table>'
    """
    right = set(numbers)
    kinds = ["num" if name in right else None for name in columns]
    names = element("tr", *(element("th", name, class_=kind) for name, kind in zip(columns, kinds, strict=True)))
    body = [element("tr", *_cells(row, kinds)) for row in rows]
    return element(
        "table",
        *([element("caption", title)] if title else []),
        *([element("thead", names)] if any(columns) else []),
        element("tbody", *body),
    )


def table_of_some(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Markup:
    """A table of the first rows, and a line that counts those that are left out."""
    more = len(rows) - SHOWN
    left_out = [[f"{more:,} more", *[""] * (len(columns) - 1)]] if more > 0 else []
    return html_table(columns, [*rows[:SHOWN], *left_out], title)


def facts(title: str, pairs: Iterable[tuple[str, str]]) -> Markup:
    """A table of what is known of one thing: a name and a value in each row."""
    return html_table(["", ""], pairs, title)


def _cells(row: Sequence[str], kinds: Sequence[str | None]) -> Iterable[Markup]:
    for i, (cell, kind) in enumerate(zip(row, kinds, strict=False)):
        yield element("td" if i else "th", cell, class_=kind)


@functools.cache
def _look() -> str:
    return Path(__file__).with_name("look.css").read_text(encoding="utf-8").replace("\n", "")


__all__ = ["SHOWN", "facts", "html_table", "shown", "table_of_some"]
