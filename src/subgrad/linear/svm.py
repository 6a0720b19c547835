"""The support vector machine: hinge loss and a penalty on |w|^2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.linear.classifier import Classifier, balanced
from subgrad.linear.design import by_rows
from subgrad.linear.duality_gap import PrimalDualPoint
from subgrad.linear.interior import Loss, interior_point
from subgrad.optim import validators


@dataclass(eq=False)
class SVM(Classifier):
    """Minimises P(w, b) = 1/2 |w|^2 + C sum_i max(0, 1 - y_i (x_i.w + b)), y in {-1, +1}.

    The bound. With hinge(m) = max {a (1 - m) : 0 <= a <= 1} and u = C a, every u in [0, C]^n with sum u_i y_i = 0 gives

        P(w, b) >= 1/2 |w|^2 - v.w + sum u_i >= sum u_i - 1/2 |v|^2 = D(u),   v = sum u_i y_i x_i.

    The condition on u is what makes b, which has no penalty, drop out; without an intercept there is none. A u that
    misses it is mended by scaling down the class that weighs more, which keeps it in the box.

    In terms of lambda = 1/(n C), P/(n C) = lambda/2 |w|^2 + mean hinge. scikit-learn's ``SVC(kernel="linear", C=C)``
    has this very objective; its ``LinearSVC(loss="hinge", C=C)`` also without an intercept, and with one it is this
    objective with ``fit_intercept=False`` and a further column of ones in X, as it penalises b.

    Args:
        C: the weight of the losses; small values mean more regularisation.
        solver: ``"interior"``, an interior-point method, some 15 epochs of n d^2 operations; or ``"subgradient"``,
            steps 1/(lambda t), one pass over the data each, to see the method at work: see `subgradient_steps`.

    The other arguments, the attributes of a fitted model and the errors are those of all models of `subgrad.linear`.

    Example:
        >>> X, y = [[0.0, 1], [1, 1], [3, 0], [4, 1]], ["left", "left", "right", "right"]
        >>> model = SVM(C=10, gap=1e-6).fit(X, y)
        >>> model.predict([[1.5, 0], [3.5, 0]]).tolist()
        ['left', 'right']
        >>> bool(model.bound_ <= model.objective_ <= model.bound_ / (1 - 1e-6))
        True
    """

    C: float = 1.0
    fit_intercept: bool = True
    gap: float = 1e-4
    max_iter: int = 1000
    solver: str = "interior"
    verbose: bool = False

    def _check(self) -> None:
        super()._check()
        validators.positive("C of SVM", self.C)
        if self.solver not in ("interior", "subgradient"):
            raise ArgumentError(f"solver of SVM is 'interior' or 'subgradient', got {self.solver!r}")

    def _problem(self, X: np.ndarray, y: np.ndarray) -> Hinge:
        return Hinge(X, y, self.C, self.fit_intercept)

    def _iterates(self, problem: Hinge) -> Iterator[PrimalDualPoint]:
        return subgradient_steps(problem) if self.solver == "subgradient" else _interior(problem)


@dataclass
class Hinge:
    """The problem of `SVM`: y is -1 or +1."""

    X: np.ndarray
    y: np.ndarray
    C: float
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        return float(w @ w / 2 + self.C * np.maximum(1 - self.y * (self.X @ w + b), 0).sum())

    def feasible(self, u: np.ndarray) -> np.ndarray:
        inside = np.clip(u, 0, self.C)
        return balanced(inside, self.y) if self.intercept else inside

    def bound(self, u: np.ndarray) -> float:
        v = self.X.T @ (self.y * u)
        return float(u.sum() - v @ v / 2)


def subgradient_steps(problem: Hinge) -> Iterator[PrimalDualPoint]:
    """The subgradient method on lambda/2 |w|^2 + mean hinge, with steps 1/(lambda t) and lambda = 1/(n C).

    It is Pegasos with all data in each step (Shalev-Shwartz, Singer, Srebro, Cotter, Math. Programming 2011). Where a_t
    marks the samples with a positive hinge loss, the step w - 1/(lambda t) (lambda w - X'(y a_t)/n) is
    (1 - 1/t) w + X'(y C a_t)/t. So w is always X'(y C a) for the mean a of all a_t, which is the v of the dual function
    at u = C a. The certificate costs nothing, and the gap falls like log t / t.

    At each step b is the best one for w, which keeps sum a_i y_i = 0: see `best_intercept`.
    """
    X, y, C, intercept = problem.X, problem.y, problem.C, problem.intercept
    w, u = np.zeros(X.shape[1]), np.zeros(len(y))
    b, active = best_intercept(X @ w, y, intercept)
    for t in count(1):
        w = w - (w - X.T @ (y * C * active)) / t
        u = u + (C * active - u) / t
        b, active = best_intercept(X @ w, y, intercept)
        yield PrimalDualPoint(w, b, u)


def best_intercept(f: np.ndarray, y: np.ndarray, intercept: bool) -> tuple[float, np.ndarray]:
    """The b that minimises sum max(0, 1 - y (f + b)), and a subgradient of the hinges with sum a_i y_i = 0.

    Sample i has its kink at b = y_i - f_i. Left of all kinks the slope of the sum is minus the number of positive
    samples, and each kink adds 1. So the least value is just right of as many kinks as there are positive samples.
    """
    if not intercept:
        return 0.0, (y * f < 1).astype(float)
    kinks, positive = y - f, int((y > 0).sum())
    order = np.argsort(kinks, kind="stable")
    left = np.zeros(len(y), bool)
    left[order[:positive]] = True
    b = (kinks[order[positive - 1]] + kinks[order[positive]]) / 2
    return float(b), np.where(y > 0, ~left, left).astype(float)


def _interior(problem: Hinge) -> Iterator[PrimalDualPoint]:
    design = by_rows(problem.X, problem.intercept)
    A, ones = problem.y[:, None] * design.A, np.ones(len(problem.y))
    for z, u in interior_point(A, ones, design.penalised, Loss(0, problem.C)):
        yield PrimalDualPoint(*design.split(z), u)
