"""The one-sided derivative of a graph at a point, built node by node; points without one are detected.

The result is a graph in the direction v, so f'(x; v) has gradients by v like any other function. Where an op has no
derivative along v its tangent is NaN. If a NaN reaches the result, the error names the first op that made one; so an
infinite slope in the branch that a `where` does not select raises no error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.diff.conditions import is_comparison, trouble, undecided
from subgrad.diff.custom import custom
from subgrad.diff.forward_mode import one_sided_rule
from subgrad.diff.one_sided import one_sided_jvp
from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.evaluate import evaluate
from subgrad.graph.op import TABLE, Kind, Op, apply, cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.one_sided.corners import on_kink
from subgrad.kinks.one_sided.switches import Switch, switch_of
from subgrad.ops import contract, full, stop_gradient, where

Tangents = Sequence[Tensor | None]


@dataclass(frozen=True)
class TiedWhere:
    """A `where` whose condition is at its threshold at the elements ``on``, where both branches have equal values.

    ``slope`` is that of the condition, ``gap`` the difference of the branches' slopes, ``size`` the scale of ``gap``.
    """

    on: np.ndarray
    slope: np.ndarray
    gap: np.ndarray
    size: np.ndarray


class Walk:
    """f'(x; v) for the graph of f at x.

    Args:
        y: the node of f(x), with a value.
        wrt: the nodes of x.
        along: the nodes of v.
        points: for nodes whose slopes are to be those at other inputs than they have: these inputs.
        settled: for each `where` the elements whose branch is decided already, and that branch.

    Attributes:
        slope: the node of f'(x; v), None if f does not depend on x.
        kinked: the nodes on a kink, each with the elements that are.
        pieces: the `where`s at a threshold along which the function was taken to be continuous.
        by_hand: the nodes whose derivative is written by hand, and is assumed to be right.
    """

    def __init__(
        self,
        y: Tensor,
        wrt: Sequence[Tensor],
        along: Sequence[Tensor],
        points: Mapping[Tensor, Sequence[np.ndarray]] | None = None,
        settled: Mapping[Tensor, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        self.y, self._points, self._settled = y, points or {}, settled or {}
        self.tangent: dict[Tensor, Tensor] = dict(zip(wrt, along, strict=True))
        self.kinked: dict[Tensor, np.ndarray] = {}
        self.pieces: dict[Tensor, TiedWhere] = {}
        self.switches: dict[Tensor, Switch] = {}
        self.by_hand: list[Tensor] = []
        self._straight = set(wrt)
        self._broken: dict[Tensor, str] = {}
        for node in live(y, wrt):
            if node not in self.tangent:
                with source_location.inherit(node.site, node.scope):
                    self._visit(node)
        self.slope = self.tangent.get(y)

    def values(self, node: Tensor) -> Sequence[np.ndarray]:
        """The inputs at which the slopes of ``node`` are taken."""
        return self._points[node] if node in self._points else [i.numpy() for i in node.inputs]

    def tangents(self, node: Tensor) -> list[np.ndarray]:
        """The tangents of the inputs of ``node``, zeros where there are none."""
        found = [self.tangent.get(i) for i in node.inputs]
        return [np.zeros(i.shape) if t is None else t.numpy() for i, t in zip(node.inputs, found, strict=True)]

    def check(self) -> None:
        """Raise `GradientError`, at the user's line, if the derivative does not exist."""
        if self.slope is None:
            return
        evaluate([self.slope])
        if np.isfinite(self.slope.numpy()).all():
            return
        node = self._culprit()
        inside = f" in {node.scope}" if node.scope else ""
        with source_location.inherit(node.site, node.scope):
            reason = self._broken.get(node, "its slope is not finite here")
            raise GradientError(f"no derivative along this direction: {node.op.name}{inside}: {reason}")

    # One node

    def _visit(self, node: Tensor) -> None:
        arriving = [self.tangent.get(i) for i in node.inputs]
        switches = [self.switches.get(i) for i in node.inputs]
        if all(t is None for t in arriving) and all(s is None for s in switches):
            return
        if node.dtype.kind != "f":
            _refuse_jump(node)
            switch = switch_of(node, arriving, switches) if node.dtype.kind == "b" else None
            if switch is not None and switch.on.any():
                self.switches[node] = switch
            return
        found = self._tangent(node, arriving)
        if found is not None:
            self.tangent[node] = found
            if _keeps_straight(node, arriving, self._straight):
                self._straight.add(node)
        self._look_for_trouble(node, arriving)

    def _tangent(self, node: Tensor, arriving: Tangents) -> Tensor | None:
        if node.op is where:
            return self._chosen(node, arriving)
        if node.op.kink is not None and self._note_kink(node):
            return self._at_kink(node, arriving)
        if node.op is custom:
            self.by_hand.append(node)
        return smooth_tangent(node, arriving)

    def _note_kink(self, node: Tensor) -> bool:
        """Whether the derivative of ``node`` at this point takes its one-sided rule."""
        on = on_kink(node, self.values(node))
        if on.any():
            self.kinked[node] = on
        return bool(on.any()) or node in self._points

    def _at_kink(self, node: Tensor, arriving: Tangents) -> Tensor:
        inputs, y = node.inputs, node
        if node in self._points:
            inputs = tuple(constant(x) for x in self._points[node])
            y = apply(node.op, inputs, node.attrs)
        return one_sided_jvp(node.op, y, inputs, _filled(node, arriving), node.attrs)

    def _chosen(self, node: Tensor, arriving: Tangents) -> Tensor | None:
        condition = node.inputs[0]
        switch = self.switches.get(condition)
        _, a, b = _filled(node, arriving)
        if switch is None:
            return where(condition, a, b)
        known, branch = self._settled.get(node, (np.False_, np.False_))
        tangent = where(constant(np.where(known, branch, switch.after)), a, b)
        return self._pieced(node, switch, ~known & switch.on, a.numpy(), b.numpy(), tangent)

    def _pieced(
        self, node: Tensor, switch: Switch, on: np.ndarray, a: np.ndarray, b: np.ndarray, tangent: Tensor
    ) -> Tensor:
        """The tangent of a `where` at its threshold: NaN where it jumps."""
        _, left, right = (i.numpy() for i in node.inputs)
        self.pieces[node] = TiedWhere(on, switch.slope, a - b, np.abs(a) + np.abs(b))
        jumps = on & (left != right)
        torn = on & switch.loose & (a != b)
        if jumps.any():
            i = tuple(np.argwhere(jumps)[0])
            text = f"its condition is at its threshold, and the branches are {left[i]:.6g} and {right[i]:.6g}: it jumps"
            return self._break(node, tangent, jumps, text)
        if torn.any():
            text = "along this direction its condition stays at its threshold to first order, and the branches part"
            return self._break(node, tangent, torn, text)
        return tangent

    def _look_for_trouble(self, node: Tensor, arriving: Tangents) -> None:
        """Ops that jump, or have an infinite slope, at the point."""
        if node.op is TABLE["cast"] and node.inputs[0] in self.switches:
            tangent = full(node.shape, 0, node.dtype)
            text = "it makes a number of a condition that is at its threshold, and jumps"
            self.tangent[node] = self._break(node, tangent, self.switches[node.inputs[0]].on, text)
            return
        still = [t is None or (i in self._straight) for i, t in zip(node.inputs, arriving, strict=True)]
        found = trouble(node, arriving, still)
        if found is not None:
            tangent = self.tangent[node] if node in self.tangent else full(node.shape, 0, node.dtype)
            self.tangent[node] = self._break(node, tangent, *found)

    def _break(self, node: Tensor, tangent: Tensor, bad: np.ndarray, reason: str) -> Tensor:
        self._broken[node] = reason
        return where(constant(np.broadcast_to(bad, node.shape)), np.nan, tangent)

    def _culprit(self) -> Tensor:
        """The op, on the way back from the result, that made a tangent that is not finite of finite ones."""
        node = self.y
        while True:
            bad = [i for i in node.inputs if i in self.tangent and not np.isfinite(self.tangent[i].numpy()).all()]
            if node in self._broken or not bad:
                return node
            node = bad[0]


