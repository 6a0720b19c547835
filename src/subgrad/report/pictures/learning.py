"""Pictures of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrad.display.markup import Markup
from subgrad.report.phrases import number
from subgrad.report.pictures.inline_svg import FIRST, MUTED, SECOND, picture


def learning_curve(
    name: str, training: Sequence[float], validation: Sequence[float] | None, best: int, epoch: str
) -> Markup:
    """A number over the epochs, of the rows that are learnt from and of those that decide when to stop."""

    def draw(axes: Any) -> None:
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=FIRST, label="training")
        if validation is not None:
            axes.plot(epochs, validation, color=SECOND, label="validation")
        if 0 < best < len(training):
            axes.axvline(best, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
            axes.annotate(f"kept: {best}", (best, 1), (4, -2), xycoords=("data", "axes fraction"), va="top",
                          textcoords="offset points", color=MUTED)  # fmt: skip
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel=epoch, ylabel=name)
        axes.margins(x=0.01)
        if validation is not None:
            axes.legend(loc="best")

    ends = f"{number(training[0])} to {number(training[-1])} in training"
    ends += "" if validation is None else f", {number(validation[0])} to {number(validation[-1])} in validation"
    return picture(f"learning {name}", f"The {name} over {len(training)} {epoch}s: from {ends}.", draw)


def curves_of(history: Mapping[str, Sequence[float]], best: int, epoch: str = "epoch") -> list[tuple[str, Markup]]:
    """A picture of the loss, and one of each metric; at most four."""
    names = [name for name in history if not name.startswith("validation_") and name != "seconds"][:4]
    known = [name for name in names if np.isfinite(history[name]).any()]
    return [(name, _curve(history, name, best, epoch)) for name in known]


def _curve(history: Mapping[str, Sequence[float]], name: str, best: int, epoch: str) -> Markup:
    validation = history.get(f"validation_{name}")
    return learning_curve(name.replace("_", " "), history[name], validation, best, epoch)


__all__ = ["curves_of"]
