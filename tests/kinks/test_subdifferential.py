"""The whole subdifferential: against dense samples, brute force over all sign patterns, and closed forms."""

import copy
import itertools
import math
import pickle
import sys

import numpy as np
import pytest
from nested_kinks import Program, random_program
from scipy.optimize import linprog

import subgrad as sg
from subgrad import errors
from subgrad.kinks.hull.local_minimum import local_minimum
from subgrad.kinks.hull.subdifferential import subdifferential


def rows(array):
    return {tuple(row) for row in np.asarray(array).tolist()}


def on_sphere(rng, count, n):
    directions = rng.standard_normal((count, n))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


# Random programs


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_all_gradients_of_random_programs_are_found_and_no_others(n):
    rng = np.random.default_rng(n)
    for _ in range(60):
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
    for _ in range(40):
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
    for _ in range(50):
        program = random_program(rng, int(rng.integers(1, 5)), 4, ("relu", "abs"), active=1.0)
        assert rows(subdifferential(program, program.point).gradients) == by_brute_force(program)


def test_nested_kinks_in_four_dimensions():
    rng = np.random.default_rng(0)
    program = random_program(rng, 4, 8, ("relu", "abs"), active=1.0)
    found = subdifferential(program, program.point)
    assert len(found.cells) > 20
    assert rows(found.gradients) == by_brute_force(program)


def test_a_local_minimum_of_a_random_program_is_proved_or_refuted():
    rng = np.random.default_rng(21)
    verdicts = []
    for _ in range(60):
        n = int(rng.integers(1, 4))
        program = random_program(rng, n, 4, ("relu", "abs", "max", "maximum"))
        answer = local_minimum(program, program.point)
        verdicts.append(answer.verdict)
        directions = on_sphere(rng, 300, n)
        rates = np.einsum("ij,ij->i", program.gradients(directions), directions)
        if answer.verdict == "proved":
            assert rates.min() >= -1e-12
        else:
            d = answer.direction
            gap = at(program, program.point + d / 1024) - at(program, program.point)
            assert gap == pytest.approx(answer.slope / 1024)
            assert answer.slope < 0
    assert 5 < verdicts.count("proved") < 55
    assert set(verdicts) == {"proved", "refuted"}


def at(f, x):
    return float(f(sg.tensor(x, "float64")))


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


def test_past_the_budget_the_answer_is_unknown_and_what_was_found_is_right():
    def f(x):
        return abs(x).sum() + abs(x[0] - x[1]) + abs(x[1] - x[2])

    whole, part = subdifferential(f, np.zeros(3)), subdifferential(f, np.zeros(3), budget=10)
    assert (part.exact, part.complete) == ("unknown", False)
    assert "budget of 10" in part.reason
    assert rows(part.gradients) < rows(whole.gradients)
    inside = whole.gradients[~np.isin(whole.gradients, part.gradients).all(axis=1)]
    assert all(part.contains(g) is not False for g in inside)
    assert part.contains([100, 0, 0]) is False
    assert "12 kinks" in subdifferential(lambda x: abs(x).sum(), np.zeros(12), budget=11).reason


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x: sg.norm(x), "fill a sphere"),
        (sg.custom_vjp(lambda x: abs(x).sum(), lambda g, y, x: g * x), "by hand"),
        (lambda x: (x * sg.sqrt(x)).sum(), "slope is infinite"),
        (lambda x: (x * x**0.5).sum(), "slope is infinite"),
        (lambda x: sg.where((x > 0) & (x.sum() > 0), x, 0.0).sum(), "not one comparison"),
        (lambda x: sg.where((x > 0) | (x >= 0), x, 2 * x).sum(), "not one comparison"),
    ],
)
def test_what_has_no_linear_pieces_is_unknown(f, reason):
    found = subdifferential(f, [0.0, 0.0])
    assert not found.complete
    assert reason in found.reason
    assert found.contains([0, 0]) is None
    with pytest.raises(errors.ArgumentError, match="no gradient"):
        found.least_norm()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: sg.sqrt(x), "sqrt at 0"),
        (lambda x: sg.sqrt(x * x + x**4), "sqrt at 0"),
        (lambda x: x**0.5, "sqrt at 0"),
        (lambda x: sg.where(x > 0, 1.0, x), "do not meet"),
        (lambda x: sg.where(x > 0, 1.0, 0.0), "do not meet"),
        (lambda x: sg.where((x > 0) | (x < 0), x, 1.0), "do not meet"),
        (lambda x: sg.sign(x), "sign jumps"),
        (lambda x: (x > 0).astype("float64") * x, "cast jumps"),
        (lambda x: sg.log(x), "-inf"),
        (lambda x: abs(x) ** -1.0, "inf"),
        (lambda x: x**1.5, "end of its domain"),
        (lambda x: x * np.nan, "nan"),
    ],
)
def test_points_without_a_subdifferential_raise(f, message):
    with pytest.raises(errors.GradientError, match=message):
        subdifferential(f, 0.0)


