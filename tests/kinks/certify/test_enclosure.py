"""Interval enclosures: gradients lie in them, for every op of the table, and 0 only where it may."""

import numpy as np
import pytest
from nested_kinks import random_program

import subgrad as sg
from samples import KINKS, SMOOTH
from subgrad import errors
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.interval_rules import interval_of
from subgrad.kinks.certify.enclosure import enclosure
from subgrad.kinks.hull.subdifferential import subdifferential


def summed(f, inputs):
    """f over a flat vector of its float inputs, its results summed with weights; and where that vector is."""
    sizes = [np.size(x) for x in inputs]
    floats = [i for i, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f"]

    def flat(x):
        parts, start = list(inputs), 0
        for i in floats:
            parts[i] = x[start : start + sizes[i]].reshape(np.shape(inputs[i]))
            start += sizes[i]
        y = f(*parts)
        weights = np.random.default_rng(1).standard_normal(y.shape)
        return (y * sg.tensor(weights, "float64")).sum()

    return flat, np.concatenate([np.ravel(inputs[i]) for i in floats]).astype(float)


CASES = [(name, *case) for table in (SMOOTH, KINKS) for name, cases in table.items() for case in cases]


@pytest.mark.parametrize(("name", "f", "inputs"), [(n, f, xs) for n, f, *xs in CASES])
@pytest.mark.parametrize("radius", [0.0, 1e-3, 0.5])
def test_gradients_in_a_box_lie_in_its_enclosure(name, f, inputs, radius):
    with sg.using_dtype("float64"):
        flat, x = summed(f, [np.asarray(i) for i in inputs])
        found = enclosure(flat, x - radius, x + radius)
        rng = np.random.default_rng(2)
        for _ in range(8):
            inside = x + radius * rng.uniform(-1, 1, x.size)
            g = sg.grad(flat)(sg.tensor(inside, "float64")).numpy()
            if np.isfinite(g).all() and np.isfinite(float(flat(sg.tensor(inside, "float64")))):
                slack = 1e-13 * (1 + np.abs(g))
                assert (found.low - slack <= g).all()
                assert (g <= found.high + slack).all()


TIGHT = [
    (lambda x: (x * x).sum(), [1.0, -2.0], 0.5, [1, -5], [3, -3]),
    (lambda x: sg.exp(x).sum(), [0.0], 1.0, [np.exp(-1)], [np.exp(1)]),
    (lambda x: sg.sin(x).sum(), [np.pi / 2], np.pi, [-1], [1]),
    (lambda x: sg.sin(x).sum(), [0.0], 0.5, [np.cos(0.5)], [1]),
    (lambda x: sg.max(x), [0.0, 1.0, 5.0], 1.0, [0, 0, 1], [0, 0, 1]),
    (lambda x: sg.max(x), [0.0, 1.0, 5.0], 2.0, [0, 0, 0], [0, 1, 1]),
    (lambda x: -sg.min(x), [0.0, 1.0, 5.0], 1.0, [-1, -1, 0], [0, 0, 0]),
    (lambda x: sg.norm(x), [0.0, 0.0], 1.0, [-1, -1], [1, 1]),
    (lambda x: sg.clip(x, 0, 1).sum(), [-1.0, 0.5, 0.5, 3.0], 0.75, [0, 0, 0, 0], [0, 1, 1, 0]),
    (lambda x: sg.huber(x).sum(), [0.0, 3.0], 0.5, [-0.5, 1], [0.5, 1]),
    (lambda x: (sg.tensor([[1.0, -2.0], [0.0, 3.0]], "float64") @ x).sum(), [0.0, 0.0], 9.0, [1, 1], [1, 1]),
    (lambda x: (x**3).sum(), [0.0], 1.0, [0], [3]),
    (lambda x: sg.where(x > 0, x, -x).sum(), [3.0, -3.0], 1.0, [1, -1], [1, -1]),
]


@pytest.mark.parametrize(("f", "x", "radius", "low", "high"), TIGHT)
def test_known_ranges(f, x, radius, low, high):
    found = enclosure(f, np.array(x) - radius, np.array(x) + radius)
    np.testing.assert_allclose(found.low, low, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.high, high, rtol=1e-9, atol=1e-12)
    assert (found.low <= low).all()
    assert (found.high >= high).all()


def test_whole_subdifferentials_of_random_programs_are_enclosed():
    rng = np.random.default_rng(4)
    for _ in range(12):
        program = random_program(rng, int(rng.integers(1, 4)), 5)
        found = subdifferential(program, program.point)
        assert all(found.interval.contains(g) for g in found.gradients)
        box = enclosure(program, program.point - 0.5, program.point + 0.5)
        for g in program.gradients(rng.standard_normal((50, program.n))):
            assert box.contains(g)


def test_a_box_without_stationary_points_is_proved_to_have_none():
    def f(x):
        return sg.relu(x[0] - x[1]) + 2 * x[0] + abs(x[1])

    assert enclosure(f, [-100.0, -100.0], [100.0, 100.0]).excludes_zero
    assert not enclosure(lambda x: abs(x).sum(), [-1.0, 1.0], [1.0, 2.0]).contains([0, 0])
    assert not enclosure(lambda x: abs(x).sum(), [-1.0, -1.0], [1.0, 1.0]).excludes_zero


def test_a_point_between_two_floats_of_a_kink_counts_as_on_it():
    """In floats 0.1 + 0.2 - 0.3 is above 0, and in real numbers made of these floats it is another number."""
    found = enclosure(lambda x: sg.relu(x[0] + x[1] - x[2]), [0.1, 0.2, 0.1 + 0.2])
    np.testing.assert_array_equal([found.low, found.high], [[0, 0, -1], [1, 1, 0]])


def test_roots_hidden_by_a_zero_are_not_lost():
    """sqrt(x^2 + x^4) is |x| nearby: its slopes at 0 are 0 times infinity."""
    found = enclosure(lambda x: sg.sqrt(x * x + x**4), 0.0)
    assert found.low <= -1
    assert found.high >= 1


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: sg.where(x[0] > 0, x[0], 2.0), "jump"),
        (lambda x: sg.sign(x).sum(), "jump"),
        (lambda x: sg.floor(x).sum(), "floor"),
        (lambda x: sg.round(x + 0.4).sum(), "round"),
        (lambda x: (x % 1.5).sum(), "remainder"),
        (lambda x: sg.atan2(x, -1.0).sum(), "atan2"),
        (lambda x: (x > 0).astype("float64").sum(), "jump"),
        (lambda x: x[sg.argmax(x)], "jump"),
        (lambda x: (x * sg.stop_gradient(x)).sum(), "stop_gradient"),
        (sg.custom_vjp(lambda x: x.sum(), lambda g, y, x: 0 * x), "custom"),
        (lambda x: (abs(x) ** x).sum(), ""),  # 0 is no base of a power that varies
    ],
)
def test_what_is_not_known_makes_the_intervals_infinite(f, reason):
    found = enclosure(f, [-1.0, -1.0], [1.0, 1.0])
    assert reason in found.reason
    assert np.isinf(found.low).all()
    assert np.isinf(found.high).all()
    assert not found.excludes_zero


