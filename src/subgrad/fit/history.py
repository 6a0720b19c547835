"""What happened in a training run, epoch by epoch, and a callback that adds the health of its kinks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from subgrad.errors import ArgumentError, MissingExtraError
from subgrad.io.figure import new_figure, save_figure
from subgrad.nn.module import Module

if TYPE_CHECKING:
    from subgrad.kinks.units import Units


@dataclass(repr=False)
class History:
    """The record of a run: one row of numbers for each epoch.

    Attributes:
        epochs: a dict for each epoch: ``loss``, the metrics, and the same with ``validation_`` before the name.
        stopped: why the run ended: ``"finished"``, ``"early stopping"``, ``"interrupted"``, ``"callback"``, or
            ``"converged"`` with `LBFGS`, ``"out of data"`` if batches came to their end.
        steps: a dict for each validation within an epoch: ``epoch``, ``step``, ``validation_loss`` and the metrics.
        best_epoch: the number (from 1) of the epoch with the lowest validation loss, or training loss if there was no
            validation, or the best of what early stopping looks at; 0 if there is none.

    Example:
        >>> h = History([{"loss": 2.0}, {"loss": 1.0}])
        >>> h["loss"], h.best_epoch, len(h)
        ([2.0, 1.0], 2, 2)
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    stopped: str = "finished"
    steps: list[dict[str, float]] = field(default_factory=list)
    _watched: tuple[str, bool] | None = field(default=None, repr=False)

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
        if self._watched is not None:
            return self._watched[0]
        return "validation_loss" if "validation_loss" in self.names else "loss"

    @property
    def best_epoch(self) -> int:
        values = self[self.monitored]
        known = [i for i, value in enumerate(values) if not math.isnan(value)]
        best = max if self._watched is not None and self._watched[1] else min
        return 1 + best(known, key=values.__getitem__) if known else 0

    def watch(self, name: str | None, rises: bool) -> None:
        """Let another number decide which epoch is best, the lowest or, if it ``rises``, the highest; None for the
        loss."""
        self._watched = None if name is None else (name, rises)

    def plot(self, path: str | None = None) -> Any:
        """A figure with the loss and each metric over the epochs; saved to ``path`` if one is given.

        A notebook shows it, and the history itself as the same figure.

        Raises `MissingExtraError` if matplotlib is not installed.
        """
        names = [n for n in self.names if not n.startswith("validation_") and n != "seconds"]
        figure = new_figure(4.5 * max(1, len(names)), 3.2, "plotting a history")
        for i, name in enumerate(names):
            axes = figure.add_subplot(1, len(names), i + 1)
            for key, label in ((name, "training"), (f"validation_{name}", "validation")):
                if key in self.names:
                    axes.plot(range(1, len(self) + 1), self[key], ".-" if len(self) < 20 else "-", label=label)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set(xlabel="epoch", title=name.replace("_", " "))
            axes.legend(frameon=False)
        if path is not None:
            save_figure(figure, path)
        return figure

    def __repr__(self) -> str:
        if not self.epochs:
            return "History(no epochs yet)"
        ended = f"{self.stopped}, best epoch {self.best_epoch}"
        return f"History({len(self)} epochs, {ended}; the last: {numbers(self.epochs[-1])})"

    def _repr_html_(self) -> str:
        from subgrad.display.html_table import shown

        try:
            return shown(repr(self), self.plot().svg()) if self.epochs else shown(repr(self))
        except MissingExtraError as error:
            return shown(repr(self), str(error))


def numbers(row: dict[str, float]) -> str:
    """The numbers of an epoch in short: each of the training, then that of the validation.

    >>> numbers({"loss": 0.125, "accuracy": 1.0, "validation_loss": 0.25, "validation_accuracy": 0.5, "seconds": 2.0})
    'loss 0.125, validation 0.25; accuracy 1, validation 0.5'
    """
    names = [name for name in row if name != "seconds" and not name.startswith("validation_")]
    return "; ".join(", ".join(f"{label} {row[key]:.3g}" for key, label in _pair(name, row)) for name in names)


def _pair(name: str, row: dict[str, float]) -> list[tuple[str, str]]:
    return [(key, label) for key, label in ((name, name), (f"validation_{name}", "validation")) if key in row]


class WatchUnits:
    """A callback of `fit` that adds to each row of the history, for every activation with a kink, two fractions.

    ``dead NAME`` is that of its units with a slope of 0 at every sample of ``X``, ``near NAME`` that of its elements
    within ``tau`` of the kink. NAME is the layer's name, such as ``1`` or ``encoder.relu``; numbered if one layer has
    several. `History.plot` shows them with the loss.

    Args:
        net: the module that is trained.
        X: its inputs, a few hundred samples are enough; several as separate arguments.
        tau: how near counts as near.
        every: the number of epochs from one look to the next; the rows between repeat the last numbers.

    Raises:
        ArgumentError: if tau is negative, or every below 1.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> X = np.linspace(-1, 1, 64)[:, None]
        >>> net = sg.nn.Sequential(sg.nn.Linear(1, 16, seed=0), sg.nn.ReLU(), sg.nn.Linear(16, 1, seed=1))
        >>> history = sg.fit(net, X, abs(X), loss="squared", epochs=3, callbacks=[sg.WatchUnits(net, X, tau=0.01)])
        >>> len(history["dead 1"]), 0 <= history["near 1"][-1] <= 1
        (3, True)
    """

    def __init__(self, net: Module, *X: Any, tau: float = 0.0, every: int = 1) -> None:
        if not tau >= 0 or every < 1:
            raise ArgumentError(f"tau is a distance of 0 or more and every at least 1, got {tau} and {every}")
        self.net, self.X, self.tau, self.every = net, X, tau, every
        self._last: dict[str, float] = {}

    def __call__(self, history: History) -> None:
        from subgrad.kinks.units import dead_units  # few runs are watched, and kinks take long to import

        if not self._last or (len(history) - 1) % self.every == 0:
            self._last = _numbers(dead_units(self.net, *self.X, tau=self.tau))
        history.epochs[-1].update(self._last)


def _numbers(layers: list[Units]) -> dict[str, float]:
    found, seen = {}, Counter()
    several = Counter(layer.layer for layer in layers)
    for layer in layers:
        seen[layer.layer] += 1
        name = layer.layer or layer.op
        name += f" ({seen[layer.layer]})" if several[layer.layer] > 1 else ""
        found[f"dead {name}"] = layer.dead / layer.units if layer.units else 0.0
        found[f"near {name}"] = layer.near
    return found
