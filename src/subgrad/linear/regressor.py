"""Linear regression models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from subgrad.linear import input_arrays
from subgrad.linear.model import LinearModel


@dataclass(eq=False)
class Regressor(LinearModel):
    """x.w + b as an estimate of y."""

    estimator_type = "regressor"

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from X (n, d) and the targets y (n,). Returns the model."""
        table = input_arrays.features(X)
        self._check()
        self._remember_names(X)
        target = input_arrays.targets(y, len(table))
        shift = target.mean() if self.get_params()["fit_intercept"] else 0.0
        self.coef_, b = self._solve(table, target - shift)
        self.intercept_ = float(b + shift)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """x.w + b for each row of X (n, d): (n,)."""
        return self._scores(X)

    def score(self, X: Any, y: Any) -> float:
        """R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2."""
        target = input_arrays.targets(y, len(X))
        return float(1 - np.sum((target - self.predict(X)) ** 2) / np.sum((target - target.mean()) ** 2))


def projected(u: np.ndarray, basis: np.ndarray, limit: float) -> np.ndarray:
    """u without its part in the span of the orthonormal columns of ``basis``, scaled into [-limit, limit]^n.

    Twice, as one projection leaves a rest in the size of its own rounding.
    """
    for _ in range(2):
        u = u - basis @ (basis.T @ u)
    return u / max(1.0, np.abs(u).max() / limit)
