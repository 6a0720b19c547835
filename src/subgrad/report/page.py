"""The page of a report: one file of HTML without scripts that needs nothing else and loads nothing from anywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from subgrad.display.markup import Markup, element
from subgrad.io.atomic import require_writable, write_atomically
from subgrad.io.figure import require_matplotlib
from subgrad.io.terminal import waiting
from subgrad.report.sections.parts import Section

_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"
"""What the browser may load: nothing but the style sheet in the page."""


def check_report(path: str | os.PathLike[str]) -> None:
    """Raise the errors of `write_report` that can be known before there is a model."""
    require_matplotlib("a report")
    require_writable(path)


def write_page(
    path: str | os.PathLike[str], target: str, told: Sequence[str], parts: Callable[[], Sequence[Section | None]],
    verbose: bool | None,
) -> None:  # fmt: skip
    """Write a page about the prediction of a target, with what is told below its title; None is no part."""
    check_report(path)
    with waiting("report", verbose):
        page = document(target, told, parts())
    write_atomically(path, page.encode("utf-8"))


def document(target: str, told: Sequence[str], parts: Sequence[Section | None]) -> str:
    """The whole page."""
    return _document(f"Report: {target}", _header(target, told), [part for part in parts if part is not None])


def _header(target: str, told: Sequence[str]) -> Markup:
    return element(
        "header",
        element("p", "subgrad report", class_="eyebrow"),
        element("h1", "Predicting ", element("em", target)),
        element("p", " · ".join(told), class_="subtitle"),
    )


def _document(title: str, header: Markup, parts: Sequence[Section]) -> str:
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_NOTHING_ELSE),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(style)),
    )
    body = element("body", element("main", header, _contents(parts), *(part.content for part in parts)))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _contents(parts: Sequence[Section]) -> Markup:
    return element("nav", *(element("a", p.title, href=f"#{p.anchor}") for p in parts), aria_label="contents")


__all__ = ["check_report", "document", "write_page"]
