"""Values, gradients (in reverse mode) and directional derivatives (in forward mode) of a graph in interval arithmetic.

The graphs of the derivatives are evaluated by the rules of interval arithmetic. A comparison that is undecided on a box
has both values, so at a kink the interval contains the slopes of both sides and all between.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.diff.conditions import moves, undecided
from subgrad.diff.forward_mode import one_sided_rule
from subgrad.graph import source_location
from subgrad.graph.kink import Breaks, Cone, Largest
from subgrad.graph.op import Kind, cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.interval_rules import INTERVAL, has_interval, interval_of
from subgrad.kinks.one_sided.walk import smooth_tangent
from subgrad.kinks.problem import Problem

Known = dict[Tensor, Interval]


@dataclass(frozen=True)
class Values:
    """The intervals of all nodes that depend on the variables.

    Attributes:
        known: the intervals.
        choices: the `where`s of floats whose condition may go either way.
        reason: why the rest is missing; empty if nothing is.
    """

    known: Known
    choices: tuple[Tensor, ...]
    reason: str = ""


@dataclass(frozen=True)
class _Inner:
    """The graph of a node's products: what it is given, what it makes, and the nodes in between."""

    given: tuple[Tensor, ...]
    made: tuple[Tensor | None, ...]
    order: tuple[Tensor, ...]


class IntervalDerivatives:
    """A function of a problem in intervals. What it makes of a graph it keeps, for the next box."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.order = toposort([problem.output])
        self._moving = depending(self.order, problem.places)
        self._back: dict[Tensor, _Inner] = {}
        self._along: dict[Tensor, _Inner] = {}

    @property
    def blind(self) -> str:
        """Which op has no interval rule, in words; empty if all have one."""
        blind = [n for n in self.order if n in self._moving and n.inputs and not has_interval(n.op)]
        return f"{blind[0].site.after(blind[0].op.name)} has no interval rule" if blind else ""

    def values(self, boxes: Sequence[Interval]) -> Values:
        """The intervals over a box, an array of intervals for each tensor of x."""
        return values_over(self.order, self._moving, dict(zip(self.problem.places, boxes, strict=True)))

    def slopes(self, values: Values) -> Interval:
        """The intervals of f's slopes by all variables, one after the other."""
        known, output = values.known, self.problem.output
        arrived: Known = {output: iv.exactly(np.ones(()))}
        with np.errstate(all="ignore"):
            for node in reversed(self.order):
                if node not in arrived or not node.inputs:
                    continue
                for source, product in zip(node.inputs, self._pulled(node, arrived[node], known), strict=True):
                    if product is not None and source in known:
                        arrived[source] = iv.add(arrived[source], product) if source in arrived else product
        parts = [arrived.get(p, iv.exactly(np.zeros(p.shape))) for p in self.problem.places]
        return Interval(*(np.concatenate([e.ravel() for e in side]) + 0.0 for side in zip(*parts, strict=True)))

    def rate(self, values: Values, along: Sequence[Interval]) -> Interval:
        """The interval of f'(x; v) for all x of the box, v being an array of intervals for each tensor of x."""
        tangents: Known = dict(zip(self.problem.places, along, strict=True))
        with np.errstate(all="ignore"):
            for node in self.order:
                if node in self._moving and node not in tangents and node.dtype.kind == "f":
                    pushed = self._pushed(node, tangents, values.known)
                    if pushed is not None:
                        tangents[node] = pushed
        return tangents.get(self.problem.output, iv.exactly(np.zeros(())))

    # One node

    def _pulled(self, node: Tensor, g: Interval, known: Known) -> Sequence[Interval | None]:
        """The products of a cotangent with the slopes of ``node``, for each input."""
        by_hand = _by_hand(node)
        if by_hand is not None:
            return [by_hand.slopes(node, g, known)]
        if not has_interval(node.op):
            return [iv.anything(i.shape) for i in node.inputs]
        if node not in self._back:
            u = placeholder(node.shape, node.dtype, "a cotangent")
            self._back[node] = self._inner((u,), cotangents(node, u))
        return self._filled(self._back[node], [g], known)

    def _pushed(self, node: Tensor, tangents: Known, known: Known) -> Interval | None:
        """The tangent of ``node`` along those of its inputs; None if it does not move."""
        there = [i for i in node.inputs if i in tangents]
        if not there:
            return None
        by_hand = _by_hand(node)
        if by_hand is not None:
            return by_hand.rate(node, tangents[there[0]], known)
        if not has_interval(node.op):
            return iv.anything(node.shape)
        if node not in self._along:
            arriving = {i: placeholder(i.shape, i.dtype, "a tangent") for i in there}
            rule = one_sided_rule if node.op.kink is not None or node.op is ops.where else smooth_tangent
            with source_location.inherit(node.site, node.scope):
                found = rule(node, [arriving.get(i) for i in node.inputs])
            self._along[node] = self._inner(tuple(arriving.values()), (found,))
        return self._filled(self._along[node], [tangents[i] for i in dict.fromkeys(there)], known)[0]

    def _inner(self, given: tuple[Tensor, ...], made: Sequence[Tensor | None]) -> _Inner:
        stop = {*given, *self._moving}
        order = toposort([m for m in made if m is not None], is_leaf=stop.__contains__)
        found = depending(order, stop)
        return _Inner(given, tuple(made), tuple(n for n in order if n in found and n not in stop))

    def _filled(self, inner: _Inner, given: Sequence[Interval], known: Known) -> list[Interval | None]:
        here = ChainMap(dict(zip(inner.given, given, strict=True)), known)
        for node in inner.order:
            here[node] = interval_of(node, here)
        return [None if m is None else here[m] if m in here else iv.exactly(m.numpy()) for m in inner.made]


