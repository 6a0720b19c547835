"""Minimisation of functions with kinks: published test problems, and what the result says against what is true."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from problems import brown2, cb3, goffin, maxl, maxquad, scalable, small, wolfe
from scipy import optimize

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, GradientError, NonFiniteError, NotTraceableError, ShapeError

SMALL = {p.name: p for p in small()}


# The published problems, from their published starts


@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs", "gradient_sampling"])
@pytest.mark.parametrize("name", SMALL)
def test_small_problems(name, method):
    problem = SMALL[name]
    if (name, method) == ("Goffin", "gradient_sampling"):  # a minute in all 50 variables
        problem = dataclasses.replace(problem, start=np.arange(10) - 4.5)
    found = sg.minimize(problem.f, problem.start, method)
    assert -1e-7 < problem.error(found.fun) < 1e-6
    assert found.success, found
    assert found.fun == pytest.approx(float(problem.f(sg.tensor(found.x, "float64"))), abs=1e-12)
    if method != "gradient_sampling":
        assert found.certificate, found.certificate
        assert sg.verify_certificate(found.certificate, problem.f)


LARGE = ["Chained LQ", "Chained CB3 I", "Chained crescent II"]  # of which test_multipliers.py takes 200 variables
SIZES = [
    *((p.name, 10) for p in scalable(10)), *((p.name, 30) for p in scalable(30) if p.name not in LARGE),
    ("MXHILB", 320),  # by few pairs: a matrix would be large
]  # fmt: skip


@pytest.mark.parametrize(("name", "n"), SIZES)
def test_problems_of_any_size(name, n):
    problem = next(p for p in scalable(n) if p.name == name)
    found = sg.minimize(problem.f, problem.start)
    assert -1e-5 < problem.error(found.fun) < 1e-4  # some minima are printed with five digits
    if found.certificate:
        assert sg.verify_certificate(found.certificate, problem.f)
    if n == 10:
        assert found.success, found


def test_the_subgradient_method_on_a_small_problem_keeps_its_promise():
    """The bound from R is one, at every length of the run, and the theory's R G / sqrt(k) at the end."""
    start, minimum = np.array([2.0, 2.0]), np.array([1.0, 1.0])
    R, G = float(np.linalg.norm(start - minimum)), 40.0
    for steps in (10, 100, 1000):
        found = sg.minimize(cb3, start, "subgradient", R=R, G=G, max_iter=steps)
        assert 0 <= found.fun - 2 <= found.bound + 1e-12
        assert found.bound <= R * G / np.sqrt(steps) * (1 + 1e-9)
    assert found.fun - 2 < 0.05


@pytest.mark.parametrize("step", [0.01, sg.step.Polyak(2.0), "inverse_sqrt(0.05)", "square_summable(5, 100)"])
def test_step_rules(step):
    found = sg.minimize(cb3, [1.5, 1.5], "subgradient", step=step, max_iter=500)
    assert found.fun < 2.05


# What the result says


def test_bounds_on_the_error_of_convex_functions():
    for name in ("CB2", "DEM", "QL", "Maxquad", "Goffin", "Maxl"):
        problem = SMALL[name]
        away = sg.minimize(problem.f, problem.start).x - problem.start
        found = sg.minimize(problem.f, problem.start, R=1.1 * float(np.linalg.norm(away)))
        assert found.bound is not None
        assert problem.error(found.fun) <= found.bound + 1e-7
        assert found.bound < 1e-3


def test_a_function_that_is_not_convex_has_no_bound():
    found = sg.minimize(lambda x: abs(abs(x[0]) - 1) + x[1] ** 2, [3.0, 1.0], R=10.0, method="gradient_sampling")
    assert found.fun == pytest.approx(0, abs=1e-6)
    assert found.bound is None or found.bound >= found.fun


