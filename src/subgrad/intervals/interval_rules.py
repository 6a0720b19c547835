"""For each op of the table: the interval of its result from the intervals of its inputs.

A rule of `INTERVAL` is ``rule(node, *intervals)``. A comparison of intervals that touch goes both ways, so a graph of
gradients evaluated by these rules gives at a kink the hull of the slopes of both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from subgrad import ops
from subgrad.diff.custom import custom
from subgrad.graph.kink import Breaks
from subgrad.graph.op import TABLE, Op
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.graph.transform import Transform
from subgrad.intervals import arithmetic as iv
from subgrad.intervals import choice
from subgrad.intervals.arithmetic import Interval, cleaned, hull, widened
from subgrad.intervals.choice import reference
from subgrad.intervals.elementary_functions import erfc, from_zero, rounded, wave
from subgrad.ops import indexing, kinked, singular
from subgrad.ops.contract import sizes_of
from subgrad.ops.convolution import CONVOLUTIONS, products
from subgrad.ops.random import uniform
from subgrad.ops.rules import groups
from subgrad.ops.shape import cast
from subgrad.ops.tuples import part
from subgrad.recur.loop import loop

Rule = Callable[..., Interval]


# Monotone functions, and ops that only move elements


def _rising(node: Tensor, *xs: Interval) -> Interval:
    """Not falling in any input, and computed without rounding."""
    return cleaned(reference(node, *(x.low for x in xs)), reference(node, *(x.high for x in xs)))


def _moved(node: Tensor, x: Interval, *places: Interval) -> Interval:
    """Elements at places that are known for certain."""
    if any(not np.array_equal(p.low, p.high) for p in places):
        return iv.anything(node.shape)
    where = [p.low for p in places]
    return Interval(reference(node, x.low, *where), reference(node, x.high, *where))


def _remainder(node: Tensor, x: Interval, by: Interval) -> Interval:
    """Between 0 and the divisor; x less a multiple of that where it is the same multiple over the box."""
    least, most = np.minimum(by.low, 0), np.maximum(by.high, 0)
    if node.dtype.kind != "f":
        return Interval(least, most)
    with np.errstate(all="ignore"):
        times = Interval(*(np.floor(e) for e in iv.mul(x, iv.inverse(by))))
        same = np.isfinite(times.low) & (times.low == times.high)
        found = iv.add(x, iv.neg(iv.mul(iv.exactly(np.where(same, times.low, 0.0)), by)))
    low, high = np.maximum(found.low, least), np.minimum(found.high, most)
    return Interval(np.where(same, low, least), np.where(same, high, most))


def _pow(node: Tensor, x: Interval, p: Interval) -> Interval:
    """Monotone in each, so largest and smallest at corners, where the base is above 0; unknown elsewhere."""
    corners = [reference(node, base, power) for base in (x.low, x.high) for power in (p.low, p.high)]
    found, positive = widened(np.min(corners, axis=0), np.max(corners, axis=0), 8), x.low > 0
    return Interval(np.where(positive, found.low, -math.inf), np.where(positive, found.high, math.inf))


def _summed(node: Tensor, x: Interval) -> Interval:
    """Sums of elements: exact if no sum is of more than one number that is not 0, else with the error of the sum."""
    if node.op is ops.sum:
        rows = groups(node)
        terms = rows.shape[1]
        single = ((x.largest.ravel()[rows] != 0).sum(axis=1) <= 1).reshape(node.shape)
    else:
        terms, single = max(node.inputs[0].size, 1), np.zeros(node.shape, bool)
    low, high, size = (reference(node, e) for e in (x.low, x.high, x.largest))
    with np.errstate(all="ignore"):
        error = np.where(single, 0.0, terms * iv.EPS * size)
        return cleaned(low - error, high + error)


def _scattered(node: Tensor, x: Interval, *places: Interval) -> Interval:
    """Sums at places that are known for certain."""
    if any(not np.array_equal(p.low, p.high) for p in places):
        return iv.anything(node.shape)
    low, high, size = (reference(node, e, *(p.low for p in places)) for e in (x.low, x.high, x.largest))
    error = node.inputs[0].size * iv.EPS * size
    return cleaned(low - error, high + error)


# Arithmetic


def _add(node: Tensor, a: Interval, b: Interval) -> Interval:
    return iv.add(a, b)


def _sub(node: Tensor, a: Interval, b: Interval) -> Interval:
    return iv.add(a, iv.neg(b))


def _mul(node: Tensor, a: Interval, b: Interval) -> Interval:
    return _square(node, a) if node.inputs[0] is node.inputs[1] else iv.mul(a, b)


def _square(node: Tensor, x: Interval) -> Interval:
    size = iv.magnitude(x)
    return iv.within(iv.mul(size, size), 0, math.inf)


def _div(node: Tensor, a: Interval, b: Interval) -> Interval:
    return iv.mul(a, iv.inverse(b))


def _contract(node: Tensor, a: Interval, b: Interval) -> Interval:
    spec = node.attrs["spec"]
    terms, out = spec.split("->")
    inner = set(terms) - set(out) - {","}
    sizes = sizes_of(spec, *node.inputs)
    return iv.bilinear(lambda p, q: reference(node, p, q), a, b, math.prod(sizes[c] for c in inner))


def _convolve(node: Tensor, a: Interval, b: Interval) -> Interval:
    terms = products(node) // max(node.size, 1)
    return iv.bilinear(lambda p, q: reference(node, p, q), a, b, terms)


def _abs(node: Tensor, x: Interval) -> Interval:
    return iv.magnitude(x)


def _power(node: Tensor, x: Interval) -> Interval:
    p = node.attrs["p"]
    if p < 0:
        return iv.inverse(_to_power(node, -p, x))
    return _to_power(node, p, x)


def _to_power(node: Tensor, p: float, x: Interval) -> Interval:
    if p != int(p):
        x = iv.within(x, 0, math.inf)
    elif p % 2 == 0:
        x = iv.magnitude(x)
    with np.errstate(all="ignore"):
        found = widened(np.power(x.low, p), np.power(x.high, p), 8)
    return found if p % 2 == 1 else iv.within(found, 0, math.inf)


# Kinks


def _leaky(node: Tensor, x: Interval) -> Interval:
    if node.attrs["slope"] < 0:
        ends = hull(*(widened(e, e) for e in (reference(node, x.low), reference(node, x.high))))
        return Interval(np.where((x.low <= 0) & (x.high >= 0), np.minimum(ends.low, 0), ends.low), ends.high)
    return widened(reference(node, x.low), reference(node, x.high))


def _elu(node: Tensor, x: Interval) -> Interval:
    if node.attrs["alpha"] < 0:
        return iv.anything(node.shape)
    return widened(reference(node, x.low), reference(node, x.high), 8)


def _clip(node: Tensor, x: Interval) -> Interval:
    return iv.within(x, node.attrs["low"], node.attrs["high"])


def _even(node: Tensor, x: Interval) -> Interval:
    """A function of magnitudes that rises with them: Huber's, or a norm."""
    size, count = iv.magnitude(x), node.inputs[0].size // max(node.size, 1)
    found = widened(reference(node, size.low), reference(node, size.high), 8 + count)
    return iv.within(found, 0, math.inf)


