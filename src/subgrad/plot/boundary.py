"""The plane as a network of two inputs sees it: its classes, where they meet, and the lines where it has kinks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.graph.evaluate import evaluate
from subgrad.graph.kink import Breaks
from subgrad.graph.tensor import Tensor, tensor
from subgrad.io.figure import new_figure, save_figure
from subgrad.kinks.one_sided.walk import live
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating
from subgrad.recur.unroll import unrolled

_COLOURS = ("#2b6a8f", "#c8643c", "#5c8a4c", "#8a6bb0", "#b08a2e", "#4f9d9a", "#a3476b", "#6b7280")
_Array = np.ndarray


def boundary(
    net: Module,
    X: Any,
    y: Any = None,
    *,
    level: float = 0.0,
    kinks: bool = True,
    points: int = 200,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """A figure of the regions that a network of two inputs gives to its classes, with its kink lines.

    On one side of a kink line a unit, such as a relu, is off, and on the other one it is on: between the lines a
    network of relus is linear, and its boundary straight.

    Args:
        net: takes points (n, 2); returns a score for each, (n,) or (n, 1), or one for each class, (n, k).
        X: points (n, 2) that are shown. The picture is a tenth wider than they are.
        y: the label of each, which is its colour; all have one colour without.
        level: the score where the classes meet, of a network with one score: 0.5 if that is a probability.
        kinks: draw a line where a unit of an elementwise op, such as relu, has a kink.
        points: of the grid, along each axis.
        path: where to save the figure, if anywhere; the ending says the format.

    Returns:
        The matplotlib figure, which a notebook shows.

    Raises:
        ArgumentError: for fewer than two points of the grid, or an ending of ``path`` that is no format.
        DataError: for NaN or inf in X.
        ShapeError: if X is not (n, 2), y does not fit, or the network returns something else.
        MissingExtraError: if matplotlib is not installed.

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.ReLU(), sg.nn.Linear(8, 1, seed=1))
        >>> figure = sg.plot.boundary(net, [[-1, -1], [-1, 1], [1, -1], [1, 1]], [0, 1, 1, 0])
        >>> len(figure.axes)
        1
    """
    figure = new_figure(5.2, 4.4, "plotting a boundary")
    shown, labels = _points(X, y)
    if points < 2:
        raise ArgumentError(f"a grid has 2 points or more along each axis, got {points}")
    xs, ys = (_axis(column, points) for column in shown.T)
    places = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    node = _scores(net, places)
    scores = node.numpy().reshape(points, points, -1)
    axes = figure.add_subplot()
    _regions(axes, xs, ys, scores, level)
    for on in _kinks(node, points) if kinks else ():
        axes.contour(xs, ys, on, levels=[0.0], colors="black", linewidths=0.6, alpha=0.45)
    for i, label in enumerate(np.unique(labels)):
        colour, name = _COLOURS[i % len(_COLOURS)], None if y is None else str(label)
        where = shown[labels == label].T
        axes.scatter(*where, s=18, color=colour, edgecolors="white", linewidths=0.6, label=name, zorder=3)
    if y is not None:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set(xlabel="x₁", ylabel="x₂")
    if path is not None:
        save_figure(figure, path)
    return figure


def _points(X: Any, y: Any) -> tuple[_Array, _Array]:
    shown = np.asarray(X.numpy() if isinstance(X, Tensor) else X, np.float64)
    if shown.ndim != 2 or shown.shape[1] != 2 or not len(shown):
        raise ShapeError(f"a boundary is drawn in the plane, for points (n, 2); got {shown.shape}")
    if not np.isfinite(shown).all():
        raise DataError(f"X holds {np.count_nonzero(~np.isfinite(shown))} NaN or inf: fill or drop them")
    labels = np.zeros(len(shown)) if y is None else np.asarray(y.numpy() if isinstance(y, Tensor) else y)
    if labels.shape not in [(len(shown),), (len(shown), 1)]:
        raise ShapeError(f"{len(shown)} points need as many labels, got {labels.shape}")
    return shown, labels.reshape(-1)


def _axis(column: _Array, points: int) -> _Array:
    low, high = column.min(), column.max()
    margin = 0.1 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, points)


def _scores(net: Module, places: _Array) -> Tensor:
    """The evaluated node of the network's scores."""
    dtype = next((p.dtype for p in net.parameters() if p.dtype.kind == "f"), None)
    with evaluating(net):
        made = net(tensor(places, dtype or np.float32))
    if not isinstance(made, Tensor) or made.shape[:1] != (len(places),) or made.ndim > 2:
        raise ShapeError(f"expected scores (n,) or (n, k), the network returned {getattr(made, 'shape', type(made))}")
    evaluate([made])
    return made.node


def _regions(axes: Any, xs: _Array, ys: _Array, scores: _Array, level: float) -> None:
    """The class of each place as a pale colour, and a line where the classes meet."""
    one = scores.shape[-1] == 1
    # The boundary of a class is where its score is as large as the best of the others.
    leads = [scores[..., 0] - level] if one else [scores[..., k] - _others(scores, k) for k in range(scores.shape[-1])]
    if one:
        leads = [-leads[0], leads[0]]
    for k, lead in enumerate(leads):
        colour = _COLOURS[k % len(_COLOURS)]
        if lead.max() > 0:
            axes.contourf(xs, ys, lead, levels=[0.0, np.inf], colors=[colour], alpha=0.22)
        if lead.min() < 0 < lead.max():
            axes.contour(xs, ys, lead, levels=[0.0], colors="black", linewidths=1.4)


def _others(scores: _Array, k: int) -> _Array:
    return np.delete(scores, k, axis=-1).max(axis=-1)


def _kinks(node: Tensor, points: int) -> Iterator[_Array]:
    """For each unit with a kink somewhere in the picture, a number (points, points) that is 0 on it."""
    for n in live(unrolled([node])[0], []):
        if isinstance(n.op.kink, Breaks) and n.inputs[0].shape[:1] == (points * points,):
            units = n.inputs[0].numpy().reshape(points, points, -1)
            for b in n.op.kink.points(**n.attrs):
                away = units - b.at
                met = (away.min(axis=(0, 1)) < 0) & (away.max(axis=(0, 1)) > 0)
                yield from np.moveaxis(away[..., met], -1, 0)


__all__ = ["boundary"]
