"""Regression by a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from subgrad.errors import ArgumentError, DataError
from subgrad.nn import loss as losses
from subgrad.sklearn.checked_data import check_array
from subgrad.sklearn.input_columns import FLOATS, standardisation
from subgrad.sklearn.network_base import NeuralNetwork, takes_batches


class NeuralNetworkRegressor(RegressorMixin, NeuralNetwork):
    """A network that estimates one number a row, or several, with scikit-learn's interface.

    As `NeuralNetworkClassifier`, whose arguments and attributes these are (but for ``class_weight`` and ``classes_``),
    with these differences.

    Args:
        loss: None for the squared error; or the name of another loss of numbers, such as ``"absolute"``, ``"huber"`` or
            ``"quantile"``, or a function of outputs and targets, (n, outputs) both.
        module: returns (n, outputs).
        standardize: brings the columns of y to mean 0 and deviation 1 as well, where the loss is looked at;
            predictions are in the unit of y.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = NeuralNetworkRegressor(hidden=(8,), max_iter=30, learning_rate=0.01, random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.5, model.predict(X[:2]).shape
        (True, (2,))
    """

    @available_if(takes_batches)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One step for each batch of X, for data that come as a stream; the first call decides the form.

        Args:
            X: (n, features), as for `fit`; the columns are standardised by what the first call saw, and so is y.
            y: (n,) or (n, outputs).
            sample_weight: (n,) weights.
        """
        return self._step(X, y, sample_weight, None)

    def predict(self, X: Any) -> np.ndarray:
        """The estimate for each row (n,), or (n, outputs)."""
        found = self._scores(X)
        found = (found * self._scale + self._mean).astype(found.dtype)
        return found[:, 0] if self._flat else found

    def _learn_form(self, y: np.ndarray, classes: Any) -> None:
        columns = y.reshape(len(y), -1).shape[1]
        self._flat, self._mean, self._scale = y.ndim == 1, np.zeros(columns), np.ones(columns)

    def _learn_scale(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        if self.standardize:
            self._mean, self._scale = standardisation(y.reshape(len(y), -1), weights)

    def _targets(self, y: Any) -> np.ndarray:
        return check_array(y, ensure_2d=False, dtype=FLOATS, input_name="y", estimator=self)

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != len(self._mean):
            raise DataError(f"y must have {len(self._mean)} columns, as in the first fit, got shape {y.shape}")
        return (columns - self._mean) / self._scale

    def _outputs(self) -> int:
        return len(self._mean)

    def _loss(self) -> Callable[..., Any]:
        name = "squared" if self.loss is None else self.loss
        if isinstance(name, str) and (name not in losses.NAMES or losses.NAMES[name] not in _NUMBERS):
            raise ArgumentError(f"loss of a regressor is one of numbers, such as 'squared' or 'absolute', got {name!r}")
        return losses.get(name)


_NUMBERS = {facts.function for facts in losses.TABLE.values() if facts.targets == "numbers"}

__all__ = ["NeuralNetworkRegressor"]