# Log-sum-exp


def _logsumexp(node: Tensor, x: Interval) -> Interval:
    count = node.inputs[0].size // max(node.size, 1)
    size = np.max(x.largest, axis=node.attrs["axis"], keepdims=node.attrs["keepdims"])
    error = (count + 8) * iv.EPS * (1 + size)
    with np.errstate(all="ignore"):
        return cleaned(reference(node, x.low) - error, reference(node, x.high) + error)


def _log_softmax(node: Tensor, x: Interval) -> Interval:
    """Rising in the element itself, falling in the others: least if that is low and they are high."""
    axis = node.attrs["axis"]
    n = x.low.shape[axis]
    own = np.eye(n, dtype=bool).reshape(*(n if i == axis else 1 for i in range(x.low.ndim)), n)
    sides = []
    for mine, others in ((x.low, x.high), (x.high, x.low)):
        mixed = np.where(own, mine[..., None], others[..., None])
        found = reference(node, mixed)
        sides.append(np.where(own, found, 0).sum(axis=-1))
    error = (n + 8) * iv.EPS * (1 + np.max(x.largest, axis=axis, keepdims=True))
    return cleaned(sides[0] - error, np.minimum(sides[1] + error, np.maximum(sides[1], 0)))


def _standardized(node: Tensor, x: Interval) -> Interval:
    """By the simpler ops that it is made of; and no element is further from the mean than sqrt(n) deviations."""
    made = _expanded(node, {node.inputs[0]: x})
    most = math.sqrt(math.prod(node.shape[a] for a in node.attrs["axis"]))
    return iv.within(made, -most, most)


def interval_of(node: Tensor, known: Mapping[Tensor, Interval]) -> Interval:
    """The interval of a node from those of its inputs; the inputs that are not in ``known`` have values.

    An op without a rule goes by what it is made of, or by its linear pieces; else it may have any value.
    """
    rule = _rule_of(node.op)
    if rule is not None:
        return rule(node, *(known[i] if i in known else iv.exactly(i.numpy()) for i in node.inputs))
    return iv.anything(node.shape) if INTERVAL.expansion(node.op) is None else _expanded(node, known)


def has_interval(op: Op) -> bool:
    """Whether anything is known of the op's values over a box."""
    return _rule_of(op) is not None or INTERVAL.expansion(op) is not None


def _rule_of(op: Op) -> Rule | None:
    rule = INTERVAL.get(op)
    by_pieces = rule is None and INTERVAL.expansion(op) is None and isinstance(op.kink, Breaks) and op.kink.straight
    return _by_pieces if by_pieces else rule


