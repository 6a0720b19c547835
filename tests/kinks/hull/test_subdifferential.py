"""The whole subdifferential: against dense samples, brute force over all sign patterns, and closed forms."""

import copy
import itertools
import pickle
import sys

import numpy as np
import pytest
from nested_kinks import Program, on_sphere, random_program, rows
from scipy.optimize import linprog

import subgrad as sg
from subgrad import errors
from subgrad.kinks.hull.local_minimum import local_minimum
from subgrad.kinks.hull.subdifferential import subdifferential

# Random programs


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_all_gradients_of_random_programs_are_found_and_no_others(n):
    rng = np.random.default_rng(n)
    for _ in range(25):
        program = random_program(rng, n, int(rng.integers(1, 7)))
        found = subdifferential(program, program.point)
        assert found.exact == "exact"
        assert found.complete
        for cell in found.cells:  # no others: each is the gradient along its own cell's direction
            assert (cell.rows @ cell.direction > 0).all()
            np.testing.assert_array_equal(program.gradients(cell.direction[None])[0], cell.gradient)
        seen = rows(program.gradients(on_sphere(rng, 2000, n)))
        assert seen <= rows(found.gradients)


def test_the_cells_cover_all_directions_once():
    rng = np.random.default_rng(5)
    for _ in range(15):
        n = int(rng.integers(1, 4))
        program = random_program(rng, n, 5)
        found = subdifferential(program, program.point)
        for d, g in zip(directions := on_sphere(rng, 30, n), program.gradients(directions), strict=True):
            inside = [c for c in found.cells if (c.rows @ d > 0).all()]
            assert len(inside) == 1
            np.testing.assert_array_equal(inside[0].gradient, g)


def by_brute_force(program: Program):
    """The gradients of all sign patterns of the kinks (relu and abs) that a linear program finds feasible."""
    found = set()
    for signs in itertools.product((1, -1), repeat=len(program.steps)):
        values, slopes, cone = list(program.point), list(np.eye(program.n)), []
        for s, (kind, (row,), (offset,)) in zip(signs, program.steps, strict=True):
            u, a = float(row @ values) + offset, sum(r * g for r, g in zip(row, slopes, strict=True))
            settled = u != 0 or not a.any()
            s = s if not settled else (1 if u >= 0 else -1)
            cone += [] if settled else [s * a]
            slope = {"relu": (s > 0) * 1.0, "abs": float(s)}[kind]
            values.append(slope * u)
            slopes.append(slope * a)
        if has_interior(np.array(cone).reshape(-1, program.n)):
            found.add(tuple((sum(r * g for r, g in zip(program.total, slopes, strict=True)) + 0.0).tolist()))
    return found


def has_interior(cone):
    m, n = cone.shape
    found = linprog(np.append(np.zeros(n), -1), np.hstack([-cone, np.ones((m, 1))]), np.zeros(m), bounds=(-1, 1))
    return found.x[-1] > 1e-6


def test_random_programs_against_all_sign_patterns():
    rng = np.random.default_rng(11)
    for _ in range(20):
        program = random_program(rng, int(rng.integers(1, 5)), 4, ("relu", "abs"), active=1.0)
        assert rows(subdifferential(program, program.point).gradients) == by_brute_force(program)


def test_nested_kinks_in_four_dimensions():
    rng = np.random.default_rng(0)
    program = random_program(rng, 4, 8, ("relu", "abs"), active=1.0)
    found = subdifferential(program, program.point)
    assert len(found.cells) > 20
    assert rows(found.gradients) == by_brute_force(program)


# Closed forms


