"""Second derivatives at kinks: \\|x\\|^2 is smooth, though the absolute value in it is not.

Backprop through backprop multiplies what each op says at its own kink, and gets 0. So a graph on kinks is looked at
from beside them: every number that is 0 there takes a short step along a direction, and what is tied parts. Where the
second derivatives are the same seen from several sides, they are those of the function. The ops with an infinite slope
and the jumps count as kinks: sqrt(x^2)^2 and x \\|x\\| sign(x) are smooth as well.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from subgrad import ops
from subgrad.diff.conditions import at_root, undecided
from subgrad.diff.forward_mode import one_sided_rule
from subgrad.diff.one_sided import has_one_sided_jvp
from subgrad.graph import source_location
from subgrad.graph.kink import Breaks, Cone, Largest
from subgrad.graph.op import Op, apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import INPUT, Tensor, constant
from subgrad.ops import rules

LARGEST = 4096
"""How many nodes the steps of loops may have in which kinks are looked for."""


@dataclass(frozen=True)
class Sides:
    """A graph as it is beside its kinks.

    Attributes:
        graphs: the function, seen along some directions of x: opposite ones and others.
        far: the function itself, a larger step along such directions.
        step: how large.
        unsure: a bool scalar, True if first-order information does not tell on which side of a kink a direction leads.
        known: whether the graph has values, or is being traced.
    """

    graphs: tuple[Tensor, ...]
    far: tuple[Tensor, ...]
    step: float
    unsure: Tensor
    known: bool


def sides(y: Tensor, x: Tensor) -> Sides | None:
    """The graph of ``y`` with its kinks left along some directions of x; None if y is on none. A graph without values
    may be on every kink that it has."""
    y = _written_out(y)
    order = toposort([y], is_leaf={x}.__contains__)
    depending = dependents(order, [x])
    kinked = [node for node in order if node in depending and node is not x and _may_have_a_kink(node)]
    known = not any(node.op is INPUT for node in toposort([y]))
    if known:
        kinked = [node for node in kinked if _any(_rule(node).on(node, node.inputs)).numpy()]
    if not kinked or not all(has_one_sided_jvp(node.op) for node in depending):
        return None
    first, other = (np.random.default_rng(seed).uniform(0.5, 1.0, x.shape) for seed in (0, 1))
    found = [_Beside(order, x, constant(v.astype(x.dtype)), kinked) for v in (first, -first, -other)]
    unsure = _any_of([u for beside in found for u in beside.unsure])
    step = _FAR[x.dtype.name]
    far = tuple(_at(order, x, x + step * (1 + abs(x)) * constant(v.astype(x.dtype))) for v in (first, -first, other))
    return Sides(tuple(beside.new[y] for beside in found), far, step, unsure, known)


def _at(order: list[Tensor], x: Tensor, point: Tensor) -> Tensor:
    """The last node of ``order`` with another tensor in the place of x."""
    new = {x: point}
    for node in order:
        inputs = tuple(new.get(i, i) for i in node.inputs)
        if node is not x and not _same(inputs, node.inputs):
            new[node] = apply(node.op, inputs, node.attrs)
    return new.get(order[-1], order[-1])


def _written_out(y: Tensor) -> Tensor:
    """``y`` with the steps of loops in their places, if these have kinks and are not too many."""
    from subgrad.recur.unroll import unrolled, written_out_size

    size = written_out_size([y], _may_have_a_kink)
    return unrolled([y])[0] if 0 < size <= LARGEST else y


def _may_have_a_kink(node: Tensor) -> bool:
    return type(node.op.kink) in _OF_KINKS or _condition(node) is not None


def _condition(node: Tensor) -> Tensor | None:
    """Where a float jumps or has an infinite slope; None if it never does."""
    if node.dtype.kind != "f":
        return None
    jumps = undecided(node)
    return at_root(node) if jumps is None else jumps


class _Beside:
    """The nodes of ``order``, a little way along a direction of x as far as the kinks are concerned.

    What leads to a kink is moved wherever it is 0 and first order says in which direction it goes: then all that is
    made of it, squares and roots of squares included, has its sign, its size and its derivatives of there.
    """

    def __init__(self, order: list[Tensor], x: Tensor, along: Tensor, kinked: list[Tensor]) -> None:
        self.new: dict[Tensor, Tensor] = {}
        self.unsure: list[Tensor] = []
        self.at, self.beside = {x: along}, {x: along}  # tangents on the kinks and beside them
        self.leading, self.kinked = set(toposort(kinked, is_leaf={x}.__contains__)), set(kinked)
        far = {x: x + _FAR[x.dtype.name] * (1 + abs(x)) * along}
        for node in order:
            with source_location.inherit(node.site, node.scope):
                self._add(node, far)

    def _add(self, node: Tensor, far: dict[Tensor, Tensor]) -> None:
        inputs = tuple(self.new.get(i, i) for i in node.inputs)
        moved = node if node in far or _same(inputs, node.inputs) else apply(node.op, inputs, node.attrs)
        if node not in far:
            _follow(node, self.at)
            if any(i in self.beside for i in node.inputs):
                _follow(moved, self.beside, node, [self.beside.get(i) for i in node.inputs])
            if node in self.leading and any(i in far for i in node.inputs):
                far[node] = apply(node.op, tuple(far.get(i, i) for i in node.inputs), node.attrs)
        if node in self.kinked:
            rule, ts = _rule(node), self._tangents(node)
            self.unsure.append(_any(rule.unsure(node, inputs, ts, [far.get(i, i) for i in node.inputs])))
            moved = moved if rule.leave is None else rule.leave(node, inputs, ts)
        self.new[node] = self._stepped(node, moved) if node in self.leading else moved

    def _tangents(self, node: Tensor) -> list[Tensor]:
        arriving = [self.beside.get(i) for i in node.inputs]
        return [rules.full(i.shape, 0, i.dtype) if t is None else t for i, t in zip(node.inputs, arriving, strict=True)]

    def _stepped(self, node: Tensor, moved: Tensor) -> Tensor:
        """``moved`` with a short step where it is 0, if both tangents say the same of its direction."""
        t, other = self.beside.get(node), self.at.get(node)
        if t is None or other is None:
            return moved
        plain = (moved == 0) & (abs(t - other) <= 1e-3 * abs(other))
        return moved + ops.where(plain, _short(node.dtype) * t, 0)


def _any(mask: Tensor) -> Tensor:
    return ops.where(mask, 1.0, 0.0).sum() > 0


def _same(new: tuple[Tensor, ...], old: tuple[Tensor, ...]) -> bool:
    return all(a is b for a, b in zip(new, old, strict=True))


def _follow(
    node: Tensor,
    tangents: dict[Tensor, Tensor],
    name: Tensor | None = None,
    arriving: list[Tensor | None] | None = None,
) -> None:
    """Note the tangent of a node, under the name of another if given, from those of its inputs."""
    arriving = [tangents.get(i) for i in node.inputs] if arriving is None else arriving
    if node.dtype.kind == "f" and any(t is not None for t in arriving):
        found = one_sided_rule(node, arriving)
        if found is not None:
            tangents[node if name is None else name] = found


def _short(dtype: np.dtype) -> float:
    """A step that changes nothing but on which side of 0 a number is; its square does not underflow."""
    info = np.finfo(dtype)
    return max(float(info.tiny) ** 0.25, float(info.eps) ** 2)


_FAR = {"float32": 2**-6, "float64": 2**-13}
"""A step that shows in second order: it parts what first order leaves on a kink."""


# How each op is left: `node` is the op on its kink, `xs` are its inputs beside it, `ts` their tangents


@dataclass(frozen=True)
class _Rule:
    """``on``: where an op is on its kink. ``leave``: what it is beside it, if it is not just itself of other inputs.
    ``unsure``: where its inputs ``xs`` are still on the kink, and those ``far`` off are not."""

    on: Callable[[Tensor, tuple[Tensor, ...]], Tensor]
    unsure: Callable[[Tensor, tuple[Tensor, ...], list[Tensor], list[Tensor]], Tensor]
    leave: Callable[[Tensor, tuple[Tensor, ...], list[Tensor]], Tensor] | None = None


def _at_zero(on: Callable[[Tensor, tuple[Tensor, ...]], Tensor]) -> _Rule:
    return _Rule(on, lambda node, xs, ts, far: on(node, xs) & ~on(node, tuple(far)))


def _differ(a: Tensor, b: Tensor) -> Tensor:
    """Where two numbers are apart by more than rounding."""
    slack = float(np.finfo(a.dtype).eps) ** 0.75
    return ~(abs(a - b) <= slack * ops.maximum(abs(a), abs(b)))


def _of_breaks(node: Tensor) -> _Rule:
    kink = node.op.kink
    assert isinstance(kink, Breaks)
    points = [b.at for b in kink.points(**node.attrs)]

    def on(node: Tensor, xs: tuple[Tensor, ...]) -> Tensor:
        return _any_of([xs[0] == p for p in points or [np.nan]])

    def leave(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor]) -> Tensor:
        """The op a step aside, as short as can be; the step is a constant."""
        (x,), (t,) = xs, ts
        for p in points:
            x = x + ops.where(x == p, ops.sign(t) * _least_step(p, x.dtype), 0)
        return apply(node.op, (x,), node.attrs)

    def unsure(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor], far: list[Tensor]) -> Tensor:
        return on(node, xs) & (ts[0] == 0) & _differ(far[0], xs[0])

    return _at_zero(on) if not any(points) else _Rule(on, unsure, leave)  # what is 0 has been stepped aside already


def _least_step(p: float, dtype: np.dtype) -> float:
    return max(_short(dtype), 2 * float(np.finfo(dtype).eps) * abs(p))


def _of_largest(node: Tensor) -> _Rule:
    kink = node.op.kink
    assert isinstance(kink, Largest)
    if kink.along:
        return _extremum(ops.max if kink.sign > 0 else ops.min, kink.sign)
    return _of_inputs(kink.sign)


def _of_inputs(sign: int) -> _Rule:
    """The largest input for 1, the smallest for -1."""

    def ahead(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        (a, s), (b, t) = one, other
        best, leads = (a > b, s > t) if sign > 0 else (a < b, s < t)
        first = best | ((a == b) & leads)
        return ops.where(first, a, b), ops.where(first, s, t)

    def leave(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor]) -> Tensor:
        return functools.reduce(ahead, zip(xs, ts, strict=True))[0]

    def on(node: Tensor, xs: tuple[Tensor, ...]) -> Tensor:
        return _any_of([a == b for a, b in itertools.combinations(xs, 2)])

    def unsure(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor], far: list[Tensor]) -> Tensor:
        pairs = itertools.combinations(zip(xs, ts, far, strict=True), 2)
        return _any_of([(a == b) & (s == t) & _differ(f, g) for (a, s, f), (b, t, g) in pairs])

    return _Rule(on, unsure, leave)


def _any_of(masks: Iterable[Tensor]) -> Tensor:
    return functools.reduce(lambda a, b: a | b, masks)


def _extremum(best: Op, sign: int) -> _Rule:
    """The mean of the tied elements that are best also along the direction."""

    def winners(node: Tensor, x: Tensor, t: Tensor) -> Tensor:
        axis = node.attrs["axis"]
        tied = x == best(x, axis, keepdims=True)
        leads = ops.where(tied, t, -sign * np.inf)
        return tied & (leads == best(leads, axis, keepdims=True))

    def leave(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor]) -> Tensor:
        (x,), axis, kept = xs, node.attrs["axis"], node.attrs["keepdims"]
        wins = winners(node, x, ts[0])
        return ops.where(wins, x, 0).sum(axis, kept) / ops.where(wins, 1.0, 0.0).astype(x.dtype).sum(axis, kept)

    def unsure(node: Tensor, xs: tuple[Tensor, ...], ts: list[Tensor], far: list[Tensor]) -> Tensor:
        wins, axis = winners(node, xs[0], ts[0]), node.attrs["axis"]
        most = ops.max(ops.where(wins, far[0], -np.inf), axis, keepdims=True)
        least = ops.min(ops.where(wins, far[0], np.inf), axis, keepdims=True)
        return _differ(most, least)

    def on(node: Tensor, xs: tuple[Tensor, ...]) -> Tensor:
        axis = node.attrs["axis"]
        return (xs[0] == best(xs[0], axis, keepdims=True)).astype(xs[0].dtype).sum(axis) > 1

    return _Rule(on, unsure, leave)


def _on_condition(node: Tensor, xs: tuple[Tensor, ...]) -> Tensor:
    found = _condition(apply(node.op, xs, node.attrs))
    assert found is not None
    return found


_OF_KINKS: dict[type, Callable[[Tensor], _Rule]] = {
    Breaks: _of_breaks,
    Largest: _of_largest,
    Cone: lambda node: _at_zero(lambda node, xs: ops.norm(xs[0], node.attrs["axis"]) == 0),
}


def _rule(node: Tensor) -> _Rule:
    kind = type(node.op.kink)
    return _OF_KINKS[kind](node) if kind in _OF_KINKS else _at_zero(_on_condition)


__all__ = ["Sides", "sides"]
