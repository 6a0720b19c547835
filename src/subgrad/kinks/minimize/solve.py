"""The way from the settings of `minimize` to its result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.blas_threads import one_thread
from subgrad.errors import ArgumentError
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.constraints import Constraint, Penalised, read_constraints
from subgrad.kinks.minimize.bfgs import bfgs
from subgrad.kinks.minimize.bundle import bundle
from subgrad.kinks.minimize.certifying import is_certified, issue
from subgrad.kinks.minimize.flat_function import FlatFunction, of_function, of_graph
from subgrad.kinks.minimize.gradient_sampling import gradient_sampling
from subgrad.kinks.minimize.multipliers.multiplier_method import multipliers
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import probe
from subgrad.kinks.minimize.result import MinimizeResult
from subgrad.kinks.minimize.run import INFEASIBLE, MESSAGES, OUT_OF_ITERATIONS, STOPPED, STUCK, Callback, result, run
from subgrad.kinks.minimize.saddles.way_down import way_down
from subgrad.kinks.minimize.second_order.optimality import second_order
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder
from subgrad.kinks.minimize.subgradient_method import default_rule, subgradient
from subgrad.kinks.problem import flat_problem
from subgrad.kinks.scaled_constraints import scaled_constraints
from subgrad.optim.step import Rule
from subgrad.optim.step.parsing import step_rule

METHODS = ("auto", "subgradient", "bundle", "gradient_sampling", "bfgs", "multipliers")

PATIENCE = 1000
"""After how many iterations the bundle method gives way: its iterations cost most where it is slow."""

IMPATIENCE = 100
"""The same where the method of multipliers follows."""

FEW = 100
"""Up to how many variables gradients are sampled."""

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


@dataclass(frozen=True)
class Search:
    """The settings of `minimize` but for what is minimised."""

    method: str
    callback: Callback | None
    tol: float
    max_iter: int
    step: Rule | float | str | None
    R: float | None
    G: float | None
    seed: int

    def run(self, target: FlatFunction) -> MinimizeResult:
        """From the target's start to its result."""
        objective = Objective(target)
        tol, seed, classic = self.tol, self.seed, self.method == "subgradient"
        solver = self._classic(objective) if classic else _solver(self.method, objective, objective.start, tol, seed)
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # a step too long is seen by its value
            iterations, status = run(objective, solver, self.callback, self.max_iter)
            certificate, curved = self._judged(objective)
            while status == STUCK and not classic and iterations < self.max_iter:
                lower = way_down(objective, certificate, curved, tol, seed)
                if lower is None:
                    break
                again = _solver(self.method, objective, lower, tol, seed)
                more, status = run(objective, again, self.callback, self.max_iter - iterations)
                iterations += max(more, 1)
                certificate, curved = self._judged(objective)
            if status == OUT_OF_ITERATIONS and not classic and not certificate:
                probe(objective, objective.best, tol / 2, tol)
                certificate, curved = self._judged(objective)
            return result(objective, certificate, curved, iterations, status, tol, self.R)

    def _judged(self, f: Objective) -> tuple[Certificate, SecondOrder]:
        """What is proved of the best point by first derivatives, and by second ones."""
        certificate = issue(f, self.tol, self.seed)
        return certificate, second_order(f.target.problem, certificate)

    def _classic(self, f: Objective) -> Iterable[Point]:
        """The subgradient method with its step rule."""
        step = self.step
        rule = default_rule(f.start, self.R, self.G, self.max_iter) if step is None else step_rule("step", step)
        return subgradient(f, f.start, self.tol, rule, self.R)


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
        if excess <= search.tol or found.status == STOPPED or weight > HEAVIEST * first or left <= 0:
            break
        start = x if excess < outside.evaluate(first_start)[0] else first_start
        weight *= HEAVIER
    value, slope = plain.evaluate(x)
    if excess > search.tol and found.status != STOPPED:
        status = INFEASIBLE if left > 0 else OUT_OF_ITERATIONS
        found = replace(found, success=False, status=status, message=MESSAGES[status])
    nit, nfev, njev = counts.tolist()
    return replace(
        found, fun=value, jac=plain.shown(slope), nit=nit, nfev=nfev, njev=njev, maxcv=own.value(x), penalised=penalised
    )


def _solver(method: str, f: Objective, at: Point, tol: float, seed: int) -> Iterable[Point]:
    if method == "bundle":
        return bundle(f, at, tol)
    if method == "bfgs":
        return bfgs(f, at, tol)
    if method == "multipliers":
        return _by_multipliers(f, at, tol)
    sampled = gradient_sampling if method == "gradient_sampling" else _auto
    return sampled(f, at, tol, seed)


def _by_multipliers(f: Objective, at: Point, tol: float) -> Generator[Point]:
    """The method of multipliers; BFGS where it does not know the kinks, or does not come to an end."""
    yield from multipliers(f, at, tol)
    if not is_certified(f, f.best, tol):
        yield from bfgs(f, f.best, tol)


def _auto(f: Objective, at: Point, tol: float, seed: int) -> Generator[Point]:
    """The bundle method, which takes the fewest evaluations; then BFGS from the best point; then gradient sampling.
    With many variables, where there may be many kinks, the method of multipliers comes soon after the beginning.

    The first that is certified is the last.
    """
    if at.x.size > FEW:
        yield from islice(bundle(f, at, tol), IMPATIENCE)
        if is_certified(f, f.best, tol):
            return
        yield from multipliers(f, at, tol)
        if is_certified(f, f.best, tol):
            return
        at = f.best
    yield from islice(bundle(f, at, tol), PATIENCE)
    if not is_certified(f, f.best, tol):
        yield from bfgs(f, f.best, tol)
    if not is_certified(f, f.best, tol) and at.x.size <= FEW:
        yield from gradient_sampling(f, f.best, tol, seed)
