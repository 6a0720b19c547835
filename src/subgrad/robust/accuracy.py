"""How often a network is right: where inputs are, where an attack takes them, and for certain wherever they may be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from subgrad.blas_threads import one_thread
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.outputs import verify
from subgrad.bounds.properties import ball
from subgrad.bounds.traced import AtOnePoint, traced
from subgrad.bounds.vnnlib.unreachable import Case, Unreachable
from subgrad.errors import ShapeError
from subgrad.fit.evaluation import predict
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import placeholder
from subgrad.hints import hinted
from subgrad.nn.module import Module
from subgrad.robust.projected_gradient import given, pgd, require_inside

ROOM = 2**22  # coefficients of the rows that are bounded at once


@hinted
def verified(
    net: Module, X: Any, y: Any, epsilon: float, *, low: float = -math.inf, high: float = math.inf,
    timeout: float | None = None,
) -> np.ndarray:  # fmt: skip
    """Of which inputs it is proven that the network answers rightly whatever moves them by up to ``epsilon``.

    By linear bounds that go backward and count all rounding errors, of the network in real arithmetic: a proof, as that
    of `subgrad.verify`.

    Args:
        net: a module of one input, taken in evaluation mode, whose outputs are scores (N, C).
        X: inputs (N, ...).
        y: the right classes, integers (N,).
        epsilon: the radius in the maximum norm.
        low, high: what inputs cannot leave anyway.
        timeout: the seconds that `subgrad.verify` searches for each input that these bounds leave open; None for none.

    Returns:
        bools (N,). False means not proven.

    Raises:
        ArgumentError: for classes that are no integers (N,), or an op without bounds.
        DataError: for NaN, inf or text in the data, or inputs that are not between low and high.
        ShapeError: for scores that are not (N, C).

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Linear(2, 2, seed=0)
        >>> net.weight.assign([[1.0, 0.0], [-1.0, 0.0]]), net.bias.assign([0.0, 0.0])
        (None, None)
        >>> sg.robust.verified(net, [[0.5, 0.0], [0.1, 0.0]], [0, 0], 0.25).tolist()
        [True, False]
    """
    X, y, epsilon = given("verified", net, X, y, epsilon)
    require_inside("verified", X, epsilon, low, high)
    boxes = np.stack([ball(x, epsilon, low, high) for x in X])
    at_one = AtOnePoint(net, (1, *X.shape[1:]))
    point = placeholder((1, boxes.shape[1]), float64, "a point")
    found = traced(at_one, point, "the network")
    classes = found.output.size
    if classes < 2 or y.max() >= classes or y.min() < 0:
        raise ShapeError(f"the network has {classes} scores, and the classes go from {y.min()} to {y.max()}")
    bounds = LinearBounds(point, found.output, dict(zip(found.weights, found.values, strict=True)))
    proven = np.zeros(len(X), bool)
    with one_thread():
        for label, rows in _groups(y, bounds, classes):
            over = bounds.over(boxes[rows, :, 0], boxes[rows, :, 1])
            proven[rows] = (over.below(_margins(label, classes)).bound > 0).all(axis=1)
    if timeout is not None:
        right = predict(net, X).argmax(1) == y
        for i in np.flatnonzero(right & ~proven):
            proven[i] = _searched(at_one, boxes[i], _margins(y[i], classes), timeout)
    return proven


def _groups(y: np.ndarray, bounds: LinearBounds, classes: int) -> Iterator[tuple[int, np.ndarray]]:
    """Samples of one class, as many as are bounded at once."""
    at_once = max(1, ROOM // (classes * max(math.prod(s.shape) for s in bounds.steps)))
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        for first in range(0, len(rows), at_once):
            yield int(label), rows[first : first + at_once]


def _margins(label: int, classes: int) -> np.ndarray:
    """The score of a class minus each of the others, as rows."""
    return np.delete(np.eye(classes)[label] - np.eye(classes), label, axis=0)


def _searched(net: Module, box: np.ndarray, margins: np.ndarray, timeout: float) -> bool:
    cases = [Case(box, row[None], [0.0]) for row in margins]
    return bool(verify(net, Unreachable(cases), timeout=timeout, verbose=False))


@hinted
def evaluate(
    net: Module, X: Any, y: Any, epsilon: float, *, low: float = -math.inf, high: float = math.inf, steps: int = 40,
    restarts: int = 5, timeout: float | None = None, seed: int = 0,
) -> dict[str, float]:  # fmt: skip
    """The accuracy of a network, that under attack, and that which is proven, where inputs move by up to ``epsilon``.

    The true robust accuracy lies between the last two.

    Args:
        net, X, y, epsilon, low, high, timeout: as those of `verified`.
        steps, restarts, seed: as those of `pgd`, the attack.

    Returns:
        ``{"accuracy": ..., "pgd_accuracy": ..., "verified_accuracy": ...}``

    Raises:
        ArgumentError, DataError, ShapeError: as `verified`.

    Example:
        >>> import subgrad as sg
        >>> net = sg.nn.Linear(2, 2, seed=0)
        >>> net.weight.assign([[1.0, 0.0], [-1.0, 0.0]]), net.bias.assign([0.0, 0.0])
        (None, None)
        >>> sg.robust.evaluate(net, [[0.5, 0.0], [0.1, 0.0]], [0, 0], 0.25)
        {'accuracy': 1.0, 'pgd_accuracy': 0.5, 'verified_accuracy': 0.5}
    """
    X, y, epsilon = given("evaluate", net, X, y, epsilon)
    attacked = pgd(net, X, y, epsilon, steps=steps, restarts=restarts, low=low, high=high, seed=seed)
    withstood = predict(net, attacked).argmax(1) == y
    proven = np.zeros(len(X), bool)
    if withstood.any():
        rows = np.flatnonzero(withstood)
        proven[rows] = verified(net, X[rows], y[rows], epsilon, low=low, high=high, timeout=timeout)
    return {
        "accuracy": float(np.mean(predict(net, X).argmax(1) == y)),
        "pgd_accuracy": float(withstood.mean()),
        "verified_accuracy": float(proven.mean()),
    }


__all__ = ["evaluate", "verified"]