def parts_of(problem: Problem, flat: Interval) -> list[Interval]:
    """An array of intervals for each tensor of x, from one for all variables."""
    cuts, shapes = np.cumsum(problem.sizes)[:-1], [p.shape for p in problem.places]
    ends = zip(*(np.split(e, cuts) for e in flat), strict=True)
    return [Interval(a.reshape(s), b.reshape(s)) for (a, b), s in zip(ends, shapes, strict=True)]


def values_over(order: Sequence[Tensor], moving: set[Tensor], known: Known) -> Values:
    """The intervals of the nodes that are ``moving``, from those in ``known``, where they are added."""
    choices = []
    with np.errstate(all="ignore"):
        for node in order:
            if node in known or node not in moving:
                continue
            known[node] = interval_of(node, known)
            if _jumps(node, known):
                return Values(known, (), f"{node.site.after(node.op.name)} may jump, or its jumps are not known")
            if node.op is ops.where and node.dtype.kind == "f" and _undecided(node, known).any():
                choices.append(node)
    return Values(known, tuple(choices))


def is_smooth(node: Tensor, known: Known) -> bool:
    """Whether a node is on no kink of its op anywhere in the box, for certain."""
    kink = node.op.kink
    if kink is None:
        return True
    xs = [known[i] if i in known else iv.exactly(i.numpy()) for i in node.inputs]
    if isinstance(kink, Breaks):
        return not any(((xs[0].low <= b.at) & (b.at <= xs[0].high)).any() for b in kink.points(**node.attrs))
    if isinstance(kink, Largest):
        if kink.along:
            shares = _shares(node, kink.sign, known)
            return bool((shares.low == shares.high).all())
        low, high = (np.stack(ends) for ends in zip(*(xs if kink.sign > 0 else map(iv.neg, xs)), strict=True))
        return bool(((high >= low.max(0)).sum(0) == 1).all())
    if isinstance(kink, Cone):
        return bool((known[node].low > 0).all())
    return False


def depending(order: Sequence[Tensor], sources: Sequence[Tensor] | set[Tensor]) -> set[Tensor]:
    """The sources, and what is made of them."""
    found = set(sources)
    for node in order:
        if any(i in found for i in node.inputs):
            found.add(node)
    return found


def _jumps(node: Tensor, known: Known) -> bool:
    """Whether a node is anything but continuous over the box, for all that is known. A condition that goes both ways
    does no harm until it chooses between what is apart."""
    if node.op is ops.where and node.dtype.kind == "f":
        a, b = (known[i] if i in known else iv.exactly(i.numpy()) for i in node.inputs[1:])
        return bool((_undecided(node, known) & ((a.low > b.high) | (b.low > a.high))).any())
    if node.op is ops.stop_gradient:
        return True
    if node.op is ops.sign or (node.dtype.kind != "f" and not _is_condition(node)):
        return _is_open(node, known)
    if node.dtype.kind != "f":
        return False
    return any(i.dtype.kind != "f" and _is_open(i, known) for i in node.inputs) or _steps(node, known)


