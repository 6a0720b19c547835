"""`enclosure`: intervals that hold the Clarke subdifferentials at a point, or at all points of a box.

The graph is evaluated forwards in intervals, then cotangents go back through it in intervals. A comparison that may
go either way gives both, so a kink in the box has the slopes of both of its sides, and all between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import Op, cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.kinks import intervals as iv
from subgrad.kinks.interval_rules import RULES
from subgrad.kinks.intervals import Interval
from subgrad.kinks.problem import Problem, flat_problem

Known = dict[Tensor, Interval]


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Intervals from ``low`` to ``high``, one for each variable, shape (n,), that hold every subgradient.

    Attributes:
        low, high: the ends; infinite where nothing is known.
        reason: why nothing is known, if so.
    """

    low: np.ndarray
    high: np.ndarray
    reason: str = ""

    @property
    def excludes_zero(self) -> bool:
        """Whether some variable's interval does not hold 0: then no point of the box is stationary."""
        return bool(((self.low > 0) | (self.high < 0)).any())

    def contains(self, g: Any) -> bool:
        """Whether the n numbers ``g`` lie in the intervals."""
        g = np.asarray(g, np.float64).ravel()
        return bool(((self.low <= g) & (g <= self.high)).all())


def enclosure(f: Callable[[Any], Tensor], x: Any, upper: Any = None) -> Enclosure:
    """Intervals that hold the Clarke subdifferentials of ``f`` at ``x``, or at all points between ``x`` and ``upper``.

    Interval arithmetic with ends rounded outwards, so the intervals hold what they say, also for the errors of
    floats; they may be much too wide. If one of them does not hold 0, the box has no stationary point. An op without
    an interval rule, or one that may jump in the box, makes them infinite.

    Args:
        f: from a tensor to a scalar tensor, made of ops.
        x: the point, or the lower corner of the box; as for `subdifferential`.
        upper: the upper corner, of the form of x.

    Raises:
        ShapeError: if the corners have different numbers of variables.
        ArgumentError: if a lower end is above its upper end.
        NotTraceableError: if f has an ``if`` on a value.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks.enclosure import enclosure
        >>> f = lambda x: abs(x) + 0.25 * x
        >>> at = enclosure(f, 0.0)
        >>> at.low.tolist(), at.high.tolist()
        ([-0.75], [1.25])
        >>> enclosure(f, 0.5, 100.0).excludes_zero
        True
    """
    problem = flat_problem(f, x)
    low = problem.start
    high = low if upper is None else flat_problem(f, upper).start
    if low.shape != high.shape:
        raise ShapeError(f"the corners of a box have as many variables, got {low.size} and {high.size}")
    if not (low <= high).all():
        raise ArgumentError("the lower corner of a box lies above its upper corner")
    return of_problem(problem, low, high)


def of_problem(problem: Problem, low: np.ndarray, high: np.ndarray) -> Enclosure:
    """The enclosure of a function over a box of flat vectors."""
    with np.errstate(all="ignore"):
        known: Known = {}
        for place, a, b in zip(problem.places, problem.split(low), problem.split(high), strict=True):
            # One float more on each side: slopes are limits of slopes around the box, and of a point as well.
            known[place] = iv.widened(a.astype(np.float64), b.astype(np.float64))
        order = toposort([problem.output])
        reason = _forward(order, known, _jump)
        if reason:
            return Enclosure(np.full(low.size, -np.inf), np.full(low.size, np.inf), reason)
        return _backward(problem, order, known)


def _forward(order: Sequence[Tensor], known: Known, forbidden: Callable[[Tensor, Known], bool]) -> str:
    """Adds to ``known`` the intervals of all nodes that depend on those in it; or says why it stopped."""
    for node in order:
        if node in known or not any(i in known for i in node.inputs):
            continue
        if forbidden(node, known):
            return f"{node.op.name} (at {node.site}) may jump, or its jumps are not known"
        known[node] = _interval(node, known)
    return ""


