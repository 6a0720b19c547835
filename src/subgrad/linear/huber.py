"""Regression with Huber's loss: squares for small residuals, absolute values for large ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subgrad import validators
from subgrad.linear.design import Design, by_columns, by_rows
from subgrad.linear.duality_gap import PrimalDualPoint
from subgrad.linear.interior import Loss, interior_point
from subgrad.linear.regressor import Regressor, projected


@dataclass(eq=False)
class Huber(Regressor):
    """Minimises P(w, b) = 1/n sum_i h(y_i - x_i.w - b) + alpha/2 |w|^2.

    h(r) = 1/2 r^2 for |r| <= delta, delta (|r| - delta/2) beyond, as in `subgrad.nn.huber_loss`.

    The bound. With h(r) = max {u r - 1/2 u^2 : |u| <= delta}, every u in [-delta, delta]^n with sum u_i = 0 gives

        P(w, b) >= 1/n (u.y - 1/2 |u|^2) - v.w + alpha/2 |w|^2 >= 1/n (u.y - 1/2 |u|^2) - 1/(2 alpha) |v|^2 = D(u),

    v = X'u / n. If alpha = 0 the condition is X'u = 0 instead, and the last term is gone. A u that misses a condition
    is projected on it and then scaled into the box. With weights k the box is |u_i| <= k_i delta, the sum of squares is
    sum u_i^2 / k_i, and n = sum k_i.

    scikit-learn's ``HuberRegressor(epsilon, alpha)`` also fits a scale sigma of the residuals. At its ``scale_`` its
    coefficients minimise this P with delta = epsilon * scale_ and alpha = (its alpha) * scale_ / n.

    Some 15 epochs are usual.

    Args:
        delta: where squares end, in the unit of y.
        alpha: the weight of |w|^2, 0 or more.

    The other arguments, the attributes of a fitted model and the errors are those of all models of `subgrad.linear`.

    Example:
        >>> X, y = [[0], [1], [2], [3], [4]], [1, 3, 5, 7, 100]
        >>> model = Huber(delta=0.5, gap=1e-9).fit(X, y)
        >>> model.coef_.round(3), round(model.intercept_, 3)
        (array([2.25]), 0.75)
    """

    delta: float = 1.35
    alpha: float = 0.0
    fit_intercept: bool = True
    gap: float = 1e-4
    max_iter: int = 1000
    verbose: bool = False

    def _check(self) -> None:
        super()._check()
        validators.positive("delta of Huber", self.delta)
        validators.not_negative("alpha of Huber", self.alpha)

    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Clipped:
        return Clipped(X, y, weights, self.delta, self.alpha, self.fit_intercept)

    def _iterates(self, problem: Clipped) -> Iterator[PrimalDualPoint]:
        design, weights = problem.design, problem.weights
        loss, penalty = Loss(-problem.delta, problem.delta, curvature=1), weights.sum() * problem.alpha
        for z, u in interior_point(design.A, problem.y, weights, penalty * design.penalised, loss):
            yield PrimalDualPoint(*design.split(z), u)


@dataclass
class Clipped:
    """The problem of `Huber`, whose gradients are clipped residuals; X is centred if there is an intercept."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    delta: float
    alpha: float
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        r = np.abs(self.y - self.X @ w - b)
        near = np.minimum(r, self.delta)
        return float(self.weights @ (near * (r - near / 2)) / self.weights.sum() + self.alpha / 2 * (w @ w))

    def feasible(self, u: np.ndarray) -> np.ndarray:
        free = self.design.A[:, self.design.penalised == 0]
        return projected(u, free, self.weights * self.delta, self.weights)

    def bound(self, u: np.ndarray) -> float:
        n = self.weights.sum()
        v = self.X.T @ u / n
        penalty = v @ v / (2 * self.alpha) if self.alpha else 0.0
        return float((u @ self.y - u @ (u / self.weights) / 2) / n - penalty)

    @cached_property
    def design(self) -> Design:
        return (by_rows if self.alpha else by_columns)(self.X, self.weights, self.intercept)
