"""Second derivatives at kinks: \\|x\\|^2 is smooth, though the absolute value in it is not.

Backprop through backprop multiplies what each op says at its own kink, and gets 0. So a graph on kinks is looked at
from beside them: every kink is put on the side to which a direction leads. Where the second derivatives are the same
seen from several sides, they are those of the function.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad import ops
from subgrad.diff.directional import one_sided_rule
from subgrad.graph import place
from subgrad.graph.op import TABLE, Op, apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import INPUT, Tensor, constant
from subgrad.ops import rules

Tangents = list[Tensor]


def sides(y: Tensor, x: Tensor) -> list[Tensor]:
    """The graph of ``y`` with its kinks left along some directions of x: opposite ones and others; none if y is on
    none. A graph without values may be on every kink that it has."""
    order = toposort([y], is_leaf={x}.__contains__)
    depending = dependents(order, [x])
    kinked = [node for node in order if node in depending and node.op in _ASIDE and node is not x]
    if not any(node.op is INPUT for node in order):
        kinked = [node for node in kinked if _is_on(node)]
    if not kinked or any(node.op.kink is not None and node.op.dird is None for node in depending):
        return []
    first, other = (np.random.default_rng(seed).uniform(0.5, 1.0, x.shape) for seed in (0, 1))
    return [_beside(order, x, constant(v.astype(x.dtype)), set(kinked)) for v in (first, -first, -other)]


def _is_on(node: Tensor) -> bool:
    assert node.op.kink is not None
    return bool(np.any(node.op.kink.at(*(i.numpy() for i in node.inputs), **node.attrs)))


def _beside(order: list[Tensor], x: Tensor, along: Tensor, kinked: set[Tensor]) -> Tensor:
    """The last node of ``order``, a little way along a direction as far as the kinks are concerned."""
    new, tangent = {x: x}, {x: along}
    for node in order:
        if node is x:
            continue
        inputs = tuple(new.get(i, i) for i in node.inputs)
        with place.inherit(node.site, node.scope):
            if any(i in tangent for i in node.inputs) and node.dtype.kind == "f":
                arriving = [tangent.get(i) for i in node.inputs]
                found = one_sided_rule(node, arriving)
                if found is not None:
                    tangent[node] = found
                if node in kinked:
                    new[node] = _ASIDE[node.op](node, inputs, _filled(inputs, arriving))
                    continue
            same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
            new[node] = node if same else apply(node.op, inputs, node.attrs)
    return new[order[-1]]


def _filled(inputs: tuple[Tensor, ...], tangents: list[Tensor | None]) -> Tangents:
    return [rules.full(i.shape, 0, i.dtype) if t is None else t for i, t in zip(inputs, tangents, strict=True)]


# How each op is left: `node` tells where it is on its kink, `xs` are its inputs anew

Aside = Callable[[Tensor, tuple[Tensor, ...], Tangents], Tensor]


def _short(dtype: np.dtype) -> float:
    """A step that changes nothing but on which side of 0 a number is; its square does not underflow."""
    return float(np.finfo(dtype).tiny) ** 0.25


def _moved(node: Tensor, xs: tuple[Tensor, ...], ts: Tangents) -> Tensor:
    """For kinks at 0: the argument itself takes a short step."""
    on = node.inputs[0] == 0
    return apply(node.op, (xs[0] + ops.where(on, _short(node.dtype) * ts[0], 0),), node.attrs)


def _norm(node: Tensor, xs: tuple[Tensor, ...], ts: Tangents) -> Tensor:
    x, axis = node.inputs[0], node.attrs["axis"]
    on = rules.expand(ops.norm(x, axis, keepdims=True) == 0, x.shape)
    return apply(node.op, (xs[0] + ops.where(on, _short(node.dtype) * ts[0], 0),), node.attrs)


def _clip(node: Tensor, xs: tuple[Tensor, ...], ts: Tangents) -> Tensor:
    (x,), low, high = node.inputs, node.attrs["low"], node.attrs["high"]
    inside = ((x > low) | ((x == low) & (ts[0] > 0))) & ((x < high) | ((x == high) & (ts[0] < 0)))
    return ops.where(inside, xs[0], apply(node.op, xs, node.attrs))


def _pair(sign: int) -> Aside:
    """The larger of two for 1, the smaller for -1."""

    def aside(node: Tensor, xs: tuple[Tensor, ...], ts: Tangents) -> Tensor:
        a, b = node.inputs
        ahead, leads = (a > b, ts[0] > ts[1]) if sign > 0 else (a < b, ts[0] < ts[1])
        return ops.where(ahead | ((a == b) & leads), *xs)

    return aside


def _extremum(best: Op, sign: int) -> Aside:
    """The mean of the tied elements that are best also along the direction."""

    def aside(node: Tensor, xs: tuple[Tensor, ...], ts: Tangents) -> Tensor:
        (x,), axis, kept = node.inputs, node.attrs["axis"], node.attrs["keepdims"]
        tied = x == best(x, axis, keepdims=True)
        leads = ops.where(tied, ts[0], -sign * np.inf)
        wins = tied & (leads == best(leads, axis, keepdims=True))
        return ops.where(wins, xs[0], 0).sum(axis, kept) / ops.where(wins, 1.0, 0.0).astype(x.dtype).sum(axis, kept)

    return aside


_ASIDE: dict[Op, Aside] = {
    **dict.fromkeys([ops.relu, ops.leaky_relu, ops.elu, ops.abs], _moved),
    ops.norm: _norm,
    TABLE["clip"]: _clip,
    ops.maximum: _pair(1),
    ops.minimum: _pair(-1),
    ops.max: _extremum(ops.max, 1),
    ops.min: _extremum(ops.min, -1),
}

__all__ = ["sides"]
