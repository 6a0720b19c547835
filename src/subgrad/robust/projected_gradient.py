"""Attacks: inputs near given ones that a network answers wrongly, or as nearly so as is found."""

from __future__ import annotations

import math
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from subgrad import ops, validators
from subgrad.compile.function import compile
from subgrad.diff import grad
from subgrad.entropy import pcg64
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.fit.arrays import as_batch
from subgrad.fit.options import require_module
from subgrad.fit.options import seed as as_seed
from subgrad.fit.several.batch_form import described
from subgrad.graph.tensor import Tensor
from subgrad.hints import hinted
from subgrad.nn.module import Module
from subgrad.nn.running import evaluating

AT_ONCE = 1024  # samples that are attacked together


@hinted
def pgd(
    net: Module, X: Any, y: Any, epsilon: float, *, steps: int = 40, restarts: int = 5, step_size: float | None = None,
    low: float = -math.inf, high: float = math.inf, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """The worst inputs that projected gradient descent finds within ``epsilon`` of given ones (Madry, Makelov, Schmidt,
    Tsipras, Vladu, "Towards deep learning models resistant to adversarial attacks", ICLR 2018, arXiv 1706.06083).

    Each step moves along the signs of the gradient of the margin, by which another score exceeds that of the right
    class (Carlini, Wagner 2017), and back into the box. The first start is the input itself, the others are random.

    Args:
        net: a module of one input, taken in evaluation mode, whose outputs are scores (N, C).
        X: inputs (N, ...).
        y: the right classes, integers (N,).
        epsilon: the radius in the maximum norm.
        steps: of each start.
        restarts: how many starts.
        step_size: 2.5 epsilon / steps if it is None.
        low, high: what inputs cannot leave anyway.
        seed: of the starts.

    Returns:
        the inputs with the largest margins that were met, an array like X.

    Raises:
        ArgumentError: for settings that are none, or classes that are no integers (N,).
        DataError: for NaN, inf or text in the data, or inputs that are not between low and high.
        ShapeError: for scores that are not (N, C), or another number of classes than inputs.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> net = sg.nn.Linear(2, 2, seed=0)
        >>> net.weight.assign([[1.0, 0.0], [-1.0, 0.0]]), net.bias.assign([0.0, 0.0])
        (None, None)
        >>> float(sg.robust.pgd(net, [[0.5, 0.0]], [0], 0.25)[0, 0])
        0.25
    """
    X, y, epsilon = given("pgd", net, X, y, epsilon)
    require_inside("pgd", X, epsilon, low, high)
    steps, restarts = validators.count("steps of pgd", steps), validators.count("restarts of pgd", restarts)
    size = 2.5 * epsilon / steps if step_size is None else validators.positive("step_size of pgd", step_size)
    random = pcg64(as_seed(seed))
    near, far = np.maximum(X - X.dtype.type(epsilon), low), np.minimum(X + X.dtype.type(epsilon), high)
    step = compile(partial(_step, net))
    found = X.copy()
    with evaluating(net):
        for first in range(0, len(X), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            box = near[part].astype(X.dtype), far[part].astype(X.dtype)
            starts = [X[part]] + [random.uniform(*box).astype(X.dtype) for _ in range(restarts - 1)]
            found[part] = _worst(lambda x, y=y[part], box=box: step(x, y, *box, X.dtype.type(size)), starts, steps)
    return found


def _worst(step: Any, starts: list[np.ndarray], steps: int) -> np.ndarray:
    """The inputs of the largest margins on the ways of all starts."""
    best, largest = starts[0].copy(), np.full(len(starts[0]), -np.inf)
    for x in starts:
        for _ in range(steps + 1):
            moved, margin = step(x)
            better = margin > largest
            best[better], largest[better] = x[better], margin[better]
            x = moved
    return best


def _step(net: Module, x: Tensor, y: Tensor, low: Tensor, high: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs after a step, and the margins before."""
    margins = _margins(net(x), y)
    slopes = grad(margins.sum(), x)
    return ops.minimum(ops.maximum(x + size * ops.sign(slopes), low), high), margins


def _margins(scores: Tensor, y: Tensor) -> Tensor:
    """By how much the largest other score exceeds that of the right class, shape (N,)."""
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ShapeError(f"an attack needs scores (N, C) of two classes or more, got {scores.shape}")
    right = ops.one_hot(y, scores.shape[1], scores.dtype) > 0
    return ops.where(right, -math.inf, scores).max(1) - ops.where(right, scores, 0.0).sum(1)


def given(who: str, net: Any, X: Any, y: Any, epsilon: Any) -> tuple[np.ndarray, np.ndarray, float]:
    """Inputs in the network's dtype, and classes.

    Raises:
        ArgumentError, DataError, ShapeError: for what is none.
    """
    require_module(who, net)
    data = as_batch(net._dtype(), X, y)
    X, y = data.arrays[:2]
    if data.form.x is not None or X.ndim < 2:
        raise ShapeError(f"{who} takes one array of inputs (N, ...), got {described(data.form.x)}")
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise ArgumentError(f"{who} takes integers (N,) as classes, got {y.dtype} of shape {y.shape}")
    return X.astype(net._dtype()), y.astype(np.int64), validators.not_negative(f"epsilon of {who}", epsilon)


def require_inside(who: str, X: np.ndarray, epsilon: float, low: Any, high: Any) -> None:
    """Raise unless ``low`` lies below ``high``, and inputs are between them, up to ``epsilon``.

    Raises:
        ArgumentError: for ends that are none.
        DataError: for an input that cannot be brought between them: nothing would be left of its box.
    """
    if not (isinstance(low, Real) and isinstance(high, Real) and float(low) < float(high)):
        raise ArgumentError(f"low of {who} lies below high, got {low!r} and {high!r}"[:300])
    least, most = float(X.min(initial=np.inf)), float(X.max(initial=-np.inf))
    if least + epsilon < float(low) or most - epsilon > float(high):
        raise DataError(f"{who}: inputs cannot leave [{low:g}, {high:g}], and they go from {least:g} to {most:g}")


__all__ = ["given", "pgd", "require_inside"]
