"""`enclosure`: intervals that hold the Clarke subdifferentials at a point, or at all points of a box.

The graph is evaluated forwards in intervals, then cotangents go back through it in intervals. A comparison that may
go either way gives both, so a kink in the box has the slopes of both of its sides, and all between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.interval_rules import interval_of
from subgrad.kinks.certify.interval_derivatives import IntervalDerivatives, Known
from subgrad.kinks.one_sided.tears import tears
from subgrad.kinks.problem import Problem, flat_problem


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Intervals from ``low`` to ``high``, one for each variable, shape (n,), that hold every subgradient.

    Attributes:
        low, high: the ends; infinite where nothing is known.
        reason: why nothing is known, if so.
        assumptions: what was assumed and not verified: each `where` that may go either way in the box.
    """

    low: np.ndarray
    high: np.ndarray
    reason: str = ""
    assumptions: tuple[str, ...] = ()

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
    an interval rule, or one that may jump in the box, makes them infinite. A ``where`` whose condition goes both ways
    in the box is taken for continuous, unless it is seen to jump, and has the slopes of both of its branches.

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
        >>> from subgrad.kinks.certify.enclosure import enclosure
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
    ranges = IntervalDerivatives(problem)
    parts = zip(problem.split(low), problem.split(high), strict=True)
    # One float more on each side: slopes are limits of slopes around the box, and of a point as well.
    found = ranges.values([iv.widened(a.astype(np.float64), b.astype(np.float64)) for a, b in parts])
    torn = [node for node in found.choices if tears(problem, node, low, high)]
    reason = found.reason or next((_may_jump(node) for node in torn), "")
    if reason:
        return Enclosure(np.full(low.size, -np.inf), np.full(low.size, np.inf), reason)
    assumptions = tuple(f"where at {node.site} is continuous" for node in found.choices)
    return Enclosure(*ranges.slopes(found), ranges.blind, assumptions)


def everywhere(node: Tensor, flows: set[Tensor]) -> Interval:
    """The interval of a node for all values of the variables: the nodes of ``flows`` that depend on none in it."""
    known: Known = {}
    for n in toposort([node]):
        if n in flows:
            inner = any(i in flows for i in n.inputs)
            known[n] = interval_of(n, known) if inner else iv.anything(n.shape)
    return known[node] if node in known else iv.exactly(node.numpy())


def _may_jump(node: Tensor) -> str:
    return f"{node.site.after(node.op.name)} may jump, or its jumps are not known"


__all__ = ["Enclosure", "enclosure", "everywhere", "of_problem"]