def test_changed_certificates_are_rejected():
    issued = sg.minimize(maxquad, np.ones(10)).certificate
    assert sg.verify_certificate(issued, maxquad)
    assert not sg.verify_certificate(issued, lambda x: maxquad(x) + 0.01 * x.sum())
    g, w = issued.gradients, issued.weights
    changes = {
        "gradients": g * (1 + 1e-4), "weights": np.roll(w, 1), "points": issued.points + 1e-3, "x": issued.x + 1e-3,
        "delta": issued.delta / 1e3, "tolerance": issued.norm / 2,
    }  # fmt: skip
    for name, value in changes.items():
        assert not sg.verify_certificate(dataclasses.replace(issued, **{name: value}), maxquad), name


def test_a_run_that_is_cut_short_has_a_certificate_of_descent():
    found = sg.minimize(maxquad, np.ones(10), max_iter=5)
    assert (found.success, found.status, found.nit) == (False, 1, 5)
    assert found.certificate.claim == "descent"
    assert sg.verify_certificate(found.certificate, maxquad)
    lower = found.certificate.x - found.certificate.step * found.certificate.direction
    assert float(maxquad(sg.tensor(lower, "float64"))) < found.fun


def test_a_certificate_is_saved_and_comes_back(tmp_path):
    bounds = [(0.5, None)] * 5
    found = sg.minimize(maxl, np.arange(1.0, 6), bounds=bounds)
    found.certificate.save(tmp_path / "it.json")
    back = sg.load_certificate(tmp_path / "it.json")
    assert sg.verify_certificate(back, maxl, bounds=bounds)
    assert not sg.verify_certificate(back, maxl)  # the bounds of a file are not believed
    assert back.high.tolist() == [np.inf] * 5


def test_the_result_has_the_keys_of_scipy():
    found = sg.minimize(cb3, [2.0, 2.0])
    theirs = optimize.minimize(lambda x: x @ x, [1.0, 2.0], method="BFGS")
    assert set(theirs.keys()) - {"hess_inv"} <= set(found.keys())
    assert found["fun"] == found.fun
    assert dict(found)["nit"] == found.nit
    with pytest.raises(KeyError):
        found["nothing"]
    assert "iterations" in str(found)


def test_every_evaluation_is_counted():
    calls = []

    def f(x):
        calls.append(x)
        return np.abs(x).sum(), np.sign(x)

    found = sg.minimize(f, [3.0, -4.0], jac=True)
    assert found.nfev == found.njev == len(calls)
    assert found.fun < 1e-6
    assert sg.verify_certificate(found.certificate, f, jac=True)


# Bounds


@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs", "gradient_sampling", "subgradient"])
def test_bounds_hold_and_are_certified(method):
    seen = []

    def f(x):
        seen.append(x.copy())
        return abs(x[0] - 3) + 2 * abs(x[1] + 2) + (x[2] - 0.5) ** 2, np.array(
            [np.sign(x[0] - 3), 2 * np.sign(x[1] + 2), 2 * (x[2] - 0.5)]
        )

    bounds = [(0, 1), (-1, None), (None, None)]
    found = sg.minimize(f, [0.5, 5.0, 4.0], method, jac=True, bounds=bounds, max_iter=2000)
    assert found.fun == pytest.approx(4.0, abs=5e-2 if method == "subgradient" else 1e-6)
    x = np.array(seen)
    assert x[:, 0].min() >= 0
    assert x[:, 0].max() <= 1
    assert x[:, 1].min() >= -1
    if method != "subgradient":
        assert found.certificate
        assert sg.verify_certificate(found.certificate, f, jac=True)
        free = dataclasses.replace(found.certificate, low=np.full(3, -np.inf), high=np.full(3, np.inf))
        assert not sg.verify_certificate(free, f, jac=True)


