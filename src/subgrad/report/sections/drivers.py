"""What the answers depend on: the importance of columns, and what the first of them do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.data.column_names import listed
from subgrad.data.table import Table
from subgrad.errors import DataError
from subgrad.report.explanations.dependence import Dependence, partial_dependence
from subgrad.report.explanations.importance import REPEATS, Importance
from subgrad.report.explanations.table_model import sampled
from subgrad.report.phrases import aligned, counted, short
from subgrad.report.pictures import effects
from subgrad.report.pictures.answers import most_frequent
from subgrad.report.sections.parts import Section, figure, figures, grid, notes, section
from subgrad.report.subject import Subject

SHOWN = 15  # columns whose importance is drawn
EFFECTS = 6  # columns whose partial dependence is
ROWS = 400  # for partial dependence


def drivers(subject: Subject, found: Sequence[Importance], rows: int) -> Section:
    """The section with the importance of columns (the first ones on top), measured by so many rows."""
    change = _change(subject)
    some = f"{counted(rows, 'row')}, drawn by chance" if rows < subject.table.rows else f"these {counted(rows, 'row')}"
    lead = (
        f"The {change} when the values of one column are shuffled among {some}: means of {REPEATS} shufflings, with "
        "95% intervals. Columns that say the same stand in for each other, and each looks less important than both are."
    )
    shown = [i for i in found if looked_at(i)][:SHOWN] or list(found[:SHOWN])
    picture = figure("Importance", effects.importance(shown, change), "Where a line crosses 0, it may be chance.")
    means, ends = aligned([i.mean for i in shown]), aligned([end for i in shown for end in (i.low, i.high)])
    lines = [[short(i.column, 20), means[k], f"{ends[2 * k]} to {ends[2 * k + 1]}"] for k, i in enumerate(shown)]
    table = grid("Importance in numbers", ["column", change.split()[0], "95% interval"], lines, (1, 2))
    others = notes(_rest(subject, found, len(shown)))
    return section("columns", "What it looks at", lead, figures([picture, table]), others)


def _rest(subject: Subject, found: Sequence[Importance], shown: int) -> list[str]:
    blind = [i.column for i in found if not looked_at(i)]
    less, others = len(found) - len(blind) - shown, len(subject.features) - len(found)
    said = [f"{counted(less, 'column')} more matter less than these."] if less > 0 else []
    if others:
        said.append(f"{others:,} columns were only shuffled in groups, which did less harm.")
    return [*said, *([f"Without any influence: {listed(blind)}."] if blind and len(blind) < len(found) else [])]


def looked_at(importance: Importance) -> bool:
    """Whether any answer has changed when the column was shuffled."""
    return importance.high > importance.low or importance.mean != 0


def _change(subject: Subject) -> str:
    if not subject.classified:
        return "fall of R²"
    return "rise of the share of wrong answers" if subject.chances is None else "rise of the log loss"


def dependences(subject: Subject, found: Sequence[Importance]) -> Section | None:
    """The section with the partial dependence on the first columns; None if no answer depends on any."""
    rows = subject.table.take(sampled(subject.table.rows, ROWS, subject.background.seed))
    places, names = _answers(subject)
    measured = [_measured(subject, rows, i.column, places) for i in found[:EFFECTS] if looked_at(i)]
    kept = [d for d in measured if d is not None]
    if not kept or not places:
        return None
    span = _span(kept)
    drawn = [figure(short(d.column, 40), effects.dependence(d, names, span, i), "") for i, d in enumerate(kept)]
    thin = " Thin lines are single rows; pale bars hold four rows of five." if len(places) == 1 else ""
    what = names[0] if len(names) == 1 else "probability of each class"
    lead = (
        f"The mean {what}, if {counted(rows.rows, 'row')} had the same "
        f"value in one column and kept the others.{thin} All have one scale: what is steep matters."
    )
    return section("effects", "What the columns do", lead, figures(drawn))


def _answers(subject: Subject) -> tuple[list[int], list[str]]:
    """Which of the answers to draw: their places, and what they are called."""
    names = [str(label) for label in subject.classes]
    if not subject.classified:
        return [0], [f"predicted {subject.target}"]
    if subject.event is not None:
        return [subject.event], [f"probability of “{short(names[subject.event])}”"]
    places = most_frequent(names, subject.places)
    return places, [names[i] for i in places]


def _measured(subject: Subject, rows: Table, column: str, places: list[int]) -> Dependence | None:
    """For the answers at some places; None if no value of the column is known in these rows."""
    try:
        found = partial_dependence(subject.model, rows, column)
    except DataError:
        return None
    return Dependence(column, found.axis, found.values, found.answers[:, :, places])


def _span(found: Sequence[Dependence]) -> tuple[float, float]:
    """Of the vertical axis: wide enough for all means, and for most of the rows if they are drawn."""
    ends = [np.r_[d.mean.min(), d.mean.max()] for d in found]
    if found[0].answers.shape[2] == 1:
        ends += [np.quantile(d.answers, [0.03, 0.97]) for d in found]
    low, high = float(np.min(ends)), float(np.max(ends))
    room = 0.05 * (high - low) or 0.5
    return low - room, high + room


__all__ = ["dependences", "drivers"]
