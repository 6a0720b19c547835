"""Limits that are met exactly and no further, at corners, on kinks, between two rows; rows of inputs and outputs."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds.vnnlib.property_file import from_text

INPUTS = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
BOX = "(assert (and (>= X_0 0) (<= X_0 1) (>= X_1 -1) (<= X_1 1)))"
same = lambda x: 1.0 * x  # noqa: E731


def found_for(net, text, **given):
    return sg.verify(net, from_text(INPUTS + BOX + text), timeout=30, **given)


@pytest.mark.parametrize(
    ("net", "claim"),
    [
        (same, "(>= Y_0 1.0)"),
        (same, "(and (>= Y_0 1.0) (<= Y_1 -1))"),
        (same, "(and (>= Y_0 0.5) (<= Y_0 0.5))"),
        (same, "(and (= Y_0 0.25) (= Y_1 -0.75))"),
        (lambda x: sg.relu(x - 5), "(<= Y_0 0)"),
        (lambda x: sg.abs(x - 0.25) + sg.relu(x - 0.25), "(<= Y_0 0)"),
        (lambda x: sg.sigmoid(x - 1), "(>= Y_0 0.5)"),
        (lambda x: sg.exp(sg.square(x)), "(<= Y_0 1)"),
        (lambda x: sg.round(x), "(= Y_1 1)"),
    ],
)
def test_a_limit_that_is_met_exactly_is_met(net, claim):
    found = found_for(net, f"(assert {claim})")
    assert found.status == "refuted"
    y = np.asarray(net(sg.tensor(found.counterexample[None], "float64")).numpy())[0]
    np.testing.assert_allclose(found.outputs, y, rtol=0, atol=1e-7)  # a number between two floats is met next to it


@pytest.mark.parametrize(
    ("net", "claim"),
    [
        (same, "(and (> Y_0 0.3) (<= Y_0 0.3))"),
        (same, "(and (<= Y_0 0.3) (>= Y_0 0.3000000000000000000001))"),
    ],
)
def test_what_no_number_meets_is_not_reached(net, claim):
    assert found_for(net, f"(assert {claim})").status == "proven"


def test_strict_limits_and_jumps_are_not_met():
    """Where no number is between two rows for certain, or a network jumps over it, nothing is said."""
    few = {"budget": 400}
    assert found_for(same, "(assert (> Y_0 1.0))", **few).status != "refuted"
    assert found_for(lambda x: sg.relu(x - 5), "(assert (< Y_0 0))", **few).status != "refuted"
    jump = lambda x: sg.where(x > 0.5, 1.0, 0.0) + 0.0 * x  # noqa: E731
    assert found_for(jump, "(assert (= Y_0 0.5))", **few).status != "refuted"
    assert found_for(lambda x: sg.floor(3 * x), "(assert (= Y_0 0.5))", **few).status != "refuted"


def test_a_value_that_a_network_goes_through_is_met():
    """Between the least and the largest of many values, with another row that has to hold."""
    net = nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 2, seed=1))
    y = net(sg.tensor(np.random.default_rng(0).uniform([0, -1], [1, 1], (400, 2)).astype(np.float32))).numpy()
    least, most = y[:, 0].min(), y[:, 0].max()
    for share in (0.2, 0.5, 0.8):
        value = round(float(least + share * (most - least)), 4)
        found = found_for(net, f"(assert (= Y_0 {value}))(assert (<= Y_1 {float(y[:, 1].max()):.3f}))")
        assert found.status == "refuted"
        assert abs(found.outputs[0] - value) < 1e-6
    assert found_for(net, f"(assert (= Y_0 {float(most) + 1:.3f}))").status == "proven"


def test_rows_of_inputs_and_outputs():
    net = nn.Sequential(nn.Linear(2, 8, seed=0), nn.ReLU(), nn.Linear(8, 2, seed=1))
    x = np.random.default_rng(0).uniform([0, -1], [1, 1], (2000, 2)).astype(np.float32)
    off = net(sg.tensor(x)).numpy()[:, 0] - 2 * x[:, 1]
    for limit, status in ((off.max() - 0.2, "refuted"), (off.max() + 0.2, "proven")):
        found = found_for(net, f"(assert (>= Y_0 (+ (* 2 X_1) {float(limit):.3f})))")
        assert found.status == status
        if status == "refuted":
            assert found.outputs.shape == (2,)
            assert found.outputs[0] >= 2 * found.counterexample[1] + round(float(limit), 3) - 1e-9
    found = found_for(net, "(assert (>= X_1 (+ 0.5 X_0)))(assert (<= Y_0 100))")
    assert found.status == "refuted"
    assert found.counterexample[1] >= 0.5 + found.counterexample[0]
    assert found_for(net, "(assert (>= X_1 (+ 1.1 X_0)))(assert (<= Y_0 100))").status == "proven"


def test_where_a_network_is_not_defined_nothing_is_reached():
    found = found_for(lambda x: sg.acos(x + 1.5), "(assert (>= Y_0 0))", budget=200)
    assert found.status != "refuted"
