"""Which elements of which nodes in memory a kernel reads and writes, and for which pieces of its domain.

This says it anew, from the references of the ops that move elements, applied to arrays of element numbers: the
generated code, and the passes that decide about it, find the same places by strides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.compile.codegen.lower import Role, is_movement, role
from subgrad.compile.kernels import views
from subgrad.compile.kernels.aliasing import Aliasing, parts
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.partition import ROWS, loop_letters, operand_letters, swapped
from subgrad.graph.op import Kind
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.indexing import gather, in_range
from subgrad.ops.random import uniform
from subgrad.ops.shape import cast

NOWHERE = -1
"""In the place of a number of a piece, or of the domain's element: there is none in particular, it may be each."""

Seen = dict[Tensor, np.ndarray]
"""By node in memory, the numbers of its elements that each element of another node is made of: its shape, and one axis
more."""


class Touch(NamedTuple):
    """Elements of a node in memory; for each of them the piece of the split domain, and the element of the domain."""

    node: Tensor
    elements: np.ndarray
    pieces: np.ndarray
    at: np.ndarray


class Touches:
    """What kernels touch; ``stored`` and ``aliasing`` say what lies in memory, and what is written elsewhere."""

    def __init__(self, stored: Callable[[Tensor], bool], aliasing: Aliasing) -> None:
        self._stored, self._aliasing = stored, aliasing

    def reads(self, kernel: Kernel, axis: int | None) -> Iterator[Touch]:
        """What a kernel reads whose domain is split along ``axis``."""
        made = set(kernel.nodes)
        if kernel.role is Role.CONTRACT:
            yield from self._operands(kernel.seed, axis)
        else:
            yield from _split(self._of_seed(kernel), kernel.domain, axis)
        for node in kernel.body:
            for i in node.inputs:
                if i not in made:
                    rows = _rows(kernel.seed, kernel.domain) if axis == ROWS else None
                    yield from _split(self.seen(i), kernel.domain, axis, rows)

    def writes(self, kernel: Kernel, axis: int | None) -> Iterator[Touch]:
        """What a kernel writes; of a pad or a join nothing that others write there."""
        domain = kernel.domain
        for node in kernel.stores:
            left = np.ones(domain, bool)
            if node is kernel.seed:
                copied = self._copied(node)
                for part, place in placed_parts(node):
                    if not any(part is p and place == q for p, q in copied):
                        left[place] = node.op.name == "place"
            numbers = np.arange(node.size).reshape(domain)[left]
            pieces = _rows(kernel.seed, domain) if axis == ROWS else _along(domain, axis)
            yield Touch(node, numbers, np.broadcast_to(pieces, domain)[left], numbers)

    def seen(self, node: Tensor) -> Seen:
        """What an element of ``node`` is read from."""
        if node.op in (CONST, INPUT) or self._stored(node):
            return {node: _numbers(node)}
        return self._through(node)

    def _at_source(self, node: Tensor) -> Seen:
        """As `seen`, through all that contractions look through to find their operands: copies in memory as well."""
        source, path = views.source(node), []
        while node is not source:
            path.append(node)
            node = node.inputs[0]
        found = {source: _numbers(source)}
        for moved in reversed(path):
            found = _rearranged(moved, found)
        return found

    def _of_seed(self, kernel: Kernel) -> Seen:
        node = kernel.seed
        if is_movement(node.op):
            return self._moved(node)
        if "axis" in node.attrs:
            axes = node.attrs["axis"]
            axes = (axes,) if isinstance(axes, int) else axes
            found = {n: _gone(a, axes) for n, a in self.seen(node.inputs[0]).items()}
            if node.op is ops.cumsum:
                shape = node.shape
                return {n: np.broadcast_to(np.expand_dims(a, axes[0]), (*shape, a.shape[-1])) for n, a in found.items()}
            keeps = node.attrs.get("keepdims")
            return {n: np.expand_dims(a, axes) if keeps else a for n, a in found.items()}
        if node.op.name == "scatter_add":
            return _merged([_anywhere(self.seen(i), node.shape) for i in node.inputs])
        return self._through(node)

    def _moved(self, node: Tensor) -> Seen:
        """The parts that a pad, a join or a place copies, at their places; -1 where there is none."""
        found: list[Seen] = []
        for part, place in self._copied(node):
            for n, a in self.seen(part).items():
                found.append({n: _placed(a, node.shape, place)})
        return _merged(found)

    def _copied(self, node: Tensor) -> list[tuple[Tensor, tuple[slice, ...]]]:
        """Those of `placed_parts` that the node's kernel copies."""
        if node.op.name == "place":
            return placed_parts(node)
        return [(part, _box(start, part)) for part, start in self._aliasing.copied(node)]

    def _through(self, node: Tensor) -> Seen:
        op, inputs = node.op, node.inputs
        if role(op) is Role.ELEMENT or op in (cast, in_range):
            return _merged([self.seen(i) for i in inputs])
        if op.kind is Kind.VIEW:
            return self._at_source(node) if views.reads_memory(node) else _rearranged(node, self.seen(inputs[0]))
        if op is ops.one_hot:
            return {n: np.repeat(a[..., None, :], node.shape[-1], -2) for n, a in self.seen(inputs[0]).items()}
        if op is gather:
            return self._gathered(node)
        if op is uniform:
            return _anywhere(self.seen(inputs[0]), node.shape)
        return {}

    def _gathered(self, node: Tensor) -> Seen:
        """The indices at their places, and of the data each row that they may choose."""
        data, *indices = node.inputs
        axes, many = node.attrs["axes"], indices[0].ndim
        first = axes[0] if list(axes) == list(range(axes[0], axes[0] + len(axes))) else 0
        inner = range(first, first + many)
        found: list[Seen] = []
        for i in indices:
            others = [a for a in range(node.ndim) if a not in inner]
            for n, a in self.seen(i).items():
                found.append({n: np.broadcast_to(np.expand_dims(a, others), (*node.shape, a.shape[-1]))})
        for n, a in self.seen(data).items():
            rows = np.expand_dims(_gone(a, axes), list(inner))
            found.append({n: np.broadcast_to(rows, (*node.shape, rows.shape[-1]))})
        return _merged(found)

    def _operands(self, node: Tensor, axis: int | None) -> Iterator[Touch]:
        left, right, out = operand_letters(node)
        first, second = reversed(node.inputs) if swapped(node) else node.inputs
        letter = None if axis is None or axis == ROWS else out[axis]
        for x, term in ((first, left), (second, right)):
            own = term.index(letter) if letter is not None and letter in term else None
            for touch in _split(self._at_source(x), x.shape, own):
                yield touch._replace(at=np.full_like(touch.at, NOWHERE))


