"""The way from the settings of `minimize` to its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.kinks.constraints import Constraint, Penalised, read_constraints
from subgrad.kinks.minimize.flat_function import of_function, of_graph
from subgrad.kinks.minimize.minimum_search import METHODS, Search
from subgrad.kinks.minimize.result import MinimizeResult
from subgrad.kinks.minimize.run import INFEASIBLE, MESSAGES, OUT_OF_ITERATIONS, STOPPED, Callback
from subgrad.kinks.problem import flat_problem
from subgrad.kinks.scaled_constraints import scaled_constraints
from subgrad.optim.step import Rule

HEAVIER, HEAVIEST = 10.0, 1e7
"""By what the weight of the constraints' violation grows, and from how many times the first one on it does not."""


def solve(
    f: Callable[..., Any],
    x0: Any,
    method: str,
    jac: bool,
    bounds: Any,
    constraints: Any,
    callback: Callback | None,
    tol: float,
    max_iter: int,
    step: Rule | float | str | None,
    R: float | None,
    G: float | None,
    seed: int,
) -> MinimizeResult:
    """`minimize`, whose arguments these are."""
    if method not in METHODS:
        raise ArgumentError(f"method is one of {', '.join(METHODS)}, got {method!r}")
    if step is not None and method != "subgradient":
        raise ArgumentError(f"step is the step rule of the subgradient method, the method is {method!r}")
    tol, max_iter = validators.positive("tol", tol), validators.count("max_iter", max_iter)
    R, G = (validators.optional(validators.positive)(name, value) for name, value in (("R", R), ("G", G)))
    search = Search(method, callback, tol, max_iter, step, R, G, seed)
    read = () if constraints is None else read_constraints(constraints)
    if not read:
        return search.run((of_function if jac else of_graph)(f, x0, bounds))
    if jac:
        raise ArgumentError("constraints need a function of tensors: with jac=True nothing is known of their slopes")
    return _constrained(f, x0, bounds, read, search)


def _constrained(
    f: Callable[..., Any], x0: Any, bounds: Any, constraints: tuple[Constraint, ...], search: Search
) -> MinimizeResult:
    """The least weight of the violation, of those tried, whose minimum satisfies the constraints."""
    plain, own = of_graph(f, x0, bounds), flat_problem(Penalised(f, constraints, 0.0).violation, x0)
    scaled = scaled_constraints(constraints, x0)
    outside = of_graph(Penalised(f, scaled, 0.0).violation, x0, None)
    start = first_start = plain.space.inside(plain.start)
    weight = first = 2 * float(np.abs(plain.evaluate(start)[1]).max(initial=0)) or 1.0
    counts, left = np.zeros(3, int), search.max_iter
    while True:
        penalised = Penalised(f, scaled, weight)
        found = replace(search, max_iter=left).run(replace(of_graph(penalised, x0, bounds), start=start))
        counts += (found.nit, found.nfev, found.njev)
        left -= found.nit
        x = found.certificate.x
        excess = outside.evaluate(x)[0]
        if excess <= found.certificate.delta or found.status == STOPPED or weight > HEAVIEST * first or left <= 0:
            break
        start = x if excess < outside.evaluate(first_start)[0] else first_start
        weight *= HEAVIER
    value, slope = plain.evaluate(x)
    if excess > found.certificate.delta and found.status != STOPPED:
        status = INFEASIBLE if left > 0 else OUT_OF_ITERATIONS
        found = replace(found, success=False, status=status, message=MESSAGES[status])
    nit, nfev, njev = counts.tolist()
    return replace(
        found, fun=value, jac=plain.shown(slope), nit=nit, nfev=nfev, njev=njev, maxcv=own.value(x), penalised=penalised
    )
