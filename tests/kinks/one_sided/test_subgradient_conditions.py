"""One subgradient of functions with conditions: where there is none, and where an assumption is made and said."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import GradientError
from subgrad.kinks import subgradient

ZERO = np.zeros(2)

# Where there is none

NOT_LIPSCHITZ = {
    "sqrt": (sg.sqrt, 0.0, "sqrt: of 0 its slope is infinite"),
    "sqrt of nearly a square": (lambda x: sg.sqrt(x * x + x**4), 0.0, "not decided by first derivatives"),
    "a root": (lambda x: abs(x) ** 0.3, 0.0, "power: of 0 its slope is infinite"),
    "a root by a tensor": (lambda x: sg.pow(abs(x), sg.tensor(0.3)), 0.0, "pow: of 0 its slope is infinite"),
    "0 to the 0": (lambda x: sg.pow(0 * x, x), 0.0, "jumps"),
    "sign": (lambda x: x + sg.sign(x), 0.0, "sign: it jumps at 0"),
    "where that jumps": (lambda x: sg.where(x > 0, x + 1, x), 0.0, "the branches are 1 and 0: it jumps"),
    "where that jumps elsewhere": (lambda x: sg.where(x[0] >= 0, x[1], 0 * x[1]), ZERO, "differ nearby: it jumps"),
    "a step made of a condition": (lambda x: (x > 0).astype("float64") * 3, 0.0, "makes a number of a condition"),
    "floor": (lambda x: x.astype("int64").astype("float64") * x, 2.0, "a cast of 2 to int64 jumps"),
    "truth": (lambda x: sg.where(x.astype("bool"), x, 2.0), 0.0, "a cast of 0 to bool jumps"),
    "index of the largest": (lambda x: x[sg.argmax(x)], ZERO, "argmax of tied elements jumps"),
    "any of two conditions": (lambda x: sg.where((x[0] > 0) | (x[1] > 0), x[0], x[1]), ZERO, "jumps"),
    "not finite": (sg.log, 0.0, "where the function is NaN or inf"),
    "infinite inside": (lambda x: sg.exp(sg.log(x)), 0.0, "slope is not finite"),
}


@pytest.mark.parametrize("name", NOT_LIPSCHITZ)
def test_points_without_a_subgradient_raise_with_the_reason_and_the_place(name):
    f, x, message = NOT_LIPSCHITZ[name]
    with pytest.raises(GradientError, match=message) as error:
        subgradient(f, x)
    assert "test_subgradient_conditions.py:" in str(error.value)


def test_a_where_that_is_continuous_is_taken_on_trust_and_said():
    found = subgradient(lambda x: sg.where(x > 0, x, 0.25 * x).sum(), [0.0, 1.0, 0.0], "lexicographic")
    assert found.gradient.tolist() == [1.0, 1.0, 1.0]
    assert not found.exact
    assert "its branches agree" in found.assumed[0]
    assert next(s.count for s in found.decided) == 2


JOINED = {  # with the elements that there may be
    "the smaller in a quadrant": (
        lambda x: sg.where((x[0] > 0) & (x[1] > 0), sg.minimum(x[0], x[1]), 0.0), [[0, 0], [1, 0], [0, 1]],
    ),
    "the larger out of a quadrant": (
        lambda x: sg.where((x[0] > 0) | (x[1] > 0), sg.relu(sg.max(x)), 0.0), [[0, 0], [1, 0], [0, 1]],
    ),
    "the same twice": (lambda x: sg.where((x[0] > 0) | (x[0] >= 0), x[0], 2 * x[0]), [[1, 0], [2, 0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", JOINED)
def test_a_where_of_joined_conditions_that_is_continuous_has_an_element(name):
    f, there = JOINED[name]
    for seed in range(6):
        found = subgradient(f, ZERO, seed=seed)
        assert found.gradient.tolist() in there
        assert not found.exact


CONDITIONS = {
    "not": lambda x: sg.where(~(x <= 0), x, 0.0),
    "reshaped": lambda x: sg.where((x.reshape(1, 1) > 0).reshape(()), x, 0.0),
    "broadcast": lambda x: sg.where(sg.broadcast_to(x > 0, (2,)), x, 0.0).sum() / 2,
    "and": lambda x: sg.where((x > 0) & (x < 5), x, sg.relu(x)),
    "or": lambda x: sg.where((x > 0) | (x < -5), abs(x), 0.0),
    "sliced": lambda x: sg.where((sg.stack([x, x + 1]) > 0)[0], x, 0.0),
    "not equal": lambda x: sg.where(x != 0, sg.relu(x), 0.0),
    "equal": lambda x: sg.where(x == 0, 0.0, sg.relu(x)),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_at_their_threshold_follow_the_direction(name):
    """Each is relu, written with a condition."""
    for seed in range(6):
        found = subgradient(CONDITIONS[name], sg.tensor(0.0, "float64"), seed=seed)
        assert float(found.gradient) == float(found.direction > 0)


def test_a_condition_that_x_does_not_move_is_no_kink():
    mask = sg.tensor([1.0, 0.0]) > 0
    found = subgradient(lambda x: sg.where(mask, 2 * x, sg.sqrt(x)).sum(), sg.tensor([0.0, 4.0]))
    assert found.gradient.tolist() == [2.0, 0.25]
    assert found.exact


def test_what_is_constant_cannot_break():
    w = sg.tensor(0.0, "float64")
    assert subgradient(lambda x: x * sg.sqrt(w) + sg.sign(w) + x, 1.0).gradient == 1.0
    assert subgradient(lambda x: x + sg.stop_gradient(sg.sqrt(x)), 0.0).gradient == 1.0
    assert subgradient(lambda x: sg.sqrt(x - x) + x, 0.0, "lexicographic").gradient == 1.0
