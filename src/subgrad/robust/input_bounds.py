"""Bounds of the outputs of a function where its inputs vary: interval bound propagation, and CROWN-IBP."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.nn.module import Module
from subgrad.ops.rules import as_float, match
from subgrad.robust.bounded import Bounded
from subgrad.robust.ends import Ends


def interval_bounds(f: Callable[[Tensor], Tensor], low: TensorLike, high: TensorLike) -> tuple[Tensor, Tensor]:
    """Lower and upper bounds of ``f(x)`` for all x between ``low`` and ``high``, by interval bound propagation (IBP:
    Gowal et al. 2018, arXiv 1810.12715).

    The bounds are nodes like any others: they have gradients, and compile. They are not rounded outwards;
    `subgrad.verify` counts rounding errors. Batch normalisation in training has the statistics of the points half way,
    as if they were settings of the network.

    Args:
        f: a module, or a function of one tensor.
        low, high: two tensors or arrays of one shape; nothing may be larger in ``low``. Arrays take the dtype of a
            module.

    Returns:
        two tensors of the shape of ``f(x)``.

    Raises:
        ArgumentError: for an op of which no interval is known, with the line of the program.
        ShapeError: if low and high differ in shape.

    Example:
        >>> import subgrad as sg
        >>> low, high = sg.robust.interval_bounds(lambda x: sg.relu(x) - x, [-1.0], [2.0])
        >>> low.tolist(), high.tolist()
        ([-2.0], [3.0])
    """
    found = _bounded(f, low, high).ends
    return found.low, found.high


def crown_ibp_bounds(f: Callable[[Tensor], Tensor], low: TensorLike, high: TensorLike) -> tuple[Tensor, Tensor]:
    """As `interval_bounds`, by lines that go back from the outputs, between the intervals of all that is inside
    (CROWN-IBP: Zhang et al., ICLR 2020, arXiv 1906.06316). Each sample is a row.

    Raises:
        ArgumentError: also if samples do not stay apart, row by row.

    Example:
        >>> import subgrad as sg
        >>> low, high = sg.robust.crown_ibp_bounds(lambda x: sg.relu(x) - x, [[-1.0]], [[2.0]])
        >>> low.numpy().round(4).tolist(), high.numpy().round(4).tolist()
        ([[0.0]], [[1.0]])
    """
    found = _bounded(f, low, high)
    n, *shape = found.output.shape
    k = math.prod(shape)
    eye = constant(np.eye(k, dtype=found.output.dtype)).reshape(k, 1, *shape)
    rows = ops.broadcast_to(eye, (k, n, *shape))
    bounds = found.below(ops.concatenate([rows, -rows]))
    below, above = (ops.transpose(b).reshape(n, *shape) for b in (bounds[:k], -bounds[k:]))
    return below, above


def _bounded(f: Callable[[Tensor], Tensor], low: TensorLike, high: TensorLike) -> Bounded:
    like = f._dtype() if isinstance(f, Module) else None
    low, high = (as_float(x) for x in match(as_tensor(low, like), as_tensor(high, like)))
    if low.shape != high.shape:
        raise ShapeError(f"low and high have one shape, got {low.shape} and {high.shape}")
    box = Ends(low.node, high.node)
    x = box.middle
    output = f(x)
    if not isinstance(output, Tensor):
        raise ArgumentError(f"bounds are those of a function that returns one tensor, not {type(output).__name__}")
    return Bounded(x, output.node, box)


__all__ = ["crown_ibp_bounds", "interval_bounds"]
