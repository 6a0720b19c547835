"""Forecasts of a series: beside what came, and the moments that they missed most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.phrases import number, short
from subgrad.report.pictures.sequences import DRAWN, over_time
from subgrad.report.sections.parts import Section, figure, grid, section

HARDEST = 12


@dataclass(frozen=True)
class Forecasts:
    """Forecasts (n,) of rows in the order of time, each from the rows before it.

    Attributes:
        target: the column.
        rows: the numbers of the rows (n,), from 1 on.
        truth: what came.
        answers: what was expected.
        last: the value before; that it stays is the forecast that needs no model.
        names: of the series each is of, if there are several.
    """

    target: str
    rows: np.ndarray
    truth: np.ndarray
    answers: np.ndarray
    last: np.ndarray
    names: Sequence[str] | None = None


def beside_truth(found: Forecasts) -> Markup:
    """The last forecasts of the first series over time."""
    own = np.arange(len(found.rows))
    of = ""
    if found.names is not None:
        own = np.flatnonzero(np.asarray(found.names) == found.names[0])
        of = f" of “{short(found.names[0])}”, the first series"
    own = own[-DRAWN:]
    drawn = over_time(found.rows[own], found.truth[own], found.answers[own], found.target)
    return figure("Forecast and truth", drawn, f"The last {len(own):,} forecasts{of}, each of the next row alone.")


def hardest_moments(found: Forecasts) -> Section | None:
    """The section with the largest errors; None if there are none."""
    errors = np.abs(found.truth - found.answers)
    worst = [int(i) for i in np.argsort(-errors, kind="stable")[:HARDEST] if errors[i] > 0]
    if not worst:
        return None
    lines = [
        [str(found.rows[i]), *([] if found.names is None else [short(found.names[i])]),
         *(number(float(x), 4) for x in (found.last[i], found.truth[i], found.answers[i],
                                        found.truth[i] - found.answers[i]))]
        for i in worst
    ]  # fmt: skip
    header = ["row", *([] if found.names is None else ["series"]), "before", "truth", "forecast", "difference"]
    lead = "Where the forecast was furthest from what came: look for events that no column tells of."
    numeric = [i for i, name in enumerate(header) if name != "series"]
    return section("hardest", "The hardest moments", lead, grid("Moments", header, lines, numeric, class_="rows"))


__all__ = ["Forecasts", "beside_truth", "hardest_moments"]
