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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from X (n, d) and the targets y (n,), with weights (n,) or none. Returns the model."""
        table = input_arrays.features(X)
        self._check()
        self._remember_names(X)
        target = input_arrays.targets(y, len(table))
        weights = input_arrays.weights(sample_weight, len(table))
        shift = np.average(target, weights=weights) if self.get_params()["fit_intercept"] else 0.0
        self.coef_, b = self._solve(table, target - shift, weights)
        self.intercept_ = float(b + shift)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """x.w + b for each row of X (n, d): (n,)."""
        return self._scores(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2."""
        target, estimate = input_arrays.targets(y, len(X)), self.predict(X)
        weights = input_arrays.weights(sample_weight, len(target))
        mean = np.average(target, weights=weights)
        return float(1 - weights @ (target - estimate) ** 2 / (weights @ (target - mean) ** 2))


def projected(u: np.ndarray, basis: np.ndarray, limit: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """u moved until basis'u = 0, and scaled into the box of all |u_i| <= limit_i.

    Each u_i moves in proportion to its weight, as the box of a small weight is small. The columns of ``basis`` are
    those of a `Design`, orthonormal under the weights. Twice, as one projection leaves a rest in the size of its own
    rounding.
    """
    for _ in range(2):
        u = u - weights * (basis @ (basis.T @ u))
    return u / max(1.0, (np.abs(u) / limit).max())
