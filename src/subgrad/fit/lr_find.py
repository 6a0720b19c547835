"""The learning-rate finder: losses along a sweep of step sizes."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import optim, validators
from subgrad.errors import ArgumentError
from subgrad.fit import options
from subgrad.fit.arrays import as_batch
from subgrad.fit.engine import NonFiniteLoss
from subgrad.fit.several.batch_form import require_call
from subgrad.fit.several.several_outputs import looked_up, loss_for
from subgrad.fit.training_run import Run
from subgrad.io.figure import new_figure, save_figure
from subgrad.nn.module import Module

PAST = 0.98  # the weight of the past in the smoothed losses
FAR = 4.0  # a smoothed loss so many times the least ends the sweep
FIRST, LAST = 10, 1  # so many steps at its ends are not looked at


@dataclass(frozen=True, eq=False, repr=False)
class StepSizes:
    """What `lr_find` has seen.

    Attributes:
        sizes: the step sizes tried, rising.
        losses: of the batch at each.
        smoothed: the losses, as a running average.
    """

    sizes: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray

    def __repr__(self) -> str:
        first, last, best = self.sizes[0], self.sizes[-1], self.suggestion
        advice = "no suggestion" if best is None else f"suggestion {best:.2g}"
        return f"StepSizes({len(self.sizes)} from {first:.2g} to {last:.2g}, {advice})"

    @property
    def suggestion(self) -> float | None:
        """The size at which the smoothed loss falls fastest over the logarithm of the size; None if it never falls."""
        inner = slice(FIRST, max(len(self.sizes) - LAST, FIRST))
        if len(self.sizes[inner]) < 2:
            return None
        slopes = np.gradient(self.smoothed[inner], np.log(self.sizes[inner]))
        at = int(slopes.argmin())
        return float(self.sizes[inner][at]) if slopes[at] < 0 else None

    def plot(self, path: str | None = None) -> Any:
        """A figure with the losses over the sizes, and the suggestion; saved to ``path`` if one is given.

        Raises `MissingExtraError` if matplotlib is not installed.
        """
        figure = new_figure(5, 3.2, "plotting a sweep")
        axes = figure.add_subplot()
        axes.plot(self.sizes, self.losses, alpha=0.3, label="loss of the batch")
        axes.plot(self.sizes, self.smoothed, label="smoothed")
        if self.suggestion is not None:
            axes.axvline(self.suggestion, linestyle=":", color="black", label=f"suggestion {self.suggestion:.2g}")
        axes.set(xscale="log", xlabel="step size", ylabel="loss")
        axes.legend()
        if path is not None:
            save_figure(figure, path)
        return figure


def lr_find(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Any,
    loss_weights: Any = None,
    optimizer: str | optim.Optimizer = "adam",
    start: float = 1e-6,
    end: float = 1.0,
    steps: int = 100,
    batch_size: int = 32,
    sample_weight: Any = None,
    seed: int = 0,
) -> StepSizes:
    """Try step sizes from ``start`` to ``end``, one for each batch, and look at the losses (Smith 2017, "Cyclical
    learning rates for training neural networks", arXiv:1506.01186).

    The sweep ends where the loss is four times the least, or no number. It runs in the program that `fit` takes for
    the same optimiser, on a copy: the model stays as it is.

    Args:
        model, X, y, loss, loss_weights, batch_size, sample_weight, seed: as for `fit`.
        optimizer: an optimiser, or the name of one; its own step size does not matter.
        start, end: the least and the largest size.
        steps: how many sizes.

    Returns:
        `StepSizes`: ``found.suggestion`` is a size to train with, ``found.plot()`` a picture.

    Raises:
        ArgumentError: for an argument that is not what is said above, or an optimiser without a single step size.
        DataError, ShapeError: as `fit`.

    Example:
        >>> import subgrad as sg
        >>> X, y = sg.data.make_moons(400, noise=0.1)
        >>> found = sg.lr_find(sg.models.mlp(2, 32, 2, seed=0), X, y, loss="cross_entropy")
        >>> 1e-4 < found.suggestion < 1
        True
    """
    options.require_module("lr_find", model)
    steps, batch_size, seed = options.count("steps", steps), options.count("batch_size", batch_size), options.seed(seed)
    start, end = validators.positive("start", start), validators.positive("end", end)
    if start >= end:
        raise ArgumentError(f"start lies below end, got {start:g} and {end:g}")
    chosen = _constant(optim.get(optimizer), start)
    data = as_batch(model._dtype(), X, y, sample_weight)
    require_call(model, data.form.x)
    copied = copy.deepcopy(model)
    whole_loss = loss_for(looked_up(loss), loss_weights, data.form.y)
    run = Run(copied, whole_loss, chosen, data, data.rows, None, {}, batch_size, seed, True)
    try:
        return _swept(run, np.geomspace(start, end, steps))
    finally:
        run.engine.rest()


def _swept(run: Run, sizes: np.ndarray) -> StepSizes:
    losses: list[float] = []
    smoothed: list[float] = []
    average, batches = 0.0, []
    for k, size in enumerate(sizes):
        batches = batches or run._batches(epoch=k)
        run.engine.scale_sizes(size / sizes[0])
        try:
            loss = float(run.engine.run([batches.pop()], run.seed, k, k)[0, 0])
        except NonFiniteLoss:
            break
        average = PAST * average + (1 - PAST) * loss
        losses.append(loss)
        smoothed.append(average / (1 - PAST ** (k + 1)))
        if k > FIRST and smoothed[-1] > FAR * min(smoothed):
            break
    return StepSizes(sizes[: len(losses)], np.array(losses), np.array(smoothed))


def _constant(optimizer: Any, size: float) -> Any:
    """The optimiser with this step size, wherever it has it."""
    names = [f.name for f in dataclasses.fields(optimizer)]
    if "lr" in names:
        return dataclasses.replace(optimizer, lr=size)
    if "optimizer" in names:
        return dataclasses.replace(optimizer, optimizer=_constant(optimizer.optimizer, size))
    raise ArgumentError(f"lr_find looks for the step size of an optimiser that has one, got {type(optimizer).__name__}")
