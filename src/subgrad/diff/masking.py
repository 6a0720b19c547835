"""One rule for each family of ops: what holds of an op on a long batch, of which only the first rows count.

A rule gets a node of the graph of the long batch beside that of a shorter one. It may take for granted that of each
input the shorter one's value is the first block of the longer one's, ``short == long[:n]`` along each axis of which the
lengths differ, and has to see to it that the same is true of the results. Where elements come together along such an
axis, what lies behind the block is masked before. What cannot be shown raises `Unproven`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from subgrad import ops
from subgrad.diff.custom import custom, custom_vjp
from subgrad.graph.op import Kind, again
from subgrad.graph.tensor import Tensor
from subgrad.graph.transform import Transform
from subgrad.ops import broadcast_to, concatenate, full, gather, pad, reshape, rules, transpose, where
from subgrad.ops.contract import contract
from subgrad.ops.convolution import convolve, convolve_input, convolve_weight
from subgrad.ops.indexing import in_range, place, scatter_add, slice_
from subgrad.ops.random import uniform
from subgrad.ops.shape import arange, cast
from subgrad.ops.window import slide


class Unproven(Exception):
    """It cannot be shown that a graph for a long batch gives the results of a shorter one."""


class Walk(Protocol):
    """Who goes through the two graphs."""

    def number(self, what: str, long: float, short: float) -> Tensor:
        """A number of the present node in which the two differ, as an input of the new graph: a float64 scalar."""
        ...

    def rows(self, number: Tensor, length: int, axis: int, ndim: int) -> Tensor:
        """True for the first ``number`` of so many, along an axis of a tensor of ``ndim`` axes."""
        ...

    def inside(self, places: Sequence[Tensor], beside: Sequence[Tensor]) -> Walk:
        """A walk through graphs that the present nodes hold, whose inputs these are."""
        ...

    def through(self, longs: Sequence[Tensor], shorts: Sequence[Tensor]) -> list[Tensor]:
        """What the outputs of the long graph become."""
        ...


class At:
    """A node of the longer graph beside that of the shorter one, with its new inputs."""

    def __init__(self, long: Tensor, short: Tensor, inputs: Sequence[Tensor], walk: Walk) -> None:
        self.long, self.short, self.inputs, self.walk = long, short, tuple(inputs), walk
        self.attrs = long.attrs

    @property
    def ragged(self) -> tuple[int, ...]:
        """The axes of the result in which the two differ."""
        return differing(self.long, self.short)

    def ragged_in(self, i: int) -> tuple[int, ...]:
        """The axes of input i in which the two differ."""
        return differing(self.long.inputs[i], self.short.inputs[i])

    @property
    def is_same(self) -> bool:
        """Whether no shape and no attribute differs."""
        ragged = self.ragged or any(map(self.ragged_in, range(len(self.inputs))))
        return not ragged and self._agree(self.attrs)

    def same(self, *names: str) -> None:
        """`Unproven` unless these attributes (all, if none is named) are the same in both."""
        self.need(self._agree(names or self.attrs))

    def _agree(self, names: Iterable[str]) -> bool:
        a, b = self.long.attrs, self.short.attrs
        return a.keys() == b.keys() and all(alike(a[n], b[n]) for n in names)

    def need(self, holds: bool) -> None:
        """`Unproven` unless it does."""
        if not holds:
            raise Unproven(self.long.op.name)

    def again(self, *inputs: Tensor) -> Tensor:
        """The node on its new inputs, or on these."""
        inputs = inputs or self.inputs
        return self.long if _are(inputs, self.long.inputs) else again(self.long, inputs)

    def masked(self, i: int, axes: Sequence[int], fill: float) -> Tensor:
        """Input i with ``fill`` behind the shorter one's block, as far as ``axes`` go."""
        ragged = [a for a in self.ragged_in(i) if a in axes]
        return self.block(self.long.inputs[i], self.short.inputs[i], ragged, f"input {i}")(self.inputs[i], fill)

    def block(self, long: Tensor, short: Tensor, axes: Sequence[int], what: str) -> Callable[[Tensor, float], Tensor]:
        """``mask(x, fill)``: x of the shape of ``long``, with ``fill`` behind the block of ``short`` along ``axes``."""
        counts = []
        for axis in axes:
            number = self.walk.number(f"{what}, axis {axis}", long.shape[axis], short.shape[axis])
            counts.append(self.walk.rows(number, long.shape[axis], axis, long.ndim))

        def mask(x: Tensor, fill: float) -> Tensor:
            for row in counts:
                x = where(row, x, rules.full((), fill, x.dtype))
            return x

        return mask


def _are(a: Sequence[Tensor], b: Sequence[Tensor]) -> bool:
    return all(x is y for x, y in zip(a, b, strict=True))


