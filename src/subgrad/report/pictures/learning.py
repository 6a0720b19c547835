"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.phrases import number
from subgrad.report.pictures.inline_svg import FIRST, MUTED, SECOND, picture

_COLOURS = {"training": FIRST, "validation": SECOND}


def learning_curve(name: str, curves: Mapping[str, Sequence[float]], best: int, epoch: str) -> Markup:
    """A number over the epochs, of the rows that are learnt from, of those that decide when to stop, or of both."""
    count = len(next(iter(curves.values())))

    def draw(axes: Any) -> None:
        for rows, values in curves.items():
            axes.plot(np.arange(1, count + 1), values, color=_COLOURS[rows], label=rows)
        if 0 < best < count:
            axes.axvline(best, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
            axes.annotate(f"kept: {best}", (best, 1), (4, -2), xycoords=("data", "axes fraction"), va="top",
                          textcoords="offset points", color=MUTED)  # fmt: skip
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel=epoch, ylabel=name)
        axes.margins(x=0.01)
        if len(curves) > 1:
            axes.legend(loc="best")

    ends = ", ".join(f"{number(values[0])} to {number(values[-1])} in {rows}" for rows, values in curves.items())
    return picture(f"learning {name}", f"The {name} over {count} {epoch}s: from {ends}.", draw)


def curves_of(
    history: Mapping[str, Sequence[float]], best: int, epoch: str = "epoch", validated: str = ""
) -> list[tuple[str, Markup]]:
    """A picture of the loss, and one of each metric; at most four. What the validation is has one of its own, if it is
    another number than the loss."""
    names = [name for name in history if not name.startswith("validation_") and name != "seconds"][:4]
    known = [name for name in names if np.isfinite(history[name]).any()]
    found = {name.replace("_", " "): {"training": history[name]} for name in known}
    for name, curves in list(found.items()):
        validation = history.get(f"validation_{name.replace(' ', '_')}")
        if validation is not None:
            (found.setdefault(validated, {}) if validated else curves)["validation"] = validation
    return [(name, learning_curve(name, curves, best, epoch)) for name, curves in found.items()]


__all__ = ["curves_of"]
