"""How good the answers are: metrics, and the pictures of answers beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.display.markup import Markup, element
from subgrad.report.explanations.calibration import calibration_curve
from subgrad.report.phrases import counted, number, short
from subgrad.report.pictures import answers as drawn
from subgrad.report.sections.parts import Section, figure, figures, grid, notes, pairs, section
from subgrad.report.subject import Judged, Score

_MATRIX = 12  # classes whose confusion matrix can be taken in
_NARROW = 5  # classes whose matrix is as narrow as a picture
_MISTAKES = 10
_ENOUGH = 20  # rows, of which a calibration curve says something


def quality(judged: Judged, found: Sequence[Markup] | None = None) -> Section:
    """The section with all metrics, and what they do not say: in the pictures ``found``, or all that suit the task."""
    own = judged.background
    rows = f"{counted(len(judged.truth), own.row)} {own.which}".strip()
    drawn = own.drawn or f"such {own.row}s"
    said = [f"In brackets are 95% intervals, from drawing {drawn} again"] * any(
        np.isfinite(score.found.low) for score in judged.scores
    )
    said += [f"below the numbers is what needs no inputs: {own.guess}"] * bool(own.guess)
    lead = f"On {rows}. {_sentence(said)}".strip()
    tiles = pairs([(score.words, _value(score)) for score in judged.scores], "tiles")
    if found is None:
        found = of_classes(judged) if judged.classified else of_numbers(judged)
    return section("quality", "How good it is", lead, tiles, figures(found), notes(own.remarks))


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


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


def of_classes(judged: Judged) -> list[Markup]:
    """What is right and what is taken for what, whether probabilities mean what they say, and how they rank."""
    return [confusion(judged), *calibration(judged), *_ranking(judged)]


def _ranking(judged: Judged) -> list[Markup]:
    """The curves of thresholds, of one of two classes or of each class; nothing if all rows are of one class."""
    chances = judged.chances
    if chances is None:
        return []
    names, truth = [str(label) for label in judged.classes], judged.places
    places = [i for i in drawn.most_frequent(names, truth) if judged.event in (None, i)]
    if not places:
        return []
    scores, positive = {names[i]: chances[:, i] for i in places}, {names[i]: truth == i for i in places}
    of = "for each class against the others" if judged.event is None else f"for “{short(names[judged.event])}”"
    ranking = (
        f"The share of right alarms over that of false ones, {of}, as the threshold falls. Guessing gives the "
        "diagonal; the further to the upper left, the better."
    )
    precision = (
        f"How many of the alarms are right, over how many of the positive ones are found, {of}. It tells more than the "
        "ranking where a class is rare."
    )
    return [
        figure("Ranking", drawn.roc_curves(scores, positive), ranking),
        figure("Precision and recall", drawn.precision_recall_curves(scores, positive), precision),
    ]


def calibration(judged: Judged) -> list[Markup]:
    """Observed shares over predicted ones; nothing without probabilities, or of few rows."""
    chances = judged.chances
    if chances is None or len(chances) < _ENOUGH:
        return []
    if judged.event is not None:
        event, happened = chances[:, judged.event], judged.places == judged.event
        said = (f"predicted probability of {short(judged.classes[judged.event], 16)}", "observed share")
        what = "In groups of similar probability: what was predicted, and how often it was so."
    else:
        answer = chances.argmax(axis=1)
        event, happened = chances[np.arange(len(answer)), answer], answer == judged.places
        said = ("probability of the class that is answered", "share of right answers")
        what = "In groups of similar probability of the answer: how often it was right."
    drawing = drawn.calibration(calibration_curve(event, happened), *said)
    note = f"{what} On the diagonal the probabilities mean what they say; the lines are 95% intervals."
    return [figure("Calibration", drawing, note)]


def confusion(judged: Judged) -> Markup:
    """How often each class is taken for which; of many classes the most frequent mistakes."""
    names = [short(label, 20) for label in judged.classes]
    k = len(names)
    counts = np.bincount(k * judged.places + judged.answered_places, minlength=k * k).reshape(k, k)
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


def of_numbers(judged: Judged) -> list[Markup]:
    """Answers over the truth, and what they miss."""
    truth, answers = np.asarray(judged.truth, np.float64), np.asarray(judged.answers, np.float64)
    some = f" {drawn.POINTS:,} of them are drawn." if len(truth) > drawn.POINTS else ""
    return [
        figure("Predicted against true", drawn.predicted_against_true(truth, answers, judged.target),
               f"A point for each {judged.background.row}.{some} On the diagonal the answer is right."),
        figure("Residuals", drawn.residuals(truth, answers),
               "What the answers miss. A bend means that a shape was not learnt, a funnel that large numbers are less "
               "sure. 80% lie in the band."),
    ]  # fmt: skip


__all__ = ["calibration", "confusion", "of_classes", "of_numbers", "quality"]
