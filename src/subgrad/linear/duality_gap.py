"""Solving until the gap is proved to be small: the loop that all models share.

Weak duality is the whole proof: whatever a solver does, the objective P(w, b) of any model is at least the optimum, and
the dual function D(u) at any feasible u is at most the optimum. So P - D, of the best of each seen so far, bounds the
distance from the optimum, and a wrong solver could make it large but never wrong. Numbers are float64, and the bound
holds up to their rounding.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from subgrad.io.number_text import at_least, at_most

ROUNDING = 1e-12  # of the zero model's objective: below it P - D is noise, as where the optimum is 0


class PrimalDualPoint(NamedTuple):
    """What a solver offers after an epoch: coefficients (d,), the intercept, and a dual point (n,), feasible or not."""

    w: np.ndarray
    b: float
    u: np.ndarray


class ConvexProblem(Protocol):
    """A convex problem: minimise ``objective``, which is never negative, and never below ``bound`` of a feasible u."""

    def objective(self, w: np.ndarray, b: float) -> float: ...

    def feasible(self, u: np.ndarray) -> np.ndarray:
        """A feasible point near any u (n,)."""
        ...

    def bound(self, u: np.ndarray) -> float:
        """D(u) for a feasible u."""
        ...


class Epoch(NamedTuple):
    """The state after an epoch, which is one pass over the data: the best objective and the best bound so far.

    Attributes:
        objective: P, at the best coefficients so far.
        bound: D <= the optimum, at the best dual point so far.

    Example:
        >>> Epoch(2.5, 2.0).gap
        0.5
    """

    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the objective can be from the optimum: objective - bound."""
        return self.objective - self.bound


class GapWarning(UserWarning):
    """A fit ended before the gap that was asked for; ``gap_`` says which gap is proved."""


@dataclass
class GapProof:
    """The best model and the best dual point found, and the way there."""

    point: PrimalDualPoint
    history: list[Epoch] = field(default_factory=list)


def prove(
    problem: ConvexProblem, iterates: Iterator[PrimalDualPoint], zero: PrimalDualPoint, gap: float, max_iter: int,
    verbose: bool,
) -> GapProof:
    """Run a solver until objective - bound <= gap * objective, or is in the range of rounding.

    Args:
        problem: what is minimised.
        iterates: the solver; it ends by itself where floats allow no further progress.
        zero: the model of zeros, with a feasible u of zeros.
        gap: relative; see above.
        max_iter: epochs at most.
        verbose: prints each epoch on standard error.
    """
    proof, start = GapProof(zero), problem.objective(zero.w, zero.b)
    best = Epoch(start, 0.0)
    for point in islice(iterates, max_iter):
        best = _improved(problem, proof, best, point)
        proof.history.append(best)
        if verbose:
            print(_line(len(proof.history), best), file=sys.stderr)
        if best.gap <= max(gap * best.objective, ROUNDING * start):
            return proof
    proof.history = proof.history or [best]  # a solver whose numbers overflow offers no point at all
    message = f"the gap is {best.gap:.2g} after {len(proof.history)} epochs, more than {gap:.2g} * {best.objective:.4g}"
    warnings.warn(message, GapWarning, stacklevel=4)
    return proof


def _improved(problem: ConvexProblem, proof: GapProof, best: Epoch, new: PrimalDualPoint) -> Epoch:
    """The best so far with the new point: its coefficients and its dual point are judged apart."""
    u = problem.feasible(new.u)
    objective, bound = problem.objective(new.w, new.b), problem.bound(u)
    if objective <= best.objective:
        proof.point = proof.point._replace(w=new.w, b=new.b)
    if bound >= best.bound:
        proof.point = proof.point._replace(u=u)
    least = min(best.objective, objective)  # in this order NaN loses
    return Epoch(least, min(least, max(best.bound, bound)))  # above the least objective by rounding alone


def _line(epoch: int, best: Epoch) -> str:
    return f"epoch {epoch}: objective {best.objective:.6g}, bound {at_least(best.bound, 6)}, gap {at_most(best.gap, 2)}"