CLOSED = [
    (lambda x: abs(x), 0.0, [[-1], [1]]),
    (lambda x: sg.relu(x), 0.0, [[0], [1]]),
    (lambda x: sg.leaky_relu(x, -0.5), 0.0, [[-0.5], [1]]),
    (lambda x: sg.elu(x, 0.5), 0.0, [[0.5], [1]]),
    (lambda x: sg.elu(x), 0.0, [[1]]),
    (lambda x: sg.huber(x), 1.0, [[1]]),
    (lambda x: sg.clip(x, 0, 1), 0.0, [[0], [1]]),
    (lambda x: sg.clip(x, 0, 1), 1.0, [[0], [1]]),
    (lambda x: sg.clip(x, 1, 1), 1.0, [[0]]),
    (lambda x: sg.norm(x), [0.0], [[-1], [1]]),
    (lambda x: sg.norm(x), [3.0, 4.0], [[0.6, 0.8]]),
    (lambda x: sg.norm(x[:, None], axis=1).sum(), [0.0, 2.0], [[-1, 1], [1, 1]]),
    (lambda x: sg.maximum(x[0], x[1]), [1.0, 1.0], [[0, 1], [1, 0]]),
    (lambda x: sg.minimum(x[0], x[1]), [1.0, 1.0], [[0, 1], [1, 0]]),
    (lambda x: sg.max(x), [2.0, 2.0, 2.0, 1.0], [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]),
    (lambda x: sg.min(x, axis=1).sum(), [[2.0, 2.0], [0.0, 1.0]], [[0, 1, 1, 0], [1, 0, 1, 0]]),
    (lambda x: sg.where(x > 0, x, 0.0), 0.0, [[0], [1]]),
    (lambda x: sg.where(x <= 0, -x, x), 0.0, [[-1], [1]]),
    (lambda x: sg.where(x == 0, 0.0, x), 0.0, [[1]]),
    (lambda x: sg.where(x != 0, x, 0.0), 0.0, [[1]]),
    (lambda x: sg.where(~(x > 0), -x, x), 0.0, [[-1], [1]]),
    (lambda x: sg.where(~(x == 0), x, 0.0), 0.0, [[1]]),
    (lambda x: sg.where((x > 0) & (x < 1), x, sg.clip(x, 0, 1)), 0.0, [[0], [1]]),
    (lambda x: sg.where((x > 0) & (x > 1), 7.0, x), 0.0, [[1]]),
    (lambda x: sg.where((x > 0) | (x > -1), x, 7.0), 0.0, [[1]]),
    (lambda x: sg.where((x[0] > 0) | (x[1] > 0), x[0], x[0]), [0.0, 0.0], [[1, 0]]),
    (lambda x: sg.where((x > 0)[:, None], x[:, None], 0 * x[:, None]).sum(), [0.0, 2.0], [[0, 1], [1, 1]]),
    (lambda x: abs(sg.exp(x) - 1), 0.0, [[-1], [1]]),
    (lambda x: abs(x[0]) * abs(x[1]), [0.0, 2.0], [[-2, 0], [2, 0]]),
    (lambda x: abs(x[0]) * abs(x[1]), [0.0, 0.0], [[0, 0]]),
    (lambda x: abs(x * sg.stop_gradient(x)), 2.0, [[2]]),
]


@pytest.mark.parametrize(("f", "x", "expected"), CLOSED)
def test_closed_forms(f, x, expected):
    found = subdifferential(f, x)
    assert found.exact == "exact"
    np.testing.assert_allclose(found.gradients, expected, rtol=1e-15)


CANCEL = [
    (lambda x: sg.relu(x) - sg.relu(-x), [[1]]),
    (lambda x: sg.relu(sg.relu(x)) - sg.relu(x), [[0]]),
    (lambda x: abs(x) - sg.relu(x) - sg.relu(-x), [[0]]),
    (lambda x: sg.maximum(x, -x) - abs(x), [[0]]),
    (lambda x: abs(x - x), [[0]]),
    (lambda x: sg.maximum(x, x), [[1]]),
    (lambda x: abs(0.1 * x + 0.2 * x) - abs(0.3 * x), None),
]


@pytest.mark.parametrize(("f", "expected"), CANCEL)
def test_kinks_that_cancel(f, expected):
    found = subdifferential(f, 0.0).gradients
    if expected is None:  # 0.1 + 0.2 is not 0.3 in floats
        assert np.abs(found).max() < 1e-15
    else:
        np.testing.assert_array_equal(found, expected)


def test_one_kink_for_each_variable_makes_a_box():
    found = subdifferential(lambda x: abs(x).sum(), np.zeros(6))
    assert rows(found.gradients) == set(itertools.product((-1.0, 1.0), repeat=6))
    np.testing.assert_allclose(found.least_norm(), np.zeros(6), atol=1e-14)


def test_the_largest_of_many_has_as_many_cells_as_elements():
    assert len(subdifferential(lambda x: sg.max(x), np.zeros(40)).cells) == 40


# Exactness


def test_the_counterexample_of_piecewise_smooth_functions_is_labelled_inner():
    found = subdifferential(lambda x: abs(x[0] + x[1] ** 2) - abs(x[0]), [0.0, 0.0])
    assert (found.exact, found.complete) == ("inner", True)
    np.testing.assert_array_equal(found.gradients, [[0, 0]])
    assert found.contains([0, 0]) is True
    assert found.contains([2, 0]) is None  # it is one, but first-order information does not show it
    assert found.contains([0, 1]) is False  # outside of the interval enclosure
    assert found.interval.contains([2, 0])


