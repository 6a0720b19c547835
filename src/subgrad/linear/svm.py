"""The support vector machine: hinge loss and a penalty on |w|^2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from subgrad import validators
from subgrad.errors import ArgumentError
from subgrad.linear.classifier import Classifier, balanced
from subgrad.linear.design import by_rows
from subgrad.linear.duality_gap import PrimalDualPoint
from subgrad.linear.interior import Loss, interior_point


@dataclass(eq=False)
class SVM(Classifier):
    """Minimises P(w, b) = 1/2 |w|^2 + C sum_i max(0, 1 - y_i (x_i.w + b)), y in {-1, +1}.

    The bound. With hinge(m) = max {a (1 - m) : 0 <= a <= 1} and u = C a, every u in [0, C]^n with sum u_i y_i = 0 gives

        P(w, b) >= 1/2 |w|^2 - v.w + sum u_i >= sum u_i - 1/2 |v|^2 = D(u),   v = sum u_i y_i x_i.

    The condition on u is what makes b, which has no penalty, drop out; without an intercept there is none. A u that
    misses it is mended by scaling down the class that weighs more, which keeps it in the box. With weights k each
    sample has k_i C in the place of C.

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

    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Hinge:
        return Hinge(X, y, self.C * weights, self.fit_intercept)

    def _iterates(self, problem: Hinge) -> Iterator[PrimalDualPoint]:
        return subgradient_steps(problem) if self.solver == "subgradient" else _interior(problem)


@dataclass
class Hinge:
    """The problem of `SVM`: y is -1 or +1, and C (n,) the weight of each sample's loss."""

    X: np.ndarray
    y: np.ndarray
    C: np.ndarray
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        return float(w @ w / 2 + self.C @ np.maximum(1 - self.y * (self.X @ w + b), 0))

    def feasible(self, u: np.ndarray) -> np.ndarray:
        inside = np.clip(u, 0, self.C)
        return balanced(inside, self.y) if self.intercept else inside

    def bound(self, u: np.ndarray) -> float:
        v = self.X.T @ (self.y * u)
        return float(u.sum() - v @ v / 2)


def subgradient_steps(problem: Hinge) -> Iterator[PrimalDualPoint]:
    """The subgradient method on lambda/2 |w|^2 + mean hinge, with steps 1/(lambda t) and lambda = 1 / sum_i C_i.

    It is Pegasos with all data in each step (Shalev-Shwartz, Singer, Srebro, Cotter, Math. Programming 2011). Where a_t
    marks the samples with a positive hinge loss, the step w - 1/(lambda t) (lambda w - lambda X'(y C a_t)) is
    (1 - 1/t) w + X'(y C a_t)/t. So w is always X'(y C a) for the mean a of all a_t, which is the v of the dual function
    at u = C a. The certificate costs nothing, and the gap falls like log t / t.

    At each step b is the best one for w, which keeps sum C_i a_i y_i = 0: see `best_intercept`.
    """
    X, y, C, intercept = problem.X, problem.y, problem.C, problem.intercept
    w, u = np.zeros(X.shape[1]), np.zeros(len(y))
    b, active = best_intercept(X @ w, y, C, intercept)
    for t in count(1):
        w = w - (w - X.T @ (y * C * active)) / t
        u = u + (C * active - u) / t
        b, active = best_intercept(X @ w, y, C, intercept)
        yield PrimalDualPoint(w, b, u)


def best_intercept(f: np.ndarray, y: np.ndarray, C: np.ndarray, intercept: bool) -> tuple[float, np.ndarray]:
    """The b that minimises sum C max(0, 1 - y (f + b)), and a subgradient of the hinges with sum C_i a_i y_i = 0.

    Sample i has its kink at b = y_i - f_i. Left of all kinks the slope of the sum is minus the weight C of the positive
    samples, and each kink adds its own. So the least value is where the kinks on the left weigh as much as the positive
    samples. A kink that goes beyond that is the place, and counts as left with the share that is needed.
    """
    if not intercept:
        return 0.0, (y * f < 1).astype(float)
    order = np.argsort(y - f, kind="stable")
    kinks, size = (y - f)[order], C[order]
    until, positive = np.cumsum(size), C[y > 0].sum()
    left = np.empty(len(y))
    left[order] = np.clip((positive - (until - size)) / size, 0, 1)
    least, most = np.searchsorted(until, positive), np.searchsorted(until, positive, side="right")
    b = (kinks[least] + kinks[min(most, len(y) - 1)]) / 2
    return float(b), np.where(y > 0, 1 - left, left)


def _interior(problem: Hinge) -> Iterator[PrimalDualPoint]:
    design = by_rows(problem.X, problem.C, problem.intercept)
    A, ones = problem.y[:, None] * design.A, np.ones(len(problem.y))
    for z, u in interior_point(A, ones, problem.C, design.penalised, Loss(0, 1)):
        yield PrimalDualPoint(*design.split(z), u)
