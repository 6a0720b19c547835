"""`subdifferential`: the whole Clarke subdifferential at a point, by the gradients that span it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor
from subgrad.kinks.certify.enclosure import Enclosure, of_problem
from subgrad.kinks.hull.cells import Cell, Enumeration
from subgrad.kinks.hull.min_norm_point import least_norm
from subgrad.kinks.hull.normal_form import normal_form
from subgrad.kinks.hull.programs import is_empty
from subgrad.kinks.problem import Problem, flat_problem

Exactness = Literal["exact", "inner", "unknown"]


@dataclass(frozen=True, eq=False)
class Subdifferential:
    """The convex hull of finitely many gradients; all vectors hold the variables one after the other.

    Attributes:
        cells: the cones around the point on which the function is smooth, with the gradient in each.
        exact: "exact" if the hull is the Clarke subdifferential; "inner" if it lies in it, and may be smaller;
            "unknown" if it lies in it and cells may be missing.
        reason: why it is not exact; empty if it is.
        linear: whether the function is piecewise linear.
        assumptions: what was assumed and not verified.
        point: where, shape (n,).
    """

    cells: tuple[Cell, ...]
    exact: Exactness
    reason: str
    linear: bool
    assumptions: tuple[str, ...]
    point: np.ndarray
    _problem: Problem | None = field(repr=False)
    _empty: tuple[np.ndarray, ...] = field(repr=False, default=())
    _cancelled: bool = field(repr=False, default=False)

    @property
    def complete(self) -> bool:
        """Whether all cells of the linear pieces around the point were found."""
        return self.exact != "unknown"

    @functools.cached_property
    def gradients(self) -> np.ndarray:
        """The different gradients of the cells, shape (m, n)."""
        rows = [c.gradient for c in self.cells]
        return np.unique(np.array(rows).reshape(len(rows), self.point.size), axis=0)

    @functools.cached_property
    def interval(self) -> Enclosure:
        """An interval for each variable that holds the subdifferential, whatever `exact` says."""
        return of_problem(self._function, self.point, self.point)

    def least_norm(self) -> np.ndarray:
        """The element of least norm of the hull, shape (n,). Raises `ArgumentError` if no gradient is known."""
        if not len(self.gradients):
            raise ArgumentError(f"no gradient is known here: {self.reason}")
        return least_norm(self.gradients)[0]

    def contains(self, g: Any, tolerance: float = 1e-9) -> bool | None:
        """Whether ``g`` is a subgradient, up to ``tolerance`` times the size of the numbers; None if that is not known.

        Args:
            g: n numbers, of any shape.
            tolerance: of the distance from the hull, relative to the largest number among g and the gradients.

        Raises:
            ShapeError: if g does not have n numbers.
        """
        wanted = np.asarray(g, np.float64).ravel()
        if wanted.size != self.point.size:
            raise ShapeError(f"a subgradient has {self.point.size} numbers, got {wanted.size}")
        if len(self.gradients):
            size = max(np.abs(self.gradients).max(), np.abs(wanted).max())
            if np.linalg.norm(least_norm(self.gradients - wanted)[0]) <= tolerance * size:
                return True
        return False if self.exact == "exact" or not self.interval.contains(wanted) else None

    def plot(self, path: str | os.PathLike[str] | None = None, radius: float = 1.0) -> Any:
        """A figure of the function with its cells, within ``radius`` of the point, and of this set with 0 marked.

        Args:
            path: where to save it, if anywhere; the ending says the format.
            radius: of the interval or the square that is shown.

        Raises:
            ArgumentError: for more than two variables.
            MissingExtraError: if matplotlib is not installed.
        """
        from subgrad.kinks.hull.subdifferential_plot import figure

        cones = [cell.rows for cell in self.cells]
        return figure(self._function.value, self.point, self.gradients, cones, self.exact, path, radius)

    @property
    def _function(self) -> Problem:
        if self._problem is None:
            raise ArgumentError("a subdifferential that was pickled has no function any more: make it anew")
        return self._problem

    def __getstate__(self) -> dict[str, Any]:
        """All the numbers, `interval` included: a pickle does not hold the function, which is code."""
        return {**self.__dict__, "interval": self.interval}


def subdifferential(f: Callable[[Any], Tensor], x: Any, *, budget: int = 2000) -> Subdifferential:
    """The Clarke subdifferential of ``f`` at ``x``: the convex hull of the limits of gradients near x.

    Around x the graph of f is a function with finitely many linear pieces, to first order; its cells are enumerated
    depth first, with a linear program wherever it is not plain that a kink cuts a cell. The result is exact if f is
    piecewise linear, which the graph tells, or if the arguments of the active kinks are linearly independent
    (Griewank, Walther, "First- and second-order optimality conditions for piecewise smooth objective functions",
    Optimization Methods and Software 31, 2016). For other functions made of smooth ops and kinks it is an inner
    set: the limits that first-order information shows. Finding all of it is NP-hard in general (Bolte, Boustany,
    Pauwels, Pesquet-Popescu, arXiv 2206.01730), so there is a budget, and beyond it the answer is "unknown".

    An argument counts as on its kink if it is exactly there in floating point. Cones that are narrower than 1e-9
    are left out; the answer is an inner set then, unless rational numbers prove them empty. ``stop_gradient`` holds
    its argument fixed. Roots of squares count as the absolute values and norms that they are: sqrt(x * x),
    ``(x * x)**0.75``, ``sqrt((x * x).sum())``.

    Args:
        f: from a tensor to a scalar tensor, made of ops.
        x: the point, a tensor of any shape or numbers, which are taken as float64; or a module or a tree of tensors,
            which f is then given.
        budget: how many active kinks, linear programs and cells there may be, of each.

    Raises:
        GradientError: if f is not finite at x or not Lipschitz there: the jump of a ``where`` or ``sign``, a square
            root of 0.
        NotTraceableError: if f has an ``if`` on a value.
        ArgumentError: if there are no variables, or NaN among them, or the budget is no positive number.
        MissingExtraError: if a linear program must be solved and SciPy is not installed.

    Example:
        >>> import subgrad as sg
        >>> from subgrad.kinks.hull.subdifferential import subdifferential
        >>> d = subdifferential(lambda x: sg.relu(x[0]) + abs(x[1]), [0.0, 0.0])
        >>> d.exact, d.gradients.tolist()
        ('exact', [[0.0, -1.0], [0.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
        >>> d.contains([0.5, 0.0]), d.contains([2.0, 0.0])
        (True, False)

        Kinks that cancel are no kinks:

        >>> subdifferential(lambda x: sg.relu(x) - sg.relu(-x), 0.0).gradients.tolist()
        [[1.0]]
    """
    if budget < 1:
        raise ArgumentError(f"a budget is a number of at least 1, got {budget}")
    return at_point(flat_problem(f, x), None, budget)


def at_point(problem: Problem, point: np.ndarray | None, budget: int) -> Subdifferential:
    """The subdifferential of a function at a flat vector, or at its own point."""
    point = problem.start if point is None else point
    form = normal_form(problem, point, budget)
    if form.failure:
        return Subdifferential((), "unknown", form.failure, False, form.assumptions, point, problem)
    found = Enumeration(form, budget)
    exact, reason = _judged(found, form.linear or form.independent)
    return Subdifferential(
        tuple(found.cells), exact, reason, form.linear, form.assumptions, point, problem, tuple(found.empty),
        found.cancelled,
    )  # fmt: skip


def _judged(found: Enumeration, faithful: bool) -> tuple[Exactness, str]:
    if found.missing:
        return "unknown", found.missing
    if not faithful:
        return "inner", "the function is not piecewise linear and its active kinks depend on one another"
    if found.cancelled:
        return "inner", "rounding hides whether terms cancel: functions or slopes may have been taken for one, or for 0"
    if not all(map(is_empty, found.empty)):
        return "inner", "a cone is too narrow, beside the others, to tell it from none"
    return "exact", ""


__all__ = ["Subdifferential", "subdifferential"]