def differing(a: Tensor, b: Tensor) -> tuple[int, ...]:
    """The axes in which two shapes of as many axes differ."""
    return tuple(i for i, (m, n) in enumerate(zip(a.shape, b.shape, strict=True)) if m != n)


def alike(a: Any, b: Any) -> bool:
    """Whether two attributes are the same for certain."""
    if a is b:
        return True
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    return type(a) is type(b) and isinstance(a, (int, str, np.generic, np.dtype, type(None))) and a == b


# Element by element


def _alike(at: At) -> Tensor:
    at.same()
    at.need(all(x.shape == at.long.shape for x in at.long.inputs))
    return at.again()


def _one_hot(at: At) -> Tensor:
    at.same("dtype")
    return at.again()


def _in_range(at: At) -> Tensor:
    if not all(alike(at.attrs[name], at.short.attrs[name]) for name in at.attrs):
        at.need(not at.long.is_symbolic())  # of places that are known: they were in range in both
    return at.again()


# Without inputs


def _full(at: At) -> Tensor:
    at.same("dtype")
    long, short = at.attrs["value"], at.short.attrs["value"]
    return at.long if alike(long, short) else given(at, long, short)


def given(at: At, long: float, short: float) -> Tensor:
    """A number of the node, in its place."""
    number = cast(at.walk.number("value", long, short), at.long.dtype)
    return rules.expand(number, at.long.shape)


def _counted(at: At) -> Tensor:
    at.same("dtype")
    return at.long


def _uniform(at: At) -> Tensor:
    """Numbers go by the number of the element, which is the same in both if no longer axis stands before."""
    at.same("stream", "dtype")
    at.need(all(math.prod(at.long.shape[:axis]) == 1 for axis in at.ragged))
    return at.again()


# Elements at other places


def _broadcast(at: At) -> Tensor:
    added = at.long.ndim - at.long.inputs[0].ndim
    for axis in at.ragged_in(0):
        at.need(added + axis in at.ragged and at.short.inputs[0].shape[axis] == at.short.shape[added + axis])
    return at.again()


def _reshape(at: At) -> Tensor:
    """Rows stay rows, of any number of elements, if what stands before them stays."""
    x, before, after = at.long.inputs[0], at.ragged_in(0), at.ragged
    if len(before) == len(after) == 1:
        (i,), (j,) = before, after
        at.need(math.prod(x.shape[:i]) == math.prod(at.long.shape[:j]))
        at.need(x.size > 0)
    else:
        at.need(_without_ones(x) == _without_ones(at.long))
        at.need(_without_ones(at.short.inputs[0]) == _without_ones(at.short))
        at.need(len(_without_ones(x)) == len(_without_ones(at.short)))
    return at.again()


def _without_ones(x: Tensor) -> list[int]:
    return [n for n in x.shape if n != 1]


def _same(at: At) -> Tensor:
    at.same()
    return at.again()


def _slice(at: At) -> Tensor:
    for axis, (a, b) in enumerate(zip(at.attrs["steps"], at.short.attrs["steps"], strict=True)):
        read = (range(*slice(*s).indices(x.inputs[0].shape[axis])) for s, x in ((a, at.long), (b, at.short)))
        long, short = read
        at.need(long[: len(short)] == short)
    return at.again()


def _place(at: At) -> Tensor:
    a, b = at.attrs["steps"], at.short.attrs["steps"]
    at.need(all((p[0], p[2]) == (q[0], q[2]) for p, q in zip(a, b, strict=True)))
    return at.again(at.masked(0, range(at.long.ndim), 0))


def _pad(at: At) -> Tensor:
    at.same()
    ends = [axis for axis, (_, high) in enumerate(at.attrs["widths"]) if high]
    return at.again(at.masked(0, ends, at.attrs["value"]))


def _concatenate(at: At) -> Tensor:
    at.same("axis")
    last = len(at.inputs) - 1
    at.need(all(i == last or at.attrs["axis"] not in at.ragged_in(i) for i in range(len(at.inputs))))
    return at.again()


def _gather(at: At) -> Tensor:
    """Rows of the data by known numbers that both have in common, or of an axis that has one length."""
    at.same("axes")
    for axis, long, short in zip(at.attrs["axes"], at.long.inputs[1:], at.short.inputs[1:], strict=True):
        if axis in at.ragged_in(0):
            at.need(not long.is_symbolic() and not short.is_symbolic())
            first = long.numpy()[tuple(map(slice, short.shape))]
            at.need(np.array_equal(first, short.numpy()) and bool((first >= 0).all()))
    return at.again()


# Elements that come together


def _sum(at: At) -> Tensor:
    at.same()
    return at.again(at.masked(0, at.attrs["axis"], 0))


