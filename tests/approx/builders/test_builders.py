"""Greedy, sampled and trained networks, and least squares: against brute force, finite differences and definitions."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad.approx.builders import refit
from subgrad.approx.builders.dictionary import Dictionary
from subgrad.approx.builders.greedy import Greedy, candidates
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.builders.points import spread
from subgrad.approx.builders.sampled import sampled
from subgrad.approx.builders.scaled import Scaled
from subgrad.errors import ArgumentError, DataError, ShapeError

SQUARE = np.array([[-1.0, 1.0]] * 2)


def gauss(X):
    return np.exp(-(X**2).sum(1) / 2)


@pytest.fixture(scope="module")
def sample():
    X = spread(SQUARE, 500, seed=0)
    return X, gauss(X)


def phi(name, z):
    return {"relu": np.maximum(z, 0), "tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z))}[name]


def squares(X, y, w, b, name="relu"):
    """The sum of squares with the best outer weights, by NumPy."""
    columns = np.column_stack([phi(name, X @ w.T + b), np.ones(len(X))])
    return np.sum((columns @ np.linalg.lstsq(columns, y, rcond=None)[0] - y) ** 2)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_gain_is_what_the_sum_of_squares_loses(sample, activation):
    X, y = sample
    w, b = candidates(X, activation, 12, np.random.default_rng(1))
    columns = np.column_stack([np.ones(len(X)), phi(activation, X @ w[:4].T + b[:4])])
    basis = np.linalg.qr(columns)[0]
    dictionary = Dictionary(X, activation, 8)
    dictionary.span(basis, y - basis @ (basis.T @ y))
    before = squares(X, y, w[:4], b[:4], activation)
    lost = [before - squares(X, y, w[[0, 1, 2, 3, i]], b[[0, 1, 2, 3, i]], activation) for i in range(4, 12)]
    np.testing.assert_allclose(dictionary.gains(w[4:], b[4:]), lost, rtol=1e-7)
    assert dictionary.gains(w[:1], b[:1]) == 0  # it is there already


def test_climbing_raises_every_gain(sample):
    X, y = sample
    w, b = candidates(X, "relu", 16, np.random.default_rng(2))
    dictionary = Dictionary(X, "relu", 1)
    dictionary.span(np.full((len(X), 1), len(X) ** -0.5), y - y.mean())
    found, better_w, better_b = dictionary.climb(w, b, 0.1 * np.ones(10))
    assert (found >= dictionary.gains(w, b)).all()
    assert np.median(found / dictionary.gains(w, b)) > 1.05
    np.testing.assert_allclose(dictionary.gains(better_w, better_b), found, rtol=1e-9)


def test_greedy_is_orthogonal_and_refitting_only_helps(sample):
    X, y = sample
    greedy = Greedy(X, y, "relu", seed=0)
    units = greedy.grow(8, together=False)
    assert (np.diff(greedy.errors) < 0).all()
    assert squares(X, y, units.w, units.b) / len(X) == pytest.approx(greedy.errors[-1], rel=1e-6)
    together = refit.all_weights(X, y, units.w, units.b, "relu", 10)
    assert squares(X, y, together.w, together.b) < 0.7 * squares(X, y, units.w, units.b)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_the_gradient_of_variable_projection(sample, activation):
    X, y = sample
    w, b = candidates(X, activation, 3, np.random.default_rng(3))
    gradient = refit._Fit(X, y, w, b, activation).normal_equations()[1]
    flat, step, found = np.concatenate([w.ravel(), b]), 1e-5, []
    for unit in np.eye(flat.size):
        ends = [squares(X, y, p[:6].reshape(3, 2), p[6:], activation) for p in (flat - step * unit, flat + step * unit)]
        found.append((ends[1] - ends[0]) / (2 * step))
    np.testing.assert_allclose(2 * gradient, found, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("activation", "ends"), [("relu", (0, 1)), ("tanh", (-0.5, 0.5)), ("sigmoid", (0.25, 0.75))])
def test_a_sampled_unit_goes_from_one_point_to_another(activation, ends):
    X, y = np.array([[0.0, 0.0], [0.3, 0.4]]), np.array([1.0, 2.0])
    units = sampled(X, y, 6, activation, seed=0)
    found = np.sort(phi(activation, X @ units.w.T + units.b), axis=0)
    np.testing.assert_allclose(found, np.repeat([ends], 6, axis=0).T, atol=1e-12)


def test_sampled_units_are_where_the_function_is_steep():
    """f is flat but between 0.4 and 0.5."""
    X = np.linspace(-1, 1, 2000)[:, None]
    units = sampled(X, np.clip(10 * (X[:, 0] - 0.4), 0, 1), 100, "relu", seed=0)
    kinks = -units.b / units.w[:, 0]
    slopes = units.w[:, 0]
    assert np.mean(((kinks > 0.3) & (kinks < 0.6)) | (np.abs(slopes) < 10)) > 0.9


def test_units_on_a_box_are_those_on_the_cube():
    box = np.array([[0.0, 4.0], [-3.0, -2.0], [1.0, 1.0]])
    scaled, random = Scaled(box), np.random.default_rng(0)
    inside = HiddenUnits(random.normal(size=(5, 3)), random.normal(size=5), random.normal(size=5), 0.5)
    X = spread(box, 20, seed=0)
    np.testing.assert_allclose(
        scaled.units(inside).network("tanh")(X).numpy(), inside.network("tanh")(scaled.points(X)).numpy(), atol=1e-12
    )


def formula(x):
    return sg.exp(-(x * x).sum(1) / 2)


@pytest.mark.parametrize(("method", "activation", "largest"), [
    ("greedy", "relu", 0.05), ("greedy", "tanh", 0.02), ("sampled", "relu", 0.2), ("sampled", "sigmoid", 0.3),
    ("train", "relu", 0.1),
])  # fmt: skip
def test_methods_in_two_variables(method, activation, largest):
    net, report = sg.approximate(formula, SQUARE, n=12, method=method, activation=activation)
    X = spread(SQUARE, 3000, seed=7)
    error = np.abs(net(X).numpy()[:, 0] - gauss(X))
    assert (report.n, report.method, report.activation) == (12, method, activation)
    assert error.max() <= report.proven < 3 * largest
    assert report.sup < largest
    assert report.l2 == pytest.approx(np.sqrt(np.mean(error**2)), rel=0.2)


def test_networks_grow_until_the_error_is_proven():
    report = sg.approximate("x*y", [(0, 10), (-3, -2)], eps=0.2).report
    assert report.achieved
    assert report.sup <= report.proven <= 0.2
    assert report.n in (16, 32)


def test_when_the_units_are_spent_the_best_bound_is_said():
    report = sg.approximate("exp(-x*x - y*y)", SQUARE, eps=1e-6, n=8).report
    assert not report.achieved
    assert report.n == 8
    assert 1e-6 < report.sup <= report.proven < 1


def test_samples_are_approximated_and_nothing_is_proven(sample):
    X, y = sample
    net, report = sg.approximate((X, y), n=16, seed=3)
    assert report.proven is None
    assert "500 samples" in str(report)
    assert np.abs(net(X).numpy()[:, 0] - y).max() == pytest.approx(report.sup)
    assert report.sup < 0.05


def test_the_same_seed_gives_the_same_network(sample):
    nets = [sg.approximate(sample, n=6, seed=s).net.state_dict() for s in (1, 1, 2)]
    assert all(np.array_equal(nets[0][k], nets[1][k]) for k in nets[0])
    assert not np.array_equal(nets[0]["hidden.weight"], nets[2]["hidden.weight"])


@pytest.mark.parametrize(("f", "box", "error", "message"), [
    ((np.zeros((3, 2)), np.zeros(4)), None, ShapeError, r"X of shape \(N, d\) and y of shape \(N,\)"),
    ((np.zeros((3, 2)), np.full(3, np.nan)), None, DataError, "NaN or infinity"),
    ((np.zeros((3, 2)), np.zeros(3)), (0, 1), ShapeError, "the samples have 2 variables, the box has 1"),
    ((np.full((3, 1), 5.0), np.zeros(3)), (0, 1), DataError, "3 samples lie outside of the box"),
    ((1, 2, 3), None, ArgumentError, "samples are a pair"),
    ("x", None, ArgumentError, "approximated on a box"),
    (3, (0, 1), ArgumentError, "expected a function, a formula or samples"),
    ("x*y", (0, 1), ShapeError, r"takes points of shape \(N, 2\)"),
    (lambda x: x, [(0, 1)] * 2, ShapeError, r"returns \(N,\)"),
    (lambda x: np.array([1.0]), [(0, 1)] * 2, ShapeError, r"returns \(4096,\), got \(1,\)"),
])  # fmt: skip
def test_what_cannot_be_approximated(f, box, error, message):
    with pytest.raises(error, match=message):
        sg.approximate(f, box, n=4)


def test_methods_are_checked():
    with pytest.raises(ArgumentError, match="unknown method 'magic'"):
        sg.approximate("x", (0, 1), n=4, method="magic")
    with pytest.raises(ArgumentError, match="exact1d makes relu networks for a function of one variable"):
        sg.approximate("x*y", SQUARE, n=4, method="exact1d")


def test_what_turns_more_often_than_units_can_follow_is_refused():
    with pytest.raises(ArgumentError, match="units can follow"):
        sg.approximate("sin(1e15*x)", (-1, 1), eps=1e-3)


def test_a_linear_function_takes_one_unit_and_a_maximum_two():
    report = sg.approximate(lambda x: 2 * x[:, 0] - x[:, 1] + 0.5 * x[:, 2], [(-1, 1)] * 3, eps=1e-8).report
    assert (report.n, report.achieved) == (1, True)
    report = sg.approximate(lambda x: sg.maximum(x[:, 0], x[:, 1]), SQUARE, eps=1e-2).report
    assert (report.n, report.achieved) == (2, True)