def test_a_where_that_jumps_beside_the_point_raises():
    with pytest.raises(errors.GradientError, match="do not meet"):
        subdifferential(lambda x: sg.where(x[0] > 0, x[1], 0.0), [0.0, 0.0])


def padded(x):
    return sg.pad(x, [(0, 1)])


PADDED = {
    "halves": lambda x: sg.where(padded(x < 1), padded(x), 2 * padded(x) - 1).sum(),
    "joined": lambda x: sg.where(~padded(x >= 1) & sg.tensor([True, True]), padded(x), 2 * padded(x) - 1).sum(),
}


@pytest.mark.parametrize("name", PADDED)
def test_a_where_of_padded_parts_has_the_slopes_of_its_parts(name):
    np.testing.assert_array_equal(subdifferential(PADDED[name], [1.0]).gradients, [[1], [2]])
    assert float(sg.directional_derivative(PADDED[name], [1.0], [1.0])) == 2
    assert float(sg.directional_derivative(PADDED[name], [1.0], [-1.0])) == -1
    assert float(sg.subgradient(PADDED[name], [1.0]).gradient[0]) in (1.0, 2.0)


def test_what_a_condition_is_padded_with_counts_as_constant():
    def f(x):
        return sg.where(sg.pad(x < 1, [(1, 0)], True), sg.pad(x, [(1, 0)]), 2 * sg.pad(x, [(1, 0)]) - 1).sum()

    np.testing.assert_array_equal(subdifferential(f, [1.0]).gradients, [[1], [2]])
    assert float(sg.directional_derivative(f, [1.0], [1.0])) == 2


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (abs(x) ** 1.5).sum(),
        lambda x: ((x * x) ** 1.25).sum(),
        lambda x: sg.norm(x) ** 1.5,
        lambda x: (abs(x) ** sg.tensor([1.5, 2.5], "float64")).sum(),
        lambda x: (x ** sg.tensor([2.0, 3.0], "float64")).sum(),
    ],
)
def test_powers_above_one_are_level_at_zero(f):
    found = subdifferential(f, [0.0, 0.0])
    np.testing.assert_array_equal(found.gradients, [[0, 0]])
    assert local_minimum(f, [0.0, 0.0]).verdict == "first-order"


def test_an_argmax_counts_as_constant_unless_it_is_tied():
    def f(x):
        return x[sg.argmax(x)]

    np.testing.assert_array_equal(subdifferential(f, [1.0, 2.0]).gradients, [[0, 1]])
    with pytest.raises(errors.GradientError, match="jumps"):
        subdifferential(f, [1.0, 1.0])


def test_an_if_on_a_value_raises():
    with pytest.raises(errors.NotTraceableError, match="where"):
        subdifferential(lambda x: x if x > 0 else -x, 0.0)


