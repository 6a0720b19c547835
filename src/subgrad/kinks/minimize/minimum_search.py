"""A search for a minimum with one method, in units that suit the function."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from subgrad.blas_threads import one_thread
from subgrad.kinks.certify.certificate import Certificate
from subgrad.kinks.certify.stationary import checked
from subgrad.kinks.hull.min_norm_point import least_norm
from subgrad.kinks.minimize.bfgs import bfgs
from subgrad.kinks.minimize.bundle import bundle, descend
from subgrad.kinks.minimize.certifying import is_certified, issue
from subgrad.kinks.minimize.flat_function import FlatFunction
from subgrad.kinks.minimize.gradient_sampling import gradient_sampling
from subgrad.kinks.minimize.multipliers.multiplier_method import multipliers
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.probe import probe
from subgrad.kinks.minimize.result import MinimizeResult
from subgrad.kinks.minimize.run import OUT_OF_ITERATIONS, STUCK, UNBOUNDED, Callback, result, run
from subgrad.kinks.minimize.saddles.way_down import along, way_down
from subgrad.kinks.minimize.scales.attempt import Attempt, scale_of_start
from subgrad.kinks.minimize.scales.scale import Scale
from subgrad.kinks.minimize.second_order.optimality import second_order
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder, nothing
from subgrad.kinks.minimize.subgradient_method import default_rule, subgradient
from subgrad.optim.step import Rule
from subgrad.optim.step.parsing import step_rule

METHODS = ("auto", "subgradient", "bundle", "gradient_sampling", "bfgs", "multipliers")

PATIENCE = 1000
"""After how many iterations the bundle method gives way: its iterations cost most where it is slow."""

IMPATIENCE = 100
"""The same where the method of multipliers follows."""

GENTLE = 1e4
"""Up to which slopes a certificate in units of 1 takes little."""

MOST, ROUNDS = 12, 20
"""The most attempts in different units, and how often one goes on from below a point where it stopped."""

FEW = 100
"""Up to how many variables gradients are sampled."""


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
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):  # a step too long is seen by its value
            own = Objective(target)
            found, made = self._classic(own) if self.method == "subgradient" else self._in_suitable_units(own)
            count = own.count + sum(a.objective.count for a in made if a.objective is not own)
            return result(own, found, sum(a.iterations for a in made), count, self.tol, self.R)

    def _in_suitable_units(self, own: Objective) -> tuple[Attempt, list[Attempt]]:
        """The attempt that counts, and all that were made.

        A point that is stationary in coarse units need not be in finer ones. So an attempt in those follows: a short
        one from what is proved to be a minimum, else BFGS. If a short one led down at once, the coarse units may do for
        the new point, but not twice. They also do where a whole attempt in finer ones finds no more to go down.
        """
        found = self._attempt(own, scale_of_start(own), None, self.max_iter, self.method)
        made, tried, bottom = [found], {found.scale}, found.objective.bottom * found.scale.value
        coarse, polished = found.scale, set[Scale]()
        while found.status == STUCK and len(made) < MOST:
            coarse = found.scale if found.certificate else coarse
            wanted = [scale for scale in (*found.calls_for(own.start.x, self.tol), coarse) if scale not in tried]
            left = self.max_iter - sum(a.iterations for a in made)
            if not wanted or left <= 0:
                break
            scale = wanted[0]
            tried.add(scale)
            short = bool(found.certificate and found.curved)
            if short:
                again = self._short(own, scale, found, left)
            else:
                again = self._attempt(own, scale, found, left, "bfgs" if found.certificate else self.method)
            made.append(again)
            if again.value <= bottom:
                return replace(again, status=UNBOUNDED), made
            if again.status not in (STUCK, OUT_OF_ITERATIONS) or again.certificate or not found.certificate:
                found = again
            elif again.is_below(found):
                if left <= again.iterations:
                    return again, made
                if not short:
                    found, tried = again, {scale}
                    continue
                at_once = again.iterations < IMPATIENCE and found.scale not in polished
                polished.add(found.scale)
                found = self._attempt(
                    own, found.scale if at_once else scale, again, left - again.iterations, self.method
                )
                tried = {found.scale}
                made.append(found)
        return found, made

    def _attempt(self, own: Objective, scale: Scale, after: Attempt | None, most: int, method: str) -> Attempt:
        """A run in some units, and further ones from below the saddles where it stopped."""
        f = own
        if scale != Scale() or after is not None:
            f = Objective(scale.function(own.target, own.start.x if after is None else after.x))
        tol, seed = self.tol, self.seed
        iterations, status = run(f, _solver(method, f, f.start, tol, seed), self.callback, most)
        certificate, curved = self._judged(own, f, scale)
        for _ in range(ROUNDS):
            if status != STUCK or iterations >= most:
                break
            units = scale.inverse
            lower = way_down(f, units.certificate(certificate), units.second_order(curved), tol, seed)
            if lower is None:
                break
            more, status = run(f, _solver(method, f, lower, tol, seed), self.callback, most - iterations)
            iterations += max(more, 1)
            certificate, curved = self._judged(own, f, scale)
        if status == OUT_OF_ITERATIONS and not certificate:
            probe(f, f.best, tol / 2, tol)
            certificate, curved = self._judged(own, f, scale)
        if f.is_bottomless and status == STUCK:
            status = UNBOUNDED
        return Attempt(f, scale, certificate, curved, iterations, status)

    def _short(self, own: Objective, scale: Scale, after: Attempt, most: int) -> Attempt:
        """Some steps in finer units, and a certificate in these if it takes little."""
        f, tol = Objective(scale.function(own.target, after.x)), self.tol
        least = least_norm(after.certificate.gradients)[0]  # where slopes are far apart this is what is left of them
        lower = along(f, f.start.x, -least / (float(np.linalg.norm(least)) or 1.0), 1.0)
        iterations, status = run(f, islice(descend(f, lower or f.start, tol), IMPATIENCE), self.callback, most)
        if max(f.slopes_nearby()) <= GENTLE:
            probe(f, f.best, tol / 2, tol)
        if is_certified(f, f.best, tol):
            return Attempt(f, scale, *self._judged(own, f, scale), iterations, status)
        unknown = replace(after.certificate, claim="unknown", reason="nothing was looked for in these units")
        return Attempt(f, scale, unknown, nothing(unknown.reason), iterations, status)

    def _judged(self, own: Objective, f: Objective, scale: Scale) -> tuple[Certificate, SecondOrder]:
        """What is proved of the best point by first derivatives, and by second ones, in the function's own units."""
        certificate = issue(f, self.tol, self.seed)
        if scale != Scale():
            certificate = self._in_own_units(scale.certificate(certificate), own)
        return certificate, second_order(own.target.problem, certificate)

    def _in_own_units(self, found: Certificate, own: Objective) -> Certificate:
        """A certificate that holds for the function in its own units, with the tolerance itself if that suffices."""
        if found.norm < self.tol < found.tolerance:
            tight = checked(replace(found, tolerance=self.tol), own.seen)
            if tight:
                return tight
        return checked(found, own.seen)

    def _classic(self, f: Objective) -> tuple[Attempt, list[Attempt]]:
        """The subgradient method with its step rule."""
        step = self.step
        rule = default_rule(f.start, self.R, self.G, self.max_iter) if step is None else step_rule("step", step)
        iterations, status = run(f, subgradient(f, f.start, self.tol, rule, self.R), self.callback, self.max_iter)
        found = Attempt(f, Scale(), *self._judged(f, f, Scale()), iterations, status)
        return found, [found]


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