def placed_parts(node: Tensor) -> list[tuple[Tensor, tuple[slice, ...]]]:
    """What a pad, a join or a place is made of, and where in it that stands; none for other ops."""
    if node.op.name == "place":
        return [(node.inputs[0], tuple(slice(*s) for s in node.attrs["steps"]))]
    return [(part, _box(start, part)) for part, start in parts(node)]


def _box(start: Sequence[int], part: Tensor) -> tuple[slice, ...]:
    return tuple(slice(i, i + n) for i, n in zip(start, part.shape, strict=True))


def _numbers(node: Tensor) -> np.ndarray:
    return np.arange(node.size).reshape((*node.shape, 1))


def _rearranged(node: Tensor, seen: Seen) -> Seen:
    """The move is made with numbers of what is distinct, whose elements are then looked up."""
    found = {}
    for n, whole in seen.items():
        a = _distinct(whole)
        numbers = np.arange(math.prod(a.shape[:-1])).reshape(a.shape[:-1])
        moved = node.op.ref(np.broadcast_to(numbers, whole.shape[:-1]), **node.attrs)
        elements = a.reshape(-1, a.shape[-1])[_distinct(moved[..., None])[..., 0]]
        found[n] = np.broadcast_to(elements, (*moved.shape, a.shape[-1]))
    return found


