"""L1 regression: least absolute deviations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from subgrad.linear.design import Design, by_columns
from subgrad.linear.duality_gap import PrimalDualPoint
from subgrad.linear.interior import Loss, interior_point
from subgrad.linear.regressor import Regressor, projected


@dataclass(eq=False)
class LeastAbsolute(Regressor):
    """Minimises P(w, b) = 1/n sum_i |y_i - x_i.w - b|: towards the median, however far the outliers are.

    The bound. With |r| = max {u r : |u| <= 1}, every u in [-1, 1]^n with X'u = 0 and sum u_i = 0 gives

        P(w, b) >= 1/n sum u_i (y_i - x_i.w - b) = u.y / n = D(u).

    The conditions make w and b drop out. A u that misses them is projected on them and then scaled into the box. With
    weights k the box is |u_i| <= k_i, and n = sum k_i.

    It is scikit-learn's ``QuantileRegressor(quantile=0.5, alpha=0)``, whose objective is P/2. The optimum need not be
    unique; where columns depend on each other, it is the one of least norm, columns brought to one length.

    Some 20 epochs are usual. The arguments, the attributes of a fitted model and the errors are those of all models of
    `subgrad.linear`.

    Example:
        >>> X, y = [[0], [1], [2], [3], [4]], [1, 3, 5, 7, 100]
        >>> model = LeastAbsolute(gap=1e-9).fit(X, y)
        >>> model.coef_.round(6), round(model.intercept_, 6), round(model.objective_, 6)
        (array([2.]), 1.0, 18.2)
    """

    fit_intercept: bool = True
    gap: float = 1e-4
    max_iter: int = 1000
    verbose: bool = False

    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Absolute:
        return Absolute(X, y, weights, self.fit_intercept)

    def _iterates(self, problem: Absolute) -> Iterator[PrimalDualPoint]:
        """Least squares, which is the optimum where it meets every y; then an interior-point method."""
        design, y, weights = problem.design, problem.y, problem.weights
        least_squares = design.A.T @ (weights * y)
        yield PrimalDualPoint(*design.split(least_squares), weights * (y - design.A @ least_squares))
        for z, u in interior_point(design.A, y, weights, design.penalised, Loss(-1, 1)):
            yield PrimalDualPoint(*design.split(z), u)


@dataclass
class Absolute:
    """The problem of `LeastAbsolute`; X is centred if there is an intercept."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        return float(self.weights @ np.abs(self.y - self.X @ w - b) / self.weights.sum())

    def feasible(self, u: np.ndarray) -> np.ndarray:
        return projected(u, self.design.A, self.weights, self.weights)

    def bound(self, u: np.ndarray) -> float:
        return float(u @ self.y / self.weights.sum())

    @cached_property
    def design(self) -> Design:
        return by_columns(self.X, self.weights, self.intercept)
