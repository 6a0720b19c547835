"""One-sided derivatives: exact on random programs with exact ties, and on each op beside its definition."""

from __future__ import annotations

import numpy as np
import pytest
from programs import random_batch

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, GradientError, ShapeError
from subgrad.kinks import directional_derivative


def test_one_sided_differences_of_random_programs_are_exact():
    """Dyadic numbers and a step that crosses no other kink: both sides are the same float."""
    rng = np.random.default_rng(5)
    for _ in range(60):
        batch = random_batch(rng, 20)
        v = rng.integers(-8, 9, batch.x.shape) / 8
        h = 2.0**-20
        moved, start = (batch.slopes(p[:, None])[0][:, 0] for p in (batch.x + h * v, batch.x))
        found = directional_derivative(batch.tensor, sg.tensor(batch.x, "float64"), v)
        np.testing.assert_array_equal(found.numpy(), (moved - start) / h)


V = np.array([-2.0, -0.5, 0.0, 1.0, 3.0])
RULES = {
    # name: (function, point, its one-sided derivative along v)
    "relu": (sg.relu, 0.0, np.maximum(V, 0)),
    "abs": (abs, 0.0, np.abs(V)),
    "leaky_relu": (lambda x: sg.leaky_relu(x, 0.1), 0.0, np.where(V > 0, V, 0.1 * V)),
    "elu": (lambda x: sg.elu(x, 3.0), 0.0, np.where(V > 0, V, 3 * V)),
    "maximum": (lambda x: sg.maximum(x, 2 * x), 0.0, np.maximum(V, 2 * V)),
    "minimum": (lambda x: sg.minimum(x, 2 * x), 0.0, np.minimum(V, 2 * V)),
    "clip below": (lambda x: sg.clip(x, 0, 1), 0.0, np.maximum(V, 0)),
    "clip above": (lambda x: sg.clip(x, -1, 0), 0.0, np.minimum(V, 0)),
    "clip to a point": (lambda x: sg.clip(x, 0, 0), 0.0, 0 * V),
    "hinge": (lambda x: nn.hinge_loss(x, sg.ones_like(x), reduction="none"), 1.0, np.maximum(-V, 0)),
    "huber": (lambda x: sg.huber(x, 1.0), 1.0, V),
    "norm": (lambda x: sg.norm(sg.stack([x, 2 * x]), 0), 0.0, np.sqrt(5) * np.abs(V)),
    "max": (lambda x: sg.stack([x, -x, x - 1]).max(0), 0.0, np.abs(V)),
    "min": (lambda x: sg.stack([x, -x, x + 1]).min(0), 0.0, -np.abs(V)),
    "nested": (lambda x: sg.relu(abs(x) - sg.relu(2 * x)), 0.0, np.maximum(np.abs(V) - np.maximum(2 * V, 0), 0)),
    "smooth": (lambda x: sg.tanh(x) * sg.exp(x), 0.0, V),
    "a where": (lambda x: sg.where(x > 0, 3 * x, sg.sin(x)), 0.0, np.where(V > 0, 3 * V, V)),
    "an exponent above one": (lambda x: abs(x) ** 1.5, 0.0, 0 * V),
    "product at zero": (lambda x: x * abs(x) + abs(x), 0.0, np.abs(V)),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    f, x, expected = RULES[name]
    found = directional_derivative(f, sg.tensor(np.full(5, x), "float64"), V)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14, atol=1e-15)


def test_max_pooling_by_windows():
    image = np.array([[1.0, 1.0, 0.0, 2.0], [0.0, 1.0, 2.0, 2.0]])
    v = np.array([[1.0, -1.0, 9.0, -3.0], [9.0, 2.0, -2.0, -4.0]])
    found = directional_derivative(lambda x: x.reshape(2, 2, 2).max((0, 2)), image, v)
    assert found.tolist() == [2.0, -2.0]


def test_parameters_of_a_network():
    net = nn.Linear(2, 1, seed=0)
    net.weight.assign(np.zeros((1, 2)))
    net.bias.assign([0.0])
    direction = {"weight": [[1.0, -3.0]], "bias": [1.0]}
    found = directional_derivative(lambda net: sg.relu(net(np.eye(2)))[:, 0], net, direction)
    assert found.tolist() == [2.0, 0.0]


def test_it_is_a_node_that_the_direction_goes_into():
    v = sg.tensor([1.0, -2.0])
    found = directional_derivative(lambda x: abs(x).sum(), sg.tensor([0.0, 0.0]), v)
    assert sg.grad(found, v).tolist() == [1.0, -1.0]


def test_a_root_that_the_direction_does_not_move():
    assert directional_derivative(lambda x: sg.sqrt(x[0]) + x[1], [0.0, 1.0], [0.0, 2.0]).tolist() == 2.0


WITHOUT = {
    "sqrt": (sg.sqrt, 0.0, 1.0, "sqrt: of 0 its slope is infinite"),
    "sqrt of nearly a square": (lambda x: sg.sqrt(x * x + x**4), 0.0, 1.0, "not decided by first derivatives"),
    "root": (lambda x: x**0.25, 0.0, 1.0, "power: of 0"),
    "leaving the domain": (lambda x: x**1.5, 0.0, -1.0, "leads out of its domain"),
    "sign": (sg.sign, 0.0, 1.0, "sign: it jumps at 0"),
    "where": (lambda x: sg.where(x >= 2, 1.0, x), 2.0, 1.0, "the branches are 1 and 2: it jumps"),
    "along the threshold": (lambda x: sg.where(x[0] > 0, x[1], -x[1]), [0.0, 0.0], [0.0, 1.0], "branches part"),
    "cast": (lambda x: x.astype("int32").astype("float64") + x, 1.0, 1.0, "a cast of 1 to int32 jumps"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_points_without_one_say_why_and_where(name):
    f, x, v, message = WITHOUT[name]
    with pytest.raises(GradientError, match=message) as error:
        directional_derivative(f, x, v)
    assert "test_directional.py:" in str(error.value)


def test_the_module_is_named():
    class Root(nn.Module):
        def forward(self, x):
            return sg.sqrt(x)

    with pytest.raises(GradientError, match="sqrt in 0: of 0"):
        directional_derivative(nn.Sequential(Root(), nn.ReLU()), sg.tensor([0.0]), [1.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: directional_derivative(sg.relu, [0.0, 1.0], [1.0]), ShapeError, "shape of its point"),
        (lambda: directional_derivative(sg.relu, 0.0, float("inf")), ArgumentError, "direction holds NaN or inf"),
        (lambda: directional_derivative(sum, [np.zeros(2), np.zeros(2)], [[1.0, 2.0]]), ArgumentError, "2 parts"),
        (lambda: directional_derivative(lambda net: None, nn.Linear(1, 1), {"w": 1.0}), GradientError, "NoneType"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_direction_by_other_names_is_refused():
    net = nn.Linear(1, 1)
    with pytest.raises(ArgumentError, match="names of the point: weight, bias"):
        directional_derivative(lambda net: net(np.ones((1, 1))).sum(), net, {"weight": [[1.0]]})


def test_a_graph_older_than_its_parameter_is_refused():
    w = sg.Parameter([1.0])
    y = abs(w).sum()
    w.assign([0.0])
    with pytest.raises(ArgumentError, match="new value since this graph was made"):
        directional_derivative(y, w, [1.0])