def test_jumps_outside_of_the_box_do_no_harm():
    found = enclosure(lambda x: sg.where(x > 0, x, 2.0 - x).sum(), [1.0], [2.0])
    np.testing.assert_array_equal([found.low, found.high], [[1], [1]])
    for f in (lambda x: (x % 1.5).sum(), lambda x: (x - sg.floor(x)).sum(), lambda x: (x + sg.round(x)).sum()):
        found = enclosure(f, [1.6], [1.9])
        np.testing.assert_array_equal([found.low, found.high], [[1], [1]])


def test_bad_boxes_raise():
    with pytest.raises(errors.ShapeError, match="got 2 and 1"):
        enclosure(lambda x: abs(x).sum(), [0.0, 1.0], [1.0])
    with pytest.raises(errors.ArgumentError, match="above"):
        enclosure(lambda x: abs(x), 1.0, 0.0)
    with pytest.raises(errors.NotTraceableError):
        enclosure(lambda x: x if x > 0 else -x, 1.0)


def test_a_network_over_a_box_of_its_parameters():
    net = sg.nn.Sequential(sg.nn.Linear(2, 4), sg.nn.ReLU(), sg.nn.Linear(4, 1))
    x = sg.tensor([[1.0, 2.0], [-1.0, 0.5]])
    found = enclosure(lambda net: net(x).sum(), net)
    g = np.concatenate([v.numpy().ravel() for v in sg.grad(net(x).sum(), net).values()])
    assert (np.abs(np.clip(g, found.low, found.high) - g) <= 1e-6).all()
    np.testing.assert_allclose(found.high - found.low, 0, atol=1e-12)


@pytest.mark.parametrize("base", [(0.2, 3.0), (1.0, 1.0), (-1.0, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("power", [(-2.0, 3.0), (2.0, 2.0), (0.5, 0.5)])
def test_powers_lie_in_their_interval(base, power):
    """Of a base that may be negative nothing is said: its square is not that of its positive part."""
    x, p = sg.tensor(base[0], "float64"), sg.tensor(power[0], "float64")
    box = {x: Interval(*map(np.asarray, base)), p: Interval(*map(np.asarray, power))}
    found = interval_of(sg.pow(x, p), box)
    values = np.linspace(*base, 41)[:, None] ** np.linspace(*power, 41) if base[0] > 0 else np.array([-np.inf, np.inf])
    assert found.low <= values.min() <= values.max() <= found.high


def test_slopes_of_powers_whose_exponents_vary():
    found = enclosure(lambda x: sg.pow(x[0], x[1]), [0.5, 1.0], [1.5, 3.0])
    x, p = np.meshgrid(np.linspace(0.5, 1.5, 21), np.linspace(1, 3, 21))
    slopes = np.stack([p * x ** (p - 1), np.log(x) * x**p])
    assert (found.low <= slopes.min((1, 2))).all()
    assert (found.high >= slopes.max((1, 2))).all()
    assert np.isfinite([found.low, found.high]).all()
