"""Sequential, Residual and Branches against the sums and joins that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from nn_reference import wave

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError


@pytest.fixture(autouse=True)
def _double():
    with sg.using_dtype("float64"):
        yield


def affine(layer, x):
    return x @ layer.weight.numpy().T + layer.bias.numpy()


def test_sequential_by_place_name_and_slice():
    a, b, c = nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    assert list(net) == [a, b, c]
    assert (net[0], net[-1], net["1"], len(net)) == (a, c, b, 3)
    part = net[1:]
    assert list(part.children) == ["1", "2"]
    assert part["2"] is c
    x = wave(4, 2)
    np.testing.assert_allclose(net(x).numpy(), affine(c, np.tanh(affine(a, x))))
    np.testing.assert_allclose(part(affine(a, x)).numpy(), net(x).numpy())


def test_one_layer_can_stand_in_a_sequence_twice():
    layer = nn.Linear(2, 2)
    x = wave(3, 2)
    net = nn.Sequential(layer, layer)
    np.testing.assert_allclose(net(x).numpy(), affine(layer, affine(layer, x)))
    assert len(net.parameters()) == 2


def test_an_empty_sequence_is_the_identity():
    x = sg.ones(3)
    assert nn.Sequential()(x) is x


def test_residual_values_and_gradients():
    body, shortcut = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), nn.Linear(3, 2, bias=False)
    x = wave(4, 3)
    plain, projected = nn.Residual(nn.Tanh()), nn.Residual(body, shortcut)
    np.testing.assert_allclose(plain(x).numpy(), np.tanh(x) + x)
    np.testing.assert_allclose(projected(x).numpy(), np.tanh(affine(body[0], x)) + x @ shortcut.weight.numpy().T)
    dx, _ = plain.vjp(x)[1](np.ones((4, 3)))
    np.testing.assert_allclose(dx.numpy(), 2 - np.tanh(x) ** 2)
    sg.check(projected, x)


def test_branches_values_and_gradients():
    a, b = nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2), nn.Tanh())
    x = wave(4, 3)
    left, right = affine(a, x), np.tanh(affine(b[0], x))
    np.testing.assert_allclose(nn.Branches(a, b)(x).numpy(), np.concatenate([left, right], 1))
    np.testing.assert_allclose(nn.Branches(a, b, join="sum")(x).numpy(), left + right)
    dx, du = nn.Branches(a, b, join="sum").vjp(x)[1](np.ones((4, 2)))
    slope = 1 - right**2
    np.testing.assert_allclose(dx.numpy(), np.ones((4, 2)) @ a.weight.numpy() + slope @ b[0].weight.numpy())
    np.testing.assert_allclose(du["paths.1.0.bias"].numpy(), slope.sum(0))
    sg.check(nn.Branches(a, b), x)


def test_images_are_joined_along_their_channels():
    x = sg.ones((2, 3, 5, 5))
    assert nn.Branches(nn.ReLU(), nn.Tanh())(x).shape == (2, 6, 5, 5)
    assert nn.Branches(nn.ReLU(), nn.Tanh(), axis=-1)(x).shape == (2, 3, 5, 10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Sequential(sg.relu), ArgumentError, "Sequential takes modules, got <op relu>"),
        (lambda: nn.Sequential({"forward": nn.ReLU()}), ArgumentError, "cannot have the name 'forward'"),
        (lambda: nn.Sequential({"": nn.ReLU()}), ArgumentError, "cannot have the name ''"),
        (lambda: nn.Sequential({"a.b": nn.ReLU()}), ArgumentError, "cannot have the name 'a.b'"),
        (lambda: nn.Branches(), ArgumentError, "Branches needs at least one path"),
        (lambda: nn.Branches(nn.ReLU(), join="max"), ArgumentError, "by 'concat' or 'sum', got 'max'"),
        (
            lambda: nn.Residual(nn.Linear(3, 1))(sg.ones((4, 3))),
            ShapeError,
            r"Residual adds outputs of one shape, got \(4, 1\) and \(4, 3\)",
        ),
        (
            lambda: nn.Branches(nn.Linear(3, 1), nn.Linear(3, 2), join="sum")(sg.ones((4, 3))),
            ShapeError,
            r"Branches adds outputs of one shape, got \(4, 1\) and \(4, 2\)",
        ),
        (lambda: nn.Branches(nn.ReLU())(sg.ones(3)), ShapeError, "axis 1 does not exist"),
    ],
)
def test_what_does_not_fit_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_missing_layer_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no layer and no attribute 'hiden'"):
        nn.Sequential({"hidden": nn.ReLU()}).hiden  # noqa: B018


def test_lists_and_dicts_of_modules_under_pytorchs_names_are_plain_ones():
    class Net(nn.Module):
        def __init__(self):
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 1)])
            self.heads = nn.ModuleDict({"a": nn.Linear(2, 3)})

        def forward(self, x):
            return self.layers[1](self.layers[0](x)), self.heads["a"](x)

    names = [name for name, _ in Net().named_parameters()]
    assert names == [
        "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "heads.a.weight", "heads.a.bias",
    ]  # fmt: skip
