"""The equations of a stationary point on kinks, in floats and in intervals.

The kinks that the point is on are taken with slopes s, so that the function is smooth; those that it is not on have the
slopes of their side. Then the gradient is 0, and so are the arguments of the kinks (A. Griewank, A. Walther, "First-
and second-order optimality conditions for piecewise smooth objective functions", Optimization Methods and Software 31,
2016). The unknowns are the variables x and the slopes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.diff.reverse import gradients
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, constant, placeholder
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.interval_rules import has_interval, interval_of
from subgrad.kinks.certify.interval_derivatives import Known, depending, is_smooth, parts_of, values_over
from subgrad.kinks.minimize.multipliers.active_kinks import ActiveKinks, jacobian, joined
from subgrad.kinks.minimize.multipliers.smoothed_kinks import SmoothedKinks, is_choice

LARGEST = 100_000
"""The most numbers that an array of derivatives has."""


class Unknown(Exception):
    """Raised with the reason for which nothing can be said."""


class Bounds(NamedTuple):
    """The equations over a box: the numbers that are to be 0, their derivatives, and by what the function changes with
    the value of each kink."""

    zeros: Interval
    slopes: Interval
    effects: Interval


class KinkEquations:
    """Of n variables and m kinks; a point is a vector of x and then s.

    Args:
        smooth: the function.
        slopes: those of all kinks; 0 or 1 but for the active ones.
        active: the kinks that the point is on.

    Raises:
        Unknown: where arrays would be too large, or an op has no bounds.
    """

    def __init__(self, smooth: SmoothedKinks, slopes: list[np.ndarray], active: ActiveKinks) -> None:
        self.problem, self.n, self.m = smooth.problem, smooth.problem.size, len(active)
        self._smooth, self._slopes, self._active = smooth, slopes, active
        size = self.n + self.m
        _check(max([size, *(s.size for s in slopes)]) * size)
        places = [placeholder(p.shape, p.dtype, "a variable") for p in self.problem.places]
        own = [placeholder((self.m,), self.problem.dtype, "slopes")] if self.m else []
        self._inputs = [*places, *own]
        self._kinks = smooth.graph(places, self._multipliers(own), None)
        output = self._kinks[-1].value
        self._first = toposort([output, *(k.arguments for k in self._kinks)])
        _check(max(node.size for node in self._first) * size)
        zeros = ops.concatenate([ops.reshape(g, (-1,)) for g in gradients(output, places)])
        effects = constant(np.zeros(0))
        if self.m:
            differences, effects = joined(self._kinks, active)
            zeros = ops.concatenate([zeros, differences])
        self._outputs = [zeros, jacobian(zeros, self._inputs), effects]
        self._order = toposort([*self._first, *self._outputs])
        self._moving = depending(self._order, self._inputs)
        self._floats = Interpreter(self._inputs, self._outputs)
        for node in self._order:
            if node in self._moving and node.inputs and not has_interval(node.op):
                raise Unknown(f"nothing is known of {node.op.name} over an interval")

    @property
    def groups(self) -> np.ndarray:
        """Numbers of the active kinks, (m,): those that are tied for one maximum share theirs."""
        keys = [
            (k, place if minus < 0 else minus)
            for k, pairs in enumerate(self._active.pairs)
            for place, minus in pairs.tolist()
        ]
        return np.array([keys.index(key) for key in keys], int)

    def at(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers that are to be 0, and their derivatives, in floats."""
        own = [y[self.n :].astype(self.problem.dtype)] if self.m else []
        with np.errstate(all="ignore"):
            zeros, slopes, _ = self._floats([*self.problem.split(y[: self.n]), *own])
        return zeros.astype(np.float64), slopes.astype(np.float64)

    def over(self, box: Interval) -> Bounds:
        """All over a box.

        Where the arguments of the active kinks are 0, it is the function itself that is on one side of each other kink.

        Raises:
            Unknown: if another kink, or a jump, may be in the box.
        """
        x, s = (Interval(box.low[part], box.high[part]) for part in (slice(self.n), slice(self.n, None)))
        parts = [*parts_of(self.problem, x), *([s] if self.m else [])]
        values = values_over(self._first, self._moving, dict(zip(self._inputs, parts, strict=True)))
        if values.reason:
            raise Unknown(values.reason)
        known = values.known
        with np.errstate(all="ignore"):
            if values.choices or not self._is_on_no_other_kink(known):
                raise Unknown("another kink is so near that rounding hides on which side of it the point is")
            for node in self._order:
                if node in self._moving and node not in known:
                    known[node] = interval_of(node, known)
        return Bounds(*(_interval(node, known) for node in self._outputs))

    def _is_on_no_other_kink(self, known: Known) -> bool:
        own = zip(self._smooth.nodes, self._kinks[:-1], self._slopes, self._active.pairs, strict=True)
        decided = (
            (_rows_are_decided if is_choice(node) else _hinges_are_decided)(_interval(k.arguments, known), s, pairs)
            for node, k, s, pairs in own
        )
        return all(is_smooth(node, known) for node in self._first if node in self._moving) and all(decided)

    def _multipliers(self, own: list[Tensor]) -> list[Tensor]:
        """The slopes of each op, with the unknown ones in their places."""
        found, start = [], 0
        for slopes, pairs in zip(self._slopes, self._active.pairs, strict=True):
            base, spread = slopes.astype(np.float64).ravel(), np.zeros((slopes.size, self.m))
            for k, (place, minus) in enumerate(pairs.tolist(), start):
                base[place], spread[place, k] = 0, 1
                if minus >= 0:
                    base[minus], spread[minus, k] = 1, -1
            start += len(pairs)
            whole = constant(base.astype(slopes.dtype))
            if len(pairs):
                whole = whole + (constant(spread.astype(self.problem.dtype)) @ own[0]).astype(slopes.dtype)
            found.append(ops.reshape(whole, slopes.shape))
        return found


def _check(size: int) -> None:
    if size > LARGEST:
        raise Unknown(f"second derivatives take arrays of {size:,} numbers, {LARGEST:,} are the most")


def _interval(node: Tensor, known: Known) -> Interval:
    return known[node] if node in known else iv.exactly(node.numpy())


def _hinges_are_decided(arguments: Interval, slopes: np.ndarray, pairs: np.ndarray) -> bool:
    """Whether the arguments are on the side that the slopes say, but for those of the pairs."""
    low, high, upper = arguments.low.ravel(), arguments.high.ravel(), slopes.ravel() > 0.5
    decided = np.where(upper, low > 0, high < 0)
    decided[pairs[:, 0]] = True
    return bool(decided.all())


def _rows_are_decided(arguments: Interval, slopes: np.ndarray, pairs: np.ndarray) -> bool:
    """Whether the largest of each row are those that have a slope."""
    leading = slopes > 0
    least = np.where(leading, arguments.low, -np.inf).max(-1, keepdims=True)
    return bool((leading | (arguments.high < least)).all())


__all__ = ["Bounds", "KinkEquations", "Unknown"]