def test_independent_kinks_of_smooth_functions_are_exact():
    def f(x):
        return abs(sg.sin(x[0]) + x[1] ** 2) - abs(sg.exp(x[1]) - 1 + x[0] ** 2)

    found = subdifferential(f, [0.0, 0.0])
    assert found.exact == "exact"
    assert not found.linear
    assert rows(found.gradients) == {(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)}


def test_a_where_in_a_smooth_function_is_taken_to_be_continuous_and_says_so():
    found = subdifferential(lambda x: sg.where(abs(x) <= 1, 0.5 * x * x, abs(x) - 0.5), 1.0)
    assert found.assumptions == ("where is continuous",)
    np.testing.assert_allclose(found.gradients, [[1.0]])


def test_a_cone_too_narrow_for_floats_is_not_said_to_be_missing():
    def f(x):  # between x0 = 0 and x0 = 1e-10 x1 it has the slopes (1, 0), then (-1, 1e-10)
        return sg.relu(sg.minimum(x[0], 1e-10 * x[1] - x[0]))

    found = sg.subdifferential(f, [0.0, 0.0])
    assert found.exact == "inner"
    assert "narrow" in found.reason
    assert found.contains([1.0, 0.0]) is None


def test_membership_least_norm_and_interval():
    found = subdifferential(lambda x: sg.maximum(x[0] + x[1], -x[0] + 2 * x[1]), [0.0, 0.0])
    assert found.contains([0.0, 1.5]) is True
    assert found.contains([0.0, 1.4]) is False
    p = found.least_norm()
    np.testing.assert_allclose(p, [0.6, 1.2])
    np.testing.assert_allclose(p @ p, [p @ g for g in found.gradients])
    low, high = found.interval.low, found.interval.high  # the slopes of both sides are taken apart: wider than the set
    np.testing.assert_allclose([low, high], [[-1, 0], [1, 3]], atol=1e-12)
    with pytest.raises(errors.ShapeError, match="2 numbers, got 3"):
        found.contains([1, 2, 3])


def test_copies_and_pickles_have_the_same_answers():
    found = sg.subdifferential(lambda x: abs(x[0]) + sg.relu(x[1]), [0.0, 0.0])
    stored = pickle.loads(pickle.dumps(found))
    for other in (copy.copy(found), copy.deepcopy(found), stored, pickle.loads(pickle.dumps(stored))):
        assert (other.exact, other.gradients.tolist()) == ("exact", found.gradients.tolist())
        assert other.contains([0.5, 0.5])
        assert other.contains([2.0, 0.0]) is False
        assert other.interval.low.tolist() == found.interval.low.tolist()
    with pytest.raises(errors.ArgumentError, match="was pickled has no function"):
        stored.plot()


# Kinds of input


def test_degenerate_input():
    for bad in ([], np.zeros((0, 3))):
        with pytest.raises(errors.ArgumentError, match="empty"):
            subdifferential(lambda x: x.sum(), bad)
    for bad in (np.nan, np.inf):
        with pytest.raises(errors.ArgumentError, match="NaN or inf"):
            subdifferential(lambda x: abs(x), bad)
    with pytest.raises(errors.GradientError, match="scalar"):
        subdifferential(lambda x: abs(x), [0.0, 1.0])
    with pytest.raises(errors.ArgumentError, match="budget"):
        subdifferential(lambda x: abs(x), 0.0, budget=0)
    with pytest.raises(errors.GradientError, match="by floats, part 0 of the point is int64"):
        subdifferential(lambda x: abs(x), sg.tensor(3))
    with pytest.raises(errors.DTypeError, match="one float dtype"):
        subdifferential(lambda x: abs(x[0]), [sg.tensor(3.0), sg.tensor(3.0, "float64")])


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_scales(scale):
    found = subdifferential(lambda x: abs(scale * x[0]) + sg.relu(x[1] - scale), [0.0, scale])
    np.testing.assert_array_equal(found.gradients, [[-scale, 0], [-scale, 1], [scale, 0], [scale, 1]])


def test_constants_have_the_subdifferential_zero():
    np.testing.assert_array_equal(subdifferential(lambda x: sg.tensor(2.0, "float64"), [1.0, 2.0]).gradients, [[0, 0]])


def test_a_network_of_zeros_and_one_with_duplicate_neurons():
    x = sg.tensor([[1.0, 2.0], [-1.0, 1.0]])
    net = sg.nn.Sequential(sg.nn.Linear(2, 4), sg.nn.ReLU(), sg.nn.Linear(4, 1))
    for p in net.parameters():
        p.assign(np.zeros(p.shape))
    found = subdifferential(lambda net: net(x).sum(), net)
    assert found.exact == "exact"  # hidden kinks that the zeros behind them hide: only the last bias moves f
    np.testing.assert_array_equal(found.gradients, [[0.0] * 16 + [2.0]])
    doubled = subdifferential(lambda x: sg.relu(x[0] + x[1]) - 0.5 * sg.relu(2 * x[0] + 2 * x[1]), [1.0, -1.0])
    np.testing.assert_array_equal(doubled.gradients, [[0, 0]])