def smooth_tangent(node: Tensor, arriving: Tangents) -> Tensor | None:
    """The tangent of a node that is not on a kink: by a rule that costs what the node costs, where there is one."""
    if node.op is contract:
        return _by_parts(node, arriving)
    if _is_its_own_derivative(node.op):
        attrs = {**node.attrs, "value": 0} if "value" in node.attrs else node.attrs
        return apply(node.op, tuple(_filled(node, arriving)), attrs)
    if node.op.elementwise and node.op.vjp is not None:
        return _diagonal(node, arriving)
    return one_sided_rule(node, list(arriving))


def _is_its_own_derivative(op: Op) -> bool:
    """Whether it is linear with no constant but what it puts beside the elements."""
    adds = op.kind in (Kind.VIEW, Kind.MOVEMENT, Kind.REDUCTION) and op.linear == "jointly"
    return adds or op is TABLE["cast"]


def live(y: Tensor, wrt: Sequence[Tensor]) -> list[Tensor]:
    """The nodes that ``y`` depends on with its derivatives, in topological order.

    What a `stop_gradient` hides is a constant, and so is the value that comes with a derivative written by hand.
    """
    order = toposort([y], is_leaf=set(wrt).__contains__)
    found = {y}
    for node in reversed(order):
        if node in found and node.op is not stop_gradient:
            found.update(node.inputs[1:] if node.op is custom else node.inputs)
    return [node for node in order if node in found and node.op is not stop_gradient]


