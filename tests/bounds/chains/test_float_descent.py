"""Descent in float32 comes to about what bounds with all rounding make of its choice, and improves them."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Case, Unreachable
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.branching.unit_splitting import UnitSplitting
from subgrad.bounds.vnnlib.verifying import _bounds

INPUTS, ROWS = 20, [[1.0, -1.0, 0.0], [0.5, 0.5, -1.0]]


def network(bend, seed):
    return nn.Sequential(
        nn.Linear(INPUTS, 16, seed=seed), bend, nn.Linear(16, 16, seed=seed + 1), bend, nn.Linear(16, 3, seed=seed + 2)
    )


def searched(bend, seed=0):
    """A search that has bounded the whole box, of claims that this cannot decide."""
    box = [(-0.5, 0.5)] * INPUTS
    (of,) = gathered([Case(box, [row], [-0.02]) for row in ROWS])
    return UnitSplitting(_bounds(network(bend, seed), INPUTS, 3), of, budget=3).run()


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.LeakyReLU(0.1)])
def test_bounds_agree_and_get_better(bend):
    search, rng = searched(bend), np.random.default_rng(0)
    width = max(c.stop for c in search._columns.values())
    row = rng.integers(0, 2, 12)
    signs = np.where(rng.random((12, width)) < 0.1, rng.choice([-1, 1], (12, width)), 0).astype(np.int8)
    slopes, weights = rng.uniform(0.1, 1, (12, width)), rng.uniform(0, 0.1, (12, width)) * (signs != 0)
    floats, of = search._floats, (row, signs, slopes, weights)
    surely = search._tight(search._over(signs), *of, 0).above
    np.testing.assert_allclose(floats.bound(*of), surely, rtol=1e-4, atol=1e-4)
    better = floats.chosen(*of, 30, np.full(12, -np.inf), lambda: False)
    again = search._tight(search._over(signs), row, signs, better.slopes, better.weights, 0).above
    np.testing.assert_allclose(better.above, again, rtol=1e-4, atol=1e-4)
    assert (again <= surely + 1e-5).all()
    assert again.mean() < surely.mean() - 0.01
    in_doubles = search._tight(search._over(signs), *of, 30).above
    np.testing.assert_allclose(again, in_doubles, atol=0.02)


@pytest.mark.parametrize("bend", [nn.ReLU(), nn.LeakyReLU(0.1), nn.LeakyReLU(0.01)])
def test_nothing_is_proven_that_is_false(bend):
    """Limits near the least value that descent from many points finds, on either side."""
    for seed in range(4):
        net, rng = network(bend, seed), np.random.default_rng(seed)
        x = rng.uniform(-0.5, 0.5, (4000, INPUTS)).astype(np.float32)
        least = (net(sg.tensor(x)).numpy() @ ROWS[0]).min()
        box = [(-0.5, 0.5)] * INPUTS
        assert sg.verify(net, Unreachable([Case(box, [ROWS[0]], [least])]), budget=200).status == "refuted"
        found = sg.verify(net, Unreachable([Case(box, [ROWS[0]], [least - 1.0])]), budget=2000)
        assert found.status == "proven"
