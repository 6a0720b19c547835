"""What a hidden layer of a fitted network makes of rows, as features for another estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from subgrad import nn
from subgrad.errors import ArgumentError
from subgrad.fit import predict
from subgrad.sklearn.network_base import NeuralNetwork
from subgrad.sklearn.neural_regressor import NeuralNetworkRegressor


class HiddenActivations(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """The values of a hidden layer, learnt with the targets: a transformer, with ``set_output``.

    Args:
        estimator: a `NeuralNetworkClassifier` or `NeuralNetworkRegressor`, of which a copy is fitted; None for a
            regressor with its defaults. Its network is a `Sequential`, as that of ``hidden`` is.
        layer: the name or number of the layer whose values are taken; -1 is the output. The default is what the last
            layer is given.

    Attributes:
        estimator_: the fitted copy.

    Raises:
        ArgumentError: for an estimator of another kind, a network that is no `Sequential`, or a layer that it has not.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from subgrad.sklearn import NeuralNetworkClassifier
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> network = NeuralNetworkClassifier(hidden=(16, 3), max_iter=10, random_state=0)
        >>> HiddenActivations(network).set_output(transform="pandas").fit_transform(X, y).columns.tolist()
        ['hiddenactivations0', 'hiddenactivations1', 'hiddenactivations2']
    """

    def __init__(self, estimator=None, *, layer=-2) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit a copy of the estimator; the arguments are those of its ``fit``."""
        estimator = NeuralNetworkRegressor() if self.estimator is None else self.estimator
        if not isinstance(estimator, NeuralNetwork):
            kind = type(estimator).__name__
            raise ArgumentError(f"HiddenActivations takes a NeuralNetworkClassifier or -Regressor, got {kind}")
        own: Any = clone(estimator)
        self.estimator_ = own.fit(X, y, sample_weight)
        self._until = self._part(self.estimator_.module_)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self._n_features_out = predict(self._until, np.zeros((1, self.estimator_._inputs.width))).size
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The layer's values for each row of X, (n, units)."""
        check_is_fitted(self, "estimator_")
        found = predict(self._until, self.estimator_._inputs.of(self, X))
        return found.reshape(len(found), -1)

    def _part(self, network: nn.Module) -> nn.Module:
        """The network up to the layer."""
        if not isinstance(network, nn.Sequential):
            raise ArgumentError(f"HiddenActivations takes the layers of a Sequential, got {type(network).__name__}")
        layers = network.children
        names = [*layers]
        found = names.index(self.layer) if self.layer in names else self.layer
        if not isinstance(found, (int, np.integer)) or not -len(names) <= found < len(names):
            raise ArgumentError(f"layer of HiddenActivations is one of {', '.join(names)}, or a number from "
                                f"{-len(names)} to {len(names) - 1}, got {self.layer!r}")  # fmt: skip
        return nn.Sequential({name: layers[name] for name in names[: int(found) % len(names) + 1]})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


__all__ = ["HiddenActivations"]
