"""Each layer against PyTorch's numbers, closed forms, and finite differences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from nn_reference import FILE, LAYERS, wave

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, DTypeError, ShapeError

REFERENCE = json.loads(FILE.read_text())["layers"]


def made(name):
    """The layer and the inputs of the reference, in float64."""
    args, arrays, shapes = LAYERS[name]
    layer = getattr(nn, name)(*args)
    layer.load_state_dict({p: wave(*shape, start=3.0) for p, shape in shapes.items()})
    return layer, [sg.tensor(a) for a in arrays]


@pytest.fixture(autouse=True)
def _double():
    with sg.using_dtype("float64"):
        yield


@pytest.mark.parametrize("name", LAYERS)
def test_output_and_gradients_are_those_of_pytorch(name):
    layer, inputs = made(name)
    y, pullback = layer.vjp(*inputs)
    np.testing.assert_allclose(y.numpy(), REFERENCE[name]["output"], rtol=1e-10, atol=1e-12)
    by_input, by_parameter = pullback(np.cos(np.arange(y.size)).reshape(y.shape))
    found = [*(by_input if isinstance(by_input, tuple) else [by_input]), *by_parameter.values()]
    for mine, theirs in zip(found, REFERENCE[name]["gradients"], strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_agree_with_finite_differences_to_order_two(name):
    layer, inputs = made(name)
    sg.check(layer, *inputs, tolerance=1e-5)


@pytest.mark.parametrize("name", [n for n in LAYERS if n not in ("Linear", "Bilinear", "LayerNorm")])
def test_activations_stay_finite_at_extreme_inputs_in_float32(name):
    x = sg.tensor([-1e4, -90.0, 0.0, 90.0, 1e4], dtype="float32")
    y = getattr(nn, name)(*(a if name != "Softmax" else 0 for a in LAYERS[name][0]))(x)
    first = sg.grad(y.sum(), x)
    second = sg.grad(first.sum(), x)
    for value in (y, first, second):
        assert value.dtype == np.float32
        assert np.isfinite(value.numpy()).all()


def test_linear_is_a_matrix_product_in_one_contraction():
    layer = nn.Linear(3, 2, seed=1)
    x = wave(4, 5, 3)
    np.testing.assert_allclose(layer(x).numpy(), x @ layer.weight.numpy().T + layer.bias.numpy())
    without = nn.Linear(3, 2, bias=False)(sg.tensor(x))
    assert without.op.name == "contract"
    assert [i.op.name for i in without.inputs] == ["const", "const"]


def test_linear_starts_in_the_documented_interval_and_from_its_seed():
    a, b, c = nn.Linear(16, 400, seed=3), nn.Linear(16, 400, seed=3), nn.Linear(16, 400, seed=4)
    for name in ("weight", "bias"):
        values = a.state_dict()[name]
        assert 0.24 < np.abs(values).max() <= 0.25
        np.testing.assert_array_equal(values, b.state_dict()[name])
        assert (values != c.state_dict()[name]).any()


def test_linear_takes_an_initialiser_by_name_or_as_a_function():
    assert not nn.Linear(3, 2, init="zeros").weight.numpy().any()
    assert (nn.Linear(3, 2, init=lambda shape, seed: np.full(shape, 7.0)).weight.numpy() == 7).all()
    with pytest.raises(ArgumentError, match="unknown initialiser 'xavier'"):
        nn.Linear(3, 2, init="xavier")


def test_integers_become_floats_in_a_linear_layer():
    layer = nn.Linear(2, 1)
    np.testing.assert_array_equal(layer(np.array([[1, 2]])).numpy(), layer(np.array([[1.0, 2.0]])).numpy())


def test_an_embedding_adds_up_the_gradients_of_repeated_rows():
    layer = nn.Embedding(3, 2)
    indices = sg.tensor([[2, 0], [2, 2]])
    y, pullback = layer.vjp(indices)
    np.testing.assert_array_equal(y.numpy(), layer.weight.numpy()[[[2, 0], [2, 2]]])
    by_input, by_parameter = pullback(np.ones((2, 2, 2)))
    assert by_input is None
    np.testing.assert_array_equal(by_parameter["weight"].numpy(), [[1, 1], [0, 0], [3, 3]])


def test_dropout_keeps_the_expected_value_and_follows_the_seed():
    drop = nn.Dropout(0.25)
    x = sg.ones(20_000)
    y = drop(x).numpy()
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert abs(y.mean() - 1) < 0.02
    assert (drop(x).numpy() != y).any()
    sg.manual_seed(0)
    np.testing.assert_array_equal(drop(x).numpy(), y)


def test_dropout_passes_the_gradient_where_it_kept_the_element():
    x = sg.ones(50)
    y = nn.Dropout(0.5)(x)
    np.testing.assert_array_equal(sg.grad(y.sum(), x).numpy(), y.numpy())
    assert nn.Dropout(0.5).eval()(x) is x


def test_dropped_infinities_leave_no_nan():
    x = sg.tensor(np.full(50, np.inf))
    y = nn.Dropout(0.5)(x)
    assert not np.isnan(y.numpy()).any()
    assert not np.isnan(sg.grad(y.sum(), x).numpy()).any()


def test_layer_norm_of_a_constant_example_is_its_bias():
    layer = nn.LayerNorm(3)
    layer.bias.assign([1.0, 2.0, 3.0])
    x = sg.tensor(np.full((2, 3), 5.0))
    y = layer(x)
    np.testing.assert_array_equal(y.numpy(), [[1, 2, 3], [1, 2, 3]])
    assert np.isfinite(sg.grad((y * y).sum(), x).numpy()).all()


def test_flatten_keeps_the_order_of_the_elements():
    x = wave(2, 3, 4)
    np.testing.assert_array_equal(nn.Flatten()(x).numpy(), x.reshape(2, 12))
    assert nn.Flatten()(sg.zeros((0, 3, 4))).shape == (0, 12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Linear(0, 2), ArgumentError, "Linear needs in_features to be a positive integer, got 0"),
        (lambda: nn.Linear(2, 2.0), ArgumentError, "Linear needs out_features to be a positive integer, got 2.0"),
        (lambda: nn.Embedding(3, -1), ArgumentError, "Embedding needs features to be a positive integer, got -1"),
        (lambda: nn.LayerNorm((3, 0)), ArgumentError, "LayerNorm needs length 1 to be a positive integer, got 0"),
        (lambda: nn.Dropout(1.0), ArgumentError, r"Dropout needs a probability in \[0, 1\), got 1.0"),
        (lambda: nn.AlphaDropout("half"), ArgumentError, r"AlphaDropout needs a probability in \[0, 1\), got 'half'"),
        (lambda: nn.RandomHorizontalFlip(None), ArgumentError, r"Flip needs a probability in \[0, 1\], got None"),
        (lambda: nn.RandomErasing((0, 1)), ArgumentError, r"Erasing needs a probability in \[0, 1\], got \(0, 1\)"),
        (lambda: nn.Linear(2, 8)(sg.ones((4, 3))), ShapeError, r"Linear\(2, 8\) takes .* \(\.\.\., 2\), got \(4, 3\)"),
        (lambda: nn.Linear(2, 8)(sg.tensor(1.0)), ShapeError, r"takes a shape \(\.\.\., 2\), got \(\)"),
        (lambda: nn.LayerNorm((3, 2))(sg.ones((3, 4))), ShapeError, r"takes a shape \(\.\.\., 3, 2\), got \(3, 4\)"),
        (lambda: nn.Bilinear(2, 3, 1)(sg.ones(2), sg.ones(2)), ShapeError, "Bilinear's second input takes"),
        (lambda: nn.Flatten()(sg.tensor(1.0)), ShapeError, "Flatten takes a batch of examples"),
        (lambda: nn.Embedding(3, 2)(sg.tensor([0.0])), DTypeError, "an index must hold integers"),
        (lambda: nn.Embedding(3, 2)([3]), ShapeError, "index 3 is out of range"),
        (lambda: nn.Linear(2, 1)(sg.ones((1, 2), "float32")), DTypeError, "float32 and float64 do not mix"),
        (lambda: nn.activation.get("rellu"), ArgumentError, "unknown activation 'rellu': expected one of relu, "),
    ],
)
def test_what_does_not_fit_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()
