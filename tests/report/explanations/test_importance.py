"""Permutation importance against closed forms and scikit-learn's."""

import numpy as np
import pytest
from explained import Classes, Numbers, table_of
from sklearn.inspection import permutation_importance as reference
from sklearn.linear_model import LinearRegression, LogisticRegression

from subgrad.report import permutation_importance


def linear(rows: int, seed: int) -> tuple[Numbers, np.ndarray, np.ndarray]:
    """y = 2 a - b + noise, and a model that knows it; c is of no use."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    y = X @ [2.0, -1.0, 0.0] + rng.normal(size=rows)
    return Numbers(lambda X: X @ [2.0, -1.0, 0.0], "abc"), X, y


def test_a_linear_model_has_the_importance_of_the_closed_form():
    """Over all pairs of rows the squared error rises by 2 w cov(error, x) + 2 w² var(x), if w x is in the answer."""
    model, X, y = linear(200, seed=0)
    found = permutation_importance(model, table_of(X), y, repeats=400)
    assert [i.column for i in found] == ["a", "b", "c"]
    error = y - X @ [2.0, -1.0, 0.0]
    for importance, x, w in zip(found, X.T, [2.0, -1.0, 0.0], strict=True):
        rise = 2 * w * np.mean((error - error.mean()) * x) + 2 * w**2 * np.var(x)
        assert importance.mean == pytest.approx(rise / np.var(y), rel=0.03, abs=1e-12)


def test_a_column_that_is_not_looked_at_has_the_importance_0_without_doubt():
    model, X, y = linear(50, seed=1)
    last = permutation_importance(model, table_of(X), y)[-1]
    assert (last.column, last.mean, last.low, last.high) == ("c", 0, 0, 0)


def test_intervals_hold_the_importance_over_all_rows_as_often_as_they_say():
    """That of the squared error, 2 w² = 8, in units of the variance of y in these rows."""
    held = []
    for seed in range(100):
        model, X, y = linear(80, seed)
        found = permutation_importance(model, table_of(X), y, columns=["a"], seed=seed)[0]
        held.append(found.low <= 8 / np.var(y) <= found.high)
    assert 0.89 <= np.mean(held) <= 0.99


@pytest.mark.parametrize("scoring", ["r2", "neg_log_loss", "accuracy"])
def test_agrees_with_scikit_learn(scoring):
    """Both draw their own permutations: they differ by no more than these make them differ."""
    model, X, y = linear(100, seed=2)
    if scoring == "r2":
        other = LinearRegression().fit(X, y)
        model = Numbers(other.predict, "abc")
    else:
        y = np.where(y > 0, "yes", "no")
        other = LogisticRegression().fit(X, y)
        model = Classes(other.predict_proba, "abc", classes=("no", "yes"), sure=scoring != "accuracy")
    theirs = reference(other, X, y, scoring=scoring, n_repeats=60, random_state=0)
    ours = {i.column: i.mean for i in permutation_importance(model, table_of(X), y, repeats=60)}
    noise = 4 * theirs.importances_std * np.sqrt(2 / 60) + 1e-12
    assert np.all(np.abs(np.array([ours[c] for c in "abc"]) - theirs.importances_mean) <= noise)


def test_a_seed_repeats_it_and_columns_do_not_disturb_each_other():
    model, X, y = linear(30, seed=3)
    every = permutation_importance(model, table_of(X), y, seed=5)
    assert permutation_importance(model, table_of(X), y, seed=5) == every
    assert permutation_importance(model, table_of(X), y, columns=["b"], seed=5) == [i for i in every if i.column == "b"]
    assert permutation_importance(model, table_of(X), y, seed=6) != every
