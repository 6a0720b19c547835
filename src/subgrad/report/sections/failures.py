"""The rows that a model has most wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.data.formats import NumberFormat, as_texts
from subgrad.report.explanations.hardest import HardRow, hardest_rows
from subgrad.report.explanations.importance import Importance
from subgrad.report.phrases import number, percent, short
from subgrad.report.sections.parts import Section, grid, section
from subgrad.report.subject import Subject

COLUMNS = 5  # that are shown of them, the most important ones


def hardest(subject: Subject, found: Sequence[Importance]) -> Section | None:
    """The section with the hardest rows; None if all answers are right."""
    rows = hardest_rows(subject.model, subject.table, subject.truth)
    if not rows:
        return None
    columns, at = [i.column for i in found[:COLUMNS]], [row.row for row in rows]
    known = subject.background.row_numbers
    numbers = np.arange(1, subject.table.rows + 1) if known is None else known
    shown = [as_texts(subject.table.series(column).gather(at)).to_list() for column in columns]
    beside = [["–" if value is None else short(value, 24) for value in line] for line in zip(*shown, strict=True)]
    answers = [[str(numbers[row.row]), *_answer(row, subject.classified)] for row in rows]
    lines = [[*answer, *values] for answer, values in zip(answers, beside, strict=True)]
    header, right = _header(rows[0], subject.classified)
    numeric = [isinstance(subject.table.format(column), NumberFormat) for column in columns]
    right += [len(header) + i for i, aligned in enumerate(numeric) if aligned]
    lead = (
        "Where the loss is largest. Look at these first: they show mistakes in the data, columns that are missing, and "
        "cases that the training had too few of."
    )
    table = grid("The hardest rows", [*header, *(short(c, 22) for c in columns)], lines, right, class_="rows")
    return section("hardest", "The hardest rows", lead, table)


def _answer(row: HardRow, classified: bool) -> list[str]:
    if classified:
        chance = [] if row.chance is None else [percent(row.chance)]
        return [short(row.truth, 24), short(row.answer, 24), *chance]
    truth, answer = float(row.truth), float(row.answer)
    return [number(truth, 4), number(answer, 4), number(truth - answer)]


def _header(row: HardRow, classified: bool) -> tuple[list[str], list[int]]:
    """The first columns, and which of them are numbers."""
    if not classified:
        return ["row", "truth", "answer", "difference"], [0, 1, 2, 3]
    return ["row", "truth", "answer", *(["chance of the truth"] if row.chance is not None else [])], [0, 3]


__all__ = ["hardest"]
