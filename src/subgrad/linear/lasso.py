"""Least squares with a penalty on |w|_1, which makes coefficients exactly 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from subgrad import ops, validators
from subgrad.compile.function import compile
from subgrad.graph.dtype import using_dtype
from subgrad.graph.tensor import Tensor
from subgrad.linear.duality_gap import PrimalDualPoint
from subgrad.linear.regressor import Regressor


@dataclass(eq=False)
class Lasso(Regressor):
    """Minimises P(w, b) = 1/(2n) sum_i (y_i - x_i.w - b)^2 + alpha |w|_1.

    The bound. With 1/2 r^2 = max {u r - 1/2 u^2}, every u with |x_j.u| <= n alpha for all columns x_j of X, and
    sum u_i = 0, gives

        P(w, b) >= 1/n (u.y - 1/2 |u|^2) - 1/n sum_j w_j x_j.u + alpha |w|_1 >= 1/n (u.y - 1/2 |u|^2) = D(u).

    With weights k it is D(u) = 1/n (u.y - 1/2 sum u_i^2 / k_i), where n = sum k_i.

    At the optimum u is the vector of residuals. Elsewhere those are too large in some column, and the multiple of them
    that is feasible and has the largest D takes their place. Without an intercept sum u_i is free.

    It is the objective of scikit-learn's ``Lasso(alpha)``. The solver is coordinate descent in native code, see
    `coordinate_descent`.

    Args:
        alpha: the weight of |w|_1, above 0.

    The other arguments, the attributes of a fitted model and the errors are those of all models of `subgrad.linear`.

    Example:
        >>> X, y = [[0, 1], [1, -1], [2, -1], [3, 1]], [0.1, 1, 2, 3]
        >>> Lasso(alpha=0.1, gap=1e-9).fit(X, y).coef_.round(3)
        array([0.89, 0.  ])
    """

    alpha: float = 1.0
    fit_intercept: bool = True
    gap: float = 1e-4
    max_iter: int = 1000
    verbose: bool = False

    def _check(self) -> None:
        super()._check()
        validators.positive("alpha of Lasso", self.alpha)

    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Sparse:
        return Sparse(X, y, weights, self.alpha, self.fit_intercept)

    def _iterates(self, problem: Sparse) -> Iterator[PrimalDualPoint]:
        X, y, weights = problem.X, problem.y, problem.weights
        root = np.sqrt(weights)
        for w in coordinate_descent(root[:, None] * X, root * y, weights.sum() * problem.alpha):
            yield PrimalDualPoint(w, 0.0, weights * (y - X @ w))  # an intercept's best b is 0: both are centred


@dataclass
class Sparse:
    """The problem of `Lasso`; X and y are centred if there is an intercept."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    alpha: float
    intercept: bool

    def objective(self, w: np.ndarray, b: float) -> float:
        r = self.y - self.X @ w - b
        return float(self.weights @ (r * r) / (2 * self.weights.sum()) + self.alpha * np.abs(w).sum())

    def feasible(self, u: np.ndarray) -> np.ndarray:
        u = u - self.weights * (u.sum() / self.weights.sum()) if self.intercept else u
        square, steepest = float(u @ (u / self.weights)), float(np.abs(self.X.T @ u).max())
        if square == 0:
            return np.zeros_like(u)
        largest = self.weights.sum() * self.alpha / steepest if steepest else np.inf
        return u * np.clip(u @ self.y / square, -largest, largest)

    def bound(self, u: np.ndarray) -> float:
        return float((u @ self.y - u @ (u / self.weights) / 2) / self.weights.sum())


def coordinate_descent(X: np.ndarray, y: np.ndarray, weight: float) -> Iterator[np.ndarray]:
    """Minimise 1/2 |y - X w|^2 + weight |w|_1 one coordinate after the other (Friedman et al., J. Stat. Software 2010).

    An epoch goes once over the columns. When it left all signs as they were, they may be those of the optimum, and
    `_within_signs` then finds the best coefficients for them at once.

    Yields w (d,) after each epoch.
    """
    columns, squares = np.ascontiguousarray(X.T), (X * X).sum(axis=0)
    squares[squares == 0] = 1  # w_j = 0 whatever its column of zeros is divided by
    w, r = np.zeros(X.shape[1]), y
    thresholds = np.full(len(w), weight)
    while True:
        signs = np.sign(w)
        with using_dtype("float64"):
            r, w = _sweep.scan(r, (columns, squares, w, thresholds))
        if (np.sign(w) == signs).all():
            w = _within_signs(X, y, w, weight)
            r = y - X @ w
        yield w


@compile
def _sweep(r: Tensor, column: tuple[Tensor, Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Make one coefficient w optimal for fixed others; r are the residuals. `scan` goes over all of them."""
    x, square, w, weight = column
    slope = x @ r + square * w
    new = ops.sign(slope) * ops.relu(ops.abs(slope) - weight) / square
    return r + x * (w - new), new


def _within_signs(X: np.ndarray, y: np.ndarray, w: np.ndarray, weight: float) -> np.ndarray:
    """Newton steps over the coefficients that are not 0, as long as all of them keep their signs.

    The objective is quadratic where signs are fixed. A step to its minimum that would change signs ends at the first
    change, and that coefficient stays 0: no step raises the objective (Lee et al., NeurIPS 2006, feature-sign search).
    Where columns depend on each other, a trace of a ridge makes the step a long one along which only |w|_1 falls.
    """
    now = w.copy()
    while now.any():
        on = np.flatnonzero(now)
        active, signs = X[:, on], np.sign(now[on])
        gram, slope = active.T @ active, active.T @ (y - active @ now[on]) - weight * signs
        step = np.linalg.solve(gram + 1e-14 * np.trace(gram) * np.eye(len(on)), slope)
        until = np.where(signs * step < 0, -now[on] / np.where(step == 0, 1, step), np.inf)
        now[on] += min(1.0, until.min()) * step
        if until.min() >= 1:
            break
        now[on[until.argmin()]] = 0
    return now if _value(X, y, now, weight) < _value(X, y, w, weight) else w


def _value(X: np.ndarray, y: np.ndarray, w: np.ndarray, weight: float) -> float:
    r = y - X @ w
    return float(r @ r / 2 + weight * np.abs(w).sum())