def _filled(node: Tensor, arriving: Tangents) -> list[Tensor]:
    """The tangents of the inputs, zeros where there are none; of an input that is no float, itself."""
    return [
        t if t is not None else i if i.dtype.kind != "f" else full(i.shape, 0, i.dtype)
        for i, t in zip(node.inputs, arriving, strict=True)
    ]


def _total(parts: Sequence[Tensor]) -> Tensor | None:
    if not parts:
        return None
    total = parts[0]
    for p in parts[1:]:
        total = total + p
    return total


def _diagonal(node: Tensor, arriving: Tangents) -> Tensor | None:
    """An elementwise op has a diagonal Jacobian for each input: its own transpose."""
    moving = [(i, t) for i, t in enumerate(arriving) if t is not None]
    return _total([product for i, t in moving if (product := cotangents(node, t)[i]) is not None])


def _by_parts(node: Tensor, arriving: Tangents) -> Tensor | None:
    """The product rule of a contraction."""
    a, b = node.inputs
    s, t = arriving
    pairs: list[tuple[Tensor, Tensor]] = ([(s, b)] if s is not None else []) + ([(a, t)] if t is not None else [])
    return _total([apply(contract, pair, node.attrs) for pair in pairs])


def _keeps_straight(node: Tensor, arriving: Tangents, straight: set[Tensor]) -> bool:
    """Whether ``node`` is an affine function of x for certain."""
    if any(t is not None and i not in straight for i, t in zip(node.inputs, arriving, strict=True)):
        return False
    return node.op.kind is not Kind.CHOICE and node.op.is_linear_in([t is not None for t in arriving])


def _refuse_jump(node: Tensor) -> None:
    """Raise for integers and bools made of floats, where they jump at this point. Comparisons may be pieces."""
    tie = None if is_comparison(node.op) else undecided(node)
    if tie is None or not tie.numpy().any():
        return
    if node.op is TABLE["cast"]:
        raise GradientError(f"a cast of {node.inputs[0].numpy()[tie.numpy()][0]:g} to {node.dtype} jumps here")
    raise GradientError(f"{node.op.name} of tied elements jumps here; sg.max takes their kink into account")


__all__ = ["TiedWhere", "Walk", "live", "smooth_tangent"]
