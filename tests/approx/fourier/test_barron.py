"""Barron's constants: rules against closed forms and against draws from the transforms; networks against the bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

import subgrad as sg
from subgrad.approx.fourier.barron_sampling import drawn, expected, fitted
from subgrad.approx.fourier.harmonic import Unknown, harmonic
from subgrad.approx.shallow import values
from subgrad.approx.target_function import TargetFunction
from subgrad.errors import ArgumentError


def gauss(x):
    return sg.exp(-(x * x).sum(1) / 2)


def multiquadric(d):
    return lambda x: (1 + (x * x).sum(1)) ** (-(d + 1) / 2)


def cosines(x):
    return sg.cos(x[:, 0]) * sg.cos(2 * x[:, 1]) * sg.cos(3 * x[:, 2])


def length(d):
    """E|w| of a standard normal w."""
    return math.sqrt(2) * math.gamma((d + 1) / 2) / math.gamma(d / 2)


CLOSED = [  # (function, number of variables, its constant in closed form, that of the cube [-1, 1]^d)
    *((gauss, d, length(d), d * math.sqrt(2 / math.pi)) for d in (1, 2, 5, 10)),
    *((multiquadric(d), d, d, None) for d in (1, 2, 5)),
    ("sin(3*x + 4*y + 1)", 2, 5, 7),
    ("-2*cos(3*x - 4*y)", 2, 10, 14),
    (cosines, 3, math.sqrt(14), 6),
    ("tanh(3*x - 4*y)", 2, 5, 7),
    ("sigmoid(x)", 1, 1 / 4, 1 / 4),
    ("erf(2*x)", 1, 4 / math.sqrt(math.pi), 4 / math.sqrt(math.pi)),
    ("3*x - 4*y + 7", 2, 5, 7),
    ("7", 1, 0, 0),
]


@pytest.mark.parametrize(("f", "d", "first", "box"), CLOSED)
def test_rules_give_the_closed_forms(f, d, first, box):
    found = harmonic(TargetFunction(f, [(-1, 1)] * d).traced, np.array([[-1.0, 1.0]] * d))
    assert found.first == pytest.approx(first, rel=1e-12)
    if box is not None:
        assert found.box == pytest.approx(box, rel=1e-12)


@pytest.mark.parametrize("f", [
    "exp(-(x - 1)**2 - 3*y*y + x*y)", "exp(-(x - y)**2)", "1/(2 + x*x + y*y)", "(3 + (x - y)**2)**-0.7",
    "sin(x + 1)*cos(2*y)", "exp(-x*x)*sin(5*x) - 2*cos(y)/3 + 1", "sin(x)**3", "-exp(-x*x)", "2*exp(-x*x)*exp(-y*y)",
])  # fmt: skip
def test_a_transform_is_that_of_its_function(f):
    """The average of cos(w·x + phase) over draws is the function, and averages of |w| are not above their bounds."""
    box = np.array([[-1.0, 2.0], [0.0, 1.0]])
    target, half, middle = TargetFunction(f, box), np.array([1.5, 0.5]), np.array([0.5, 0.5])
    found = harmonic(target.traced, box)
    w, phase = found.draw(np.random.default_rng(0), 200_000)
    X = np.random.default_rng(1).uniform(box[:, 0], box[:, 1], (5, 2))
    average = found.mass * np.cos(w @ (X - middle).T + phase[:, None]).mean(axis=0)
    np.testing.assert_allclose(average, target.values(X), atol=0.015 * found.mass)
    at = np.abs(w) @ half
    for moment, bound in ((np.linalg.norm(w, axis=1), found.first), ((w**2).sum(1), found.second),
                          (at, found.box), (at**2, found.curved)):  # fmt: skip
        assert found.mass * moment.mean() <= bound * 1.02


@pytest.mark.parametrize("f", ["exp(sin(x))", "sin(sin(x) + cos(y))", "cos(exp(-x*x))", "2*x + tanh(y) + erf(x)"])
def test_compositions_have_bounds_above_the_slopes(f):
    constant = sg.barron(f, [(-1, 1)] * 2)
    assert constant.lower <= constant.upper
    assert constant.lower_box <= constant.upper_box


def test_bounds_do_not_depend_on_where_the_box_is():
    near, far = (sg.barron("exp(-x*x)*cos(3*x)", box) for box in ((-1, 1), (9, 11)))
    assert near.upper == pytest.approx(far.upper)
    assert near.upper_box == pytest.approx(far.upper_box)


UNKNOWN = {
    "abs(x)": "abs has no rule", "x*y": "a polynomial of degree 2", "x**3": "polynomial", "exp(x)": "without bound",
    "1/x": "a power of what may be 0", "x*sin(x)": "no finite mass", "tanh(x*y)": "tanh of what is not linear",
    "tanh(x)*tanh(y)": "no finite mass", "sqrt(1 + x*x)": "sqrt has no rule", "exp(tanh(x))": "no finite mass",
    "(1 - x*x)**-2": "a power of what may be 0", "relu(sin(x))": "relu has no rule", "1/(2 + sin(x))": "no polynomial",
}  # fmt: skip


@pytest.mark.parametrize("f", UNKNOWN)
def test_where_no_rule_applies_nothing_is_claimed(f):
    found = harmonic(TargetFunction(f, [(0, 1)] * 2).traced, np.array([[0.0, 1.0]] * 2))
    assert isinstance(found, Unknown)
    assert UNKNOWN[f] in found.reason


def test_what_is_known_of_functions_of_arrays_and_samples():
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    for f, box in ((lambda X: np.sin(3 * X).sum(1), [(-1, 1)] * 2), ((X, np.sin(3 * X).sum(1)), None)):
        constant = sg.barron(f, box)
        assert constant.upper is None
        assert constant.estimate is None
        assert 0.5 < constant.lower <= 3 * math.sqrt(2)
        assert 0.5 < constant.lower_box <= 6
        assert "no upper bound: f is" in str(constant)


@pytest.mark.parametrize(("f", "d", "first"), [(gauss, 1, length(1)), (gauss, 2, length(2)), (multiquadric(2), 2, 2)])
def test_the_estimate_is_near_the_constant_of_a_function_that_fades(f, d, first):
    constant = sg.barron(f, [(-1, 1)] * d)
    assert constant.estimate == pytest.approx(first, rel=0.05)
    assert "an estimate by FFT" in str(constant)


@pytest.mark.parametrize("activation", ["step", "relu"])
@pytest.mark.parametrize(("f", "box"), [
    ("exp(-x*x/2 - y*y/2)", [(-1, 1), (0, 2)]), ("sin(2*x + 1)", (0, 2)), ("1/(1 + x*x)", (-2, 2)),
])  # fmt: skip
def test_random_units_keep_to_the_bound_and_fall_like_one_over_n(f, box, activation):
    target = TargetFunction(f, box)
    X, y = target.sample(1500, seed=0)
    found = {
        n: np.mean([(values(drawn(target, n, activation, seed).network(activation), X) - y) ** 2 for seed in range(25)])
        for n in (25, 400)
    }
    for n, error in found.items():
        assert error <= expected(target, n, activation)
    assert 8 < found[25] / found[400] < 32
    better = values(fitted(target, X, y, 25, activation, 0).network(activation), X) - y
    assert np.mean(better**2) < 0.5 * found[25]


def test_the_method_barron():
    net, report = sg.approximate(gauss, [(-1, 1)] * 2, n=40, method="barron")
    assert report.sup <= report.proven < 0.3
    assert report.l2**2 < report.bound
    assert "40 random units" in report.theory
    assert net.hidden.weight.shape == (40, 2)
    steps = sg.approximate(gauss, [(-1, 1)] * 2, n=40, method="barron", activation="step").report
    assert steps.bound == pytest.approx(2 * (2 * math.sqrt(2 / math.pi)) ** 2 / 40)


@pytest.mark.parametrize(("f", "activation", "message"), [
    ("abs(x)", "relu", "no rule for this function: abs"), (gauss, "tanh", "not tanh"),
    (np.cos, "relu", "needs a formula"), ("tanh(x)", "relu", "cannot draw"),
])  # fmt: skip
def test_what_the_method_barron_cannot_do(f, activation, message):
    with pytest.raises(ArgumentError, match=message):
        sg.approximate(f, [(-1, 1)], n=4, method="barron", activation=activation)


def test_barron_bound():
    assert sg.barron_bound(2, 3, 100) == pytest.approx(1.44)
    with pytest.raises(ArgumentError, match="n >= 1"):
        sg.barron_bound(1, 1, 0)


@pytest.mark.parametrize(("f", "upper"), [
    ("cos(1e200*x)", None), ("exp(700*cos(x))", None), ("1e200*cos(1e200*x)", None), ("1/(1e-300+x**2)", None),
    ("exp(-1e-320*x**2)", 1.1284e-160), ("1e-320*x", 1e-320), ("sin(1e15*x)", 1e15), ("1e-200*cos(1e150*x)", 1e-50),
    ("sin(1e308*x)*sin(1e308*x)", None), ("exp(cos(x)+cos(2*x))**50", None), ("(1+x**2)**-1e300", None),
])  # fmt: skip
def test_no_size_overflows_and_the_estimate_keeps_to_its_bounds(f, upper):
    found = sg.barron(f, (-1, 1))
    if upper is not None:
        assert found.upper == pytest.approx(upper, rel=1e-4)
    assert found.upper is None or np.isfinite([found.upper, found.upper_box]).all()
    assert found.lower <= found.estimate <= (math.inf if found.upper is None else found.upper)
