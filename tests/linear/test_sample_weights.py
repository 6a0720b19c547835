"""A weight is how often a sample is there: the same fit as with repeated rows, the same optimum as scikit-learn's."""

import numpy as np
import pytest
from sklearn import linear_model, svm
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

from subgrad.errors import DataError, ShapeError
from subgrad.linear import SVM, Huber, Lasso, LeastAbsolute, LogisticRegression

GAP = 1e-9
REGRESSORS = [LeastAbsolute(), Huber(0.5), Huber(0.5, alpha=0.1), Lasso(0.02), Lasso(0.02, fit_intercept=False)]
CLASSIFIERS = [SVM(0.3), SVM(0.3, False), SVM(0.3, solver="subgradient", gap=0.02), LogisticRegression(0.3)]


def table(classes: bool):
    """X (60, 3) with a column that depends on the others, y with ties, and how often each sample is there."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2)).round(1)
    X = np.column_stack([X, X.sum(axis=1)])
    y = (X @ [1, -1, 0.5] + rng.standard_t(2, 60)).round(1)
    return X, (y > 0).astype(int) if classes else y, rng.integers(0, 4, 60)


@pytest.mark.parametrize("model", [*REGRESSORS, *CLASSIFIERS], ids=repr)
def test_weights_are_repeated_rows(model):
    X, y, times = table(model.estimator_type == "classifier")
    rows = np.repeat(np.arange(len(X)), times)
    model.fit(X[rows], y[rows])
    expected = {name: getattr(model, name) for name in ("coef_", "intercept_", "objective_", "bound_", "n_iter_")}
    of_sample = np.bincount(rows, model.dual_, len(X))
    model.fit(X, y, times)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(model, name), value, rtol=1e-6, atol=1e-8, err_msg=name)
    np.testing.assert_allclose(model.dual_, of_sample, atol=1e-7)
    assert (model.dual_[times == 0] == 0).all()
    assert model.score(X, y, times) == pytest.approx(model.score(X[rows], y[rows]))


@pytest.mark.parametrize("model", [*REGRESSORS, LogisticRegression(0.3)], ids=repr)
def test_one_weight_for_all_is_none_but_for_the_weight_of_the_losses(model):
    X, y, _ = table(model.estimator_type == "classifier")
    other = LogisticRegression(0.3 * 2.5) if isinstance(model, LogisticRegression) else model
    expected = other.fit(X, y).coef_
    np.testing.assert_allclose(model.fit(X, y, np.full(60, 2.5)).coef_, expected, atol=1e-9)


def weighted(table):
    X, y = table(return_X_y=True)
    return StandardScaler().fit_transform(X), y, np.random.default_rng(0).exponential(size=len(y))


def agree(ours, objective, theirs):
    """One formula for both, and no other coefficients."""
    mine, peer = objective(ours), objective(theirs)
    assert mine == pytest.approx(ours.objective_, rel=1e-9)
    assert ours.gap_ <= GAP * ours.objective_
    assert ours.bound_ <= peer
    assert peer <= mine * (1 + 1e-5)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-3, atol=1e-3 * np.abs(theirs.coef_).max())


@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_classifiers_agree_with_scikit_learn(loss):
    X, y, k = weighted(load_breast_cancer)
    if loss == "hinge":
        ours, theirs, of = SVM(0.1, gap=GAP), svm.SVC(kernel="linear", C=0.1, tol=1e-7), lambda m: np.maximum(1 - m, 0)
    else:
        ours, theirs = LogisticRegression(0.1, gap=GAP), linear_model.LogisticRegression(C=0.1, tol=1e-8, max_iter=9999)
        of = lambda m: np.logaddexp(0, -m)  # noqa: E731

    def objective(m):
        margins = np.where(y == 1, 1, -1) * (X @ m.coef_[0] + m.intercept_[0])
        return m.coef_[0] @ m.coef_[0] / 2 + 0.1 * k @ of(margins)

    agree(ours.fit(X, y, k), objective, theirs.fit(X, y, k))


def test_regressors_agree_with_scikit_learn():
    X, y, k = weighted(load_diabetes)

    def mean(m, loss, penalty):
        return k @ loss(np.abs(y - X @ m.coef_ - m.intercept_)) / k.sum() + penalty(m.coef_)

    theirs = linear_model.Lasso(2.0, tol=1e-10, max_iter=99_999).fit(X, y, k)
    agree(
        Lasso(2.0, gap=GAP).fit(X, y, k),
        lambda m: mean(m, lambda r: r * r / 2, lambda w: 2 * np.abs(w).sum()), theirs,
    )  # fmt: skip
    theirs = linear_model.QuantileRegressor(quantile=0.5, alpha=0).fit(X, y, k)
    agree(LeastAbsolute(gap=GAP).fit(X, y, k), lambda m: mean(m, lambda r: r, lambda w: 0), theirs)
    theirs = linear_model.HuberRegressor(epsilon=1.2, alpha=0.1, max_iter=9999, tol=1e-8).fit(X, y, k)
    delta, alpha = 1.2 * theirs.scale_, 0.1 * theirs.scale_ / k.sum()
    agree(
        Huber(delta, alpha, gap=GAP).fit(X, y, k),
        lambda m: mean(m, lambda r: np.where(r < delta, r * r / 2, delta * (r - delta / 2)),
                       lambda w: alpha / 2 * w @ w), theirs,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [SVM, Lasso])
def test_errors_of_weights(kind):
    X, y = [[0.0], [1], [2]], [0, 1, 1]
    for bad, error, message in [
        ([1, 2], ShapeError, r"sample_weight must have one value for each of the 3 samples of X, .* got \(2,\)"),
        (2.0, ShapeError, r"sample_weight must have one value"),
        ([1, -1, 1], DataError, "sample_weight holds -1: a weight is 0 or more"),
        ([0, 0, 0], DataError, "sample_weight is 0 for all samples"),
        ([1, np.nan, 1], DataError, "sample_weight holds 1 NaN or inf"),
        (["a", "b", "c"], DataError, "sample_weight must hold numbers"),
    ]:
        with pytest.raises(error, match=message):
            kind().fit(X, y, bad)


def test_a_class_without_weight_is_not_there():
    with pytest.raises(DataError, match="two classes with weight, got 1: 1"):
        SVM().fit([[0.0], [1], [2]], [0, 1, 1], [0, 1, 1])
    model = SVM().fit([[0.0], [1], [2]], ["a", "b", "c"], [1, 0, 1])
    assert model.classes_.tolist() == ["a", "c"]
