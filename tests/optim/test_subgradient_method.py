"""The subgradient method: what it tracks, and the convex bound on a problem whose optimum is known."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import optim
from subgrad.errors import ArgumentError

rng = np.random.Generator(np.random.Philox(7))
A = rng.normal(size=(15, 4))
OPTIMUM = np.array([1.0, -2.0, 0.5, 3.0])
B = A @ OPTIMUM  # so the least value of |A x - b|_1 is 0
START = np.zeros(4)
R = float(np.linalg.norm(START - OPTIMUM))
G = float(np.linalg.norm(A, 2) * np.sqrt(len(A)))  # |A^T s| for any signs s
STEPS = 60


def value(x):
    return np.abs(A @ x - B).sum()


def by_hand(size):
    """The method in NumPy: iterates, gradients and steps."""
    x, rows = START, []
    for k in range(1, STEPS + 1):
        g = A.T @ np.sign(A @ x - B)
        rows.append((x, g, size(k, g, value(x))))
        x = x - rows[-1][2] * g
    return [np.array(column) for column in zip(*rows, strict=True)]


def run(method):
    x = sg.Parameter(START, "float64")
    a, b = sg.tensor(A, "float64"), sg.tensor(B, "float64")
    state = method.init([x])
    for _ in range(STEPS):
        loss = sg.abs(a @ x - b).sum()
        state = optim.update([x], sg.grad(loss, [x]), method, state, loss)
        yield state


RULES = {
    "constant(0.02)": lambda k, g, f: 0.02,
    "constant_length(0.3)": lambda k, g, f: 0.3 / np.linalg.norm(g),
    "square_summable(1, 10)": lambda k, g, f: 1 / (10 + k),
    "inverse_sqrt(0.1)": lambda k, g, f: 0.1 / np.sqrt(k),
    "polyak(0)": lambda k, g, f: f / (g @ g),
}


@pytest.mark.parametrize("rule", RULES)
def test_best_average_and_bounds_at_every_step(rule):
    xs, gs, sizes = by_hand(RULES[rule])
    values = np.array([value(x) for x in xs])
    known, measured = optim.Subgradient(rule, R=R, G=G), optim.Subgradient(rule, R=R)
    for k, (state, seen) in enumerate(zip(run(known), run(measured), strict=True), start=1):
        a, g = sizes[:k], gs[:k]
        average = a @ xs[:k] / a.sum()
        np.testing.assert_allclose(known.best_value(state).item(), values[:k].min(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(known.best(state)[0].numpy(), xs[values[:k].argmin()], atol=1e-9)
        np.testing.assert_allclose(known.average(state)[0].numpy(), average, atol=1e-9)
        bound, tighter = known.bound(state).item(), measured.bound(seen).item()
        np.testing.assert_allclose(bound, (R**2 + G**2 * (a**2).sum()) / (2 * a.sum()))
        np.testing.assert_allclose(tighter, (R**2 + (a**2 * (g**2).sum(1)).sum()) / (2 * a.sum()))
        assert max(values[:k].min(), value(average)) <= tighter <= bound


def test_the_bound_of_polyaks_rule():
    method = optim.Subgradient("polyak(0)")
    for k, state in enumerate(run(method), start=1):
        assert method.best_value(state).item() <= R * G / np.sqrt(k)


def test_before_the_first_step():
    method = optim.Subgradient(0.1, R=1.0)
    state = method.init([sg.Parameter([2.0])])
    assert method.best(state)[0].tolist() == [2.0]
    assert method.best_value(state).item() == method.bound(state).item() == np.inf


def test_a_start_at_the_optimum():
    method = optim.Subgradient("constant_length(1)", R=1.0)
    x = sg.Parameter([0.0])
    loss = sg.abs(x).sum()
    state = optim.update([x], sg.grad(loss, [x]), method, method.init([x]), loss)
    assert x.tolist() == method.best(state)[0].tolist() == method.average(state)[0].tolist() == [0.0]


def test_a_loss_of_nan_is_never_the_best():
    method, x = optim.Subgradient(0.5), sg.tensor([2.0])
    _, state = method.update([x], method.init([x]), [x], loss=3.0)
    _, state = method.update([x], state, [x * 10], loss=float("nan"))
    assert method.best_value(state).item() == 3.0
    assert method.best(state)[0].tolist() == [2.0]


def test_what_it_cannot_do_without():
    method, x = optim.Subgradient(0.5), sg.tensor([2.0])
    with pytest.raises(ArgumentError, match="Subgradient needs the loss at each step"):
        method.update([x], method.init([x]), [x])
    with pytest.raises(ArgumentError, match="the bound needs R"):
        method.bound(method.init([x]))