def test_a_smooth_function_within_bounds_against_scipy():
    rng = np.random.default_rng(0)
    for _ in range(10):
        A, b = rng.standard_normal((6, 4)), rng.standard_normal(6)
        bounds = optimize.Bounds(rng.uniform(-1, 0, 4), rng.uniform(0, 1, 4))
        theirs = optimize.lsq_linear(A, b, (bounds.lb, bounds.ub), tol=1e-13).cost * 2
        found = sg.minimize(lambda x, A=A, b=b: ((A @ x - b) ** 2).sum(), np.zeros(4), bounds=bounds)
        assert found.fun == pytest.approx(theirs, rel=1e-7, abs=1e-10)
        assert found.certificate


def test_bounds_that_leave_one_point_and_a_kink_on_a_bound():
    assert sg.minimize(cb3, [5.0, 5.0], bounds=[(2, 2), (2, 2)]).x.tolist() == [2.0, 2.0]
    found = sg.minimize(lambda x: sg.relu(x).sum() + abs(x - 1).sum(), [0.5, 0.7], bounds=[(0, 1), (0.25, 1)])
    assert found.fun == pytest.approx(2.0, abs=1e-6)


# Callbacks, forms of x, and plain functions


def test_callbacks_of_both_kinds():
    seen, told = [], []

    def stop(x):
        seen.append(x)
        if len(seen) == 3:
            raise StopIteration

    found = sg.minimize(cb3, [2.0, 2.0], callback=stop)
    assert (found.status, found.nit, found.success) == (99, 3, False)
    assert seen[0].shape == (2,)
    sg.minimize(cb3, [2.0, 2.0], callback=lambda intermediate_result: told.append(intermediate_result.fun))
    assert min(told) == pytest.approx(2, abs=1e-6)


def test_shapes_are_kept():
    found = sg.minimize(lambda x: abs(x - np.arange(6.0).reshape(2, 3)).sum(), np.zeros((2, 3)))
    np.testing.assert_allclose(found.x, np.arange(6.0).reshape(2, 3), atol=1e-6)
    assert found.jac.shape == (2, 3)
    assert sg.minimize(lambda x: abs(x - 2), 0.0).x == pytest.approx(2, abs=1e-6)


def test_the_parameters_of_a_network():
    X = np.random.default_rng(0).standard_normal((30, 2))
    y = np.abs(X).sum(1)
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(2, 6, seed=1), nn.ReLU(), nn.Linear(6, 1, seed=2))

    def loss(net):
        return nn.absolute_loss(net(X)[:, 0], y)

    before = float(loss(net))
    found = sg.minimize(loss, net, max_iter=3000)
    assert set(found.x) == {name for name, _ in net.named_parameters()}
    assert float(loss(net)) == before  # the network itself stays as it is
    net.load_state_dict(found.x)
    assert float(loss(net)) == pytest.approx(found.fun, rel=1e-9, abs=1e-12)
    assert found.fun < 0.1 * before
    assert sg.verify_certificate(found.certificate, loss, net)


# Degenerate input


def test_zero_times_the_logarithm_of_zero():
    found = sg.minimize(brown2, np.zeros(4))
    assert (found.fun, found.success) == (0.0, True)


def test_a_start_at_the_minimum_and_a_constant():
    for f, x in ((maxl, np.zeros(3)), (lambda x: 0 * x.sum() + 1, np.ones(3)), (goffin, np.zeros(5))):
        found = sg.minimize(f, x)
        assert found.success
        np.testing.assert_array_equal(found.x, x)


def test_values_that_are_not_finite_are_walked_around():
    found = sg.minimize(lambda x: -sg.log(x[0]) + 4 * abs(x[0] - 3) + abs(x[1]), [0.1, 5.0])
    assert found.fun == pytest.approx(-np.log(3), abs=1e-6)
    assert found.success


def test_a_function_without_a_minimum_is_no_success():
    found = sg.minimize(lambda x: abs(x[0]) - x[1], [1.0, 1.0], "bfgs", max_iter=200)
    assert not found.success
    assert found.certificate.claim != "stationary"


