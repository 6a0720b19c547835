"""The same optima as scikit-learn, on real tables: our bound is below their objective, theirs is not below ours."""

import numpy as np
import pytest
from sklearn import linear_model, svm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler

from subgrad.linear import SVM, Huber, Lasso, LeastAbsolute, LogisticRegression

GAP = 1e-7


def breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def threes_and_eights():
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, [3, 8])
    return X[chosen] / 16, y[chosen]


def diabetes():
    return load_diabetes(return_X_y=True)


def margins(model, X, y):
    return np.where(y == model.classes_[1], 1, -1) * (X @ model.coef_[0] + model.intercept_[0])


def residuals(model, X, y):
    return y - X @ model.coef_ - model.intercept_


def agree(ours, objective, theirs, X, y, tolerance):
    """One formula for both; theirs is an optimum to its own tolerance."""
    mine, peer = objective(ours), objective(theirs)
    assert mine == pytest.approx(ours.objective_, rel=1e-9)
    assert ours.gap_ <= GAP * ours.objective_
    assert ours.bound_ <= peer * (1 + 4e-16)  # both are sums in float64, whose roundings depend on the processor
    assert mine <= peer * (1 + GAP)
    assert peer <= mine * (1 + tolerance)


@pytest.mark.parametrize("table", [breast_cancer, threes_and_eights])
@pytest.mark.parametrize("C", [0.01, 1.0])
def test_svm_and_svc(table, C):
    X, y = table()

    def objective(m):
        return m.coef_[0] @ m.coef_[0] / 2 + C * np.maximum(1 - margins(m, X, y), 0).sum()

    theirs = svm.SVC(kernel="linear", C=C, tol=1e-6).fit(X, y)
    ours = SVM(C, gap=GAP).fit(X, y)
    agree(ours, objective, theirs, X, y, 1e-5)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


@pytest.mark.parametrize("table", [breast_cancer, threes_and_eights])
def test_svm_and_linear_svc(table):
    """LinearSVC penalises its intercept: it is a column of ones."""
    X, y = table()
    C, ones = 0.1, np.ones((len(X), 1))

    def objective(m):
        return m.coef_[0] @ m.coef_[0] / 2 + C * np.maximum(1 - margins(m, np.hstack([X, ones]), y), 0).sum()

    theirs = svm.LinearSVC(loss="hinge", C=C, tol=1e-7, max_iter=500_000, random_state=0).fit(X, y)
    theirs.coef_, theirs.intercept_ = np.hstack([theirs.coef_, theirs.intercept_[:, None]]), np.zeros(1)
    agree(SVM(C, fit_intercept=False, gap=GAP).fit(np.hstack([X, ones]), y), objective, theirs, X, y, 1e-4)


@pytest.mark.parametrize("table", [breast_cancer, threes_and_eights])
@pytest.mark.parametrize("intercept", [True, False])
def test_logistic_regression(table, intercept):
    X, y = table()
    C = 2.0

    def objective(m):
        return m.coef_[0] @ m.coef_[0] / 2 + C * np.logaddexp(0, -margins(m, X, y)).sum()

    theirs = linear_model.LogisticRegression(C=C, tol=1e-9, max_iter=10_000, fit_intercept=intercept).fit(X, y)
    ours = LogisticRegression(C, intercept, gap=GAP).fit(X, y)
    agree(ours, objective, theirs, X, y, 1e-6)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("intercept", [True, False])
def test_least_absolute_and_the_median_regression(intercept):
    X, y = diabetes()
    theirs = linear_model.QuantileRegressor(quantile=0.5, alpha=0, fit_intercept=intercept).fit(X, y)
    ours = LeastAbsolute(intercept, gap=GAP).fit(X, y)
    agree(ours, lambda m: np.abs(residuals(m, X, y)).mean(), theirs, X, y, 1e-9)


@pytest.mark.parametrize(("epsilon", "alpha"), [(1.35, 1e-4), (1.1, 1e-2)])
def test_huber_at_the_scale_that_scikit_learn_finds(epsilon, alpha):
    X, y = diabetes()
    X = X * np.sqrt(len(X))
    theirs = linear_model.HuberRegressor(epsilon=epsilon, alpha=alpha, max_iter=10_000, tol=1e-8).fit(X, y)
    delta, weight = epsilon * theirs.scale_, alpha * theirs.scale_ / len(y)

    def objective(m):
        r = np.abs(residuals(m, X, y))
        return np.where(r < delta, r * r / 2, delta * (r - delta / 2)).mean() + weight / 2 * m.coef_ @ m.coef_

    agree(Huber(delta, weight, gap=GAP).fit(X, y), objective, theirs, X, y, 1e-5)


@pytest.mark.parametrize("alpha", [1.0, 0.01])
@pytest.mark.parametrize("intercept", [True, False])
def test_lasso(alpha, intercept):
    X, y = diabetes()
    theirs = linear_model.Lasso(alpha, tol=1e-10, max_iter=100_000, fit_intercept=intercept).fit(X, y)
    ours = Lasso(alpha, intercept, gap=GAP).fit(X, y)

    def objective(m):
        return np.mean(residuals(m, X, y) ** 2) / 2 + alpha * np.abs(m.coef_).sum()

    agree(ours, objective, theirs, X, y, 1e-6)
    assert ((ours.coef_ != 0) == (theirs.coef_ != 0)).all()


def test_lasso_with_more_features_than_samples():
    X, y = threes_and_eights()
    X, y = X[:40], y[:40].astype(float)
    theirs = linear_model.Lasso(0.02, tol=1e-10, max_iter=100_000).fit(X, y)

    def objective(m):
        return np.mean(residuals(m, X, y) ** 2) / 2 + 0.02 * np.abs(m.coef_).sum()

    agree(Lasso(0.02, gap=GAP).fit(X, y), objective, theirs, X, y, 1e-6)
