"""What `subgrad.minimize` returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from subgrad.io.number_text import at_most
from subgrad.kinks.certify.certificates import Certificate
from subgrad.kinks.constraints import Penalised
from subgrad.kinks.minimize.second_order.second_order_verdict import SecondOrder


@dataclass(frozen=True, eq=False)
class MinimizeResult:
    """The outcome of `minimize`, with the attributes and keys of SciPy's ``OptimizeResult``."""

    x: Any
    """The best point, in the form of x0."""
    fun: float
    """f(x)."""
    jac: Any
    """The gradient that differentiation gives at x. At a minimum on a kink it need not be small."""
    nit: int
    """How many iterations there were."""
    nfev: int
    """How often f was evaluated, the certificate included."""
    njev: int
    """How often its gradient was: together with each value."""
    success: bool
    """Whether x is found stationary within the tolerance and no way down was found around it, or its value proved to be
    within it of the minimum. Whether it is proved to be a minimum is said by ``second_order``."""
    status: int
    """0 for success, 1 if the iterations ran out, 2 if no lower point was found, 3 if f seems to have no lower bound, 4
    if no point satisfies the constraints, 5 at a point that is stationary and no minimum, 99 if the callback ended the
    run."""
    message: str
    bound: float | None
    """At most how far ``fun`` is above the minimum, if f is convex and R was right; None without R, or if the run
    shows that one of the two is not so."""
    certificate: Certificate
    """What is proved of x: see `verify_certificate`. With constraints it is a certificate of ``penalised``."""
    second_order: SecondOrder
    """Whether there is a strict local minimum at x, by second derivatives along the kinks."""
    maxcv: float | None = None
    """By how much the constraints are violated at most at x; None without constraints."""
    penalised: Penalised | None = None
    """With constraints, f plus a weight times the sum of their violations: what was minimised."""

    def keys(self) -> Iterable[str]:
        return [f.name for f in fields(self)]

    def __getitem__(self, key: str) -> Any:
        if key not in self.keys():
            raise KeyError(key)
        return getattr(self, key)

    def __str__(self) -> str:
        bound = "" if self.bound is None else f", at most {at_most(self.bound, 3)} above the minimum"
        bound += "" if self.maxcv is None else f", constraints violated by at most {at_most(self.maxcv, 3)}"
        return f"f = {self.fun:.9g}{bound}, {self.nit} iterations, {self.nfev} evaluations; {self.message}"


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a run is: what a callback with an argument ``intermediate_result`` gets."""

    x: Any
    fun: float