def test_trees_of_tensors_and_parameters():
    tree = {"a": sg.tensor([0.0, 1.0], "float64"), "b": sg.tensor(0.0, "float64")}
    found = subdifferential(lambda t: abs(t["a"]).sum() + sg.relu(t["b"]), tree)
    assert rows(found.gradients) == {(-1.0, 1.0, 0.0), (-1.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0)}
    weight = sg.Parameter([0.0])
    assert rows(subdifferential(lambda w: abs(w).sum(), weight).gradients) == {(-1.0,), (1.0,)}


def test_a_float32_point_stays_float32():
    found = subdifferential(lambda x: abs(x - sg.tensor(0.1)), sg.tensor(0.1))
    np.testing.assert_array_equal(found.gradients, [[-1], [1]])


# Pictures


@pytest.mark.parametrize("x", [[0.0], [0.0, 0.0]])
def test_plots(x, tmp_path):
    found = subdifferential(lambda x: abs(x).sum() + sg.max(x), x)
    figure = found.plot(tmp_path / "kinks.png")
    assert (tmp_path / "kinks.png").stat().st_size > 5000
    corners = figure.axes[1].dataLim.get_points()
    np.testing.assert_allclose(corners[:, 0], [found.gradients[:, 0].min(), max(found.gradients[:, 0].max(), 0)])
    with pytest.raises(errors.ArgumentError, match="one and two variables"):
        subdifferential(lambda x: abs(x).sum(), np.zeros(3)).plot()


def root_of_sum(x):
    return sg.sqrt((x * x).sum())


ROOTS = {  # what they are, in other words
    "(x x)**0.75": (lambda x: ((x * x) ** 0.75).sum(), lambda x: (abs(x) ** 1.5).sum()),
    "sqrt(|x|**3)": (lambda x: sg.sqrt(abs(x) ** 3).sum(), lambda x: (abs(x) ** 1.5).sum()),
    "sqrt(x**4)": (lambda x: sg.sqrt(x**4).sum(), lambda x: (x * x).sum()),
    "sqrt(x x)": (lambda x: sg.sqrt(x * x).sum(), lambda x: abs(x).sum()),
    "sqrt(sum x x)": (root_of_sum, sg.norm),
    "sqrt(sum x x)**3": (lambda x: root_of_sum(x) ** 3, lambda x: sg.norm(x) ** 3),
    "(sum x x)**0.75": (lambda x: (x * x).sum() ** 0.75, lambda x: sg.norm(x) ** 1.5),
    "sqrt of a sum by rows": (lambda x: sg.sqrt((sg.stack([x, x]) ** 2).sum(0)).sum(), lambda x: 2**0.5 * abs(x).sum()),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots_of_squares_are_what_they_are(name):
    f, plain = ROOTS[name]
    for x in ([0.0, 0.0], [0.0, 1.0], [0.5, -2.0]):
        given, wanted = subdifferential(f, x), subdifferential(plain, x)
        if name != "sqrt of a sum by rows":
            assert given.exact == wanted.exact
            np.testing.assert_allclose(given.gradients, wanted.gradients, rtol=1e-12)
            assert local_minimum(f, x).verdict == local_minimum(plain, x).verdict
        assert sg.subgradient(f, x).slope == pytest.approx(sg.subgradient(plain, x).slope, rel=1e-12, abs=1e-15)
        certificate = sg.is_stationary(f, x)
        assert certificate.claim == sg.is_stationary(plain, x).claim
        assert sg.verify_certificate(certificate, plain)


def test_a_root_that_is_none_of_these_is_still_refused():
    for f in (lambda x: sg.sqrt(abs(x)), lambda x: sg.sqrt(x**3), lambda x: ((x * x) ** 0.75) ** (2 / 3 - 1e-9)):
        with pytest.raises(errors.GradientError):
            subdifferential(f, 0.0)


# SciPy


def test_without_scipy_only_what_needs_a_linear_program_raises(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert len(subdifferential(lambda x: abs(x).sum(), np.zeros(3)).cells) == 8
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'subgrad\[kinks\]'"):
        subdifferential(lambda x: abs(x[0]) + abs(x[1]) + sg.relu(abs(x[0]) + abs(x[1])), [0.0, 0.0])
