"""What all linear models share: parameters as scikit-learn has them, fitting with a proof, linear scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from subgrad import validators
from subgrad.data.column_names import listed
from subgrad.errors import ArgumentError, DataError, NotFittedError, ShapeError
from subgrad.linear import input_arrays
from subgrad.linear.duality_gap import ConvexProblem, Epoch, PrimalDualPoint, prove


@dataclass(eq=False)
class LinearModel(ABC):
    """x.w + b, fitted until the gap between objective and bound is small."""

    estimator_type: ClassVar[str]  # "classifier" or "regressor"
    coef_: Any = field(init=False, repr=False)  # like all names with a final underscore, there after fitting only
    intercept_: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; ``deep`` is there for scikit-learn's sake."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.init}

    def set_params(self, **params: Any) -> Self:
        """Change parameters by name; returns the model. Raises `ArgumentError` for a name or value it does not take."""
        unknown = params.keys() - self.get_params().keys()
        if unknown:
            known = ", ".join(self.get_params())
            raise ArgumentError(f"{type(self).__name__} has no parameter {', '.join(sorted(unknown))}, it has {known}")
        before = self.get_params()
        vars(self).update(params)
        try:
            self._check()
        except Exception:
            vars(self).update(before)
            raise
        return self

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn asks of an estimator; nobody else calls this, so scikit-learn is there to be imported."""
        from sklearn.utils import ClassifierTags, RegressorTags, Tags, TargetTags

        classifier = ClassifierTags(multi_class=False) if self.estimator_type == "classifier" else None
        regressor = RegressorTags() if self.estimator_type == "regressor" else None
        return Tags(self.estimator_type, TargetTags(required=True), None, classifier, regressor)

    def _check(self) -> None:
        own, params = type(self).__name__, self.get_params()
        gap = validators.positive(f"gap of {own}", params["gap"])
        if gap >= 1:
            raise ArgumentError(f"gap of {own} is a share of the objective, below 1, got {gap!r}")
        validators.count(f"max_iter of {own}", params["max_iter"])

    @abstractmethod
    def _problem(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Any:
        """The problem for X (n, d), centred if there is an intercept, y (n,) and positive weights (n,)."""

    @abstractmethod
    def _iterates(self, problem: Any) -> Iterator[PrimalDualPoint]:
        """The solver's points, one an epoch."""

    def _solve(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
        """w (d,) and b; keeps the proof.

        The columns of X are centred first if there is an intercept: that changes b alone, and makes the numbers kind.
        Samples without weight take no part, and their u is 0.
        """
        params, there = self.get_params(), weights > 0
        if not there.all():
            X, y, weights = X[there], y[there], weights[there]
        centred, mean = input_arrays.centred(X, weights) if params["fit_intercept"] else (X, np.zeros(X.shape[1]))
        problem: ConvexProblem = self._problem(centred, y, weights)
        zero = PrimalDualPoint(np.zeros(X.shape[1]), 0.0, np.zeros(len(X)))
        options = {name: params[name] for name in ("gap", "max_iter", "verbose")}
        proof = prove(problem, self._iterates(problem), zero, **options)
        u = np.zeros(len(there))
        u[there] = proof.point.u
        self._keep(proof.history, u, X.shape[1])
        w = np.where(centred.any(axis=0), proof.point.w, 0.0)  # what solvers leave there is rounding
        return w, proof.point.b - float(mean @ w)

    def _keep(self, history: list[Epoch], u: np.ndarray, d: int) -> None:
        self.history_, self.n_iter_, self.dual_, self.n_features_in_ = history, len(history), u, d
        self.objective_, self.bound_ = history[-1]
        self.gap_ = history[-1].gap

    def _remember_names(self, X: Any) -> None:
        """Keep the names of the columns as ``feature_names_in_``, if X is a frame; forget those of a fit before."""
        names = input_arrays.column_names(X)
        if names is not None:
            self.feature_names_in_ = names
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _check_names(self, X: Any) -> None:
        """As scikit-learn does: a frame has the columns that the model was fitted with, in their order."""
        known, given = getattr(self, "feature_names_in_", None), input_arrays.column_names(X)
        if known is None or given is None or known.tolist() == given.tolist():
            return
        own = type(self).__name__
        if sorted(known) == sorted(given):
            raise DataError(
                f"the columns of X come in another order than those {own} was fitted with: take X[feature_names_in_]"
            )
        missing, other = (listed(n for n in a if n not in set(b)) for a, b in ((known, given), (given, known)))
        parts = [f"missing: {missing}" if missing else "", f"unknown: {other}" if other else ""]
        raise DataError(f"the columns of X are not those this {own} was fitted with; {'; '.join(filter(None, parts))}")

    def _scores(self, X: Any) -> np.ndarray:
        """x.w + b for each row (n,)."""
        if not hasattr(self, "coef_"):
            raise NotFittedError(f"this {type(self).__name__} was not fitted; call fit(X, y) first")
        self._check_names(X)
        table = input_arrays.features(X)
        if table.shape[1] != self.n_features_in_:
            own, d = type(self).__name__, self.n_features_in_
            raise ShapeError(f"this {own} was fitted with {d} features, got X of shape {table.shape}")
        return table @ np.ravel(self.coef_) + np.ravel(self.intercept_)
