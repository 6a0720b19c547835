"""Losses, activations and layers against PyTorch's numbers: values and gradients."""

import json

import numpy as np
import pytest
from peers import ACTIVATIONS, FILE, LAYERS, LOSSES, wave

import subgrad as sg
from subgrad import nn

REFERENCE = json.loads(FILE.read_text())


@pytest.fixture(autouse=True)
def _double():
    with sg.using_dtype("float64"):
        yield


def agrees(output, inputs, expected, rtol=1e-10):
    np.testing.assert_allclose(output.numpy(), expected["output"], rtol=min(rtol, 1e-6) / 100, atol=1e-14)
    weights = np.cos(np.arange(output.size)).reshape(output.shape)
    for found, wanted in zip(sg.grad((output * weights).sum(), inputs), expected["gradients"], strict=True):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    arrays, ours, _ = LOSSES[name]
    tensors = [sg.tensor(a) for a in arrays]
    agrees(ours(nn, *tensors), tensors[:1], REFERENCE["losses"][name])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    """PyTorch computes some with constants in float32."""
    x = sg.tensor(wave(4, 3, start=0.3))
    agrees(getattr(nn, name)(*ACTIVATIONS[name])(x), [x], REFERENCE["activations"][name], rtol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    _, args, arrays = LAYERS[name]
    layer, inputs = getattr(nn, name)(*args), [sg.tensor(a) for a in arrays]
    for p in layer.parameters():
        p.assign(wave(*p.shape, start=3.0))
    agrees(layer(*inputs), [*inputs, *layer.parameters()], REFERENCE["layers"][name])


def test_losses_in_one_native_program():
    found = sg.compile(lambda *xss: [ours(nn, *xs) for xs, (_, ours, _) in zip(xss, LOSSES.values(), strict=True)])(
        *[[sg.tensor(a) for a in arrays] for arrays, _, _ in LOSSES.values()]
    )
    for value, name in zip(found, LOSSES, strict=True):
        np.testing.assert_allclose(value, REFERENCE["losses"][name]["output"], rtol=1e-11, atol=1e-13)
