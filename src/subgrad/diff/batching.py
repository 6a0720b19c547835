"""One rule for each family of ops: how the op computes n members at once, along a new first axis.

A rule gets a node of the graph of one member, and the node's inputs: those that differ between members have
an axis of n members first, the others are as they were. It returns the node for all members, with that axis.
An op without a rule is called once for each member, and the results are stacked: always right, and n times as
many nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from subgrad import ops
from subgrad.graph.op import Kind, apply
from subgrad.graph.tensor import Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import broadcast_to, concatenate, full, gather, pad, reshape, rules, stack, transpose
from subgrad.ops.contract import LETTERS, contract
from subgrad.ops.convolution import CONVOLUTIONS
from subgrad.ops.indexing import in_range, place, scatter_add, slice_
from subgrad.ops.random import uniform
from subgrad.ops.shape import arange
from subgrad.ops.window import slide

Rule = Callable[[Tensor, Sequence[Tensor], Sequence[bool], int], Tensor]
"""``rule(node, inputs, mapped, n)``; ``mapped`` tells which inputs have the axis of members."""


def batched(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    """``node`` for n members: by the rule of its op or of its kind, else one by one."""
    return (BATCH.get(node.op) or _one_by_one)(node, inputs, mapped, n)


def copies(x: Tensor, n: int) -> Tensor:
    """``x`` as that of each of n members."""
    return rules.expand(x, (n, *x.shape))


def moved(x: Tensor, source: int, target: int) -> Tensor:
    """``x`` with the axis at ``source`` moved to ``target``."""
    order = [i for i in range(x.ndim) if i != source]
    order.insert(target, source)
    return x if source == target else transpose(x, order)


def _one_by_one(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    def member(i: int) -> Tensor:
        own = tuple(x[i] if m else x for x, m in zip(inputs, mapped, strict=True))
        return apply(node.op, own, node.attrs)

    return stack([member(i) for i in range(n)]) if n else full((0, *node.shape), 0, node.dtype)


# The same op with other attributes


def _with(change: Callable[..., dict[str, Any]]) -> Rule:
    """The rule of an op that needs only mapped inputs and other attributes, ``change(n, **attrs)``."""

    def rule(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
        return apply(node.op, all_mapped(inputs, mapped, n), {**node.attrs, **change(n, **node.attrs)})

    return rule


def all_mapped(inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> tuple[Tensor, ...]:
    """The inputs, those that are the same for all members repeated for each."""
    return tuple(x if m else copies(x, n) for x, m in zip(inputs, mapped, strict=True))


_same = _with(lambda n, /, **_: {})
_over_axes = _with(lambda n, *, axis, **_: {"axis": tuple(a + 1 for a in axis)})
_along_axis = _with(lambda n, *, axis, **_: {"axis": axis + 1})
_to_shape = _with(lambda n, *, shape: {"shape": (n, *shape)})
_to_order = _with(lambda n, *, axes: {"axes": (0, *(a + 1 for a in axes))})
_padded = _with(lambda n, *, widths, **_: {"widths": ((0, 0), *widths)})
_sliced = _with(lambda n, *, steps: {"steps": ((0, n, 1), *steps)})
_slid = _with(lambda n, *, axes, **how: {"axes": tuple(a + 1 for a in axes), **how})
_placed = _with(lambda n, *, steps, shape: {"steps": ((0, n, 1), *steps), "shape": (n, *shape)})


def _broadcast(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    (x,) = inputs
    missing = node.ndim - (x.ndim - 1)
    return broadcast_to(reshape(x, (n, *(1,) * missing, *x.shape[1:])), (n, *node.shape))


# Contractions


def _contracted(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    """One contraction, with a letter more in the result and in the operands that differ between members."""
    spec = node.attrs["spec"]
    letter = next(c for c in LETTERS if c not in spec)
    terms, out = spec.split("->")
    left, right = (letter * m + term for term, m in zip(terms.split(","), mapped, strict=True))
    return apply(contract, tuple(inputs), {"spec": f"{left},{right}->{letter}{out}"})


# Convolutions: members become groups of channels, or more images where they share the kernels


def _convolved(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    of_kernels = node.op is ops.convolve_weight
    if not mapped[1] and not of_kernels:
        (x, w), found = inputs, node.attrs
        made = apply(node.op, (reshape(x, (-1, *x.shape[2:])), w), found)
        return reshape(made, (n, *node.shape))
    a, b = all_mapped(inputs, mapped, n)
    a, b = _channels_joined(a), (_channels_joined(b) if of_kernels else reshape(b, (-1, *b.shape[2:])))
    made = apply(node.op, (a, b), {**node.attrs, "groups": n * node.attrs["groups"]})
    if of_kernels:
        return reshape(made, (n, *node.shape))
    return moved(reshape(made, (node.shape[0], n, *node.shape[1:])), 1, 0)


def _channels_joined(x: Tensor) -> Tensor:
    """Images (members, N, C, ...) as (N, members C, ...)."""
    return reshape(moved(x, 0, 1), (x.shape[1], x.shape[0] * x.shape[2], *x.shape[3:]))


# Integer arrays as indices


def _gathered(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    (x, *indices), axes = inputs, node.attrs["axes"]
    if not mapped[0]:  # all members read one array, each at its own places
        found = apply(gather, (x, *all_mapped(indices, mapped[1:], n)), {"axes": axes})
        return moved(found, _start(axes), 0)
    indices, axes, order = _own_rows(indices, mapped[1:], axes, node.ndim, n)
    return transpose(apply(gather, (x, *indices), {"axes": axes}), order)


def _scattered(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    """The transpose of `_gathered`."""
    x, *indices = inputs
    x = x if mapped[0] else copies(x, n)
    indices, axes, order = _own_rows(indices, mapped[1:], node.attrs["axes"], x.ndim - 1, n)
    back = [order.index(i) for i in range(len(order))]
    return apply(scatter_add, (transpose(x, back), *indices), {"axes": axes, "shape": (n, *node.shape)})


def _own_rows(
    indices: Sequence[Tensor], mapped: Sequence[bool], axes: tuple[int, ...], ndim: int, n: int
) -> tuple[Sequence[Tensor], tuple[int, ...], list[int]]:
    """Indices and axes by which each member reads its own part of an array with an axis of members first.

    The third result is the order that puts the axes of what is read, 1 + ``ndim`` of them, in their places:
    members first, then as for one member.
    """
    start, later = _start(axes), tuple(a + 1 for a in axes)
    order = list(range(1 + ndim))
    if not any(mapped):
        if not _neighbours(axes):  # then NumPy puts the axes of the indices in front, the members behind them
            order.insert(0, order.pop(indices[0].ndim))
        return indices, later, order
    indices = all_mapped(indices, mapped, n)
    rows = rules.expand(arange(n).reshape(n, *(1,) * (indices[0].ndim - 1)), indices[0].shape)
    read, rest = order[1 : indices[0].ndim], order[indices[0].ndim :]
    return rules.match(rows, *indices), (0, *later), [0, *rest[:start], *read, *rest[start:]]


def _start(axes: tuple[int, ...]) -> int:
    """Where NumPy puts the axes of the indices: where those stood that they read; in front if apart."""
    return min(axes) if _neighbours(axes) else 0


def _neighbours(axes: tuple[int, ...]) -> bool:
    return max(axes) - min(axes) + 1 == len(axes)


BATCH: Transform[Rule] = Transform(
    "batch",
    "`vmap`: n members at once; without a rule, one by one",
    {
        **dict.fromkeys([ops.sum, ops.max, ops.min, ops.logsumexp, ops.norm, ops.standardize], _over_axes),
        **dict.fromkeys([ops.log_softmax, ops.cumsum, ops.argmax, ops.argmin, ops.argsort, concatenate], _along_axis),
        reshape: _to_shape,
        transpose: _to_order,
        broadcast_to: _broadcast,
        pad: _padded,
        slice_: _sliced,
        place: _placed,
        contract: _contracted,
        ops.windows: _same,
        slide: _slid,
        ops.fold: _same,
        in_range: _same,
        **dict.fromkeys(CONVOLUTIONS, _convolved),
        gather: _gathered,
        scatter_add: _scattered,
    },
    by_kind={Kind.ELEMENTWISE: _same, Kind.CHOICE: _same},
    unsupported={
        full: "it has no inputs that members could differ in",
        arange: "it has no inputs that members could differ in",
        uniform: "draws from seeds of the members' own go one by one",
    },
)


__all__ = ["BATCH", "all_mapped", "batched", "copies", "moved"]
