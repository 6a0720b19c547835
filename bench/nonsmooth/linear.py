"""The convex models beside scikit-learn's: the time to the same gap.

    python -m bench.nonsmooth.linear

scikit-learn proves no gap, so it is helped: its tolerance is loosened as far as its objective stays within GAP of an
optimum that is known much better, and only the fit at that tolerance is timed. Prints a table in Markdown.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn import linear_model, svm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning

from subgrad.linear import SVM, Huber, Lasso, LeastAbsolute, LogisticRegression

GAP = 1e-4
REPEATS = 5
TOLERANCES = 10.0 ** -np.arange(0, 11)


class Case(NamedTuple):
    """A table, our model, theirs for a tolerance, and the objective of any coefficients and intercept."""

    name: str
    X: np.ndarray
    y: np.ndarray
    ours: Any
    theirs: Callable[[float], Any]
    objective: Callable[[np.ndarray, float], float]


def cases() -> Iterator[Case]:
    for name, X, y in classifications():
        yield svm_case(name, X, y)
        yield logistic_case(name, X, y)
    for name, X, y in regressions():
        yield median_case(name, X, y)
        yield huber_case(name, X, y)
        yield lasso_case(name, X, y)


def classifications() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    X, y = load_breast_cancer(return_X_y=True)
    yield "breast cancer", standardised(X), y
    X, y = load_digits(return_X_y=True)
    yield "digits 3 and 8", X[np.isin(y, [3, 8])] / 16, y[np.isin(y, [3, 8])]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 50))
    yield "made up", X, X @ rng.normal(size=50) + 3 * rng.normal(size=len(X)) > 0


def regressions() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", standardised(X), y
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_000, 50))
    yield "made up", X, X @ rng.normal(size=50) + rng.standard_t(2, size=len(X))


def standardised(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(0)) / X.std(0)


def svm_case(name: str, X: np.ndarray, y: np.ndarray, C: float = 0.1) -> Case:
    """LinearSVC penalises its intercept, so both get a column of ones instead of one."""
    X, sign = np.column_stack([X, np.ones(len(X))]), np.where(y == y.max(), 1, -1)
    return Case(
        f"SVM, {name}", X, y, SVM(C, fit_intercept=False, gap=GAP),
        lambda tol: svm.LinearSVC(loss="hinge", C=C, tol=tol, fit_intercept=False, max_iter=20_000, random_state=0),
        lambda w, b: w @ w / 2 + C * np.maximum(1 - sign * (X @ w + b), 0).sum(),
    )  # fmt: skip


def logistic_case(name: str, X: np.ndarray, y: np.ndarray, C: float = 1.0) -> Case:
    sign = np.where(y == y.max(), 1, -1)
    return Case(
        f"LogisticRegression, {name}", X, y, LogisticRegression(C, gap=GAP),
        lambda tol: linear_model.LogisticRegression(C=C, tol=tol, max_iter=20_000),
        lambda w, b: w @ w / 2 + C * np.logaddexp(0, -sign * (X @ w + b)).sum(),
    )  # fmt: skip


def median_case(name: str, X: np.ndarray, y: np.ndarray) -> Case:
    return Case(
        f"LeastAbsolute, {name}", X, y, LeastAbsolute(gap=GAP),
        lambda tol: linear_model.QuantileRegressor(quantile=0.5, alpha=0),
        lambda w, b: np.abs(y - X @ w - b).mean(),
    )  # fmt: skip


def huber_case(name: str, X: np.ndarray, y: np.ndarray) -> Case:
    """At the scale that HuberRegressor finds, which is a further unknown of its fit."""
    scale = linear_model.HuberRegressor(alpha=1e-4, tol=1e-8, max_iter=20_000).fit(X, y).scale_
    delta, alpha = 1.35 * scale, 1e-4 * scale / len(y)

    def objective(w: np.ndarray, b: float) -> float:
        r = np.abs(y - X @ w - b)
        return np.where(r < delta, r * r / 2, delta * (r - delta / 2)).mean() + alpha / 2 * w @ w

    theirs = lambda tol: linear_model.HuberRegressor(alpha=1e-4, tol=tol, max_iter=20_000)  # noqa: E731
    return Case(f"Huber, {name}", X, y, Huber(delta, alpha, gap=GAP), theirs, objective)


def lasso_case(name: str, X: np.ndarray, y: np.ndarray) -> Case:
    alpha = 0.02 * np.abs(X.T @ (y - y.mean())).max() / len(y)
    return Case(
        f"Lasso, {name}", X, y, Lasso(alpha, gap=GAP),
        lambda tol: linear_model.Lasso(alpha, tol=tol, max_iter=20_000),
        lambda w, b: np.mean((y - X @ w - b) ** 2) / 2 + alpha * np.abs(w).sum(),
    )  # fmt: skip


def seconds(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """The fastest of several fits: other programs only ever make it slower."""

    def once() -> float:
        began = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - began

    once()
    return min(once() for _ in range(REPEATS))


def loosest(case: Case) -> Any | None:
    """Their model at the largest tolerance that comes within GAP of the optimum; None if none does."""
    tight = type(case.ours)(**{**case.ours.get_params(), "gap": GAP / 1000}).fit(case.X, case.y)
    for tol in TOLERANCES:
        model = case.theirs(tol).fit(case.X, case.y)
        value = case.objective(np.ravel(model.coef_), float(np.ravel(model.intercept_)[0]))
        if value - tight.bound_ <= GAP * value:
            return model
    return None


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("| problem | n x d | ours, ms | proved gap | scikit-learn, ms |\n|---|---|---|---|---|")
    for case in cases():
        ours, peer = 1e3 * seconds(case.ours, case.X, case.y), loosest(case)
        theirs = f"{1e3 * seconds(peer, case.X, case.y):.3g}" if peer else "not within the gap"
        gap, (n, d) = case.ours.gap_ / case.ours.objective_, case.X.shape
        print(f"| {case.name} | {n} x {d} | {ours:.3g} | {gap:.1g} | {theirs} |", flush=True)


if __name__ == "__main__":
    main()
