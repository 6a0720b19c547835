"""Views: how the elements of a node lie in the memory of the node that it is a rearrangement of."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from subgrad import ops
from subgrad.compile.codegen.checks import FLAGS
from subgrad.graph.op import Kind
from subgrad.graph.tensor import Tensor
from subgrad.ops.contract import contract
from subgrad.ops.indexing import in_range, slice_
from subgrad.ops.window import slide


class View(NamedTuple):
    """Element (i, j, ...) is at ``offset + i * strides[0] + j * strides[1] + ...`` of ``source``, in elements."""

    source: Tensor
    offset: int
    strides: tuple[int, ...]


@functools.lru_cache(4096)  # asked for with each address
def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a row-major array."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


Strides = Callable[[Tensor], tuple[int, ...]]
"""How a node in memory lies there: its strides, in elements."""


def dense(node: Tensor) -> tuple[int, ...]:
    """The strides of a node that lies in memory alone, without gaps."""
    return contiguous(node.shape)


def view(node: Tensor, strides: Strides = dense) -> View:
    """``node`` as a view, going through as many rearranging ops as keep the steps even."""
    moves = []
    while node.op.kind is Kind.VIEW:
        moves.append(node)
        (node,) = node.inputs
    found = plain = View(node, 0, strides(node))
    if strides is not dense:
        plain = View(node, 0, dense(node))
    for move in reversed(moves):
        copied = View(move.inputs[0], 0, contiguous(move.shape))
        before, plain = plain, _moved(move, plain)  # what is a copy does not depend on gaps
        found = plain if found is before else None if plain is None else _moved(move, found)
        found, plain = found or copied, plain or copied
    return found


def _moved(node: Tensor, inner: View) -> View | None:
    """A rearranging node as a view, given that of its input; None if it must be a copy."""
    if node.op is ops.transpose:
        return inner._replace(strides=tuple(inner.strides[a] for a in node.attrs["axes"]))
    if node.op is ops.broadcast_to:
        return inner._replace(strides=_repeated(node.inputs[0].shape, inner.strides, node.shape))
    if node.op is slice_:
        steps = node.attrs["steps"]
        offset = inner.offset + sum(s[0] * n for s, n in zip(steps, inner.strides, strict=True))
        return View(inner.source, offset, tuple(s[2] * n for s, n in zip(steps, inner.strides, strict=True)))
    if node.op is slide:
        return inner._replace(strides=_sliding(inner.strides, **node.attrs))
    found = restrided(node.inputs[0].shape, inner.strides, node.shape)
    return None if found is None else inner._replace(strides=found)


def source(node: Tensor) -> Tensor:
    """The node whose memory ``node`` is a view of."""
    return view(node).source if node.op.kind is Kind.VIEW else node


def even(node: Tensor) -> tuple[Tensor, int] | None:
    """The memory that a node lies in as a whole and in order, and how many elements further; None if it does not.

    >>> from subgrad.graph.tensor import placeholder
    >>> x = placeholder((4, 3), "float32")
    >>> even(x[1:].reshape(9))[1], even(x[:, 1:])
    (3, None)
    """
    found = view(node)
    steps = zip(node.shape, found.strides, contiguous(node.shape), strict=True)
    return (found.source, found.offset) if all(n == 1 or a == b for n, a, b in steps) else None


def read_by(node: Tensor) -> tuple[Tensor, ...]:
    """What a node is computed from: its inputs, or the memory that it sees through views."""
    if node.op is contract:
        return tuple(map(source, node.inputs))
    if reads_memory(node):
        return (source(node),)
    return (*node.inputs, FLAGS) if node.op is in_range else node.inputs


def reads_memory(node: Tensor) -> bool:
    """Whether a node is a reshape that mixes axes: its elements are found by their place in memory alone."""
    return node.op is ops.reshape and not only_unit_axes(node)


def only_unit_axes(node: Tensor) -> bool:
    """Whether a reshape only adds or drops axes of length 1."""
    return [n for n in node.shape if n != 1] == [n for n in node.inputs[0].shape if n != 1]


def _repeated(shape: tuple[int, ...], strides: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    added = len(target) - len(shape)
    own = (0 if n == 1 and m != 1 else s for n, s, m in zip(shape, strides, target[added:], strict=True))
    return (*[0] * added, *own)


def _sliding(
    steps: tuple[int, ...], axes: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...], **_: object
) -> tuple[int, ...]:
    double = {a: (s, d) for a, s, d in zip(axes, strides, dilations, strict=True)}
    return tuple(step * n for a, step in enumerate(steps) for n in double.get(a, (1,)))


def restrided(shape: tuple[int, ...], strides: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides under another shape, or None if no strides describe it: then a copy is needed.

    >>> restrided((2, 3), (3, 1), (6,)), restrided((2, 3), (1, 2), (6,))
    ((1,), None)
    """
    if 0 in target:
        return contiguous(target)
    runs = _runs(shape, strides)
    found: list[int] = []
    for n in reversed(target):
        while runs and runs[-1][0] == 1 and n != 1:
            runs.pop()
        if n == 1:
            found.append(0)
        elif runs and runs[-1][0] % n == 0:
            length, step = runs.pop()
            found.append(step)
            runs.append((length // n, step * n))
        else:
            return None
    return tuple(reversed(found))


def _runs(shape: tuple[int, ...], strides: tuple[int, ...]) -> list[tuple[int, int]]:
    """(length, stride) of the axes, with neighbours that step evenly joined."""
    runs: list[tuple[int, int]] = []
    for n, s in zip(shape, strides, strict=True):
        if n == 1:
            continue
        if runs and runs[-1][1] == n * s:
            runs[-1] = (runs[-1][0] * n, s)
        else:
            runs.append((n, s))
    return runs
