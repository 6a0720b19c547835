"""Pictures of answers beside the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.explanations.calibration import Calibration
from subgrad.report.explanations.ranking import precision_recall_curve, roc_curve
from subgrad.report.explanations.table_model import sampled
from subgrad.report.phrases import counted, number, percent, short
from subgrad.report.pictures.inline_svg import FIRST, MUTED, PAGE, SERIES, picture

POINTS = 800  # in a picture: more make a large page, and hide each other
_ALONG = {"color": MUTED, "linewidth": 1, "linestyle": (0, (2, 3)), "zorder": 1}
_DOTS = {"linestyle": "none", "marker": "o", "markersize": 3.6, "markeredgewidth": 0, "alpha": 0.45}
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def predicted_against_true(truth: np.ndarray, answers: np.ndarray, target: str) -> Markup:
    """A point for each row, (n,) each; answers that are right lie on the diagonal."""

    def draw(axes: Any) -> None:
        low, high = float(min(truth.min(), answers.min())), float(max(truth.max(), answers.max()))
        axes.plot([low, high], [low, high], **_ALONG)
        shown = sampled(len(truth), POINTS, seed=0)
        axes.plot(truth[shown], answers[shown], color=FIRST, **_DOTS)
        room = 0.03 * (high - low) or 1.0
        ends = (low - room, high + room)
        axes.set(xlabel=f"true {short(target)}", ylabel="predicted", xlim=ends, ylim=ends)

    inside = np.corrcoef(truth, answers)[0, 1] if np.ptp(truth) and np.ptp(answers) else np.nan
    told = f"Predicted against true {target} of {counted(len(truth), 'row')}; their correlation is {number(inside)}."
    return picture("agreement", told, draw, height=290)


def residuals(truth: np.ndarray, answers: np.ndarray) -> Markup:
    """What is left of the truth when the answer is taken away, over the answer."""
    left = truth - answers
    low, middle, high = np.quantile(left, [0.1, 0.5, 0.9])

    def draw(axes: Any) -> None:
        shown = sampled(len(left), POINTS, seed=0)
        axes.axhspan(low, high, color=FIRST, alpha=0.1, linewidth=0)
        axes.axhline(0, **_ALONG)
        axes.plot(answers[shown], left[shown], color=FIRST, **_DOTS)
        axes.set(xlabel="predicted", ylabel="true − predicted")

    told = f"Residuals over predictions. Half of them are below {number(middle)}, and 80% between {number(low)} and "
    return picture("residuals", f"{told}{number(high)}.", draw, height=290)


def roc_curves(scores: Mapping[str, np.ndarray], positive: Mapping[str, np.ndarray]) -> Markup:
    """A curve for each class, from its scores (n,) and where it is the truth (n,)."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], **_ALONG)
        for colour, name in zip(SERIES, scores, strict=False):
            axes.plot(*roc_curve(scores[name], positive[name]), color=colour, label=short(name, 18))
        _unit_square(axes, "false positive rate", "true positive rate")
        if len(scores) > 1:
            axes.legend(loc="lower right")

    areas = {name: np.trapezoid(y, x) for name in scores for x, y in [roc_curve(scores[name], positive[name])]}
    said = ", ".join(f"{number(float(area))} for {name}" for name, area in areas.items())
    return picture("roc", f"Receiver operating characteristic; the area under the curve is {said}.", draw, height=290)


def precision_recall_curves(scores: Mapping[str, np.ndarray], positive: Mapping[str, np.ndarray]) -> Markup:
    """A curve for each class, as for `roc_curves`."""

    def draw(axes: Any) -> None:
        for colour, name in zip(SERIES, scores, strict=False):
            recall, precision = precision_recall_curve(scores[name], positive[name])
            axes.plot(np.r_[0, recall], np.r_[precision[0], precision], color=colour, label=short(name, 18))
        if len(scores) == 1:
            axes.axhline(float(np.mean(next(iter(positive.values())))), **_ALONG)
        else:
            axes.legend(loc="lower left")
        _unit_square(axes, "recall", "precision")

    shares = ", ".join(f"{percent(float(np.mean(rows)))} are {name}" for name, rows in positive.items())
    return picture("precision", f"Precision over recall; of the rows {shares}.", draw, height=290)


def calibration(found: Calibration, predicted: str, observed: str) -> Markup:
    """Observed shares over predicted probabilities, with 95% intervals."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], **_ALONG)
        axes.vlines(found.predicted, found.low, found.high, color=FIRST, linewidth=1.6, alpha=0.45)
        axes.plot(found.predicted, found.observed, color=FIRST, marker="o", markersize=5.5, markeredgecolor=PAGE)
        _unit_square(axes, predicted, observed)

    points = "; ".join(f"{percent(p)}: {percent(o)}" for p, o in zip(found.predicted, found.observed, strict=True))
    return picture("calibration", f"Calibration, predicted against observed: {points}.", draw, height=290)


def _unit_square(axes: Any, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.03), xticks=_SHARES, yticks=_SHARES)


def most_frequent(names: Sequence[str], truth: np.ndarray) -> list[int]:
    """The places of the classes to draw, of which not all can be told apart: the most frequent, in their order."""
    counts = np.bincount(truth, minlength=len(names))
    there = [int(i) for i in np.argsort(-counts, kind="stable")[: len(SERIES)] if 0 < counts[i] < len(truth)]
    return sorted(there)


__all__ = ["calibration", "most_frequent", "precision_recall_curves", "predicted_against_true",
           "residuals", "roc_curves"]  # fmt: skip
