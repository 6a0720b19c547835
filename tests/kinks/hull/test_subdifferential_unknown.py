"""Where a subdifferential is unknown, or there is none: budgets, jumps, infinite slopes, conditions, ops of a user."""

import re

import numpy as np
import pytest
from nested_kinks import rows

import subgrad as sg
from subgrad import errors
from subgrad.kinks.hull.local_minimum import local_minimum
from subgrad.kinks.hull.subdifferential import subdifferential


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
        (lambda x: (x * sg.asin(x + 1)).sum(), "asin at .* is at 1 or -1, where its slope is infinite"),
        (lambda x: sg.where((x > 0) & (x.sum() > 0), x, 0.0).sum(), "not one comparison"),
        (lambda x: sg.where((x > 0) | (x >= 0), x, 2 * x).sum(), "not one comparison"),
    ],
)
def test_what_has_no_linear_pieces_is_unknown(f, reason):
    found = subdifferential(f, [0.0, 0.0])
    assert not found.complete
    assert re.search(reason, found.reason)
    assert found.contains([0, 0]) is None
    with pytest.raises(errors.ArgumentError, match="no gradient"):
        found.least_norm()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: sg.sqrt(x), "sqrt at 0"),
        (lambda x: sg.sqrt(x * x + x**4), "sqrt at 0"),
        (lambda x: x**0.5, "sqrt at 0"),
        (lambda x: sg.asin(x + 1), "asin at 1 or -1 has"),
        (lambda x: sg.acos(x - 1), "acos at 1 or -1 has"),
        (lambda x: sg.acosh(x + 1), "acosh at 1 or -1 has"),
        (lambda x: sg.where(x > 0, 1.0, x), "do not meet"),
        (lambda x: sg.where(x > 0, 1.0, 0.0), "do not meet"),
        (lambda x: sg.where((x > 0) | (x < 0), x, 1.0), "do not meet"),
        (lambda x: sg.sign(x), "sign jumps"),
        (lambda x: sg.floor(x), "floor jumps"),
        (lambda x: sg.round(x + 0.5), "round jumps"),
        (lambda x: x % 1.5, "remainder jumps"),
        (lambda x: sg.atan2(x, -1.0), "atan2 jumps"),
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
