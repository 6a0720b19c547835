"""The linear models with a proof, of `subgrad.linear`, as scikit-learn's estimators: the same names, the same fit."""

from __future__ import annotations

import warnings
from dataclasses import fields
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from subgrad import linear
from subgrad.linear import Epoch, GapWarning
from subgrad.sklearn.checked_data import require_labels, sample_weights, validate_data
from subgrad.sklearn.class_heads import OneOf


class Linear(BaseEstimator):
    """A model of `subgrad.linear` in scikit-learn's clothes; attributes of a fitted one are those of the model."""

    _kind: ClassVar[Any]
    model_: Any
    coef_: np.ndarray
    intercept_: Any
    dual_: np.ndarray
    objective_: float
    bound_: float
    gap_: float
    history_: list[Epoch]
    n_iter_: int

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from X (n, features) and y (n,) until the gap is proved.

        A sample of weight 2 is there twice, one of weight 0 is not there; ``sample_weight`` is (n,), or None for ones.
        Raises what the model does for a parameter outside its domain; warns with ``ConvergenceWarning`` if ``max_iter``
        epochs did not reach the gap.
        """
        require_labels(y)
        X, y = validate_data(self, X, y, dtype=np.float64, **self._targets)
        weights = sample_weights(sample_weight, len(X))
        self._learn(X, y, np.ones(len(X)) if weights is None else weights)
        return self

    def _learn(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
        """As `fit`, of data that are checked."""
        self.model_ = self._solved(X, y, weights)
        for name in ("coef_", "intercept_", "dual_", "objective_", "bound_", "gap_", "history_", "n_iter_"):
            setattr(self, name, getattr(self.model_, name))

    def _solved(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Any:
        """A model of `subgrad.linear`, whose warnings become scikit-learn's."""
        own = {f.name for f in fields(self._kind) if f.init}
        params = {name: value for name, value in self.get_params(deep=False).items() if name in own}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GapWarning)
            model = self._kind(**params).fit(X, y, weights)
        for warning in caught:
            gap = issubclass(warning.category, GapWarning)
            warnings.warn(str(warning.message), ConvergenceWarning if gap else warning.category, stacklevel=3)
        return model

    def predict(self, X: Any) -> np.ndarray:
        """The answer for each row of X (n, features): (n,)."""
        return self._asked(X, "predict")

    _targets: ClassVar[dict[str, Any]] = {}

    def _asked(self, X: Any, what: str) -> np.ndarray:
        check_is_fitted(self)
        return getattr(self.model_, what)(validate_data(self, X, reset=False, dtype=np.float64))


