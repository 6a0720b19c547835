"""Relu networks of one variable: the proven error is an upper bound, the measured one comes near it, few units do."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.integrate import quad

import subgrad as sg
from subgrad.approx.univariate.hinges import slope_changes
from subgrad.errors import ArgumentError, DataError

WAVE = "exp(-x**2)*sin(5*x)"

# name: (formula, the same in NumPy, box)
FUNCTIONS = {
    "wave": (WAVE, lambda x: np.exp(-(x**2)) * np.sin(5 * x), (-2, 2)),
    "parabola": ("x**2", lambda x: x**2, (-1, 3)),
    "line": ("3*x - 1", lambda x: 3 * x - 1, (0, 1)),
    "kink": ("abs(x - 0.3) + max(x, 0.5)", lambda x: abs(x - 0.3) + np.maximum(x, 0.5), (-1, 1)),
    "root": ("sqrt(x)", np.sqrt, (0, 1)),
    "roots at a cusp": ("sqrt(abs(x))", lambda x: np.sqrt(abs(x)), (-1, 2)),
    "steep": ("tanh(50*x)", lambda x: np.tanh(50 * x), (-1, 1)),
    "pole nearby": ("1/(x + 0.01)", lambda x: 1 / (x + 0.01), (0, 1)),
    "pieces": ("where(x < 1, x*x, 2*x - 1)", lambda x: np.where(x < 1, x * x, 2 * x - 1), (0, 2)),
}


def hinges(net):
    """The factors, the places, and the outer weights of the units."""
    w = net.hidden.weight.numpy()[:, 0]
    assert (np.abs(w) == 1).all()
    return w.tolist(), -net.hidden.bias.numpy() * w, net.out.weight.numpy()[0].tolist()


def dense_error(net, f, box, count=20_001):
    """The largest error on many points, those next to the knots among them."""
    kinks = hinges(net)[1]
    xs = np.concatenate([np.linspace(*box, count), kinks, np.nextafter(kinks, box[1])])
    xs = np.clip(xs, *box)
    return float(np.abs(net(xs[:, None]).numpy().ravel() - f(xs)).max())


def exact_error(net, f, box, count=150):
    """As `dense_error`, with few points, and a network that is evaluated in rational numbers: where it is steep, floats
    are off by more than the proof's margin."""
    w, kinks, v = hinges(net)
    ends = np.sort([*box, *kinks])
    xs = np.random.default_rng(0).choice((ends[1:] + ends[:-1]) / 2, count)
    c = Fraction(net.out.bias.item())
    units = [(Fraction(k), s, Fraction(factor)) for k, s, factor in zip(kinks.tolist(), w, v, strict=True)]
    found = [float(c + sum(f * max(int(s) * (Fraction(x) - k), 0) for k, s, f in units)) for x in xs.tolist()]
    return float(np.abs(np.array(found) - f(xs)).max())


@pytest.mark.parametrize("eps", [1e-2, 1e-4])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_wanted_error_is_proven_and_not_exceeded(name, eps):
    formula, f, box = FUNCTIONS[name]
    net, report = sg.approximate(formula, box, eps=eps)
    assert report.achieved
    assert exact_error(net, f, box) <= report.proven + 1e-15
    assert dense_error(net, f, box) < 1.001 * eps


def count(eps):
    """The integral of sqrt|f''| over sqrt(8 eps), for the wave, by its second derivative by hand."""

    def second(x):
        e, s, c = math.exp(-x * x), math.sin(5 * x), math.cos(5 * x)
        return e * ((4 * x * x - 27) * s - 20 * x * c)

    whole = quad(lambda x: math.sqrt(abs(second(x))), -2, 2, limit=500)[0]
    return whole / math.sqrt(8 * eps)


@pytest.mark.parametrize("eps", [1e-3, 1e-6])
def test_fewer_units_than_an_interpolant_needs(eps):
    report = sg.approximate(WAVE, (-2, 2), eps=eps).report
    assert report.achieved
    assert 0.7 * count(eps) < report.n < 0.9 * count(eps)


@pytest.mark.parametrize("n", [1, 7, 50])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_number_of_units_is_kept_to_and_the_error_is_proven(name, n):
    formula, f, box = FUNCTIONS[name]
    net, report = sg.approximate(formula, box, n=n)
    assert report.n <= n
    assert exact_error(net, f, box) <= report.proven + 1e-15
    assert math.isfinite(report.proven)


def test_with_a_parabola_the_error_is_the_best_there_is():
    """A line within eps of x² is at most √(8 eps) long, the horizontal one at 0, which takes no unit, half of that."""
    for n in (1, 4, 9):
        report = sg.approximate("x**2", (0, 1), n=n).report
        assert report.proven == pytest.approx(1 / (8 * (n + 0.5) ** 2), rel=3e-3)


@pytest.mark.parametrize("eps", [1e-1, 1e-2, 1e-4])
def test_a_parabola_gets_as_few_units_as_there_can_be(eps):
    whole = 1 / math.sqrt(8 * eps)  # lines
    assert sg.approximate("x**2", (0, 1), eps=eps).report.n == math.ceil(whole - 0.5)
    if eps == 0.1:  # half a line to the left and to the right of 0, and one more on either side
        assert sg.approximate("x**2", (-1, 1), eps=eps).report.n == 2


