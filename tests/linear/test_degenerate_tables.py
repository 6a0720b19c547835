"""Constant and repeated columns, repeated rows, separable classes, fewer samples than features, units of any size."""

import numpy as np
import pytest

from subgrad.linear import SVM, Huber, Lasso, LeastAbsolute, LogisticRegression

MODELS = [
    SVM(gap=1e-8), LogisticRegression(gap=1e-8), LeastAbsolute(gap=1e-8), Huber(0.3, gap=1e-8),
    Huber(0.3, alpha=0.1, gap=1e-8), Lasso(0.01, gap=1e-8),
]  # fmt: skip


def named(model):
    return type(model).__name__ + ("" if getattr(model, "alpha", 1) else " without penalty")


def fitted(model, X, y):
    return type(model)(**model.get_params()).fit(X, y)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_constant_columns_change_nothing(model, two_clouds):
    X, y = two_clouds
    plain = fitted(model, X, y)
    wider = fitted(model, np.column_stack([np.full(40, 0.1), X, np.full(40, -3e5)]), y)
    assert wider.objective_ == pytest.approx(plain.objective_, rel=1e-7)
    np.testing.assert_array_equal(np.ravel(wider.coef_)[[0, 3]], 0)
    np.testing.assert_allclose(np.ravel(wider.coef_)[1:3], np.ravel(plain.coef_), atol=1e-3)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_a_table_of_constants_gives_the_best_constant(model):
    """Five zeros and two ones: no coefficient helps."""
    y = np.array([0, 0, 0, 0, 0, 1, 1])
    found = fitted(model, np.ones((7, 2)), y)
    assert not found.coef_.any()
    expected = {"SVM": 2 * 2, "LogisticRegression": -5 * np.log(5 / 7) - 2 * np.log(2 / 7), "LeastAbsolute": 2 / 7}
    if type(model).__name__ in expected:
        assert found.objective_ == pytest.approx(expected[type(model).__name__], rel=1e-7)


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_repeated_columns_share_what_one_had(model, two_clouds):
    X, y = two_clouds
    twice = fitted(model, np.hstack([X, X]), y)
    unpenalised = isinstance(model, LeastAbsolute) or getattr(model, "alpha", 1) == 0
    if unpenalised or isinstance(model, Lasso):
        assert twice.objective_ == pytest.approx(fitted(model, X, y).objective_, rel=1e-7)
    else:
        np.testing.assert_allclose(np.ravel(twice.coef_)[:2], np.ravel(twice.coef_)[2:], atol=1e-9)
    assert twice.gap_ <= 1e-8 * twice.objective_


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_repeated_rows_count_twice(model, two_clouds):
    X, y = two_clouds
    once, twice = fitted(model, X, y), type(model)(**model.get_params())
    if isinstance(model, (SVM, LogisticRegression)):
        twice.set_params(C=model.C / 2)  # their losses are sums, the others' are means
    twice.fit(np.repeat(X, 2, axis=0), np.repeat(y, 2))
    assert twice.objective_ == pytest.approx(once.objective_, rel=1e-7)


@pytest.mark.parametrize("C", [1e-6, 1.0, 1e6])
def test_separable_classes(C):
    """The widest margin of two points at distance 2 is 2: w = 1, where C is large enough."""
    found = SVM(C, gap=1e-9).fit([[-1.0], [1.0], [5.0]], [0, 1, 1])
    if C >= 1:
        np.testing.assert_allclose([found.coef_[0, 0], found.intercept_[0]], [1, 0], atol=1e-6)
    logistic = LogisticRegression(C, gap=1e-9).fit([[-1.0], [1.0]], [0, 1])
    w = logistic.coef_[0, 0]
    assert w * (1 + np.exp(w)) == pytest.approx(2 * C, rel=1e-3)  # its derivative is 0
    assert logistic.gap_ <= 1e-9 * logistic.objective_


@pytest.mark.parametrize("model", MODELS, ids=named)
@pytest.mark.parametrize("n", [2, 3, 10])
def test_fewer_samples_than_features(model, n):
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, 30)), np.arange(n) % 2
    found = fitted(model, X, y)
    assert found.coef_.size == 30
    assert found.gap_ <= 1e-8 * found.objective_ + 1e-12
    if isinstance(model, LeastAbsolute) or getattr(model, "alpha", 1) == 0:
        np.testing.assert_allclose(found.predict(X), y, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=named)
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_units_of_features_are_no_matter(model, unit, two_clouds):
    X, y = two_clouds
    found = fitted(model, X * [unit, 1], y)
    assert found.gap_ <= 1e-8 * found.objective_


@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_units_of_targets_are_no_matter(unit, two_clouds):
    X, y = two_clouds
    found, plain = LeastAbsolute(gap=1e-8).fit(X, y * unit), LeastAbsolute(gap=1e-8).fit(X, y)
    assert found.objective_ == pytest.approx(plain.objective_ * unit, rel=1e-7)


def test_one_sample_and_a_constant_target():
    for model in (LeastAbsolute(), Huber(), Lasso(0.1)):
        assert model.fit([[1.0, 2.0]], [3.0]).predict([[5.0, 5.0]]) == pytest.approx(3)
        assert model.objective_ == model.gap_ == 0
        assert model.fit([[1.0], [2.0], [4.0]], [2.5] * 3).predict([[9.0]]) == pytest.approx(2.5)


def test_a_large_alpha_leaves_no_feature(two_clouds):
    """max_j |x_j.(y - mean y)| / n is the least alpha at which the lasso has no feature."""
    X, y = two_clouds
    limit = np.abs((X - X.mean(0)).T @ (y - y.mean())).max() / len(y)
    assert not Lasso(limit * 1.001).fit(X, y).coef_.any()
    assert Lasso(limit * 0.999, gap=1e-9).fit(X, y).coef_.any()
