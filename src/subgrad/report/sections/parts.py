"""What the parts of the page are made of: sections, figures, tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from subgrad.display.markup import Markup, element


class Section(NamedTuple):
    """A part of the page: where a link goes to, its title, itself."""

    anchor: str
    title: str
    content: Markup


def section(anchor: str, title: str, lead: str, *content: str | Markup) -> Section:
    """A part of the page with its title and what it is about."""
    head = element("h2", title), element("p", lead, class_="lead")
    return Section(anchor, title, element("section", *head, *content, id=anchor))


def figure(title: str, drawn: Markup, note: str) -> Markup:
    """A picture with its title, and how to read it."""
    return element("figure", element("h3", title), drawn, element("figcaption", note))


def figures(found: Sequence[Markup]) -> Markup:
    """Pictures side by side, where there is room."""
    return element("div", *found, class_="figures") if found else Markup()


def grid(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str | Markup]],
    numeric: Sequence[int] = (),
    heads: int = 1,
    class_: str | None = None,
    row_classes: Sequence[str | None] = (),
) -> Markup:
    """A table that scrolls sideways where it is too wide.

    Args:
        title: what it shows, for those who do not see it.
        header: the names of its columns.
        rows: their cells.
        numeric: the places of the columns that are aligned to the right.
        heads: how many of the first columns name their row.
        class_, row_classes: for the style sheet.
    """
    aligned = ["num" if i in numeric else None for i in range(len(header))]
    top = element("tr", *(element("th", name, class_=c, scope="col") for name, c in zip(header, aligned, strict=True)))
    body = []
    for place, cells in enumerate(rows):
        parts = [element("th", cell, class_=c, scope="row") if i < heads else element("td", cell, class_=c)
                 for i, (cell, c) in enumerate(zip(cells, aligned, strict=True))]  # fmt: skip
        body.append(element("tr", *parts, class_=row_classes[place] if row_classes else None))
    table = element("table", element("thead", top), element("tbody", *body), class_=class_)
    return element("div", table, class_="scroll", role="region", tabindex="0", aria_label=title)


def pairs(found: Iterable[tuple[str, str | Markup]], class_: str) -> Markup:
    """Names and what belongs to them."""
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in found]
    return element("dl", *rows, class_=class_)


def notes(sentences: Iterable[str]) -> Markup:
    """Sentences one below the other, small."""
    lines = [element("li", sentence) for sentence in sentences]
    return element("ul", *lines, class_="notes") if lines else Markup()


__all__ = ["Section", "figure", "figures", "grid", "notes", "pairs", "section"]