def everywhere(node: Tensor, flows: set[Tensor]) -> Interval:
    """The interval of a node for all values of the variables: the nodes of ``flows`` that depend on none in it."""
    known: Known = {}
    for n in toposort([node]):
        if n in flows:
            inner = any(i in flows for i in n.inputs)
            known[n] = _interval(n, known) if inner else iv.anything(n.shape)
    return known[node] if node in known else iv.exactly(node.numpy())


def _interval(node: Tensor, known: Known) -> Interval:
    rule = RULES.get(node.op)
    if rule is None:
        return iv.anything(node.shape)
    return rule(node, *(known[i] if i in known else iv.exactly(i.numpy()) for i in node.inputs))


def _jump(node: Tensor, known: Known) -> bool:
    """Whether a node of the function is anything but continuous over the box, for all that is known."""
    if node.op in (ops.sign, ops.stop_gradient) or node.dtype.kind != "f":
        found = _interval(node, known)
        return node.op is ops.stop_gradient or not np.array_equal(found.low, found.high)
    return False


def _nothing(node: Tensor, known: Known) -> bool:
    return False


def _backward(problem: Problem, order: Sequence[Tensor], known: Known) -> Enclosure:
    arrived: Known = {problem.output: iv.exactly(np.ones(()))}
    for node in reversed(order):
        if node not in arrived or not node.inputs:
            continue
        for source, product in zip(node.inputs, _slopes(node, arrived[node], known), strict=True):
            if product is not None and source in known:
                arrived[source] = iv.add(arrived[source], product) if source in arrived else product
    parts = [arrived.get(p, iv.exactly(np.zeros(p.shape))) for p in problem.places]
    low, high = (np.concatenate([e.ravel() for e in side]) for side in zip(*parts, strict=True))
    blind = [n for n in order if n in known and n.inputs and n.op not in RULES]
    reason = f"{blind[0].op.name} (at {blind[0].site}) has no interval rule" if blind else ""
    return Enclosure(low + 0.0, high + 0.0, reason)


def _slopes(node: Tensor, g: Interval, known: Known) -> Sequence[Interval | None]:
    """The intervals of the products of a cotangent with the slopes of ``node``, for each input."""
    if node.op in _BY_HAND:
        return [_BY_HAND[node.op](node, g, known)]
    if node.op not in RULES:
        return [iv.anything(i.shape) for i in node.inputs]
    u = placeholder(node.shape, node.dtype, "a cotangent")
    products = cotangents(node, u)
    there = [p for p in products if p is not None]
    here = {**known, u: g}
    _forward(toposort(there, is_leaf=here.__contains__), here, _nothing)
    return [None if p is None else here[p] if p in here else iv.exactly(p.numpy()) for p in products]


def _extremum_slopes(sign: int) -> Callable[[Tensor, Interval, Known], Interval]:
    """1 for the one element that is best for certain, 0 for those that cannot be, [0, 1] for the rest."""

    def slopes(node: Tensor, g: Interval, known: Known) -> Interval:
        axis, x = node.attrs["axis"], known[node.inputs[0]]
        x = x if sign > 0 else iv.neg(x)
        may = x.high >= np.max(x.low, axis=axis, keepdims=True)
        alone = np.sum(may, axis=axis, keepdims=True) == 1
        return iv.mul(_spread(node, g), Interval((may & alone).astype(float), may.astype(float)))

    return slopes


def _norm_slopes(node: Tensor, g: Interval, known: Known) -> Interval:
    """x over its length, between -1 and 1; all of that at 0."""
    x, y = known[node.inputs[0]], _spread(node, known[node])
    return iv.mul(_spread(node, g), iv.within(iv.mul(x, iv.inverse(y)), -1, 1))


def _spread(node: Tensor, x: Interval) -> Interval:
    """Intervals of the shape of a reduction's result, repeated to the shape of its input."""
    shape, axis = node.inputs[0].shape, node.attrs["axis"]
    kept = [1 if i in axis else n for i, n in enumerate(shape)]
    return Interval(*(np.broadcast_to(e.reshape(kept), shape) for e in x))


_BY_HAND: dict[Op, Callable[[Tensor, Interval, Known], Interval]] = {
    ops.max: _extremum_slopes(1),
    ops.min: _extremum_slopes(-1),
    ops.norm: _norm_slopes,
}
