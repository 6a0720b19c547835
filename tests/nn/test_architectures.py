"""Whole networks in float64 against PyTorch: outputs, the gradient of every parameter, running statistics."""

from __future__ import annotations

import json

import numpy as np
import pytest
from architectures import CASES, FILE, in_torch, sums, values

import subgrad as sg
from subgrad import nn
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder
from subgrad.nn.functional_call import bound

REFERENCE = json.loads(FILE.read_text())


def made(case):
    """The network with the values of the reference, in float64."""
    net = case.ours(nn).train(case.training)
    net.load_state_dict({name: values(name, p.shape) for name, p in net.named_state()})
    return net


def here(case):
    with sg.using_dtype("float64"):
        net = made(case)
        y, pullback = net.vjp(*case.inputs)
        by_input, by_parameter = pullback(np.cos(np.arange(y.size)).reshape(y.shape))
    by_input = by_input if isinstance(by_input, tuple) else (by_input,)
    found = {"output": y, **{f"input {i}": g for i, g in enumerate(by_input)}, **by_parameter}
    found |= {name: p for name, p in net.named_state() if not p.requires_grad}
    return {name: value.numpy() for name, value in found.items()}


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_that_were_stored(name):
    found = here(CASES[name])
    assert found.keys() == REFERENCE[name].keys()
    for key, expected in REFERENCE[name].items():
        np.testing.assert_allclose(sums(found[key]), expected, rtol=1e-9, atol=1e-9 * (1 + expected[2]), err_msg=key)


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_every_number_is_pytorchs(name):
    pytest.importorskip("torch")
    expected = in_torch(CASES[name])
    found = here(CASES[name])
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_native_code_agrees(name):
    case = CASES[name]
    with sg.using_dtype("float64"):
        net = made(case)
        inputs = [placeholder(x.shape, "float64") for x in case.inputs]
        parameters = [p for _, p in net.named_state()]
        places = [placeholder(p.shape, "float64") for p in parameters]
        with bound(parameters, places):
            y = net(*inputs)
            after = [p.node for p in parameters if not p.requires_grad]
        outputs = [y, *sg.grad((sg.sin(y) * y).sum(), [*inputs, *places]), *after]
        arrays = [*case.inputs, *(p.numpy() for p in parameters)]
        native = Program([*inputs, *places], outputs, n_threads=2)(arrays)
        for e, n in zip(Interpreter([*inputs, *places], outputs)(arrays), native, strict=True):
            np.testing.assert_allclose(n, e, rtol=1e-9, atol=1e-9 * (1 + np.abs(e).max(initial=0)))
