"""The way from the settings of `minimize` to its result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.kinks.minimize.bfgs import bfgs
from subgrad.kinks.minimize.bundle import bundle
from subgrad.kinks.minimize.certifying import is_certified, issue
from subgrad.kinks.minimize.flat_function import of_function, of_graph
from subgrad.kinks.minimize.gradient_sampling import gradient_sampling
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import probe
from subgrad.kinks.minimize.result import MinimizeResult
from subgrad.kinks.minimize.run import OUT_OF_ITERATIONS, STUCK, Callback, result, run
from subgrad.kinks.minimize.subgradient_method import default_rule, subgradient
from subgrad.kinks.minimize.way_down import way_down
from subgrad.optim.step import Rule
from subgrad.optim.step.parsing import step_rule

METHODS = ("auto", "subgradient", "bundle", "gradient_sampling", "bfgs")

PATIENCE = 1000
"""After how many iterations the bundle method gives way: its iterations cost most where it is slow."""

FEW = 100
"""Up to how many variables gradients are sampled."""


def solve(
    f: Callable[..., Any],
    x0: Any,
    method: str,
    jac: bool,
    bounds: Any,
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
    objective = Objective((of_function if jac else of_graph)(f, x0, bounds))
    if method == "subgradient":
        rule = default_rule(objective.start, R, G, max_iter) if step is None else step_rule("step", step)
        solver = subgradient(objective, objective.start, tol, rule, R)
    else:
        solver = _solver(method, objective, objective.start, tol, seed)
    with np.errstate(over="ignore", invalid="ignore"):  # a step too long is seen by its value
        iterations, status = run(objective, solver, callback, max_iter)
        certificate = issue(objective, tol, seed)
        while status == STUCK and method != "subgradient" and iterations < max_iter:
            lower = way_down(objective, certificate)
            if lower is None:
                break
            more, status = run(objective, _solver(method, objective, lower, tol, seed), callback, max_iter - iterations)
            iterations += max(more, 1)
            certificate = issue(objective, tol, seed)
        if status == OUT_OF_ITERATIONS and method != "subgradient" and not certificate:
            probe(objective, objective.best, tol / 2, tol)
            certificate = issue(objective, tol, seed)
        return result(objective, certificate, iterations, status, tol, R)


def _solver(method: str, f: Objective, at: Point, tol: float, seed: int) -> Iterable[Point]:
    if method == "bundle":
        return bundle(f, at, tol)
    if method == "bfgs":
        return bfgs(f, at, tol)
    sampled = gradient_sampling if method == "gradient_sampling" else _auto
    return sampled(f, at, tol, seed)


def _auto(f: Objective, at: Point, tol: float, seed: int) -> Generator[Point]:
    """The bundle method, which takes the fewest evaluations; then BFGS from the best point; then gradient sampling.

    The first that is certified is the last.
    """
    yield from islice(bundle(f, at, tol), PATIENCE)
    if not is_certified(f, f.best, tol):
        yield from bfgs(f, f.best, tol)
    if not is_certified(f, f.best, tol) and at.x.size <= FEW:
        yield from gradient_sampling(f, f.best, tol, seed)
