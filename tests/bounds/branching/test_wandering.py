"""Counter-examples by random steps, where several rows at once keep points out of a polytope."""

import numpy as np

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Case, Unreachable
from subgrad.bounds.branching.attack import wandered
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.chains.layer_chain import chain_of
from subgrad.bounds.vnnlib.verifying import _bounds

BOX = [(-1, 1)] * 3


def folds():
    """Three folds of three inputs: relu(x) + relu(-x - 0.5) and so on, of which each row wants a certain value."""
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 3))
    turn = np.array([[1.0, 0.5, 0.25], [0.5, -1.0, 0.25], [0.25, 0.25, 1.0]])
    net[0].weight.assign(np.vstack([turn, -turn]))
    net[0].bias.assign(np.concatenate([np.zeros(3), np.full(3, -0.5)]))
    net[2].weight.assign(np.hstack([np.eye(3), np.eye(3)]))
    net[2].bias.assign(np.zeros(3))
    return net


def asked(half):
    """Whether all outputs may be within ``half`` of 0.3, 0.2 and 0.4 at once."""
    rows, aim = np.vstack([np.eye(3), -np.eye(3)]), np.array([0.3, 0.2, 0.4])
    return Unreachable([Case(BOX, rows, np.concatenate([aim, -aim]) + half), Case(BOX, [[1.0, 0.0, 0.0]], [-1.0])])


def found(half, starts=200, seed=0):
    bounds = _bounds(folds(), 3, 3)
    (of,) = gathered(asked(half).cases)
    low, high = of.box.T[:, None]
    layers = chain_of(bounds.over(low, high, refined=False))
    points = np.random.default_rng(seed).uniform(size=(starts, 3))
    return wandered(bounds, of, points, lambda: False, layers, seed)


def test_a_point_in_a_small_region_is_found_and_lies_there():
    for seed in range(5):
        low, high = found(1e-3, seed=seed)
        y = folds()(low[None]).numpy()[0]
        assert (low == high).all()
        assert (np.abs(y - [0.3, 0.2, 0.4]) <= 1e-3 + 1e-12).all()
        assert (np.abs(low) <= 1).all()
    assert sg.verify(folds(), asked(1e-3)).status == "refuted"


def test_where_there_is_none_nothing_is_found():
    assert found(-1e-3) is None
    assert sg.verify(folds(), asked(-1e-3)).status == "proven"