def _extreme(sign: int) -> Callable[[At], Tensor]:
    """The rule of what looks for the largest (1) or the smallest (-1) element: others never win."""

    def rule(at: At) -> Tensor:
        at.same()
        axes, dtype = at.attrs["axis"], at.long.inputs[0].dtype
        worst = -sign * math.inf if dtype.kind == "f" else _limits(dtype)[0 if sign > 0 else 1]
        return at.again(at.masked(0, axes if isinstance(axes, tuple) else (axes,), worst))

    return rule


def _limits(dtype: np.dtype) -> tuple[int, int]:
    return (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def _log_softmax(at: At) -> Tensor:
    at.same()
    axes = [a for a in at.ragged if a == at.attrs["axis"]]
    found = at.again(at.masked(0, axes, -math.inf))
    return at.block(at.long, at.short, axes, "result")(found, 0)  # no infinity may meet a 0 later


def _cumsum(at: At) -> Tensor:
    at.same()
    return at.again(at.masked(0, (at.attrs["axis"],) if at.attrs["reverse"] else (), 0))


def _argsort(at: At) -> Tensor:
    at.same()
    at.need(at.attrs["axis"] not in at.ragged)
    return at.again()


def _fold(at: At) -> Tensor:
    at.same()
    at.need(all(a < at.long.ndim - len(at.attrs["sizes"]) for a in (*at.ragged, *at.ragged_in(0))))
    return at.again()


def _standardize(at: At) -> Tensor:
    """Mean and variance of the rows that count. The derivative is the op's own: a gradient is 0 in rows that do not."""
    at.same()
    axes, eps, long, short = at.attrs["axis"], at.attrs["eps"], at.long, at.short
    masked = [a for a in at.ragged if a in axes]
    if not masked:
        return at.again()
    block = at.block(long, short, masked, "result")
    count = cast(at.walk.number("count", rules.count(long.shape, axes), rules.count(short.shape, axes)), long.dtype)

    def mean(x: Tensor) -> Tensor:
        return ops.sum(x, axes, keepdims=True) / count

    def spread(x: Tensor) -> tuple[Tensor, Tensor]:
        centred = x - mean(block(x, 0))
        return centred, 1 / ops.sqrt(mean(block(centred * centred, 0)) + eps)

    def forward(x: Tensor) -> Tensor:
        centred, factor = spread(x)
        return centred * factor

    def backward(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
        return (block(spread(x)[1] * (g - mean(g) - y * mean(ops.scale(g, y))), 0),)

    return custom_vjp(forward, backward)(*at.inputs)


# Sums of products


def _contract(at: At) -> Tensor:
    at.same()
    terms, out = at.attrs["spec"].split("->")
    within = [[i for i, c in enumerate(term) if c not in out] for term in terms.split(",")]
    return at.again(*(at.masked(k, axes, 0) for k, axes in enumerate(within)))


def _images(at: At) -> Tensor:
    """A convolution of more images, or fewer."""
    at.same()
    at.need(set(at.ragged_in(0)) <= {0} and not at.ragged_in(1))
    return at.again()


def _kernel_gradient(at: At) -> Tensor:
    at.same()
    at.need(set(at.ragged_in(0)) <= {0} and set(at.ragged_in(1)) <= {0})
    return at.again(at.masked(0, (0,), 0), at.masked(1, (0,), 0))


MASK: Transform[Callable[[At], Tensor]] = Transform(
    "mask",
    "a batch of fewer rows in the program of a longer one, for `fit` and `predict`",
    {
        in_range: _in_range,
        ops.one_hot: _one_hot,
        **dict.fromkeys([ops.argmax, ops.max], _extreme(1)),
        **dict.fromkeys([ops.argmin, ops.min], _extreme(-1)),
        full: _full,
        arange: _counted,
        uniform: _uniform,
        broadcast_to: _broadcast,
        reshape: _reshape,
        **dict.fromkeys([transpose, slide, ops.windows], _same),
        slice_: _slice,
        place: _place,
        pad: _pad,
        concatenate: _concatenate,
        gather: _gather,
        ops.sum: _sum,
        ops.norm: _sum,
        ops.logsumexp: _extreme(1),
        ops.log_softmax: _log_softmax,
        ops.standardize: _standardize,
        ops.cumsum: _cumsum,
        ops.argsort: _argsort,
        ops.fold: _fold,
        contract: _contract,
        **dict.fromkeys([convolve, convolve_input], _images),
        convolve_weight: _kernel_gradient,
    },
    by_kind={Kind.ELEMENTWISE: _alike, Kind.CHOICE: _alike},
    expansions={custom: None},
    unsupported={
        custom: "its backward pass may depend on the length",
        scatter_add: "elements are added up at places that are not known",
    },
)


__all__ = ["MASK", "At", "Unproven", "Walk", "alike", "differing", "given"]
