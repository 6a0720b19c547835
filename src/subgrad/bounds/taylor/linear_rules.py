"""Taylor models of sums, products and rearrangements."""

from __future__ import annotations

import math
from collections.abc import Callable

from subgrad import ops
from subgrad.bounds.taylor.rounding import UNIT
from subgrad.bounds.taylor.taylor_model import TaylorModel, total
from subgrad.diff.batching import batched
from subgrad.errors import ArgumentError
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor
from subgrad.ops.contract import sizes_of
from subgrad.ops.shape import full, reshape


def together(node: Tensor, *parts: Tensor) -> Tensor:
    """``node``'s op, for one point, on tensors that all have the same axes before those of its inputs.

    A part with the shape of its input has none of them, and is the same for all.
    """
    mapped = [p.ndim > i.ndim for p, i in zip(parts, node.inputs, strict=True)]
    if not any(mapped):
        return apply(node.op, parts, node.attrs)
    ends = zip(parts, node.inputs, mapped, strict=True)
    lead = next(p.shape[: p.ndim - i.ndim] for p, i, m in ends if m)
    n = math.prod(lead)
    flat = [reshape(p, (n, *i.shape)) if m else p for p, i, m in zip(parts, node.inputs, mapped, strict=True)]
    return reshape(batched(node, flat, mapped, n), (*lead, *node.shape))


# Ops that only move elements, and sums


def moved(node: Tensor, x: TaylorModel, *places: TaylorModel) -> TaylorModel:
    """Elements put elsewhere, at places that are the same for all points."""
    at = [known_place(node, p) for p in places]
    fill = node.attrs["value"] if node.op is ops.pad else 0.0  # that of a pad has no slopes and no remainder
    rest = apply(node.op, node.inputs, {**node.attrs, "value": 0.0}) if node.op is ops.pad else node
    slopes, radius = (None if part is None else together(rest, part, *at) for part in (x.slopes, x.radius))
    low, high = min(x.low, fill), max(x.high, fill)
    infinite = x.infinite or math.isinf(fill)
    return TaylorModel(x.half, together(node, x.centre, *at), slopes, radius, low, high, infinite)


def known_place(node: Tensor, place: TaylorModel) -> Tensor:
    """Integers that say where elements are; raises `ArgumentError` if they depend on the point."""
    if not place.exact or place.centre.dtype.kind not in "iu":
        raise ArgumentError(node.site.after("there are no bounds where an index depends on the point"))
    return place.centre.reshape(place.centre.shape[1:])


def summed(node: Tensor, x: TaylorModel, *places: TaylorModel) -> TaylorModel:
    """Sums of elements."""
    at = [known_place(node, p) for p in places]
    terms = node.inputs[0].size // max(1, node.size) if node.op is ops.sum else node.inputs[0].size
    error = together(node, terms * UNIT * x.linear_size, *at)
    radius = None if x.radius is None else together(node, x.radius, *at)
    low, high = (0.0 if x.low >= 0 else -math.inf), (0.0 if x.high <= 0 else math.inf)
    slopes = None if x.slopes is None else together(node, x.slopes, *at)
    return TaylorModel(x.half, together(node, x.centre, *at), slopes, total(radius, error, roundings=terms), low, high)


def joined(node: Tensor, *parts: TaylorModel) -> TaylorModel:
    """Concatenation: all parts get the same axes in front."""

    def join(tensors: list[Tensor | None]) -> Tensor | None:
        there = [t for t in tensors if t is not None]
        if not there:
            return None
        lead = max((t.shape[: t.ndim - node.ndim] for t in there), key=math.prod)
        shapes = [(*lead, *i.shape) for i in node.inputs]
        filled = [full(s, 0.0, "float64") if t is None else ops.broadcast_to(t, s)
                  for t, s in zip(tensors, shapes, strict=True)]  # fmt: skip
        return together(node, *filled)

    centre, slopes, radius = (join([getattr(p, k) for p in parts]) for k in ("centre", "slopes", "radius"))
    low, high = min(p.low for p in parts), max(p.high for p in parts)
    infinite = any(p.infinite for p in parts)
    return TaylorModel(parts[0].half, centre, slopes, radius, low, high, infinite)  # pyright: ignore[reportArgumentType]


# Sums and differences of two Taylor models


def negative(x: TaylorModel) -> TaylorModel:
    """-x."""
    slopes = None if x.slopes is None else -x.slopes
    return TaylorModel(x.half, -x.centre, slopes, x.radius, -x.high, -x.low, x.infinite)