@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs"])
def test_a_start_on_a_kink_that_is_no_minimum_is_left(method):
    found = sg.minimize(lambda x: x[0] ** 2 - abs(x[0]), [0.0], method)
    assert found.fun == pytest.approx(-0.25, abs=1e-6)
    found = sg.minimize(lambda x: sg.relu(x[0]) - sg.relu(-x[0]) + x[0] ** 2 / 8, [0.0], method)
    assert found.x[0] == pytest.approx(-4, abs=1e-4)
    assert found.success
    assert found.certificate


def test_slopes_far_apart_and_the_edge_of_a_domain():
    found = sg.minimize(lambda x: 1e8 * abs(x[0] - 1) + abs(x[1] - 1), [0.0, 0.0])
    assert not found.success or found.fun < 1e-3
    for f in (lambda x: sg.sqrt(x).sum(), lambda x: (sg.sqrt(x) + x**2).sum()):
        found = sg.minimize(f, [3.0])
        assert not found.success or found.fun < 1e-2
    for f, least in ((sg.acos, 0.0), (sg.asin, -np.pi / 2), (lambda x: sg.sqrt(1 - x * x), 0.0)):
        found = sg.minimize(lambda x, f=f: f(x).sum(), [0.5])
        assert not found.success or found.fun < least + 1e-2


@pytest.mark.parametrize("scale", [1e-100, 1e-6, 1.0, 1e6, 1e100])
def test_scales(scale):
    found = sg.minimize(lambda x: scale * abs(x - 1).sum(), [3.0, -2.0], tol=1e-6 * min(scale, 1.0))
    assert found.fun / scale == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs", "subgradient", "gradient_sampling"])
def test_slopes_with_squares_beyond_all_numbers(method):
    assert not sg.minimize(lambda x: ((1e100 * x - 1) ** 2).sum(), [0.0], method, max_iter=20).success


def test_float32():
    x = sg.tensor([5.0, 4.0])
    found = sg.minimize(wolfe, x, tol=1e-3)
    assert found.x.dtype == np.float32
    assert found.fun == pytest.approx(-8, rel=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sg.minimize(cb3, [1.0, 1.0], "newton"), ArgumentError, "method is one of auto"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], step=0.1), ArgumentError, "the subgradient method"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], tol=0.0), ArgumentError, "tol"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], max_iter=0), ArgumentError, "max_iter"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], R=-1.0), ArgumentError, "R"),
        (lambda: sg.minimize(cb3, [1.0, np.nan]), ArgumentError, "NaN"),
        (lambda: sg.minimize(lambda x: x.sum(), []), ArgumentError, "empty"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], bounds=[(0, 1)]), ShapeError, "each of the 2"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], bounds=[(0, 1), (1, 0)]), ArgumentError, "bound 1 goes from 1.0 to 0.0"),
        (lambda: sg.minimize(lambda x: x, [1.0, 1.0]), GradientError, "scalar"),
        (lambda: sg.minimize(lambda x: abs(x) if x > 0 else x, 1.0), NotTraceableError, "value"),
        (lambda: sg.minimize(lambda x: sg.log(x), -1.0), NonFiniteError, "x0"),
        (lambda: sg.minimize(lambda x: (1.0, [1.0]), [1.0, 1.0], jac=True), ShapeError, "1 elements"),
        (lambda: sg.minimize(lambda x: 1.0, [1.0], jac=True), ArgumentError, "f returns its value and its gradient"),
        (lambda: sg.minimize(lambda x: (1.0, "a"), [1.0], jac=True), ArgumentError, "its value and its gradient, got"),
        (lambda: sg.minimize(lambda x: (1.0, x), ["a"], jac=True), ArgumentError, "x0 is an array of numbers"),
        (lambda: sg.minimize(cb3, [1.0, 1.0], bounds=3), ShapeError, "for each of the 2 elements of x0, got 3"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
