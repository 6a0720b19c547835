"""Classification by a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from subgrad.errors import DataError
from subgrad.sklearn.class_heads import Heads, Several, heads_of, loss_of, same_classes
from subgrad.sklearn.network_base import NeuralNetwork, takes_batches


class NeuralNetworkClassifier(ClassifierMixin, NeuralNetwork):
    """A network that classifies, with scikit-learn's interface.

    It is fitted in float32 if X is, else in float64. Small tables that are one batch are fitted by L-BFGS, others by
    Adam: see ``solver``. Networks of one form share their program, so the fits of a search compile once.

    Args:
        hidden: the sizes of the hidden layers.
        module: in place of ``hidden`` and ``activation``, a `subgrad.nn.Module`, of which a copy is trained, or a
            function (inputs, outputs) that makes one. It takes (n, inputs) and returns scores (n, outputs): one for
            each class, two at least; one for each label; or those of all columns, side by side.
        activation: between the layers, by name.
        loss: None for cross-entropy (binary cross-entropy for several labels), or a function of scores (n, classes) and
            classes (n,).
        solver: the name of an optimiser, an optimiser with its own settings, or ``"lbfgs"``: all samples at once, for
            which a weight of 2 is a row that is there twice. ``"auto"`` is that where X is no longer than a batch and
            neither ``module``, ``validation`` nor ``early_stopping`` is given, else ``"adam"``.
        learning_rate: the step size, a number or a step rule; not used by L-BFGS, nor by an optimiser that is given.
        weight_decay: L2 penalty on all parameters; not used by an optimiser that is given.
        batch_size: rows a step.
        max_iter: epochs, or iterations of L-BFGS.
        validation: the share of rows to hold out, or (X, y): ``history_`` has its loss after each epoch.
        early_stopping: True, a number of epochs without a better validation loss, or an `EarlyStopping`; a tenth of the
            rows is held out if ``validation`` is None. The network of the best epoch is kept.
        standardize: bring the columns of X to mean 0 and deviation 1 first; those of a frame with columns that are no
            numbers always are.
        class_weight: None, ``"balanced"`` or weights by class, as elsewhere in scikit-learn.
        warm_start: whether another ``fit`` goes on with the network there is.
        random_state: of initial values, shuffling and dropout.
        verbose: whether to show progress.

    Attributes:
        classes_: the labels, sorted; a list of them if y has several columns of classes.
        module_: the network.
        loss_curve_, n_iter_, loss_: the training loss of each epoch, their number, the last one.
        history_: the `subgrad.History` of the last fit.
        n_features_in_, feature_names_in_: as everywhere.

    Raises:
        ValueError, TypeError: from scikit-learn, for an X or y of a wrong form, NaN, or sparse X.
        ArgumentError, DataError: for an argument that is not what is said above; for classes that the first fit lacked.
        NonFiniteError: if the loss becomes NaN or inf.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = NeuralNetworkClassifier(hidden=(8,), max_iter=30, learning_rate=0.05, random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9, model.predict_proba(X[:2]).shape
        (True, (2, 3))
    """

    _heads: Heads

    def __init__(
        self,
        hidden=(64,),
        *,
        module=None,
        activation="relu",
        loss=None,
        solver="auto",
        learning_rate=3e-3,
        weight_decay=1e-3,
        batch_size=64,
        max_iter=100,
        validation=None,
        early_stopping=False,
        standardize=True,
        class_weight=None,
        warm_start=False,
        random_state=None,
        verbose=False,
    ) -> None:
        super().__init__(
            hidden, module=module, activation=activation, loss=loss, solver=solver, learning_rate=learning_rate,
            weight_decay=weight_decay, batch_size=batch_size, max_iter=max_iter, validation=validation,
            early_stopping=early_stopping, standardize=standardize, warm_start=warm_start, random_state=random_state,
            verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight

    @available_if(takes_batches)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One step for each batch of X, for data that come as a stream; the first call decides the form.

        Args:
            X: (n, features), as for `fit`; the columns are standardised by what the first call saw.
            y: (n,) or (n, outputs).
            classes: all classes there are, needed in the first call unless its y has all of them; a list of such for
                several columns.
            sample_weight: (n,) weights.
        """
        return self._step(X, y, sample_weight, classes)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row (n,), or (n, outputs)."""
        scores = self._scores(X)
        return self._heads.predicted(scores)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class (n, classes), as ``classes_`` has them; of each label (n, labels); or a list of
        such for several columns."""
        scores = self._scores(X)
        return self._heads.probabilities(scores)

    def decision_function(self, X: Any) -> Any:
        """The score of each class (n, classes), of two classes the difference (n,), positive for the second; the
        log-odds of each label (n, labels); or a list of such for several columns."""
        scores = self._scores(X)
        return self._heads.scores(scores)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows that are answered right; of several labels or columns, rows of which all are."""
        if not isinstance(getattr(self, "_heads", None), Several):
            return super().score(X, y, sample_weight)
        right = (self.predict(X) == self._targets(y)).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def _learn_form(self, y: np.ndarray, classes: Any) -> None:
        self._heads = heads_of(y, classes)
        self.classes_ = self._heads.classes

    def _check_form(self, y: np.ndarray, classes: Any) -> None:
        if not same_classes(heads_of(y, classes), self._heads):
            raise DataError(f"classes are those of the first call, {self.classes_}, got {classes}"[:300])

    def _targets(self, y: Any) -> np.ndarray:
        y = super()._targets(y)
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        return self._heads.encoded(y)

    def _weighted(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weights
        by_class = self._heads.weights(self.class_weight, y, weights)
        return by_class if weights is None else by_class * weights

    def _outputs(self) -> int:
        return self._heads.outputs

    def _loss(self) -> Callable[..., Any]:
        return loss_of(self._heads, self.loss)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


__all__ = ["NeuralNetworkClassifier"]