@pytest.mark.parametrize(("formula", "f", "units"), [
    ("abs(x)", abs, 2), ("abs(x - 0.25) - 2*abs(x - 0.5)", lambda x: abs(x - 0.25) - 2 * abs(x - 0.5), 3),
    ("max(x, 0.3) - x", lambda x: np.maximum(x, 0.3) - x, 1), ("2 - 3*x", lambda x: 2 - 3 * x, 1),
    ("max(x, 0)", lambda x: np.maximum(x, 0), 1), ("max(abs(x), 0.5)", lambda x: np.maximum(abs(x), 0.5), 2),
    ("0*x + 3", lambda x: 0 * x + 3, 1), ("max(x, 0.5) - max(x, -0.5)", lambda x: np.clip(-x, -0.5, 0.5) + 0.5, 2),
])  # fmt: skip
def test_a_piecewise_linear_function_has_its_own_kinks_and_no_error(formula, f, units):
    for options in ({"eps": 1e-3}, {"n": 9}):
        net, report = sg.approximate(formula, (-1, 1), **options)
        assert report.n == units
        assert dense_error(net, f, (-1, 1)) < 1e-13
        assert report.proven < 1e-13


def test_too_few_units_are_said_to_be_too_few():
    report = sg.approximate(WAVE, (-2, 2), eps=1e-6, n=100).report
    assert not report.achieved
    assert report.n <= 100
    assert 1e-6 < report.proven < 2e-3
    assert "not reached" in str(report)


def test_a_jump_is_never_proven_away():
    net, report = sg.approximate("where(x < 0.3, 0, 1)", (0, 1), eps=1e-2)
    assert not report.achieved
    assert report.proven >= 0.5
    assert dense_error(net, lambda x: np.where(x < 0.3, 0, 1), (0, 1)) <= report.proven


def test_derivatives_by_hand_are_not_believed():
    """f = x², its derivative said to be 0: one cell would do for that."""
    f = sg.custom_vjp(lambda x: x * x, lambda g, y, x: 0 * g)
    net, report = sg.approximate(lambda x: f(x[:, 0]), (-1, 1), eps=1e-2)
    assert report.achieved
    assert dense_error(net, np.square, (-1, 1)) <= report.proven + 1e-15
    assert report.n > 5


def test_where_nothing_is_known_pieces_are_not_halved_for_long():
    """x < x is undecided on every interval, so all that is known is that values are 0 or 1: a constant of a half."""
    report = sg.approximate("where(x < x, 1, 0)", (0, 1), n=5).report
    assert report.n <= 5
    assert report.proven == pytest.approx(0.5)


def test_a_function_of_arrays_gets_a_network_and_no_proof():
    f = FUNCTIONS["wave"][1]
    net, report = sg.approximate(f, (-2, 2), eps=1e-3)
    assert report.proven is None
    assert not report.achieved
    assert dense_error(net, f, (-2, 2)) < 1.01e-3
    assert "proven: nothing" in str(report)


def test_a_network_is_a_function_of_tensors():
    target = sg.nn.Sequential(sg.nn.Linear(1, 5, seed=0), sg.nn.Tanh(), sg.nn.Linear(5, 1, seed=1))
    net, report = sg.approximate(target, (-3, 3), eps=1e-3)
    assert report.achieved
    assert dense_error(net, lambda x: target(x[:, None].astype(np.float32)).numpy()[:, 0], (-3, 3)) < 1e-3 + 1e-6


def test_a_box_without_width():
    net, report = sg.approximate("exp(x)", (1, 1), eps=1e-9)
    assert report.achieved
    assert net(np.ones((1, 1))).item() == pytest.approx(math.e)


def test_roundings_do_not_add_up():
    """2,000 slopes of a line that is no sum of floats: the last value is right to the last place."""
    knots = np.linspace(0, 1, 2001)
    v = slope_changes(knots, knots / 3 + np.sin(knots))
    last = sum(Fraction(c) * (1 - Fraction(k)) for c, k in zip(v, knots[:-1], strict=True))
    assert float(last) == pytest.approx(1 / 3 + math.sin(1), rel=1e-15)


@pytest.mark.parametrize(("arguments", "message"), [
    ({}, "say how near or how large"),
    ({"eps": 0}, "eps is a positive number"),
    ({"eps": float("nan")}, "eps is a positive number"),
    ({"n": 0}, "at least one unit"),
    ({"n": 3, "activation": "softmax"}, "unknown activation 'softmax'"),
])  # fmt: skip
def test_bad_arguments(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        sg.approximate("x", (0, 1), **arguments)


def test_a_function_that_is_not_finite_is_refused():
    with pytest.raises(DataError, match=r"f is -inf at \[0.0\]"):
        sg.approximate("log(x)", (0, 1), n=5)


def test_a_power_that_overflows_under_a_fraction_is_known_to_be_small():
    _, report = sg.approximate("x**-9**9", (1, 2), eps=1e-3)
    assert report.achieved
    assert report.n < 100
    _, report = sg.approximate("1/exp(1000*x)", (0, 2), eps=1e-3)
    assert report.achieved


def test_all_units_are_used_where_the_error_is_out_of_reach():
    _, few = sg.approximate("exp(5*x)", (1, 2), n=50)
    _, report = sg.approximate("exp(5*x)", (1, 2), eps=1e-9, n=50)
    assert report.n == few.n == 50
    assert report.proven == pytest.approx(few.proven, rel=0.01)
