"""What happened in a training run, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from subgrad.errors import ArgumentError, missing_extra
from subgrad.io.figure import save_figure


@dataclass
class History:
    """The record of a run: one row of numbers for each epoch.

    Attributes:
        epochs: a dict for each epoch: ``loss``, the metrics, and the same with ``validation_`` before the name.
        stopped: why the run ended: ``"finished"``, ``"early stopping"``, ``"interrupted"`` or ``"callback"``.
        best_epoch: the number (from 1) of the epoch with the lowest validation loss, or training loss if there was no
            validation; 0 before the first.

    Example:
        >>> h = History([{"loss": 2.0}, {"loss": 1.0}])
        >>> h["loss"], h.best_epoch, len(h)
        ([2.0, 1.0], 2, 2)
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    stopped: str = "finished"

    def __getitem__(self, name: str) -> list[float]:
        """The numbers called ``name``, one for each epoch: NaN for an epoch in which it was not measured."""
        if self.epochs and name not in self.names:
            raise ArgumentError(f"the history has no {name!r}, it has {', '.join(self.names)}")
        return [row.get(name, math.nan) for row in self.epochs]

    @property
    def names(self) -> list[str]:
        """What was measured in any epoch: a run that was resumed may measure other things than it did before."""
        return list(dict.fromkeys(name for row in self.epochs for name in row))

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.epochs)

    @property
    def monitored(self) -> str:
        """The number that decides which epoch is best."""
        return "validation_loss" if "validation_loss" in self.names else "loss"

    @property
    def best_epoch(self) -> int:
        values = self[self.monitored]
        known = [i for i, value in enumerate(values) if not math.isnan(value)]
        return 1 + min(known, key=values.__getitem__) if known else 0

    def plot(self, path: str | None = None) -> Any:
        """A figure with the loss and each metric over the epochs; saved to ``path`` if one is given.

        Raises `MissingExtraError` if matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise missing_extra("matplotlib", "plot", "plotting a history") from None
        names = [n for n in self.names if not n.startswith("validation_")]
        figure = Figure(figsize=(4.5 * max(1, len(names)), 3.2), layout="constrained")
        for i, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), i + 1)
            for key, label in ((name, "training"), (f"validation_{name}", "validation")):
                if key in self.names:
                    axes.plot(range(1, len(self) + 1), self[key], label=label)
            axes.set(xlabel="epoch", title=name)
            axes.legend()
        if path is not None:
            save_figure(figure, path)
        return figure