class LinearClassifier(ClassifierMixin, Linear):
    """Two classes by one model; more by one for each class, which tells it from all others."""

    classes_: np.ndarray
    models_: list[Any]
    class_weight: Any

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """As of all linear models; y (n,) has two classes or more of any kind. One without weight is not there.

        Of k > 2 classes each has a model of its own against the rest, with a proof of its own: ``coef_`` is (k,
        features), ``intercept_``, ``objective_``, ``bound_`` and ``gap_`` are (k,), ``dual_`` is (k, n), ``history_``
        has k lists, and ``models_`` are the models themselves. ``class_weight`` (None, ``"balanced"`` or weights by
        class) multiplies the weights of samples by those of their classes.
        """
        return super().fit(X, y, sample_weight)

    def _learn(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
        check_classification_targets(y)
        self.classes_ = np.unique(y[weights > 0])
        if len(self.classes_) < 2:
            found = "1 class" if len(self.classes_) else "no class"
            raise ValueError(f"{type(self).__name__} learns to tell classes apart, and y holds {found} with weight")
        if self.class_weight is not None:
            weights = weights * OneOf(np.unique(y)).weights(self.class_weight, y, weights)
        if len(self.classes_) == 2:
            super()._learn(X, y, weights)
            self.models_ = [self.model_]
            return
        self.models_ = [self._solved(X, y == label, weights) for label in self.classes_]
        self.coef_ = np.concatenate([model.coef_ for model in self.models_])
        self.intercept_ = np.concatenate([model.intercept_ for model in self.models_])
        for name in ("dual_", "objective_", "bound_", "gap_"):
            setattr(self, name, np.array([getattr(model, name) for model in self.models_]))
        self.history_ = [model.history_ for model in self.models_]  # pyright: ignore
        self.n_iter_ = max(model.n_iter_ for model in self.models_)

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of X (n, features): that whose model, of more than two, has the largest score."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """x.w + b for each row of X (n, features): (n,), positive on the side of ``classes_[1]``; of more than two
        classes (n, classes), positive on the side of each."""
        found = [model.decision_function(X) for model, X in self._each(X)]
        return found[0] if len(found) == 1 else np.column_stack(found)

    def _each(self, X: Any) -> list[tuple[Any, np.ndarray]]:
        """Each model, and X as it takes it."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return [(model, X) for model in self.models_]


class LinearRegressor(RegressorMixin, Linear):
    """Numbers."""

    _targets: ClassVar[dict[str, Any]] = {"y_numeric": True}


class SVM(LinearClassifier):
    """The support vector machine of `subgrad.linear.SVM`, which says what it minimises and what its parameters mean.

    >>> from sklearn.datasets import make_blobs
    >>> X, y = make_blobs(centers=2, random_state=0)
    >>> model = SVM(C=0.1).fit(X, y)
    >>> model.score(X, y) > 0.9, model.bound_ <= model.objective_
    (True, True)
    """

    _kind = linear.SVM

    def __init__(
        self, C=1.0, *, fit_intercept=True, gap=1e-4, max_iter=1000, solver="interior", class_weight=None, verbose=False
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.max_iter = max_iter
        self.solver = solver
        self.class_weight = class_weight
        self.verbose = verbose


class LogisticRegression(LinearClassifier):
    """The logistic regression of `subgrad.linear.LogisticRegression`, which says what it minimises.

    >>> from sklearn.datasets import make_blobs
    >>> X, y = make_blobs(centers=2, random_state=0)
    >>> LogisticRegression().fit(X, y).predict_proba(X[:3]).shape
    (3, 2)
    """

    _kind = linear.LogisticRegression

    def __init__(
        self, C=1.0, *, fit_intercept=True, gap=1e-4, max_iter=1000, class_weight=None, verbose=False
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.verbose = verbose

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class for each row of X (n, features): (n, classes), in the order of ``classes_``.

        Of more than two classes it is that of each against the rest, over their sum.
        """
        found = [model.predict_proba(X) for model, X in self._each(X)]
        if len(found) == 1:
            return found[0]
        chances = np.column_stack([p[:, 1] for p in found])
        return chances / chances.sum(axis=1, keepdims=True)


class LeastAbsolute(LinearRegressor):
    """The least absolute deviations of `subgrad.linear.LeastAbsolute`, which says what it minimises.

    >>> LeastAbsolute(gap=1e-9).fit([[0], [1], [2], [3], [4]], [1, 3, 5, 7, 100]).predict([[5]]).round(3)
    array([11.])
    """

    _kind = linear.LeastAbsolute

    def __init__(self, *, fit_intercept=True, gap=1e-4, max_iter=1000, verbose=False) -> None:
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.max_iter = max_iter
        self.verbose = verbose


class Huber(LinearRegressor):
    """The regression with Huber's loss of `subgrad.linear.Huber`, which says what it minimises.

    >>> Huber(delta=0.5, gap=1e-9).fit([[0], [1], [2], [3], [4]], [1, 3, 5, 7, 100]).coef_.round(3)
    array([2.25])
    """

    _kind = linear.Huber

    def __init__(self, delta=1.35, alpha=0.0, *, fit_intercept=True, gap=1e-4, max_iter=1000, verbose=False) -> None:
        self.delta = delta
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.max_iter = max_iter
        self.verbose = verbose


class Lasso(LinearRegressor):
    """The lasso of `subgrad.linear.Lasso`, which says what it minimises.

    >>> Lasso(alpha=0.1, gap=1e-9).fit([[0, 1], [1, -1], [2, -1], [3, 1]], [0.1, 1, 2, 3]).coef_.round(3)
    array([0.89, 0.  ])
    """

    _kind = linear.Lasso

    def __init__(self, alpha=1.0, *, fit_intercept=True, gap=1e-4, max_iter=1000, verbose=False) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.gap = gap
        self.max_iter = max_iter
        self.verbose = verbose


__all__ = ["SVM", "Huber", "Lasso", "LeastAbsolute", "LogisticRegression"]
