"""How good the answers are: metrics, and the pictures of answers beside the truth."""

from __future__ import annotations

import numpy as np

from subgrad.display.markup import Markup, element
from subgrad.report.explanations.calibration import calibration_curve
from subgrad.report.phrases import counted, number, short
from subgrad.report.pictures import answers as drawn
from subgrad.report.sections.parts import Section, figure, figures, grid, pairs, section
from subgrad.report.subject import Score, Subject

_MATRIX = 12  # classes whose confusion matrix can be taken in
_NARROW = 5  # classes whose matrix is as narrow as a picture
_MISTAKES = 10
_ENOUGH = 20  # rows, of which a calibration curve says something


def quality(subject: Subject) -> Section:
    """The section with all metrics, and what they do not say."""
    rows = f"{counted(subject.table.rows, 'row')}{_of(subject.background.rows_are)}"
    intervals = "In brackets are 95% intervals, from drawing such rows again"
    guess = subject.background.guess
    beside = f"; below them is what needs no inputs: {guess}." if guess else "."
    tiles = pairs([(score.words, _value(score)) for score in subject.scores], "tiles")
    found = _of_classes(subject) if subject.classified else _of_numbers(subject)
    return section("quality", "How good it is", f"On {rows}. {intervals}{beside}", tiles, *found)


def _of(rows_are: str) -> str:
    return rows_are.removeprefix("rows") and f" {rows_are.removeprefix('rows').strip()}"


def _value(score: Score) -> Markup:
    value, low, high = (_shown(v, score.decimals) for v in score.found)
    parts = [element("span", value, class_="value")]
    if np.isfinite(score.found.low):
        parts.append(element("span", f"[{low}, {high}]", class_="interval"))
    if score.guess is not None:
        parts.append(element("span", f"guess {_shown(score.guess, score.decimals)}", class_="guess"))
    return element("span", *parts)


def _shown(x: float, decimals: int | None) -> str:
    if np.isnan(x):
        return "–"
    return number(x) if decimals is None else f"{x:z,.{decimals}f}".replace("-", "−")


def _of_classes(subject: Subject) -> list[Markup]:
    chances = subject.chances
    found = [_confusion(subject)]
    if chances is not None:
        found += [_calibration(subject, chances)] if len(chances) >= _ENOUGH else []
        found += _ranking(subject, chances)
    return [figures(found)]


def _ranking(subject: Subject, chances: np.ndarray) -> list[Markup]:
    """The curves of thresholds, of one of two classes or of each class; nothing if all rows are of one class."""
    names, truth = [str(label) for label in subject.classes], subject.places
    places = [i for i in drawn.most_frequent(names, truth) if subject.event in (None, i)]
    if not places:
        return []
    scores, positive = {names[i]: chances[:, i] for i in places}, {names[i]: truth == i for i in places}
    of = "for each class against the others" if subject.event is None else f"for “{short(names[subject.event])}”"
    ranking = (
        f"The share of right alarms over that of false ones, {of}, as the threshold falls. Guessing gives the "
        "diagonal; the further to the upper left, the better."
    )
    precision = (
        f"How many of the alarms are right, over how many of the positive rows are found, {of}. It tells more than the "
        "ranking where a class is rare."
    )
    return [
        figure("Ranking", drawn.roc_curves(scores, positive), ranking),
        figure("Precision and recall", drawn.precision_recall_curves(scores, positive), precision),
    ]


def _calibration(subject: Subject, chances: np.ndarray) -> Markup:
    if subject.event is not None:
        event, happened = chances[:, subject.event], subject.places == subject.event
        said = (f"predicted probability of {short(subject.classes[subject.event], 16)}", "observed share")
        what = "Rows in groups of similar probability: what was predicted, and how often it was so."
    else:
        answer = chances.argmax(axis=1)
        event, happened = chances[np.arange(len(answer)), answer], answer == subject.places
        said = ("probability of the class that is answered", "share of right answers")
        what = "Rows in groups of similar probability of the answer, and how often it was right."
    drawing = drawn.calibration(calibration_curve(event, happened), *said)
    return figure(
        "Calibration",
        drawing,
        f"{what} On the diagonal the probabilities mean what they say; the lines are 95% intervals.",
    )


def _confusion(subject: Subject) -> Markup:
    names = [short(label, 20) for label in subject.classes]
    k = len(names)
    counts = np.bincount(k * subject.places + subject.answered_places, minlength=k * k).reshape(k, k)
    if k > _MATRIX:
        return _mistakes(names, counts)
    rows = [[names[i], *(_cell(int(counts[i, j]), int(counts[i].sum()), i == j) for j in range(k)),
             f"{int(counts[i].sum()):,}"] for i in range(k)]  # fmt: skip
    table = grid("Confusion matrix", ["", *names, "rows"], rows, range(1, k + 2), class_="confusion")
    note = "The truth down, the answers across. The stronger the colour, the larger the share of the line."
    wide = "wide" if k > _NARROW else None
    return element("figure", element("h3", "Confusion matrix"), table, element("figcaption", note), class_=wide)


def _cell(count: int, of: int, right: bool) -> Markup:
    share = f"--share:{count / of if of else 0:.3f}"
    return element("span", f"{count:,}" if count else "·", class_="right" if right else "wrong", style=share)


def _mistakes(names: list[str], counts: np.ndarray) -> Markup:
    wrong = counts - np.diag(np.diag(counts))
    worst = [divmod(int(p), len(names)) for p in np.argsort(-wrong, axis=None, kind="stable")[:_MISTAKES]]
    rows = [[names[i], names[j], f"{wrong[i, j]:,}", f"{counts[i].sum():,}"] for i, j in worst if wrong[i, j]]
    title = "The most frequent mistakes"
    table = grid(title, ["truth", "taken for", "times", "of"], rows, (2, 3))
    return element("figure", element("h3", title), table, element("figcaption", f"Among {len(names)} classes."))


def _of_numbers(subject: Subject) -> list[Markup]:
    truth, answers = np.asarray(subject.truth, np.float64), np.asarray(subject.answers, np.float64)
    some = f" {drawn.POINTS:,} of them are drawn." if len(truth) > drawn.POINTS else ""
    found = [
        figure("Predicted against true", drawn.predicted_against_true(truth, answers, subject.target),
               f"A point for each row.{some} On the diagonal the answer is right."),
        figure("Residuals", drawn.residuals(truth, answers),
               "What the answers miss. A bend means that a shape was not learnt, a funnel that large numbers are less "
               "sure. 80% lie in the band."),
    ]  # fmt: skip
    return [figures(found)]


__all__ = ["quality"]
