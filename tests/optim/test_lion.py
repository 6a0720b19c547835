"""Lion against the algorithm of its paper in NumPy, and wherever an optimiser can be named."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_problems import PROBLEMS, STEPS

import subgrad as sg
from subgrad import nn, optim


def lion(gradient, x, lr, b1, b2, decay):
    """The iterates of algorithm 2 of arXiv:2302.06675, word for word."""
    m = [np.zeros_like(p) for p in x]
    while True:
        g = gradient(x)
        c = [b1 * m + (1 - b1) * g for m, g in zip(m, g, strict=True)]
        x = [p - lr * (np.sign(c) + decay * p) for p, c in zip(x, c, strict=True)]
        m = [b2 * m + (1 - b2) * g for m, g in zip(m, g, strict=True)]
        yield x


@pytest.mark.parametrize("settings", [(1e-4, 0.9, 0.99, 0.0), (0.03, 0.5, 0.8, 0.3)], ids=["defaults", "others"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_iterates_are_those_of_the_paper(name, settings):
    problem = PROBLEMS[name]
    data = [sg.tensor(d, "float64") for d in problem.data]

    def gradient(x):
        params = [sg.tensor(p, "float64") for p in x]
        return [g.numpy() for g in sg.grad(problem.f(sg, data, *params), params)]

    lr, b1, b2, decay = settings
    params = [sg.Parameter(p, "float64") for p in problem.start]
    method = optim.Lion(lr, (b1, b2), decay)
    state, expected = method.init(params), lion(gradient, problem.start, *settings)
    for _ in range(STEPS):
        state = optim.update(params, sg.grad(problem.f(sg, data, *params), params), method, state)
        for mine, theirs in zip(params, next(expected), strict=True):
            np.testing.assert_allclose(mine.numpy(), theirs, rtol=1e-12, atol=1e-14)


def test_it_has_its_name_everywhere_and_comes_back_from_its_config():
    assert sg.Lion is optim.Lion is type(optim.get("lion"))
    assert "Lion" in sg.__all__
    assert "Lion" in dir(optim)
    for method in (optim.Lion(0.1, (0.5, 0.6), 0.7), optim.chain(optim.clip_by_norm(1), optim.Lion())):
        assert optim.from_config(method.config()) == method


def test_a_run_goes_on_from_a_checkpoint_and_an_ensemble_has_members_alike(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 3)).astype(np.float32)
    y = (x @ [1.0, -2.0, 0.5]).astype(np.float32)

    def net():
        return nn.Sequential(nn.Linear(3, 4, seed=1), nn.Tanh(), nn.Linear(4, 1, seed=2))

    def run(model, epochs, **options):
        return sg.fit(model, x, y, loss="squared", optimizer="lion", epochs=epochs, batch_size=8, seed=3, **options)

    whole, part = net(), net()
    history = run(whole, 6)
    assert history.epochs[-1]["loss"] < history.epochs[0]["loss"]
    run(part, 3, checkpoint=tmp_path / "run")
    run(part, 6, resume=tmp_path / "run")
    for name, value in whole.state_dict().items():
        np.testing.assert_array_equal(part.state_dict()[name], value)
    both = sg.ensemble(net(), 2, seed=0)
    start = [p.numpy().copy() for p in both.parameters()]
    run(both, 1)
    moved = [np.abs(p.numpy() - s).max() for p, s in zip(both.parameters(), start, strict=True)]
    assert 0 < max(moved) <= 4.001e-4  # four steps of the length lr
