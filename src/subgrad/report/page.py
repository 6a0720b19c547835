"""The page of a report: one file of HTML that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from subgrad.data.table import Table
from subgrad.display.markup import Markup, element
from subgrad.errors import ArgumentError
from subgrad.io.atomic import require_writable, write_atomically
from subgrad.io.figure import require_matplotlib
from subgrad.io.terminal import waiting
from subgrad.report.explanations.importance import affordable_rows, permutation_importance, promising
from subgrad.report.explanations.table_model import TableModel
from subgrad.report.phrases import counted
from subgrad.report.sections.drivers import dependences, drivers
from subgrad.report.sections.failures import hardest
from subgrad.report.sections.parts import Section
from subgrad.report.sections.quality import quality
from subgrad.report.sections.repetition import repeat, training
from subgrad.report.sections.understood import understood
from subgrad.report.subject import Background, Subject

_NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'"
"""What the browser may load: nothing but the style sheet in the page."""


def write_report(
    path: str | os.PathLike[str],
    model: TableModel,
    table: Table,
    y: np.ndarray,
    background: Background | None = None,
    verbose: bool | None = None,
) -> None:
    """Write a page about a model: how good it is, what it looks at, where it fails, the data it was given.

    The page is one file of HTML without scripts, which loads nothing from anywhere.

    Args:
        path: of the page; written atomically.
        model: what it is about.
        table: rows that it was not trained on.
        y: the truth (n,): labels or numbers.
        background: what else is known, see `Background`.
        verbose: whether to say on standard error what is being done; None does on a terminal.

    Raises:
        ArgumentError: for fewer than two rows.
        FileError: if the file cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """
    check_report(path)
    if table.rows < 2 or len(y) != table.rows:
        raise ArgumentError(f"a report needs two rows at least and the truth of each, got {table.rows} and {len(y)}")
    with waiting("report", verbose):
        page = page_of(Subject(model, table, np.asarray(y), background or Background()))
    write_atomically(path, page.encode("utf-8"))


def check_report(path: str | os.PathLike[str]) -> None:
    """Raise the errors of `write_report` that can be known before there is a model."""
    require_matplotlib("a report")
    require_writable(path)


def page_of(subject: Subject) -> str:
    """The whole page."""
    rows = affordable_rows(subject.table.rows, len(subject.features), seed=subject.background.seed)
    some, truth, seed = subject.table.take(rows), subject.truth[rows], subject.background.seed
    columns = promising(subject.model, some, truth, subject.features, seed)
    found = permutation_importance(subject.model, some, truth, columns, seed=seed)
    parts = [
        quality(subject),
        drivers(subject, found, len(rows)),
        dependences(subject, found),
        hardest(subject, found),
        understood(subject),
        training(subject),
        repeat(subject),
    ]
    return _document(f"Report: {subject.target}", _header(subject), [part for part in parts if part is not None])


def _header(subject: Subject) -> Markup:
    what = f"one of {len(subject.classes)} classes" if subject.classified else "a number"
    told = [subject.background.data or counted(subject.table.rows, "row"), f"the answer is {what}"]
    return element(
        "header",
        element("p", "subgrad report", class_="eyebrow"),
        element("h1", "Predicting ", element("em", subject.target)),
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


__all__ = ["check_report", "page_of", "write_report"]
