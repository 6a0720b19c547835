"""Native bounds of chains against exact rational arithmetic, and against the same bounds made by NumPy."""

from fractions import Fraction

import numpy as np
import pytest
from exact import Network

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Case, Unreachable
from subgrad.bounds.branching import splitting
from subgrad.bounds.branching.lost import by_inputs
from subgrad.bounds.branching.open_boxes import bounded
from subgrad.bounds.branching.polytopes import gathered
from subgrad.bounds.chains.chain_bounds import chain_bounds
from subgrad.bounds.chains.layer_chain import chain_of
from subgrad.intervals.arithmetic import Interval

D = 4
BOX = np.array([(-0.6, 0.8)] * D)


def linear(m, n, rng):
    layer = nn.Linear(m, n)
    layer.weight.assign(rng.normal(size=(n, m)) * 10.0 ** rng.integers(-1, 2, (n, 1)))
    layer.bias.assign(rng.normal(size=n))
    return layer


class Shifted(nn.Module):
    """Moved and turned inputs, a layer behind another one, a magnitude, and slopes on the left of 0."""

    def __init__(self, rng):
        self.one, self.two = nn.Sequential(linear(D, 6, rng), linear(6, 9, rng)), linear(9, 5, rng)
        self.out = linear(5, 2, rng)

    def forward(self, x):
        y = sg.abs(-self.one(sg.flip(x, 1) - 0.1).reshape(-1, 3, 3))
        return self.out(sg.leaky_relu(self.two(y.reshape(-1, 9)), 0.25))