def _by_pieces(node: Tensor, x: Interval) -> Interval:
    """A function with linear pieces is largest and least at the ends or at breaks between them. Its reference may
    round as often as a sum of some multiples of x and the breaks does."""
    kink = node.op.kink
    assert isinstance(kink, Breaks)
    points = kink.points(**node.attrs)
    places = [x.low, x.high, *(np.clip(b.at, x.low, x.high) for b in points)]
    steepest = max([1.0, *(max(abs(b.left), abs(b.right)) for b in points)])
    values = np.array([reference(node, p) for p in places])
    size = np.abs(values).max(axis=0) + steepest * (x.largest + max([abs(b.at) for b in points], default=0.0))
    return cleaned(values.min(axis=0) - 8 * iv.EPS * size, values.max(axis=0) + 8 * iv.EPS * size)


def _expanded(node: Tensor, known: Mapping[Tensor, Interval]) -> Interval:
    """The interval of what a node is made of."""
    expansion, here = INTERVAL.expansion(node.op), {i: known[i] for i in node.inputs if i in known}
    assert expansion is not None
    made = expansion(*node.inputs, **node.attrs)
    for n in toposort([made], is_leaf=here.__contains__):
        if n not in here:
            here[n] = interval_of(n, here) if any(i in here for i in n.inputs) else iv.exactly(n.numpy())
    return here[made]


INTERVAL: Transform[Rule] = Transform(
    "interval",
    "the values over a box, for enclosures and certificates",
    {
        ops.add: _add,
        ops.sub: _sub,
        ops.neg: lambda node, x: iv.neg(x),
        ops.mul: _mul,
        ops.scale: _mul,
        ops.div: _div,
        ops.square: _square,
        ops.contract: _contract,
        ops.sum: _summed,
        ops.cumsum: _summed,
        ops.abs: _abs,
        ops.exp: rounded(8, 0, at=(0, 1)),
        ops.expm1: rounded(8, -1, at=(0, 0)),
        ops.tanh: rounded(8, -1, 1, (0, 0)),
        ops.sinh: rounded(8, at=(0, 0)),
        ops.atan: rounded(8, -0.5 * math.pi - 1e-15, 0.5 * math.pi + 1e-15, (0, 0)),
        ops.asin: lambda node, x: rounded(8, at=(0, 0))(node, iv.within(x, -1, 1)),
        ops.asinh: rounded(8, at=(0, 0)),
        ops.acosh: lambda node, x: rounded(8, 0)(node, iv.within(x, 1, math.inf)),
        ops.atanh: lambda node, x: rounded(8, at=(0, 0))(node, iv.within(x, -1, 1)),
        ops.log2: from_zero(1),
        ops.log10: from_zero(1),
        ops.floor: _rising,
        TABLE["round"]: _rising,
        ops.remainder: _remainder,
        ops.sigmoid: rounded(8, 0, 1, (0, 0.5)),
        ops.softplus: rounded(8, 0),
        ops.erf: rounded(8, -1, 1, (0, 0)),
        ops.erfc: erfc,
        ops.sqrt: from_zero(0),
        ops.log: from_zero(1),
        ops.log1p: lambda node, x: rounded(8, at=(0, 0))(node, iv.within(x, -1, math.inf)),
        ops.sin: wave(math.pi / 2),
        ops.cos: wave(0),
        ops.logsumexp: _logsumexp,
        ops.log_softmax: _log_softmax,
        ops.standardize: _standardized,
        ops.relu: _rising,
        ops.maximum: _rising,
        ops.minimum: _rising,
        ops.max: _rising,
        ops.min: _rising,
        ops.leaky_relu: _leaky,
        ops.elu: _elu,
        kinked._clip: _clip,
        kinked.huber: _even,
        ops.norm: _even,
        singular._power: _power,
        singular._pow: _pow,
        ops.where: choice.chosen,
        ops.less: choice.less,
        ops.less_equal: choice.less,
        ops.equal: choice.equal,
        ops.not_equal: choice.not_equal,
        ops.logical_and: choice.logic,
        ops.logical_or: choice.logic,
        ops.logical_not: choice.negated,
        ops.sign: choice.sign,
        ops.isfinite: choice.isfinite,
        ops.isnan: choice.isnan,
        cast: choice.converted,
        ops.reshape: _moved,
        ops.transpose: _moved,
        ops.broadcast_to: _moved,
        ops.pad: _moved,
        ops.concatenate: _rising,
        indexing.slice_: _moved,
        indexing.place: _moved,
        indexing.gather: _moved,
        indexing.scatter_add: _scattered,
        ops.windows: _moved,
        TABLE["slide"]: _moved,
        ops.fold: _scattered,
        **dict.fromkeys(CONVOLUTIONS, _convolve),
    },
    expansions=dict.fromkeys([custom, ops.stop_gradient]),  # None: their slopes are not those of what they are made of
    unsupported={
        **dict.fromkeys([custom, ops.stop_gradient], "its slopes are by hand, or none: they say nothing of the values"),
        **dict.fromkeys([ops.full, TABLE["arange"], uniform], "it has no inputs: its values are known"),
        **dict.fromkeys(
            [ops.argmax, ops.argmin, ops.one_hot, ops.right_shift, indexing.in_range],
            "of integers, which do not vary, or that jump"
        ),
        **dict.fromkeys([loop, part], "a loop is written out before"),
    },
)