def plus(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x + y."""
    slopes = x.slopes if y.slopes is None else y.slopes if x.slopes is None else x.slopes + y.slopes
    low, high = math.nextafter(x.low + y.low, -math.inf), math.nextafter(x.high + y.high, math.inf)
    found = TaylorModel(x.half, x.centre + y.centre, slopes, None, low, high)
    rounded = found.linear_size if x.slopes is not None and y.slopes is not None else ops.abs(found.centre)
    found.radius = total(x.radius, y.radius, UNIT * rounded, roundings=3)
    return found


def minus(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x - y."""
    return plus(x, negative(y))


# Products


def contracted(node: Tensor, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """A contraction: sums of products."""
    terms, out = node.attrs["spec"].split("->")
    sizes = sizes_of(node.attrs["spec"], *node.inputs)
    count = math.prod(sizes[c] for c in set(terms) - set(out) - {","})

    def product(p: Tensor, q: Tensor) -> Tensor:
        p, q = _aligned(p, q, node.inputs[0].ndim, node.inputs[1].ndim)
        return together(node, p, q)

    return bilinear(product, x, y, count)


def _aligned(p: Tensor, q: Tensor, m: int, n: int) -> tuple[Tensor, Tensor]:
    """Both with the same axes in front, where those of one box with (1, d) or (B,) do not stand for all."""
    leads = p.shape[: p.ndim - m], q.shape[: q.ndim - n]
    if leads[0] == (1,):
        return p.reshape(p.shape[1:]), q
    if leads[1] == (1,):
        return p, q.reshape(q.shape[1:])
    if leads[0] == leads[1]:
        return p, q
    (p, a), (q, b) = ((t, s) if len(s) == 2 else (t.reshape(s[0], 1, *t.shape[1:]), (*s, 1))
                      for t, s in zip((p, q), leads, strict=True))  # fmt: skip
    lead = tuple(max(i, j) for i, j in zip(a, b, strict=True))
    return ops.broadcast_to(p, (*lead, *p.shape[2:])), ops.broadcast_to(q, (*lead, *q.shape[2:]))


def multiplied(node: Tensor, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x y, elementwise."""
    return squared(x) if node.inputs[0] is node.inputs[1] else times(x, y)


def times(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x y, elementwise."""
    ndim = x.centre.ndim - 1

    def product(p: Tensor, q: Tensor) -> Tensor:
        p, q = (t.reshape(t.shape[0], 1, *t.shape[1:]) if t.ndim < max(p.ndim, q.ndim) else t for t in (p, q))
        return p * q

    assert y.centre.ndim - 1 == ndim
    return bilinear(product, x, y, 1)


def bilinear(product: Callable[[Tensor, Tensor], Tensor], x: TaylorModel, y: TaylorModel, count: int) -> TaylorModel:
    """Sums of ``count`` products: linear by linear part, and what is left over is quadratic in the box."""
    if x.exact and not y.exact:
        return bilinear(lambda p, q: product(q, p), y, x, count)
    gamma = (count + 4) * UNIT
    low = 0.0 if x.low >= 0 <= y.low else -math.inf
    centre = product(x.centre, y.centre)
    halves = [product(x.slopes, y.centre)] if x.slopes is not None else []
    halves += [product(x.centre, y.slopes)] if y.slopes is not None else []
    slopes = halves[0] + halves[1] if len(halves) == 2 else halves[0] if halves else None
    if y.exact:
        inner = total(x.radius, gamma * x.linear_size, roundings=2)
        assert inner is not None
        return TaylorModel(x.half, centre, slopes, total(product(inner, ops.abs(y.centre)), roundings=count + 2), low)
    rest = [product(x.reach, y.reach)] if x.reach is not None and y.reach is not None else []
    rest += [product(x.radius, ops.abs(y.centre))] if x.radius is not None else []
    rest += [product(ops.abs(x.centre), y.radius)] if y.radius is not None else []
    radius = total(*rest, gamma * product(x.size, y.size), roundings=count + 4)
    return TaylorModel(x.half, centre, slopes, radius, low)


def squared(x: TaylorModel) -> TaylorModel:
    """x^2: the square of what x is off its centre is at least 0."""
    if x.reach is None:
        return TaylorModel(x.half, x.centre * x.centre, None, total(UNIT * x.centre * x.centre, roundings=2), 0.0)
    bend = x.reach * x.reach * 0.5
    slopes = None if x.slopes is None else 2.0 * ops.expand_dims(x.centre, 1) * x.slopes
    error = 8 * UNIT * x.size * x.size
    rest = None if x.radius is None else 2.0 * ops.abs(x.centre) * x.radius
    return TaylorModel(x.half, x.centre * x.centre + bend, slopes, total(bend, error, rest, roundings=8), 0.0)


__all__ = [
    "bilinear", "contracted", "joined", "known_place", "minus", "moved", "multiplied", "negative", "plus", "squared",
    "summed", "times", "together",
]  # fmt: skip
