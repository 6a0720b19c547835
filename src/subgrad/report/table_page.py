"""The page about a model for the rows of a table, which may be images."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from subgrad.data.table import Table
from subgrad.errors import ArgumentError
from subgrad.report.explanations.importance import affordable_rows, permutation_importance, promising
from subgrad.report.explanations.table_model import TableModel
from subgrad.report.page import check_report, write_page
from subgrad.report.phrases import counted
from subgrad.report.sections.drivers import dependences, drivers
from subgrad.report.sections.failures import hardest
from subgrad.report.sections.gallery import hardest_images, seen_images
from subgrad.report.sections.parts import Section
from subgrad.report.sections.quality import quality
from subgrad.report.sections.repetition import repeat, training
from subgrad.report.sections.understood import understood
from subgrad.report.subject import Background, Subject


def write_report(
    path: str | os.PathLike[str],
    model: TableModel,
    table: Table,
    y: np.ndarray,
    background: Background | None = None,
    images: np.ndarray | None = None,
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
        images: (n, height, width) of values in [0, 1], if the rows are images of which each column is a pixel: the page
            shows them, and has no parts about columns.
        verbose: whether to say on standard error what is being done; None does on a terminal.

    Raises:
        ArgumentError: for fewer than two rows, and images that are not one for each row.
        FileError: if the file cannot be written.
        MissingExtraError: if matplotlib is not installed.
    """
    check_report(path)
    if table.rows < 2 or len(y) != table.rows:
        raise ArgumentError(f"a report needs two rows at least and the truth of each, got {table.rows} and {len(y)}")
    if images is not None and (images.ndim != 3 or len(images) != table.rows):
        raise ArgumentError(f"images are (rows, height, width), {table.rows} of them, got the shape {images.shape}")
    about = background or Background()
    what = f"one of {len(model.classes)} classes" if model.task == "classification" else "a number"
    told = [about.data or counted(table.rows, about.row), f"the answer is {what}"]

    def parts() -> Sequence[Section | None]:
        subject = Subject.of(model, table, np.asarray(y), about)
        return _of_columns(subject) if images is None else _of_images(subject, images)

    write_page(path, model.target_name, told, parts, verbose)


def _of_columns(subject: Subject) -> list[Section | None]:
    background, seed = subject.background, subject.background.seed
    rows = affordable_rows(subject.table.rows, len(subject.features), seed=seed)
    some, truth = subject.table.take(rows), subject.truth[rows]
    columns = promising(subject.model, some, truth, subject.features, seed)
    found = permutation_importance(subject.model, some, truth, columns, seed=seed)
    return [
        quality(subject),
        drivers(subject, found, len(rows)),
        dependences(subject, found),
        hardest(subject, found),
        understood(subject.table, subject.target, background),
        training(background),
        repeat(background),
    ]


def _of_images(subject: Subject, images: np.ndarray) -> list[Section | None]:
    background = subject.background
    return [
        quality(subject),
        hardest_images(subject, images),
        seen_images(subject, images),
        training(background),
        repeat(background),
    ]


__all__ = ["write_report"]
