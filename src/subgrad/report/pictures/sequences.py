"""Pictures of texts and series: what changes along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.phrases import number, short
from subgrad.report.pictures.inline_svg import FIRST, INK, SECOND, picture

DRAWN = 200  # forecasts in a picture


def over_time(rows: np.ndarray, truth: np.ndarray, answers: np.ndarray, target: str) -> Markup:
    """What came and what was expected, over the numbers of the rows, (n,) each."""

    def draw(axes: Any) -> None:
        axes.plot(rows, truth, color=INK, label="truth", linewidth=1.2)
        axes.plot(rows, answers, color=SECOND, label="forecast", linewidth=1.4)
        axes.set(xlabel="row", ylabel=short(target))
        axes.margins(x=0.01)
        axes.legend(loc="best")

    missed = float(np.abs(truth - answers).mean())
    told = f"The forecast of {target} beside the truth, rows {rows[0]} to {rows[-1]}; it is {number(missed)} off."
    return picture("time", told, draw, height=290)


def bits_by_place(bits: np.ndarray) -> Markup:
    """The mean surprise over the place in a passage, of bits (passages, length)."""
    means = bits.mean(axis=0)

    def draw(axes: Any) -> None:
        axes.plot(np.arange(len(means)), means, color=FIRST)
        axes.set(xlabel="characters before", ylabel="bits", ylim=(0, None))
        axes.margins(x=0.01)
        axes.xaxis.get_major_locator().set_params(integer=True)

    first, last = number(float(means[0])), number(float(means[-1]))
    told = f"Bits a character: {first} at the first place of a passage, {last} at the last."
    return picture("places", told, draw, height=290)


__all__ = ["DRAWN", "bits_by_place", "over_time"]
