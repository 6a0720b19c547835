"""The kinks that a graph sits on, each as a linear function plus a multiple of the largest of 0 and other ones.

relu is max(0, x), abs is -x + 2 max(0, x), a minimum is b - max(0, b - a), and the largest of several tied elements is
the first one plus what the best of the others has more than it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from subgrad import ops
from subgrad.graph.op import Op
from subgrad.graph.tensor import Tensor
from subgrad.ops import kinked

Combination = tuple[tuple[Tensor, int, float], ...]
"""A linear function: nodes, a place in each when it is flat, and a factor."""


@dataclass(frozen=True)
class Piece:
    """One element of a node on a kink: next to the point it is base + factor * max(0, arguments), to first order.

    Attributes:
        out: the element of the node, in its flat order.
        arguments: linear functions that are 0 at the point.
        factor: of the maximum.
        base: a linear function.
        jump: for ``where``, what it adds, times the factor, where its only argument is above 0, in place of the
            maximum. It must be 0 where the argument is.
    """

    out: int
    arguments: tuple[Combination, ...]
    factor: float
    base: Combination = ()
    jump: Combination | None = None


def pieces_of(node: Tensor) -> list[Piece]:
    """The active kinks of ``node``, whose inputs have values."""
    find = _FINDERS.get(node.op)
    return list(find(node)) if find else []


Finder = Callable[[Tensor], Iterator[Piece]]


def _two_slopes(x: Tensor, i: int, out: int, left: float, right: float) -> Piece:
    """The slopes left and right of 0, of one element of x."""
    return Piece(out, (((x, i, 1.0),),), right - left, ((x, i, left),) if left else ())


def _scalar(slopes: Callable[..., tuple[float, float]]) -> Finder:
    """For functions of one number with a kink at 0; ``slopes(**attrs)`` are those left and right of it."""

    def find(node: Tensor) -> Iterator[Piece]:
        left, right = slopes(**node.attrs)
        if left != right:
            for i in np.flatnonzero(node.inputs[0].numpy() == 0).tolist():
                yield _two_slopes(node.inputs[0], i, i, left, right)

    return find


def _clip(node: Tensor) -> Iterator[Piece]:
    x, low, high = node.inputs[0], node.attrs["low"], node.attrs["high"]
    if low < high:
        for bound, left, right in ((low, 0.0, 1.0), (high, 1.0, 0.0)):
            for i in np.flatnonzero(x.numpy() == x.dtype.type(bound)).tolist():
                yield _two_slopes(x, i, i, left, right)


def _pair(sign: float) -> Finder:
    """For the larger (1) or the smaller (-1) of two."""

    def find(node: Tensor) -> Iterator[Piece]:
        a, b = node.inputs
        for i in np.flatnonzero(a.numpy() == b.numpy()).tolist():
            yield Piece(i, (((a, i, sign), (b, i, -sign)),), sign, ((b, i, 1.0),))

    return find


def _extremum(sign: float) -> Finder:
    """For the largest (1) or the smallest (-1) element over axes."""

    def find(node: Tensor) -> Iterator[Piece]:
        x = node.inputs[0]
        for out, (first, *others) in _tied(node):
            leads = tuple(((x, i, sign), (x, first, -sign)) for i in others)
            yield Piece(out, leads, sign, ((x, first, 1.0),))

    return find


def _tied(node: Tensor) -> Iterator[tuple[int, list[int]]]:
    values, rows = node.inputs[0].numpy().ravel(), groups(node)
    ties = values[rows] == node.numpy().reshape(-1, 1)
    for out in np.flatnonzero(ties.sum(axis=1) > 1).tolist():
        yield out, rows[out][ties[out]].tolist()


def groups(node: Tensor) -> np.ndarray:
    """For a reduction: the flat places of the elements behind each element of the result, one row each."""
    x, axes = node.inputs[0], node.attrs["axis"]
    places = np.arange(x.size).reshape(x.shape)
    kept = [a for a in range(x.ndim) if a not in axes]
    return places.transpose([*kept, *axes]).reshape(node.size, -1 if x.size else 0)


def _norm(node: Tensor) -> Iterator[Piece]:
    """The norm of a single element is its absolute value; that of more has no finite number of slopes at 0."""
    rows = groups(node)
    if rows.shape[1] == 1:
        for out in np.flatnonzero(node.numpy().ravel() == 0).tolist():
            yield _two_slopes(node.inputs[0], int(rows[out, 0]), out, -1.0, 1.0)


_FINDERS: dict[Op, Finder] = {
    ops.relu: _scalar(lambda: (0.0, 1.0)),
    ops.abs: _scalar(lambda: (-1.0, 1.0)),
    ops.leaky_relu: _scalar(lambda slope: (slope, 1.0)),
    ops.elu: _scalar(lambda alpha: (alpha, 1.0)),
    ops.maximum: _pair(1.0),
    ops.minimum: _pair(-1.0),
    ops.max: _extremum(1.0),
    ops.min: _extremum(-1.0),
    ops.norm: _norm,
    kinked._clip: _clip,
}
