"""Adan against the steps of its authors' program, written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_problems import PROBLEMS, STEPS

import subgrad as sg
from subgrad import optim
from subgrad.errors import ArgumentError


def adan(gradient, x, lr, b1, b2, b3, eps, decay):
    """The iterates of arXiv:2208.06677, with its weights of the past and the proximal decay of section 3.2."""
    m, v, n, before = ([np.zeros_like(p) for p in x] for _ in range(4))
    for k in range(1, STEPS + 1):
        g = gradient(x)
        for i in range(len(x)):
            d = g[i] - before[i] if k > 1 else np.zeros_like(g[i])
            m[i] = b1 * m[i] + (1 - b1) * g[i]
            v[i] = b2 * v[i] + (1 - b2) * d
            n[i] = b3 * n[i] + (1 - b3) * (g[i] + b2 * d) ** 2
            rate = lr / (np.sqrt(n[i] / (1 - b3**k)) + eps)
            x[i] = (x[i] - rate * (m[i] / (1 - b1**k) + b2 * v[i] / (1 - b2**k))) / (1 + lr * decay)
            before[i] = g[i]
        yield x


@pytest.mark.parametrize(
    "settings",
    [(1e-3, 0.98, 0.92, 0.99, 1e-8, 0.0), (0.05, 0.7, 0.5, 0.9, 1e-3, 0.3)],
    ids=["defaults", "others"],
)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_iterates_are_those_of_the_paper(name, settings):
    problem = PROBLEMS[name]
    data = [sg.tensor(d, "float64") for d in problem.data]

    def gradient(x):
        params = [sg.tensor(p, "float64") for p in x]
        return [g.numpy() for g in sg.grad(problem.f(sg, data, *params), params)]

    lr, *betas, eps, decay = settings
    params = [sg.Parameter(p, "float64") for p in problem.start]
    method = optim.Adan(lr, tuple(betas), eps, decay)
    state = method.init(params)
    for expected in adan(gradient, [np.array(p, float) for p in problem.start], *settings):
        state = optim.update(params, sg.grad(problem.f(sg, data, *params), params), method, state)
        for mine, theirs in zip(params, expected, strict=True):
            np.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-10, atol=1e-12)


def test_it_has_its_name_everywhere_and_comes_back_from_its_config():
    assert sg.Adan is optim.Adan is type(optim.get("adan"))
    assert optim.from_config(optim.Adan(0.1, (0.5, 0.6, 0.7)).config()) == optim.Adan(0.1, (0.5, 0.6, 0.7))
    with pytest.raises(ArgumentError, match="betas of Adan needs to be 3 numbers, got"):
        optim.Adan(betas=(0.9, 0.99))
