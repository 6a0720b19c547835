"""Logistic regression of two classes with a penalty on |w|^2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import validators
from subgrad.linear.classifier import Classifier, balanced
from subgrad.linear.design import by_rows
from subgrad.linear.duality_gap import PrimalDualPoint


@dataclass(eq=False)
class LogisticRegression(Classifier):
    """Minimises P(w, b) = 1/2 |w|^2 + C sum_i ln(1 + exp(-y_i (x_i.w + b))), y in {-1, +1}.

    The bound. With ln(1 + exp(-m)) = max {H(a) - a m : 0 <= a <= 1}, H(a) = -a ln a - (1 - a) ln(1 - a), every
    u in [0, C]^n with sum u_i y_i = 0 gives

        P(w, b) >= 1/2 |w|^2 - v.w + C sum H(u_i / C) >= C sum H(u_i / C) - 1/2 |v|^2 = D(u),   v = sum u_i y_i x_i.

    The condition on u is what makes b, which has no penalty, drop out; without an intercept there is none. A u that
    misses it is mended by scaling down the class that weighs more. With weights k each sample has k_i C in the place of
    C.

    It is the objective of scikit-learn's ``LogisticRegression(C=C)`` for two classes. In terms of lambda = 1/(n C),
    P/(n C) = lambda/2 |w|^2 + the mean loss. Newton's method with halved steps, 5 to 10 epochs of n d^2
    operations.

    Args:
        C: the weight of the losses; small values mean more regularisation.

    The other arguments, the attributes of a fitted model and the errors are those of all models of `subgrad.linear`.

    Example:
        >>> X, y = [[0.0], [1], [2], [3]], [0, 0, 1, 1]
        >>> model = LogisticRegression(gap=1e-9).fit(X, y)
        >>> model.predict_proba([[1.5], [3]]).round(2).tolist()
        [[0.5, 0.5], [0.19, 0.81]]
    """

    C: float = 1.0
    fit_intercept: bool = True
    gap: float = 1e-4
    max_iter: int = 1000
    verbose: bool = False

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class for each row of X (n, d): (n, 2), in the order of ``classes_``."""
        f = self.decision_function(X)
        return np.column_stack([sigmoid(-f), sigmoid(f)])

    def _check(self) -> None:
        super()._check()
        validators.positive("C of LogisticRegression", self.C)

    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Logistic:
        return Logistic(X, y, self.C * weights, self.fit_intercept)

    def _iterates(self, problem: Logistic) -> Iterator[PrimalDualPoint]:
        return newton(problem)


@dataclass
class Logistic:
    """The problem of `LogisticRegression`: y is -1 or +1, and C (n,) the weight of each sample's loss."""

    X: np.ndarray
    y: np.ndarray
    C: np.ndarray
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        return float(w @ w / 2 + self.C @ np.logaddexp(0, -self.y * (self.X @ w + b)))

    def feasible(self, u: np.ndarray) -> np.ndarray:
        inside = np.clip(u, 0, self.C)
        return balanced(inside, self.y) if self.intercept else inside

    def bound(self, u: np.ndarray) -> float:
        v = self.X.T @ (self.y * u)
        return float(self.C @ entropy(u / self.C) - v @ v / 2)


def newton(problem: Logistic) -> Iterator[PrimalDualPoint]:
    """Newton's method, each step halved until the objective falls enough; ends where floats allow no further fall."""
    y, C = problem.y, problem.C
    design = by_rows(problem.X, C, problem.intercept)
    A, penalised = design.A, design.penalised

    def value(z: np.ndarray) -> float:
        return float(penalised * z @ z / 2 + C @ np.logaddexp(0, -y * (A @ z)))

    z = np.zeros(A.shape[1])
    while True:
        u = C * sigmoid(-y * (A @ z))
        gradient = penalised * z - A.T @ (y * u)
        root = A * np.sqrt(u * (1 - u / C))[:, None]
        step = -np.linalg.solve(root.T @ root + np.diag(penalised), gradient)
        size, slope, now = 1.0, float(gradient @ step), value(z)
        while value(z + size * step) > now + 0.1 * size * slope:
            size /= 2
            if size < 1e-10:
                return
        z = z + size * step
        yield PrimalDualPoint(*design.split(z), C * sigmoid(-y * (A @ z)))


def sigmoid(f: np.ndarray) -> np.ndarray:
    """1/(1 + exp(-f)) without overflow."""
    small = np.exp(-np.abs(f))
    return np.where(f >= 0, 1, small) / (1 + small)


def entropy(a: np.ndarray) -> np.ndarray:
    """-a ln a - (1 - a) ln(1 - a), 0 at both ends."""
    inside = np.clip(a, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)
    return np.where((a > 0) & (a < 1), -a * np.log(inside) - (1 - a) * np.log1p(-inside), 0.0)
