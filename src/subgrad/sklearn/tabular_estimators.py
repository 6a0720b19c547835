"""The models for tables, of `subgrad.tabular`, as scikit-learn's estimators."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from subgrad.data import Table
from subgrad.data.frame import is_frame, names_of, table_from_frame
from subgrad.data.task import Task
from subgrad.errors import DataError
from subgrad.fit import History
from subgrad.sklearn.callback_bridge import Told
from subgrad.sklearn.checked_data import check_array, check_target, sample_weights, validate_data
from subgrad.sklearn.class_heads import OneOf
from subgrad.sklearn.input_columns import repetition
from subgrad.tabular import Settings, TabularModel, fit_tabular


class Tabular(CallbackSupportMixin, BaseEstimator):
    """A model for tables; what is special to classes and numbers is in the two below it."""

    _task: ClassVar[Task]
    model_: TabularModel
    history_: History
    scores_: dict[str, float]

    def __init__(self, effort="normal", *, metric=None, max_seconds=None, random_state=None, verbose=False) -> None:
        self.effort = effort
        self.metric = metric
        self.max_seconds = max_seconds
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the ensemble.

        Args:
            X: (n, features) array of numbers or text, or a frame of pandas or polars; values may be missing. Sparse
                matrices are refused: ``X.toarray()`` makes them dense.
            y: (n,).
            sample_weight: (n,) weights. A weight of 2 is a row that is there twice.

        Returns:
            The estimator.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        table = self._table(X, reset=True)
        target = self._one_target(check_target(self, y))
        check_consistent_length(X, target)
        weights = sample_weights(sample_weight, table.rows)
        numbers = self._encoded(target, weights)
        name = "target"
        while name in table:
            name += "_"
        table, weights = in_own_order(table, name, numbers, self._weighted(target, weights))
        effort: dict[str, Any] = {"settings" if isinstance(self.effort, Settings) else "effort": self.effort}
        unknown: Any = None
        context = self._init_callback_context(max_subtasks=unknown)
        given = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **given)
        told = Told(self, context, "look", **given) if hasattr(self, "_skl_callbacks") else None
        self.model_ = fit_tabular(
            table, name, task=self._task, weights=weights, metric=self.metric, keep=[n for n in table if n != name],
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)), verbose=bool(self.verbose),
            **self._wishes(),
            callbacks=[told] if told else (), max_seconds=self.max_seconds, **effort,
        )  # fmt: skip
        if told:
            told.close()
        self.history_, self.scores_ = self.model_.history, self.model_.scores
        context.call_on_fit_task_end(estimator=self, **given, reconstruction_attributes=lambda: {"model_": self.model_})
        return self

    def _one_target(self, y: np.ndarray) -> np.ndarray:
        """y as (n,). Raises `DataError` for several columns."""
        if y.ndim == 2 and y.shape[1] > 1:
            own, kind = type(self).__name__, "Classifier" if self._task == "classification" else "Regressor"
            raise DataError(
                f"{own} learns one target, y should be a 1d array, got {y.shape[1]} columns: take MultiOutput{kind}("
                f"{own}()) of sklearn.multioutput, or NeuralNetwork{kind}, one network for all of them"
            )
        return column_or_1d(y, warn=True)

    def _encoded(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """y as numbers; what it teaches is kept."""
        raise NotImplementedError

    def _weighted(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        """The weights of the rows, with those of their classes."""
        return weights

    def _wishes(self) -> dict[str, Any]:
        """More arguments of `fit_tabular`."""
        raise NotImplementedError

    def _asked(self, what: str, X: Any, *more: Any) -> Any:
        """What the model that was fitted says of X, by the name of its method."""
        check_is_fitted(self)
        return getattr(self.model_, what)(self._table(X, reset=False), *more)

    def _table(self, X: Any, reset: bool) -> Table:
        """X as a table; columns of an array are called by their numbers, or as those of the frame that was fitted.

        Of names that do not fit scikit-learn tells: where only one of both has any, it warns, and the order counts.
        """
        if reset:
            self._names = [str(name) for name in names_of(X) or ()]
        if self._names and is_frame(X):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return table_from_frame(X)
        X = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=1 + reset)
        names = self._names or [f"column {i}" for i in range(X.shape[1])]
        return Table({name: X[:, i] for i, name in enumerate(names)})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags


class TabularClassifier(ClassifierMixin, Tabular):
    """Classification of tables with strong defaults, by `subgrad.tabular.fit_tabular`: a cross-fitted ensemble.

    The order of the rows does not matter, and a weight of 2 is a row that is there twice.

    Args:
        effort: ``"quick"``, ``"normal"``, ``"best"``, or `subgrad.tabular.Settings`.
        metric: by what the best moment is chosen, by its name in `subgrad.metrics`; None for log loss.
        max_seconds: after which training ends.
        balance: whether ``predict`` counts rare classes as much as frequent ones, for the best balanced accuracy.
            Probabilities stay what they are; they get worse by a ``class_weight``, and the accuracy is no better.
        class_weight: None, ``"balanced"`` or weights by class.
        random_state: of initial values, folds, the order of rows and dropout.
        verbose: whether to show progress.

    Attributes:
        classes_: the labels, sorted.
        model_: the `subgrad.tabular.TabularModel`. Its target are the places of labels in ``classes_``.
        scores_: by name, how good its answers are to rows that the networks giving them were not trained on.
        history_: the learning curve.
        n_features_in_, feature_names_in_: as everywhere.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = TabularClassifier(effort="quick", random_state=0).fit(X, y)
        >>> model.scores_["accuracy"] > 0.9, model.predict_proba(X.head(2)).shape
        (True, (2, 3))
    """

    _task = "classification"

    def __init__(
        self, effort="normal", *, metric=None, balance=False, max_seconds=None, class_weight=None, random_state=None,
        verbose=False,
    ) -> None:  # fmt: skip
        super().__init__(effort, metric=metric, max_seconds=max_seconds, random_state=random_state, verbose=verbose)
        self.balance = balance
        self.class_weight = class_weight

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row (n,): the most probable one, unless ``balance`` decides."""
        places = self._asked("predict", X).astype(int)
        return self.classes_[places]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class (n, classes), in the order of ``classes_``."""
        return self._of_all(self._asked("predict_proba", X))

    def decision_function(self, X: Any) -> np.ndarray:
        """The logarithm of each class's probability (n, classes), weighed as ``balance`` decides; of two classes the
        difference (n,), positive for the second."""
        chances, decision = self._asked("predict_proba", X), self.model_.calibrated.decision
        weighed = self._of_all(chances if decision is None else chances * decision.weights)
        scores = np.log(np.maximum(weighed, np.finfo(float).tiny))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_set(self, X: Any, coverage: float = 0.9) -> np.ndarray:
        """Which classes may be right, truth values (n, classes), in the order of ``classes_``.

        The right one is among them in the share ``coverage`` of rows that are like those of the training, whatever the
        model is worth (conformal prediction, see `subgrad.calibration.PredictionSets`).
        """
        return self._of_all(self._asked("predict_set", X, coverage))

    def _of_all(self, found: np.ndarray) -> np.ndarray:
        """Of the classes that had weight (n, k), as of all classes (n, classes)."""
        whole = np.zeros((len(found), len(self.classes_)), found.dtype)
        whole[:, np.array(self.model_.classes, int)] = found
        return whole

    def _wishes(self) -> dict[str, Any]:
        return {"balance": bool(self.balance)}

    def _encoded(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(np.unique(y if weights is None else y[weights > 0])) < 2:
            raise ValueError(f"{type(self).__name__} learns to tell classes apart, and y holds 1 class with weight")
        return OneOf(self.classes_).encoded(y)

    def _weighted(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray | None:
        if self.class_weight is None:
            return weights
        by_class = OneOf(self.classes_).weights(self.class_weight, y, weights)
        return by_class if weights is None else by_class * weights


class TabularRegressor(RegressorMixin, Tabular):
    """Regression of tables with strong defaults, by `subgrad.tabular.fit_tabular`: a cross-fitted ensemble.

    Args and attributes are those of `TabularClassifier`, but for ``balance``, ``class_weight`` and ``classes_``; the
    best moment is chosen by the root mean squared error.

    Args:
        quantiles: shares such as ``[0.1, 0.9]``, whose quantiles are learnt in the place of the mean:
            `predict_quantiles` gives them, and `predict` the median.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = TabularRegressor(effort="quick", random_state=0).fit(X, y)
        >>> model.scores_["r2"] > 0.4, model.predict(X.head(2)).shape
        (True, (2,))
    """

    _task = "regression"

    def __init__(
        self, effort="normal", *, metric=None, quantiles=None, max_seconds=None, random_state=None, verbose=False
    ) -> None:
        super().__init__(effort, metric=metric, max_seconds=max_seconds, random_state=random_state, verbose=verbose)
        self.quantiles = quantiles

    def predict(self, X: Any) -> np.ndarray:
        """The estimate for each row (n,); the median, if ``quantiles`` are learnt."""
        return self._asked("predict", X)

    def predict_quantiles(self, X: Any) -> np.ndarray:
        """The quantiles for each row (n, q), in the order of ``quantiles``, which `fit` has to have learnt."""
        return self._asked("predict_quantiles", X)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> np.ndarray:
        """The lower and the upper end of an interval around each estimate, (n, 2).

        It holds the truth in the share ``coverage`` of rows that are like those of the training, whatever the model is
        worth (conformal prediction, see `subgrad.calibration.Intervals`; around learnt ``quantiles``
        `subgrad.calibration.QuantileIntervals`).
        """
        return self._asked("predict_interval", X, coverage)

    def _encoded(self, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return check_array(y, ensure_2d=False, dtype=np.float64, input_name="y", estimator=self)

    def _wishes(self) -> dict[str, Any]:
        return {"quantiles": self.quantiles}


def in_own_order(table: Table, name: str, y: np.ndarray, weights: np.ndarray | None) -> tuple[Table, np.ndarray | None]:
    """The table with the column ``name`` in an order that follows from what is in it, and the weights of its rows.

    Whole numbers as weights become rows that are there so often, see `repetition`: so both ways to say it give the same
    model.
    """
    formats = {column: table.format(column) for column in table}
    whole = pl.DataFrame([*(table.series(column).alias(column) for column in table), pl.Series(name, y)])
    columns = whole.columns
    if weights is None:
        return Table(dict(whole.sort(columns, nulls_last=True).to_dict())).in_formats(formats), None
    if (rows := repetition(weights)) is not None:
        whole = whole[rows]
        return Table(dict(whole.sort(columns, nulls_last=True).to_dict())).in_formats(formats), None
    whole = whole.with_columns(pl.Series("\0weight", weights)).sort([*columns, "\0weight"], nulls_last=True)
    return Table({c: whole[c] for c in columns}).in_formats(formats), whole["\0weight"].to_numpy()


__all__ = ["TabularClassifier", "TabularRegressor"]
