"""A solver's run: counting, the callback, and what is known at the end."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from subgrad.kinks.certify.certificates import Certificate
from subgrad.kinks.minimize.certifying import convex_lower
from subgrad.kinks.minimize.objective import Objective, Point
from subgrad.kinks.minimize.result import Iterate, MinimizeResult
from subgrad.kinks.minimize.scales.attempt import Attempt
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder

SUCCESS, OUT_OF_ITERATIONS, STUCK, UNBOUNDED, INFEASIBLE, SADDLE, STOPPED = 0, 1, 2, 3, 4, 5, 99
MESSAGES = {
    OUT_OF_ITERATIONS: "the iterations ran out before x was found stationary",
    UNBOUNDED: "f seems to have no lower bound: it went down beyond all limits",
    STUCK: "no lower point was found, and x is not stationary within the tolerance",
    INFEASIBLE: "no point was found that satisfies the constraints within the tolerance",
    SADDLE: "x is stationary and no local minimum, and no lower point was found",
    STOPPED: "the callback raised StopIteration",
}

Callback = Callable[..., Any]


def run(f: Objective, solver: Iterable[Point], callback: Callback | None, most: int) -> tuple[int, int]:
    """Take up to ``most`` points from the solver. Returns their number, and the status at the end."""
    tell = _told(callback)
    count = 0
    for count, point in enumerate(solver, start=1):
        try:
            tell(Iterate(f.target.shown(f.project(point.x)), point.value * f.target.unit))
        except StopIteration:
            return count, STOPPED
        if f.is_bottomless:
            break
        if count == most:
            return count, OUT_OF_ITERATIONS
    return count, UNBOUNDED if f.is_bottomless else STUCK


def _told(callback: Callback | None) -> Callable[[Iterate], Any]:
    """SciPy's two kinds of callbacks as one: by its only argument's name it gets x and f(x), or x alone."""
    if callback is None:
        return lambda iterate: None
    try:
        names = list(inspect.signature(callback).parameters)
    except (TypeError, ValueError):  # a builtin does not say
        names = []
    if names == ["intermediate_result"]:
        return lambda iterate: callback(intermediate_result=iterate)
    return lambda iterate: callback(iterate.x)


def result(own: Objective, found: Attempt, iterations: int, count: int, tol: float, R: float | None) -> MinimizeResult:
    """The best point, and what is known of it: a success is what the certificate says, or a bound, that nothing says
    the contrary of."""
    f, certificate, status = found.objective, found.certificate, found.status
    bound = None if R is None else _bound(f, own.start.x / found.scale.length, tol, R / found.scale.length)
    close = bound is not None and bound <= tol and certificate.claim != "descent"
    if (certificate or close) and status not in (STOPPED, UNBOUNDED):
        status = SADDLE if found.curved.verdict == "not a local minimum" else SUCCESS
    return MinimizeResult(
        x=own.target.shown(found.x),
        fun=found.value,
        jac=own.target.shown(f.best.gradient * found.scale.slope),
        nit=iterations,
        nfev=count,
        njev=count,
        success=status == SUCCESS,
        status=status,
        message=_message(status, certificate, found.curved),
        bound=None if bound is None else bound * found.scale.value,
        certificate=certificate,
        second_order=found.curved,
    )


def _message(status: int, certificate: Certificate, curved: SecondOrder) -> str:
    if status == STUCK and certificate.claim == "unknown":
        return f"{MESSAGES[STUCK]}: {certificate.reason}"
    if status != SUCCESS:
        return MESSAGES[status]
    if certificate:
        known = str(curved) if curved else f"whether it is a minimum is not proved: {curved.reason}"
        return f"certified: {certificate}; {known}"
    return "the value is as near to the minimum as the tolerance asks for, if f is convex"


def _bound(f: Objective, start: np.ndarray, tol: float, R: float) -> float | None:
    """How far the best value is above the minimum, at most; None if nothing is known, or what is known shows that f is
    not convex or R too small."""
    best, rounding = f.best, 1e-9 * (1 + abs(f.best.value))
    lower = f.lower if f.bounded else max(f.lower, convex_lower(f, start, tol, R))
    if not -math.inf < lower <= best.value + rounding or any(
        p.linear(best.x) > best.value + rounding for p in f.memory
    ):
        return None
    return max(best.value - lower, 0.0)
