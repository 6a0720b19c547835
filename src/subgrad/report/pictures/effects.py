"""Pictures of what columns do to the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.explanations.dependence import Dependence
from subgrad.report.explanations.importance import Importance
from subgrad.report.explanations.table_model import sampled
from subgrad.report.phrases import number, short
from subgrad.report.pictures.inline_svg import FIRST, INK, MUTED, RULE, SERIES, picture

ROWS = 40  # of the table that have a line of their own in a picture of partial dependence
_LINE = 21.0  # the height of a column's line in the picture of importance


def importance(found: Sequence[Importance], what: str) -> Markup:
    """A bar for each column with its interval, the most important on top."""

    def draw(axes: Any) -> None:
        at = np.arange(len(found))
        means, lows, highs = (np.array([getattr(i, part) for i in found]) for part in ("mean", "low", "high"))
        axes.grid(False)
        axes.grid(True, axis="x", color=RULE, linewidth=0.8)
        axes.barh(at, means, height=0.58, color=FIRST, alpha=0.8, linewidth=0)
        axes.hlines(at, lows, highs, color=INK, linewidth=1.3)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.set(yticks=at, yticklabels=[short(i.column, 20) for i in found], xlabel=what)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(len(found) - 0.4, -0.6)

    told = ", ".join(f"{i.column} {number(i.mean)} ({number(i.low)} to {number(i.high)})" for i in found)
    return picture("importance", f"{what}: {told}.", draw, height=_LINE * len(found) + 46)


def dependence(found: Dependence, answers: Sequence[str], span: tuple[float, float] | None, place: int) -> Markup:
    """The mean answer over the values of a column; for a single answer also some rows, thin.

    Args:
        found: what was measured.
        answers: the names of the classes to draw, or that of the target; the answers of ``found``, k of them.
        span: of the vertical axis, the same for all columns: steep is then important.
        place: of the column among those that are drawn.
    """

    def draw(axes: Any) -> None:
        (_bars if found.axis == "category" else _lines)(axes, found, answers)
        if span is not None:
            axes.set_ylim(*span)
        if len(answers) > 1:
            axes.legend(loc="best", ncols=1 + (len(answers) > 3))

    mean = found.mean
    kind = {"number": number, "date": _day, "category": str}[found.axis]
    first, last = kind(found.values[0]), kind(found.values[-1])
    ends = "; ".join(f"{name} {number(mean[0, j])} at {first}, {number(mean[-1, j])} at {last}"
                     for j, name in enumerate(answers))  # fmt: skip
    return picture(f"dependence {place}", f"The mean answer over {found.column}: {ends}.", draw, height=225)


def _lines(axes: Any, found: Dependence, answers: Sequence[str]) -> None:
    values = found.values.astype("M8[s]") if found.axis == "date" else found.values
    if found.axis == "date":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    if len(answers) == 1:
        shown = sampled(found.answers.shape[1], ROWS, seed=0)
        axes.plot(values, found.answers[:, shown, 0], color=MUTED, linewidth=0.7, alpha=0.28)
    for j, (colour, name) in enumerate(zip(SERIES, answers, strict=False)):
        dotted = {"marker": "o", "markersize": 3.5} if len(values) < 6 else {}
        axes.plot(values, found.mean[:, j], color=colour, label=short(name, 18), linewidth=2.2, **dotted)
    axes.margins(x=0.02)


def _bars(axes: Any, found: Dependence, answers: Sequence[str]) -> None:
    at = np.arange(len(found.values))
    if len(answers) == 1:
        axes.vlines(at, *np.quantile(found.answers[:, :, 0], [0.1, 0.9], axis=1), color=FIRST, alpha=0.4, linewidth=5)
    for j, (colour, name) in enumerate(zip(SERIES, answers, strict=False)):
        axes.plot(at, found.mean[:, j], color=colour, label=short(name, 18), linestyle="none", marker="o", markersize=7)
    several = len(at) > 4
    axes.set_xticks(at, [short(v, 12 if several else 16) for v in found.values], rotation=30 if several else 0,
                    ha="right" if several else "center", rotation_mode="anchor")  # fmt: skip
    axes.set_xlim(-0.6, len(at) - 0.4)


def _day(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s").astype("M8[D]"))


__all__ = ["dependence", "importance"]
