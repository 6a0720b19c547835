"""The kinks that a graph sits on, each as a linear function plus a multiple of the largest of 0 and other ones.

relu is max(0, x), abs is -x + 2 max(0, x), a minimum is b - max(0, b - a), and the largest of several tied elements is
the first one plus what the best of the others has more than it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from subgrad.graph import source_location
from subgrad.graph.kink import Breaks, Cone, Kink, Largest
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops.rules import groups

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
    find = _FINDERS.get(type(node.op.kink))
    return list(find(node)) if find else []


def with_known_pieces(output: Tensor) -> Tensor:
    """The graph with what ops are made of in the place of those whose kinks were made by hand."""
    new: dict[Tensor, Tensor] = {}
    for node in toposort([output]):
        inputs = tuple(new.get(i, i) for i in node.inputs)
        with source_location.inherit(node.site, node.scope):
            if type(node.op.kink) is Kink and node.op.expand is not None:
                new[node] = node.op.expand(*inputs, **node.attrs)
            elif any(a is not b for a, b in zip(inputs, node.inputs, strict=True)):
                new[node] = apply(node.op, inputs, node.attrs)
    return new.get(output, output)


def _at_breaks(node: Tensor) -> Iterator[Piece]:
    kink, x = node.op.kink, node.inputs[0]
    assert isinstance(kink, Breaks)
    for b in kink.points(**node.attrs):
        for i in np.flatnonzero(x.numpy() == x.dtype.type(b.at)).tolist():
            yield _two_slopes(x, i, i, b.left, b.right)


def _two_slopes(x: Tensor, i: int, out: int, left: float, right: float) -> Piece:
    """The slopes of one element of x left and right of its value."""
    return Piece(out, (((x, i, 1.0),),), right - left, ((x, i, left),) if left else ())


def _of_largest(node: Tensor) -> Iterator[Piece]:
    """The first of the tied ones, and what the best of the others has more than it."""
    kink = node.op.kink
    assert isinstance(kink, Largest)
    sign = float(kink.sign)
    for out, (first, *others) in _tied(node, kink.along):
        leads = tuple(((*_element(node, i), sign), (*_element(node, first), -sign)) for i in others)
        yield Piece(out, leads, sign, ((*_element(node, first), 1.0),))


def _tied(node: Tensor, along: bool) -> Iterator[tuple[int, list[int]]]:
    """Elements of the result, each with those that are tied for it, numbered through all inputs."""
    values = np.concatenate([i.numpy().ravel() for i in node.inputs])
    rows = groups(node) if along else np.arange(values.size).reshape(-1, node.size).T
    ties = values[rows] == node.numpy().reshape(-1, 1)
    for out in np.flatnonzero(ties.sum(axis=1) > 1).tolist():
        yield out, rows[out][ties[out]].tolist()


def _element(node: Tensor, number: int) -> tuple[Tensor, int]:
    """An input and a place in it, from a number through all inputs, which have one size."""
    which, i = divmod(number, node.inputs[0].size)
    return node.inputs[which], i


def _at_apex(node: Tensor) -> Iterator[Piece]:
    """The norm of a single element is its absolute value; that of more has no finite number of slopes at 0."""
    rows = groups(node)
    if rows.shape[1] == 1:
        for out in np.flatnonzero(node.numpy().ravel() == 0).tolist():
            yield _two_slopes(node.inputs[0], int(rows[out, 0]), out, -1.0, 1.0)


_FINDERS: dict[type, Callable[[Tensor], Iterator[Piece]]] = {
    Breaks: _at_breaks, Largest: _of_largest, Cone: _at_apex
}  # fmt: skip
