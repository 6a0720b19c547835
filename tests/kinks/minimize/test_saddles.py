"""Stationary points that second derivatives do not judge: minimize leaves those that are no minima."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import relu

QUARTIC = -4 / 27  # least value of x^6 - x^4, and of the like

# name: (f, start, the value of the minima next to the start's stationary point, by hand)
SADDLES = {
    "curved down on one side": (
        lambda x: relu(x[0]) ** 2 - relu(-x[0]) ** 2 + x[0] ** 4 + x[1] ** 2, [0.0, 0.1], -1 / 4),
    "up on one side, at once, and down on the other": (
        lambda x: relu(x[0]) - relu(-x[0]) ** 2 + x[0] ** 4 + x[1] ** 2, [0.0, 0.1], -1 / 4),
    "curved down on one side of a valley": (
        lambda x: -x[0] * abs(x[0]) + x[0] ** 4 + abs(x[1]), [0.0, 0.1], -1 / 4),
    "down in two of four quarters": (
        lambda x: abs(x[0] * x[1]) - 2 * x[0] * x[1] + (x**4).sum(), [0.0, 0.0], -1 / 8),
    "the larger of two saddles": (
        lambda x: sg.maximum(x[0] ** 2 - 3 * x[1] ** 2, x[1] ** 2 - 3 * x[0] ** 2) + (x @ x) ** 2, [0.0, 0.0], -1 / 4),
    "Peano: down between two parabolas alone": (
        lambda x: (x[1] - x[0] ** 2) * (x[1] - 3 * x[0] ** 2) + x[0] ** 6, [0.0, 0.0], QUARTIC),
    "a third power": (lambda x: x[0] ** 3 + x[0] ** 4 + x[1] ** 2, [0.0, 0.0], -27 / 256),
    "a fourth power downwards": (lambda x: x[0] ** 6 - x[0] ** 4 + abs(x[1]), [0.0, 0.1], QUARTIC),
    "monkey saddle": (lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + (x @ x) ** 2, [0.0, 0.0], -27 / 256),
    "along a curved valley, to one side": (
        lambda x: 3 * abs(x[1] - x[0] ** 2) - relu(x[0]) ** 2 + relu(-x[0]) ** 2 + x[0] ** 4, [0.0, 0.1], -1 / 4),
    "among ten kinks": (
        lambda x: abs(x[10:]).sum() + (x[1:10] ** 2).sum() - x[0] * abs(x[0]) + x[0] ** 4, [0.0] + [0.1] * 19, -1 / 4),
    "of fifty variables, two": (
        lambda x: (x[2:] ** 2).sum() + abs(x[0] * x[1]) - 2 * x[0] * x[1] + (x[:2] ** 4).sum(), [0.0] * 50, -1 / 8),
}  # fmt: skip


@pytest.mark.parametrize("method", ["auto", "bundle", "bfgs"])
@pytest.mark.parametrize("name", SADDLES)
def test_saddles_that_second_derivatives_do_not_judge_are_left(name, method):
    f, start, value = SADDLES[name]
    found = sg.minimize(f, start, method)
    assert found.success, found
    assert found.fun == pytest.approx(value, abs=1e-7)
    assert found.second_order, found.second_order


def test_plain_functions_leave_saddles_as_well():
    def f(x):
        return -x[0] * abs(x[0]) + x[0] ** 4 + x[1] ** 2, np.array([-2 * abs(x[0]) + 4 * x[0] ** 3, 2 * x[1]])

    assert sg.minimize(f, [0.0, 0.1], jac=True).fun == pytest.approx(-1 / 4, abs=1e-7)


FLAT = {
    "x^4": (lambda x: (x**4).sum(), [0.0, 0.0]),
    "a flat valley": (lambda x: abs(x[0] + x[1]), [1.0, -1.0]),
    "a curved valley with a floor of fourth order": (lambda x: (x[1] - x[0] ** 2) ** 2 + x[0] ** 4, [0.0, 0.0]),
    "a square of a kink": (lambda x: relu(x[0]) ** 2 + abs(x[1]), [-1.0, 0.0]),
    "a norm": (lambda x: sg.norm(x), [0.0, 0.0]),
}


@pytest.mark.parametrize("name", FLAT)
def test_flat_minima_are_kept_and_the_result_says_what_is_not_known(name):
    f, x = FLAT[name]
    found = sg.minimize(f, x)
    assert found.success
    assert (found.fun, found.second_order.verdict) == (0.0, "unknown")
    np.testing.assert_array_equal(found.x, x)
    assert "whether it is a minimum is not proved" in found.message
