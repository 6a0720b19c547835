"""Linear classifiers of two classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from subgrad.linear import input_arrays
from subgrad.linear.model import LinearModel


@dataclass(eq=False)
class Classifier(LinearModel):
    """sign(x.w + b): the second of two sorted classes where it is positive."""

    estimator_type = "classifier"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from X (n, d) and the labels y (n,), of two kinds, with weights (n,) or none. Returns the model."""
        table = input_arrays.features(X)
        self._check()
        self._remember_names(X)
        weights = input_arrays.weights(sample_weight, len(table))
        self.classes_, signs = input_arrays.labels(y, weights)
        w, b = self._solve(table, signs, weights)
        self.coef_, self.intercept_ = w[None], np.array([b])
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """x.w + b for each row of X (n, d): (n,), positive on the side of ``classes_[1]``."""
        return self._scores(X)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of X (n, d)."""
        second = self._scores(X) > 0
        return self.classes_[second.astype(int)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are classified as y says."""
        right = self.predict(X) == np.asarray(y)
        return float(np.average(right, weights=input_arrays.weights(sample_weight, len(right))))


def balanced(u: np.ndarray, y: np.ndarray) -> np.ndarray:
    """u >= 0 with the heavier of the two classes scaled down until sum u_i y_i = 0."""
    positive, negative = u[y > 0].sum(), u[y < 0].sum()
    least = min(positive, negative)
    with np.errstate(invalid="ignore"):
        return u * np.nan_to_num(np.where(y > 0, least / positive, least / negative))
