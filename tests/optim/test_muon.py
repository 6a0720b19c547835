"""Muon against its algorithm in NumPy, and wherever an optimiser can be named."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn, optim

rng = np.random.default_rng(0)


def orthogonal(g, rounds=5):
    """Newton and Schulz's iteration as Jordan et al. print it."""
    x = g / (np.linalg.norm(g) + 1e-7)
    x = x.T if g.shape[0] > g.shape[1] else x
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if g.shape[0] > g.shape[1] else x


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 3, 1)])
def test_the_iterates_of_a_matrix_are_those_of_the_paper(shape):
    x, target = rng.normal(size=shape), rng.normal(size=shape)
    parameter, method = sg.Parameter(x, "float64"), optim.Muon(0.02, weight_decay=0.1, momentum=0.9)
    state, m = method.init([parameter]), np.zeros(shape)
    size = 0.2 * max(shape[0], np.prod(shape[1:])) ** 0.5
    for _ in range(4):
        g = 2 * (x - target)
        m = 0.9 * m + g
        turned = orthogonal((0.9 * m + g).reshape(shape[0], -1)).reshape(shape)
        x = x - 0.02 * (size * turned + 0.1 * x)
        loss = ((parameter - target) ** 2).sum()
        state = optim.update([parameter], sg.grad(loss, [parameter]), method, state)
        np.testing.assert_allclose(parameter.numpy(), x, rtol=1e-9)


def test_vectors_take_the_steps_of_adamw():
    start = rng.normal(size=4)
    found = []
    for method in (optim.Muon(0.05, weight_decay=0.2), optim.AdamW(0.05, weight_decay=0.2)):
        x = sg.Parameter(start, "float64")
        state = method.init([x])
        for _ in range(3):
            state = optim.update([x], sg.grad((x**2).sum(), [x]), method, state)
        found.append(x.numpy())
    np.testing.assert_array_equal(*found)


def test_it_trains_a_network_by_name():
    X, y = sg.data.make_moons(200, noise=0.1)
    net = nn.Sequential(nn.Linear(2, 16, seed=0), nn.ReLU(), nn.Linear(16, 2, seed=1))
    history = sg.fit(net, X, y, loss="cross_entropy", optimizer=sg.Muon(0.05), epochs=60, metrics="accuracy")
    assert history["accuracy"][-1] > 0.95
    assert optim.from_config(optim.get("muon").config()) == optim.Muon()
