"""Every bound is at most every objective: of any coefficients, at any dual point, on any data."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from subgrad.linear import SVM, GapWarning, Huber, Lasso, LeastAbsolute, LogisticRegression
from subgrad.linear.huber import Clipped
from subgrad.linear.lasso import Sparse
from subgrad.linear.least_absolute import Absolute
from subgrad.linear.logistic import Logistic
from subgrad.linear.svm import Hinge

NUMBERS = st.floats(-8, 8, width=16)
WEIGHTS = st.sampled_from([0.01, 1.0, 100.0])
TIMES = st.sampled_from([0.1, 1.0, 3.0])
HINTS = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def tables(draw, classes: bool):
    """X (centred for an intercept), y, the weights of samples, coefficients, any dual point, the weight of a penalty or
    a loss, and whether there is an intercept."""
    n, d, intercept = draw(st.integers(2, 8)), draw(st.integers(1, 5)), draw(st.booleans())
    X = draw(arrays(float, (n, d), elements=NUMBERS))
    y = draw(arrays(float, n, elements=st.sampled_from([-1.0, 1.0]) if classes else NUMBERS))
    if classes:
        y[:2] = -1, 1
    k = draw(arrays(float, n, elements=TIMES))
    X = X - np.average(X, axis=0, weights=k) if intercept else X
    y = y if classes or not intercept else y - np.average(y, weights=k)
    w, u = draw(arrays(float, d, elements=NUMBERS)), draw(arrays(float, n, elements=NUMBERS))
    return X, y, k, w, draw(NUMBERS) if intercept else 0.0, u, draw(WEIGHTS), intercept


def check(problem, w, b, u, u_feasible_in, tolerance=1e-9):
    found = problem.feasible(u)
    u_feasible_in(found)
    objective = problem.objective(w, b)
    assert problem.bound(found) <= objective + tolerance * max(1, abs(objective))


@HINTS
@given(tables(classes=True), st.sampled_from([Hinge, Logistic]))
def test_bounds_of_classifiers(table, kind):
    X, y, k, w, b, u, C, intercept = table

    def box(u):
        assert (u >= 0).all()
        assert (u <= C * k).all()
        if intercept:
            assert abs(u @ y) <= 1e-12 * C * k.sum()

    check(kind(X, y, C * k, intercept), w, b, u, box)


@HINTS
@given(tables(classes=False))
def test_bounds_of_least_absolute(table):
    X, y, k, w, b, u, _, intercept = table

    def box(u):
        assert (np.abs(u) / k).max() <= 1 + 1e-15
        assert np.abs(X.T @ u).max() <= 1e-10
        assert not intercept or abs(u.sum()) <= 1e-10

    check(Absolute(X, y, k, intercept), w, b, u, box)


@HINTS
@given(tables(classes=False), st.booleans())
def test_bounds_of_huber(table, penalised):
    X, y, k, w, b, u, delta, intercept = table

    def box(u):
        assert (np.abs(u) / k).max() <= delta * (1 + 1e-15)
        assert penalised or np.abs(X.T @ u).max() <= 1e-10 * max(1, delta)
        assert not intercept or abs(u.sum()) <= 1e-10 * max(1, delta)

    check(Clipped(X, y, k, delta, 0.3 if penalised else 0.0, intercept), w, b, u, box)


@HINTS
@given(tables(classes=False))
def test_bounds_of_lasso(table):
    X, y, k, w, b, u, alpha, intercept = table

    def box(u):
        assert np.abs(X.T @ u).max() <= k.sum() * alpha * (1 + 1e-9)
        assert not intercept or abs(u.sum()) <= 1e-9

    check(Sparse(X, y, k, alpha, intercept), w, b, u, box)


@HINTS
@given(tables(classes=True))
def test_fits_of_random_tables_prove_their_gap(table):
    """Constant columns and repeated rows included: the gap is reached, and the bound is below any model."""
    X, y, k, w, b, *_, weight, intercept = table
    for model in (SVM(weight, intercept), LogisticRegression(weight, intercept)):
        model.fit(X, y, k)
        assert model.gap_ <= 1e-4 * model.objective_ + 1e-12 * k.sum() * weight
        kind = Hinge if isinstance(model, SVM) else Logistic
        other = kind(X, y, weight * k, intercept).objective(w, b)
        assert model.bound_ <= other + 1e-9 * max(1, other)


@HINTS
@given(tables(classes=False))
def test_regressions_of_random_tables_prove_their_gap(table):
    X, y, k, *_, weight, intercept = table
    size = np.abs(y).max()
    hubers = Huber(weight, 0.0, intercept), Huber(1.0, weight, intercept)
    for model in (LeastAbsolute(intercept), *hubers, Lasso(weight, intercept)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GapWarning)  # an optimum of 0 is met up to rounding only
            model.fit(X, y, k)
        assert model.gap_ <= 1e-4 * model.objective_ + 1e-9 * max(size, size**2), model


@pytest.mark.parametrize("solver", ["interior", "subgradient"])
def test_the_gap_never_widens_and_every_epoch_is_kept(solver, two_clouds):
    with pytest.warns(GapWarning, match="more than 1e-12 \\*"):
        model = SVM(C=0.1, solver=solver, gap=1e-12, max_iter=6).fit(*two_clouds)
    gaps = [epoch.gap for epoch in model.history_]
    assert len(gaps) == model.n_iter_ == 6
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == model.gap_ == model.objective_ - model.bound_


def test_a_wrong_solver_makes_no_wrong_bound(two_clouds):
    """The proof does not trust the solver: random points give a wide gap, which holds nevertheless."""
    from subgrad.linear.duality_gap import PrimalDualPoint, prove

    X, y = two_clouds
    problem, rng = Hinge(X, 2.0 * y - 1, np.ones(len(y)), True), np.random.default_rng(0)
    optimum = SVM(gap=1e-9).fit(X, y).objective_
    random = (PrimalDualPoint(rng.normal(size=2), rng.normal(), rng.normal(size=len(y))) for _ in range(50))
    with pytest.warns(GapWarning):
        proof = prove(problem, random, PrimalDualPoint(np.zeros(2), 0.0, np.zeros(len(y))), 1e-3, 50, verbose=False)
    assert proof.history[-1].bound <= optimum <= proof.history[-1].objective
