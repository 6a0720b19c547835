"""The health of a network's kinks over a training run: a callback of `fit`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from subgrad.errors import ArgumentError
from subgrad.fit.history import History
from subgrad.nn.module import Module

if TYPE_CHECKING:
    from subgrad.kinks.units import Units


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


__all__ = ["WatchUnits"]