NETWORKS = {
    "relu": lambda rng: nn.Sequential(
        linear(D, 9, rng), nn.ReLU(), linear(9, 7, rng), nn.ReLU(), linear(7, 6, rng), nn.ReLU(), linear(6, 2, rng)
    ),
    "shifted": Shifted,
    "images": lambda rng: nn.Sequential(
        nn.Reshape(1, 2, 2), nn.Conv2d(1, 2, 2, padding=1, seed=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        linear(2, 2, rng),
    ),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    with sg.using_dtype("float64"):
        return Network(NETWORKS[request.param](np.random.default_rng(7)), D)


def polytopes(limits):
    """Two, with a row that they share."""
    rows = np.array([[1.0, 0.5], [-1.0, 1.0], [0.25, -2.0]])
    return gathered([Case(BOX, rows[:2], limits[:2]), Case(BOX, rows[1:], limits[1:])])[0]


def parts(rng, count):
    """Boxes inside of the large one, from points to nearly all of it."""
    size = np.repeat([0.0, 1e-9, 0.1, 0.5, 0.9], count)[:, None] * rng.uniform(0.5, 1, (5 * count, D))
    low, high = BOX.T
    start = low + (high - low) * (1 - size) * rng.uniform(size=size.shape)
    return start, np.minimum(start + (high - low) * size, high)


def test_bounds_hold_in_exact_arithmetic_and_are_those_of_numpy(network):
    """Limits that no box is decided by: all rows are bounded, and units on the way as well."""
    rng = np.random.default_rng(0)
    of = polytopes([1e9, 1e9, 1e9])
    native = chain_bounds(network.bounds, of)
    whole = bounded(network.bounds, of, *BOX.T[:, None], None).open
    kept = native.kept(whole)
    low, high = parts(rng, 6)
    inside = Interval(*(np.repeat(x, len(low), axis=0) for x in (kept.inner_low, kept.inner_high)))
    found = native.bounds_of(low, high, inside)
    again = network.bounds.over(low, high, Interval(*(np.repeat(x, len(low), axis=0) for x in (
        whole.inner_low, whole.inner_high))))  # fmt: skip
    wanted = again.below(of.rows)
    size = np.abs(wanted.bound).max()
    assert (found.below > wanted.bound - 1e-9 * size).all()
    assert (found.below < wanted.bound + 1e-9 * size).mean() > 0.6  # the others are better by descent
    for k in range(len(low)):
        for x in (low[k], high[k], rng.uniform(low[k], high[k])):
            y = network(np.clip(x, low[k], high[k]))
            values = [sum(Fraction(r) * v for r, v in zip(row, y, strict=True)) for row in of.rows]
            assert all(Fraction(b) <= v for b, v in zip(found.below[k].tolist(), values, strict=True))
            # the linear function lies below, not only its least value
            moved = np.where(found.slopes[k] > 0, x - low[k], high[k] - x)
            at = found.below[k] + (np.abs(found.slopes[k]) * moved).sum(1)
            assert all(a <= float(v) + 1e-9 * size for a, v in zip(at, values, strict=True))


def test_losses_are_those_of_numpy():
    with sg.using_dtype("float64"):
        network = Network(NETWORKS["relu"](np.random.default_rng(3)), D)
    of = polytopes([1e9, 1e9, 1e9])
    native = chain_bounds(network.bounds, of)
    whole = bounded(network.bounds, of, *BOX.T[:, None], None).open
    kept = native.kept(whole)
    found = native.bounds_of(*BOX.T[:, None], Interval(kept.inner_low, kept.inner_high))
    over = network.bounds.over(*BOX.T[:, None], Interval(whole.inner_low, whole.inner_high))
    below = over.below(of.rows[found.row])
    trail = {k: t[:, 0] for k, t in below.trail.items()}
    np.testing.assert_allclose(found.lost, by_inputs(over, trail, np.array([0])), rtol=1e-9)


def test_what_is_no_chain_has_no_native_bounds():
    class Residual(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(D, D, seed=0)

        def forward(self, x):
            return x + sg.relu(self.inner(x))

    of = polytopes([0.0] * 3)
    smooth = nn.Sequential(nn.Linear(D, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=1))
    for net in (nn.Sequential(Residual(), nn.Linear(D, 2, seed=1)), smooth, nn.Linear(D, 2, seed=0)):
        assert chain_bounds(Network(net, D).bounds, of) is None
    with sg.using_dtype("float64"):
        huge = nn.Sequential(nn.Linear(D, 2, seed=0), nn.ReLU())
        huge[0].weight.assign(np.full((2, D), 1e200))
    assert chain_bounds(Network(huge, D).bounds, of) is None


def test_layers_are_joined_where_nothing_is_rounded():
    """A move before and behind a matrix becomes part of it; two matrices are two layers, the first without a bend."""
    with sg.using_dtype("float64"):
        network = Network(Shifted(np.random.default_rng(7)), D)
    whole = network.bounds.over(*BOX.T[:, None])
    layers = chain_of(whole)
    found = [(layer.slope, len(layer.constant)) for layer in layers]
    assert found == [(1.0, D), (1.0, 6), (-1.0, 9), (0.25, 5), (1.0, 2)]


@pytest.mark.parametrize("seed", range(4))
def test_no_claim_is_proven_that_is_false(seed, monkeypatch):
    """Limits lie on either side of what samples reach, as near as 1e-9 of it; all boxes but the first are native."""
    monkeypatch.setattr(splitting, "MOST", 2)
    rng = np.random.default_rng(seed)
    with sg.using_dtype("float64"):
        net = NETWORKS["relu"](rng)
        network = Network(net, D)
    size = 10.0 ** -rng.integers(0, 5)
    centre = rng.uniform(-0.5, 0.5, D)
    box = np.stack([centre - size, centre + size], axis=1)
    row = rng.normal(size=2)
    x = rng.uniform(*box.T, (4000, D))
    y = sg.predict(net, x) @ row
    least = x[np.argmin(y)]
    value = sum(Fraction(r) * v for r, v in zip(row, network(least), strict=True))
    proven = 0
    for off in (0.3, 1e-3, 1e-9):
        for sign in (-1, 1):
            limit = float(value) + sign * off * np.ptp(y)
            found = sg.verify(net, Unreachable([Case(box, [row], [limit])]), budget=3000)
            if found.status == "proven":
                assert value > Fraction(limit)
                proven += 1
            elif found.status == "refuted":
                at = sum(Fraction(r) * v for r, v in zip(row, network(found.counterexample), strict=True))
                assert at <= Fraction(limit)
            if off == 0.3:
                assert found.status == ("proven" if sign < 0 else "refuted")
    assert proven