def _gone(a: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """The elements along ``axes`` beside one another along the last axis; what is the same all along one, once."""
    a = a[tuple(slice(1) if i in axes and step == 0 else slice(None) for i, step in enumerate(a.strides[:-1]))]
    kept = [i for i in range(a.ndim - 1) if i not in axes]
    moved = a.transpose([*kept, *axes, a.ndim - 1])
    return moved.reshape((*(a.shape[i] for i in kept), math.prod(a.shape[i] for i in axes) * a.shape[-1]))


def _anywhere(seen: Seen, shape: tuple[int, ...]) -> Seen:
    """Each element of ``shape`` made of all that is seen."""
    flat = {n: _distinct(a).reshape(-1) for n, a in seen.items()}
    return {n: np.broadcast_to(a, (*shape, a.size)) for n, a in flat.items()}


def _merged(all_seen: Sequence[Seen]) -> Seen:
    found: Seen = {}
    for seen in all_seen:
        for n, a in seen.items():
            found[n] = _beside(found[n], a) if n in found else a
    return found


def _beside(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The elements of both; what is the same along an axis in either is not written out."""
    shape, (a, b) = a.shape[:-1], (_distinct(a), _distinct(b))
    inner = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    both = np.concatenate([np.broadcast_to(x, (*inner, x.shape[-1])) for x in (a, b)], -1)
    return np.broadcast_to(both, (*shape, both.shape[-1]))


def _distinct(a: np.ndarray) -> np.ndarray:
    """The first alone of what `np.broadcast_to` repeats along axes other than the last one."""
    return a[tuple(slice(1) if step == 0 else slice(None) for step in a.strides[:-1])]


def _placed(a: np.ndarray, shape: tuple[int, ...], place: Sequence[slice]) -> np.ndarray:
    """What is at a place of a larger shape; what is the same along an axis is said once, of all of it."""
    few = _distinct(a)
    same = [n < m for n, m in zip(few.shape[:-1], a.shape[:-1], strict=True)]
    whole = np.full((*(1 if s else n for s, n in zip(same, shape, strict=True)), a.shape[-1]), NOWHERE)
    whole[tuple(slice(None) if s else p for s, p in zip(same, place, strict=True))] = few
    return np.broadcast_to(whole, (*shape, a.shape[-1]))


def _along(shape: tuple[int, ...], axis: int | None) -> np.ndarray:
    """The index of each element along ``axis``."""
    if axis is None:
        return np.full((1,) * len(shape), NOWHERE)
    return np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])


def _rows(node: Tensor, domain: tuple[int, ...]) -> np.ndarray:
    """The row of each element of a contraction's result."""
    batch, rows, _ = loop_letters(node)
    out = operand_letters(node)[2]
    found = np.zeros((1,) * len(domain), np.int64)
    for letter in batch + rows:
        i = out.index(letter)
        found = found * domain[i] + _along(domain, i)
    return found


def _split(seen: Seen, domain: tuple[int, ...], axis: int | None, rows: np.ndarray | None = None) -> Iterator[Touch]:
    """What all indices along an axis read, such as the terms of running totals, is told once, at `NOWHERE`.

    ``rows`` are those of a contraction that is split by them.
    """
    for node, whole in seen.items():
        a = _distinct(whole)
        repeated = [i for i, n in enumerate(domain) if a.shape[i] < n]
        if rows is not None and not repeated:
            pieces = rows[..., None]
        else:
            pieces = _along(domain, None if axis == ROWS or axis in repeated else axis)[..., None]
        numbers = np.array(NOWHERE) if repeated else np.arange(math.prod(domain)).reshape((*domain, 1))
        read = a >= 0
        yield Touch(node, a[read], np.broadcast_to(pieces, a.shape)[read], np.broadcast_to(numbers, a.shape)[read])


__all__ = ["NOWHERE", "Touch", "Touches", "placed_parts"]
