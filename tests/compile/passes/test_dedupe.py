"""Kernels of one form: they share a function, and it is the one that each of them would have had."""

import itertools
import re

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile import pipeline
from subgrad.compile.codegen import emit, kernel_functions
from subgrad.compile.runtime import program
from subgrad.graph.tensor import placeholder


def _deep(depth=6):
    return nn.Sequential(*(layer for i in range(depth) for layer in (nn.Linear(9, 9, seed=i), nn.Tanh()))), (5, 9)


def _residual():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, seed=0), *(nn.ResidualBlock(4, 4, seed=i) for i in range(3)),
                         nn.GlobalAvgPool(), nn.Linear(4, 9, seed=9)).eval(), (2, 3, 6, 6)  # fmt: skip


def _recurrent():
    return nn.Sequential(nn.LSTM(3, 9, num_layers=3, returns="last", seed=0)), (4, 5, 3)


def _emitted(monkeypatch, make):
    """The functions of a training step by name, and for each kernel the name of the one that runs it."""
    seen = []

    class Watched(emit.Emitter):
        def __init__(self, *given):
            super().__init__(*given)
            seen.append(self)

    monkeypatch.setattr(pipeline, "Emitter", Watched)
    net, shape = make()
    x, parameters = placeholder(shape, "float32"), [p.node for p in net.parameters()]
    loss = nn.squared_loss(net(x), np.zeros((shape[0], 9), np.float32)).mean()
    news = [p - 0.1 * g for p, g in zip(parameters, sg.grad(loss, parameters), strict=True)]
    program.Program([x], [loss, *news], n_threads=2)
    emitter = seen[-1]
    functions = dict(re.findall(r"define \w* ?void @(\w+)(\(.*?\n)}", str(emitter.module), flags=re.DOTALL))
    return functions, [e.name for e in emitter._emitted.values()]


@pytest.mark.parametrize("make", [_deep, _residual, _recurrent])
def test_the_shared_function_is_the_one_that_the_kernel_would_have(monkeypatch, make):
    shared, names = _emitted(monkeypatch, make)
    count, form = itertools.count(), kernel_functions.kernel_key

    def never_alike(*given):
        key, numbers = form(*given)
        return (next(count), key), numbers

    monkeypatch.setattr(kernel_functions, "kernel_key", never_alike)
    alone, own_names = _emitted(monkeypatch, make)
    assert len(set(own_names)) <= len(set(names)) < len(names)
    assert [shared[n] for n in names] == [alone[n] for n in own_names]


def test_layers_that_repeat_are_written_once(monkeypatch):
    few, many = (len(set(_emitted(monkeypatch, lambda n=n: _deep(n))[1])) for n in (5, 10))
    assert few == many


def test_vectors_of_other_lengths_have_one_function():
    """Where a function begins and ends are its arguments."""
    short, long = placeholder((5,), "float32"), placeholder((9,), "float32")
    made = program.Program([short, long], [short * 2 + 1, long * 2 + 1], n_threads=2)
    assert made.ir.count("define internal void @k") == 1
    for a in made([np.arange(n, dtype=np.float32) for n in (5, 9)]):
        assert a.tolist() == [2 * i + 1 for i in range(len(a))]
