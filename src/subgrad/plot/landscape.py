"""The loss around the parameters of a network, along two directions."""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np

from subgrad.entropy import pcg64
from subgrad.errors import ArgumentError
from subgrad.fit import evaluate
from subgrad.io.figure import new_figure, save_figure
from subgrad.nn.module import Module

_Array = np.ndarray


def landscape(
    net: Module,
    X: Any,
    y: Any,
    *,
    loss: Any,
    span: float = 1.0,
    points: int = 25,
    seed: int = 0,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """A figure of the loss on a plane through the parameters of a network, which are its middle.

    The plane is spanned by two random directions. Each of their rows is as long as that row of the parameter is, since
    the scale of a relu network's weights means nothing (Li, Xu, Taylor, Studer, Goldstein 2018, arXiv 1712.09913).
    Biases and the like, of one axis, stay as they are.

    Args:
        net: a module; it is not changed.
        X, y: data, as for `subgrad.evaluate`.
        loss: as for `subgrad.fit`.
        span: how far the picture goes in each direction, in lengths of the rows.
        points: of the grid, along each axis; the loss is computed for each of them.
        seed: of the directions.
        path: where to save the figure, if anywhere; the ending says the format.

    Returns:
        The matplotlib figure, which a notebook shows.

    Raises:
        ArgumentError: for fewer than three points, a span that is not positive, or a module without weights.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Linear(1, 1, seed=0)
        >>> figure = sg.plot.landscape(net, [[0.0], [1.0]], [0.0, 1.0], loss="squared", points=5)
        >>> len(figure.axes)  # the picture, and the scale of its colours
        2
    """
    figure = new_figure(5.2, 4.2, "plotting a landscape")
    if points < 3 or not span > 0:
        raise ArgumentError(f"a landscape needs 3 points or more and a span above 0, got {points} and {span}")
    steps = np.linspace(-span, span, points)
    heights = _heights(net, X, y, loss, steps, seed)
    axes = figure.add_subplot()
    mesh = axes.contourf(steps, steps, heights, levels=20, cmap="viridis")
    axes.contour(steps, steps, heights, levels=20, colors="white", linewidths=0.4, alpha=0.5)
    axes.plot(0, 0, "+", color="white", ms=10)
    axes.locator_params(nbins=5)
    axes.set(xlabel="first direction", ylabel="second direction")
    figure.colorbar(mesh, ax=axes, label="loss")
    if path is not None:
        save_figure(figure, path)
    return figure


def _heights(net: Module, X: Any, y: Any, loss: Any, steps: _Array, seed: int) -> _Array:
    """The loss at each point: the second direction along the first axis, as pictures have it."""
    moved = copy.deepcopy(net)
    weights = [p for p in moved.parameters() if p.ndim > 1]
    if not weights:
        raise ArgumentError("this module has no weights to move, which have two axes or more")
    middle = [p.numpy().copy() for p in weights]
    rng = pcg64(seed)
    first, second = ([_direction(w, rng) for w in middle] for _ in range(2))
    found = np.empty((len(steps), len(steps)))
    for i, b in enumerate(steps):
        for j, a in enumerate(steps):
            for p, w, u, v in zip(weights, middle, first, second, strict=True):
                p.assign((w + a * u + b * v).astype(w.dtype))
            found[i, j] = evaluate(moved, X, y, loss=loss)["loss"]
    return found


def _direction(weight: _Array, rng: np.random.Generator) -> _Array:
    """Random numbers whose rows, along the first axis, are as long as those of the weight."""
    drawn = rng.standard_normal(weight.shape)
    axes = tuple(range(1, weight.ndim))
    length = np.sqrt((drawn**2).sum(axes, keepdims=True))
    return drawn * np.sqrt((weight.astype(np.float64) ** 2).sum(axes, keepdims=True)) / np.maximum(length, 1e-12)


__all__ = ["landscape"]
