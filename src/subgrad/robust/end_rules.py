"""The ends of an op's result from those of its inputs: ``rule(node, *given)``; None where what it is made of says more.

An input that does not vary is given as None, and stays what it is (Gowal et al., "On the
effectiveness of interval bound propagation for training verifiably robust models", 2018, arXiv 1810.12715).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial, reduce

from subgrad import ops
from subgrad.graph.kink import Breaks
from subgrad.graph.tensor import Tensor
from subgrad.ops.reduce import spread
from subgrad.robust.ends import Ends, Given, of


def rising(node: Tensor, *given: Given) -> Ends:
    """Not falling in any input."""
    pairs = [*zip(node.inputs, given, strict=True)]
    return Ends(of(node, *(i if g is None else g.low for i, g in pairs)),
                of(node, *(i if g is None else g.high for i, g in pairs)))  # fmt: skip


def falling(node: Tensor, x: Ends) -> Ends:
    """Not rising."""
    return Ends(of(node, x.high), of(node, x.low))


def where_positive(node: Tensor, x: Ends) -> Ends:
    """Rising where x is at least 0, and nothing below."""
    return rising(node, Ends(ops.relu(x.low), ops.relu(x.high)))


def between(node: Tensor, low: float, high: float) -> Ends:
    """Anything between two numbers."""
    return Ends(ops.full(node.shape, low, node.dtype), ops.full(node.shape, high, node.dtype))


# Sums and products


def difference(node: Tensor, a: Given, b: Given) -> Ends:
    """a - b."""
    a, b = (x or Ends(i, i) for x, i in zip((a, b), node.inputs, strict=True))
    return Ends(of(node, a.low, b.high), of(node, a.high, b.low))


def product(node: Tensor, a: Given, b: Given) -> Ends:
    """Sums of products, by midpoints and radii: exact if one factor does not vary (S. Rump, "Fast and parallel interval
    arithmetic", BIT 39, 1999)."""
    p, q = (i if x is None else x.middle for x, i in zip((a, b), node.inputs, strict=True))
    r, s = (None if x is None else x.radius for x in (a, b))
    parts = [of(node, r, ops.abs(q) if s is None else ops.abs(q) + s)] if r is not None else []
    parts += [of(node, ops.abs(p), s)] if s is not None else []
    return _around(of(node, p, q), reduce(ops.add, parts))


def elementwise_product(node: Tensor, a: Given, b: Given) -> Ends:
    """a b, elementwise: largest and least at corners."""
    if a is None or b is None:
        return product(node, a, b)
    if node.inputs[0] is node.inputs[1]:
        return squared(a)
    return _corners(partial(of, node), a, b)


def _corners(multiply: Callable[[Tensor, Tensor], Tensor], a: Ends, b: Ends) -> Ends:
    corners = [multiply(x, y) for x in a for y in b]
    return Ends(reduce(ops.minimum, corners), reduce(ops.maximum, corners))


def quotient(node: Tensor, a: Given, b: Given) -> Ends:
    """a / b; anything where b may be 0."""
    if b is None:
        assert a is not None
        return _around(of(node, a.middle, node.inputs[1]), of(node, a.radius, ops.abs(node.inputs[1])))
    return _corners(ops.scale, a or Ends(node.inputs[0], node.inputs[0]), inverse(b))


def inverse(x: Ends) -> Ends:
    """1 / x; anything where x may be 0."""
    spans = (x.low <= 0) & (x.high >= 0)
    return Ends(ops.where(spans, -math.inf, 1 / x.high), ops.where(spans, math.inf, 1 / x.low))


def _around(centre: Tensor, reach: Tensor) -> Ends:
    return Ends(centre - reach, centre + reach)


# Magnitudes


def magnitude(x: Ends) -> Ends:
    """The absolute value."""
    return Ends(ops.relu(x.low) + ops.relu(-x.high), ops.maximum(-x.low, x.high))


def squared(x: Ends) -> Ends:
    """x^2."""
    size = magnitude(x)
    return Ends(ops.square(size.low), ops.square(size.high))


def even(node: Tensor, x: Ends) -> Ends:
    """A function of magnitudes that rises with them."""
    return rising(node, magnitude(x))


def power(node: Tensor, x: Ends) -> Ends:
    """x^p for a number p."""
    p = node.attrs["p"]
    if p != int(p):
        x = Ends(ops.relu(x.low), ops.relu(x.high))
    elif p % 2 == 0:
        x = magnitude(x)
    if p >= 0:
        return rising(node, x)
    spans, found = (x.low <= 0) & (x.high >= 0), falling(node, x)
    return Ends(ops.where(spans, 0.0 if p % 2 == 0 else -math.inf, found.low), ops.where(spans, math.inf, found.high))


# Kinks and waves


def leaky(node: Tensor, x: Ends) -> Ends | None:
    """relu with a slope beside it."""
    return rising(node, x) if node.attrs["slope"] >= 0 else by_pieces(node, x)


def elu(node: Tensor, x: Ends) -> Ends | None:
    """elu, if it rises."""
    return rising(node, x) if node.attrs["alpha"] >= 0 else None


def by_pieces(node: Tensor, x: Ends) -> Ends | None:
    """A function of linear pieces: largest and least at the ends, or at breaks between them."""
    kink = node.op.kink
    if not (isinstance(kink, Breaks) and kink.straight):
        return None
    ends = rising(node, x)
    breaks = [of(node, ops.minimum(ops.maximum(b.at, x.low), x.high)) for b in kink.points(**node.attrs)]
    return Ends(reduce(ops.minimum, [*ends, *breaks]), reduce(ops.maximum, [*ends, *breaks]))


def wave(node: Tensor, x: Ends) -> Ends:
    """A sine: it moves no faster than x, and no further than 1."""
    found = _around(of(node, x.middle), x.radius)
    return Ends(ops.maximum(found.low, -1.0), ops.minimum(found.high, 1.0))


def standardized(node: Tensor, x: Ends) -> Ends | None:
    """With the mean and the variance of the batch as it is, if they are of the batch: they count as settings of the
    network, as its running ones do. None if they are those of each sample."""
    axis = node.attrs["axis"]
    if 0 not in axis:
        return None
    mean, scale = statistics(node)
    return Ends((x.low - mean) * scale, (x.high - mean) * scale)


def statistics(node: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of what is brought to mean 0 and variance 1, and the factor, in the node's shape."""
    x, axis = node.inputs[0], node.attrs["axis"]
    mean = ops.mean(x, axis)
    variance = ops.mean(ops.square(x - spread(mean, x, axis)), axis)
    return spread(mean, x, axis), spread(1 / ops.sqrt(variance + node.attrs["eps"]), x, axis)


__all__ = [
    "between", "by_pieces", "difference", "elementwise_product", "elu", "even", "falling", "inverse", "leaky",
    "magnitude", "power", "product", "quotient", "rising", "squared", "standardized", "statistics", "wave",
    "where_positive",
]  # fmt: skip