def test_a_user_op_is_smooth_off_its_kink_and_unknown_on_it():
    @sg.defop(
        name="bend of the test",
        vjp=lambda g, y, x: (sg.where(x > 0, g, 0),),
        kink=sg.Kink(lambda x: x == 0, lambda x: [(np.zeros_like(x), np.ones_like(x))]),
    )
    def bend(x):
        return np.maximum(x, 0)

    np.testing.assert_array_equal(subdifferential(lambda x: bend(x), 2.0).gradients, [[1]])
    assert "kink" in subdifferential(lambda x: bend(x), 0.0).reason


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


@pytest.mark.parametrize("s", [4e4, 1e5, 1e6, 1e9, 1e12])
def test_slopes_that_are_small_beside_others_prove_nothing(s):
    for f in (lambda x: abs(x[0] - s * x[1]) - x[1], lambda x: s * abs(x[0]) - x[1]):
        answer = local_minimum(f, [0.0, 0.0])
        assert answer.verdict in ("unknown", "refuted")
        if answer.verdict == "refuted":
            assert float(sg.directional_derivative(f, [0.0, 0.0], answer.direction)) < 0


def test_a_minimum_from_which_the_function_rises_everywhere_is_proved():
    assert local_minimum(lambda x: 2 * abs(x) - x**2, 0.0).verdict == "proved"
    assert local_minimum(lambda x: abs(x[0]) - x[1] ** 2, [0.0, 0.0]).verdict == "first-order"


NORMS = {  # and the least slope in a direction of length 1, by calculus
    "norm(x)": (lambda x: sg.norm(x), 1.0),
    "norm(x) + x0 / 2": (lambda x: sg.norm(x) + 0.5 * x[0], 0.5),
    "sqrt(sum x**2) + |x0|": (lambda x: sg.sqrt((x * x).sum()) + abs(x[0]), 1.0),
    "norm(x) + 2 x0": (lambda x: sg.norm(x) + 2 * x[0], -1.0),
    "norm(x) - 2 |x|": (lambda x: sg.norm(x) - 2 * abs(x).sum(), 1 - 2 * math.sqrt(3)),
    "norm(x) - 2 norm(2 x)": (lambda x: sg.norm(x) - 2 * sg.norm(2 * x), -3.0),
    "norm(x) - x0": (lambda x: sg.norm(x) - x[0], 0.0),
    "norm(x0, x1)": (lambda x: sg.norm(x[:2]), 0.0),
    "norm(x) - 0.999 x0": (lambda x: sg.norm(x) - 0.999 * x[0], 0.001),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_norm_of_zero_is_proved_or_refuted_by_the_slopes_in_all_directions(name, scale):
    f, least = NORMS[name]
    answer = local_minimum(lambda x: scale * f(x) + (x**3).sum(), np.zeros(3))
    if least > 0.01:
        assert answer.verdict == "proved"
    elif least < 0:
        assert answer.verdict == "refuted"
        step = 1e-12 * answer.direction
        assert f(sg.tensor(step)).item() < 0
        assert answer.slope == pytest.approx(scale * 1e12 * f(sg.tensor(step)).item(), rel=1e-6)
    else:
        assert answer.verdict in ("unknown", "proved" if least else "unknown")


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


def test_first_order_verdicts_for_smooth_functions_and_unknown_ones():
    assert local_minimum(lambda x: x * x, 0.0).verdict == "first-order"
    assert local_minimum(lambda x: -(x * x), 0.0).verdict == "first-order"  # a maximum, which first order cannot tell
    assert local_minimum(lambda x: -abs(x), 0.0).verdict == "refuted"
    answer = local_minimum(lambda x: sg.norm(x) - x[0], [0.0, 0.0])
    assert answer.verdict == "unknown"
    assert "sphere" in answer.reason


# SciPy


def test_without_scipy_only_what_needs_a_linear_program_raises(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    assert len(subdifferential(lambda x: abs(x).sum(), np.zeros(3)).cells) == 8
    with pytest.raises(errors.MissingExtraError, match=r"pip install 'subgrad\[kinks\]'"):
        subdifferential(lambda x: abs(x[0]) + abs(x[1]) + sg.relu(abs(x[0]) + abs(x[1])), [0.0, 0.0])
