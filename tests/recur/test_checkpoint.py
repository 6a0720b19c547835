"""`checkpoint`: the same numbers, less memory."""

import numpy as np
import pytest

import subgrad as sg
from recur.recurrences import normal
from subgrad import nn
from subgrad.graph.tensor import placeholder


def test_derivatives_of_order_one_and_two():
    f = sg.checkpoint(lambda w, x: sg.tanh(sg.tanh(x @ w) @ w))
    assert sg.check(f, normal(4, 4), normal(3, 4)).kinks == 0


def test_a_cell_that_is_computed_again():
    with sg.using_dtype("float64"):
        w, h, xs = (sg.tensor(normal(*s)) for s in ((4, 4), (3, 4), (6, 3, 4)))

        def slopes(change):
            cell = change(lambda h, x: (sg.tanh(sg.tanh(h @ w + x) * 2),) * 2)
            last, ys = sg.scan(cell, h, xs)
            return sg.grad((last**2).sum() + (ys**3).sum(), [w, h, xs])

        for a, b in zip(slopes(sg.checkpoint), slopes(lambda f: f), strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_dropout_drops_the_same_twice():
    drop = sg.checkpoint(nn.Dropout(0.5))
    x = sg.tensor(np.ones(1000))
    y = drop(x)
    np.testing.assert_array_equal(sg.grad(y.sum(), x).numpy(), y.numpy())


def test_a_deep_network_takes_less_memory_and_gives_the_same_numbers():
    program = pytest.importorskip("subgrad.compile.runtime.program")

    def step(change):
        parts = [_part(10 * i) for i in range(6)]
        x = y = placeholder((256, 32), "float32")
        for part in parts:
            y = change(part)(y)
        loss = (y**2).mean()
        parameters = [p for part in parts for p in part.parameters()]
        after = [p - 0.1 * g for p, g in zip(parameters, sg.grad(loss, parameters), strict=True)]
        return program.Program([x], [loss.node, *(a.node for a in after)], n_threads=1)

    saving, again = step(lambda f: f), step(sg.checkpoint)
    x = np.random.default_rng(0).normal(size=(256, 32)).astype("float32")
    for a, b in zip(saving([x]), again([x]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert again.memory.size < 0.5 * saving.memory.size


def _part(seed):
    layers = [(nn.Linear(32, 32, seed=seed + k), nn.Tanh()) for k in range(6)]
    return nn.Sequential(*(layer for pair in layers for layer in pair))


def test_assignments_raise():
    p = sg.Parameter(1.0)
    with pytest.raises(sg.errors.ArgumentError, match="assigned a parameter"):
        sg.checkpoint(lambda x: p.assign(p + x) or x)(sg.tensor(1.0))