def _steps(node: Tensor, known: Known) -> bool:
    """Whether an op of floats that jumps somewhere, such as a floor, may do so over the box."""
    there = undecided(node)
    if there is None:
        return False
    here = ChainMap({}, known)
    for n in toposort([there], is_leaf=known.__contains__):
        if n not in here and any(i in here for i in n.inputs):
            here[n] = interval_of(n, here)
    return bool(np.any(here[there].high if there in here else there.numpy()))


def _is_open(node: Tensor, known: Known) -> bool:
    return node in known and not np.array_equal(known[node].low, known[node].high)


def _is_condition(node: Tensor) -> bool:
    return node.dtype.kind == "b" and (node.op.kind is Kind.CHOICE or moves(node))


def _undecided(node: Tensor, known: Known) -> np.ndarray:
    """Where the condition of a `where` goes both ways."""
    c = known.get(node.inputs[0])
    return np.zeros(node.shape, bool) if c is None else c.high & ~c.low


# Kinks whose slopes are closer than those that their derivatives' graphs give

Hand = Callable[[Tensor, Interval, Known], Interval]


class _ByHand(NamedTuple):
    """The slopes of a reduction times a cotangent, and its rate along a tangent."""

    slopes: Hand
    rate: Hand


def _by_hand(node: Tensor) -> _ByHand | None:
    kink = node.op.kink
    if isinstance(kink, Cone):
        return _ByHand(_norm_slopes, _norm_rate)
    if isinstance(kink, Largest) and kink.along:
        return _ByHand(_extremum_slopes(kink.sign), _extremum_rate(kink.sign))
    return None


def _shares(node: Tensor, sign: int, known: Known) -> Interval:
    """Of the largest (1) or smallest (-1): 1 for the element that is it for certain, 0 for those that cannot be, [0, 1]
    for the rest."""
    axis, x = node.attrs["axis"], known[node.inputs[0]]
    x = x if sign > 0 else iv.neg(x)
    may = x.high >= np.max(x.low, axis=axis, keepdims=True)
    alone = np.sum(may, axis=axis, keepdims=True) == 1
    return Interval((may & alone).astype(float), may.astype(float))


def _extremum_slopes(sign: int) -> Hand:
    return lambda node, g, known: iv.mul(_spread(node, g), _shares(node, sign, known))


def _extremum_rate(sign: int) -> Hand:
    """That of an element which may be the best."""

    def rate(node: Tensor, t: Interval, known: Known) -> Interval:
        axis, kept = node.attrs["axis"], node.attrs["keepdims"]
        may = _shares(node, sign, known).high > 0
        low = np.min(np.where(may, t.low, np.inf), axis=axis, keepdims=kept)
        return iv.cleaned(low, np.max(np.where(may, t.high, -np.inf), axis=axis, keepdims=kept))

    return rate


def _unit(node: Tensor, known: Known) -> Interval:
    """x over its length, between -1 and 1; all of that at 0."""
    x, y = known[node.inputs[0]], _spread(node, known[node])
    return iv.within(iv.mul(x, iv.inverse(y)), -1, 1)


def _norm_slopes(node: Tensor, g: Interval, known: Known) -> Interval:
    return iv.mul(_spread(node, g), _unit(node, known))


def _norm_rate(node: Tensor, t: Interval, known: Known) -> Interval:
    """The product of t with a vector of length 1 at most."""
    parts, most = iv.mul(t, _unit(node, known)), INTERVAL[ops.norm](node, t).high
    total = INTERVAL[ops.sum](node, parts)
    return Interval(np.maximum(total.low, -most), np.minimum(total.high, most))


def _spread(node: Tensor, x: Interval) -> Interval:
    """Intervals of the shape of a reduction's result, repeated to the shape of its input."""
    shape, axis = node.inputs[0].shape, node.attrs["axis"]
    kept = [1 if i in axis else n for i, n in enumerate(shape)]
    return Interval(*(np.broadcast_to(e.reshape(kept), shape) for e in x))


__all__ = [
    "IntervalDerivatives", "Known", "Values", "depending", "interval_of", "is_smooth", "parts_of", "values_over",
]  # fmt: skip
