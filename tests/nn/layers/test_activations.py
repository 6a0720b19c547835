"""Activations by name, and those that PyTorch's table of numbers does not have: closed forms and derivatives."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.nn.layers.activation import FIXED, HIDDEN, NAMES

X = np.array([-30.0, -1.5, -0.25, 0.5, 1.0, 40.0])


@pytest.fixture
def double():
    with sg.using_dtype("float64"):
        yield


def test_every_activation_has_its_name_and_a_gradient_where_it_can_stand_in_a_hidden_layer():
    assert set(NAMES) - set(FIXED) == {"softmax", "prelu"}
    for name in HIDDEN:
        net = sg.models.mlp(2, 3, 1, activation=name, seed=0)
        loss = (net(sg.tensor([[0.5, -1.0]])) ** 2).sum()
        assert any(g.numpy().any() for g in sg.grad(loss, net.parameters()))


def test_mish_has_the_values_and_slopes_of_its_formula(double):
    def formula(x):
        return x * mpmath.tanh(mpmath.log(1 + mpmath.exp(x)))

    x = sg.tensor(X)
    y = nn.Mish()(x)
    with mpmath.workdps(40):
        values, slopes = ([float(of(mpmath.mpf(v))) for v in X] for of in (formula, lambda v: mpmath.diff(formula, v)))
    np.testing.assert_allclose(y.numpy(), values, rtol=1e-14)
    np.testing.assert_allclose(sg.grad(y.sum(), x).numpy(), slopes, rtol=1e-12)
    sg.check(nn.Mish(), X[1:-1])
    assert float(nn.Mish()(-1.19)) == pytest.approx(-0.3088, abs=1e-4)


def test_mish_stays_finite_with_its_derivatives_in_float32():
    x = sg.tensor([-1e4, -90.0, 0.0, 90.0, 1e4])
    first = sg.grad(nn.Mish()(x).sum(), x)
    np.testing.assert_allclose(first.numpy(), [0, 0, 0.6, 1, 1], rtol=1e-6, atol=1e-30)
    assert np.isfinite(sg.grad(first.sum(), x).numpy()).all()


def test_prelu_learns_one_slope_or_one_a_channel(double):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3, 5))
    for slopes, wide in ((np.array([0.3]), 0.3), (np.array([0.5, -0.25, 2.0]), np.array([[0.5], [-0.25], [2.0]]))):
        layer = nn.PReLU(len(slopes))
        assert {name: p.shape for name, p in layer.named_parameters()} == {"weight": slopes.shape}
        layer.load_state_dict({"weight": slopes})
        y, pullback = layer.vjp(x)
        np.testing.assert_array_equal(y.numpy(), np.where(x > 0, x, wide * x))
        by_input, by_parameter = pullback(np.ones(x.shape))
        np.testing.assert_array_equal(by_input.numpy(), np.where(x > 0, 1, np.broadcast_to(wide, x.shape)))
        below = np.minimum(x, 0).sum((0, 2))
        np.testing.assert_allclose(by_parameter["weight"].numpy(), below.sum()[None] if len(slopes) == 1 else below)
        sg.check(layer, x)


def test_prelu_has_every_slope_between_its_own_and_1_at_0(double):
    x = sg.Parameter([0.0])
    found = sg.subdifferential(nn.PReLU()(x).sum(), x)
    assert found.exact == "exact"
    assert sorted(float(cell.gradient[0]) for cell in found.cells) == [0.25, 1]


def test_prelu_comes_back_from_a_file_and_learns_the_slope_of_the_data(tmp_path):
    x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    net = nn.Sequential(nn.PReLU())
    sg.fit(net, x, np.where(x > 0, x, -0.5 * x), loss="squared", optimizer=sg.SGD(0.5), epochs=60)
    assert float(net.state_dict()["0.weight"][0]) == pytest.approx(-0.5, abs=1e-3)
    sg.save(net, tmp_path / "net.safetensors")
    np.testing.assert_array_equal(sg.load(tmp_path / "net.safetensors").predict(x), net.predict(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.PReLU(0), ArgumentError, "PReLU needs num_parameters to be a positive integer, got 0"),
        (lambda: nn.PReLU(1, float("nan")), ArgumentError, "init of PReLU needs to be a finite number, got nan"),
        (lambda: nn.PReLU(3)(sg.ones((2, 4))), ShapeError, r"PReLU\(3\) takes a shape \(N, 3, ...\), got \(2, 4\)"),
        (lambda: nn.PReLU(3)(sg.ones(3)), ShapeError, r"PReLU\(3\) takes a shape \(N, 3, ...\), got \(3,\)"),
    ],
)
def test_what_does_not_fit_prelu(call, error, message):
    with pytest.raises(error, match=message):
        call()
