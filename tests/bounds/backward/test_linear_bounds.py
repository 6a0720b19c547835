"""Backward linear bounds against exact rational arithmetic, mpmath and dense samples."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from exact import Inner, Network

import subgrad as sg
from subgrad import nn
from subgrad.bounds.backward.tightening import tightened


def linear(m, n, rng, scale=1.0):
    layer = nn.Linear(m, n)
    layer.weight.assign(rng.normal(size=(n, m)) * scale * 10.0 ** rng.integers(-2, 2, (n, 1)))
    layer.bias.assign(rng.normal(size=n))
    return layer


def dense(rng):
    return nn.Sequential(linear(4, 6, rng), nn.ReLU(), linear(6, 6, rng), nn.ReLU(), linear(6, 3, rng))


class Residual(nn.Module):
    def __init__(self, rng):
        self.one, self.two, self.out = linear(4, 4, rng), linear(4, 4, rng), linear(4, 3, rng)

    def forward(self, x):
        y = x + 0.5 * sg.relu(self.one(x))
        return self.out(y - sg.relu(self.two(y)) / 3.0)


class Images(nn.Module):
    """Convolutions, padding, pooling of both kinds and a join, of the four numbers as an image."""

    def __init__(self, rng):
        self.conv, self.out = nn.Conv2d(1, 2, 2, padding=1, seed=int(rng.integers(99))), linear(10, 3, rng)
        self.conv.bias.assign(rng.normal(size=2))

    def forward(self, x):
        y = sg.relu(self.conv(x.reshape(-1, 1, 2, 2)))
        pooled = nn.MaxPool2d(2, stride=1)(y).reshape(-1, 8)
        return self.out(sg.concatenate([pooled, nn.AvgPool2d(3)(y).reshape(-1, 2)], 1))


class Pieces(nn.Module):
    """The other functions with linear pieces."""

    def __init__(self, rng):
        self.one, self.out = linear(4, 6, rng), linear(6, 3, rng)

    def forward(self, x):
        y = self.one(x)
        z = sg.concatenate([sg.abs(y[:, :2]), sg.leaky_relu(y[:, 2:3], 0.25), sg.clip(y[:, 3:5], -0.5, 1.0)], 1)
        z = sg.concatenate([z, sg.maximum(y[:, 5:], y[:, :1])], 1)
        return self.out(sg.minimum(z, y) + sg.flip(z, 1).sum(1, keepdims=True))


NETWORKS = {"dense": dense, "residual": Residual, "images": Images, "pieces": Pieces}


@pytest.fixture(params=NETWORKS)
def network(request):
    with sg.using_dtype("float64"):
        return Network(NETWORKS[request.param](np.random.default_rng(3)), 4)


def test_bounds_hold_in_exact_arithmetic(network):
    """At points there are nothing but rounding errors; on boxes the corners and inner points are tried."""
    rng = np.random.default_rng(0)
    half = np.repeat([0.0, 1e-9, 0.05, 0.5], 4)[:, None] * rng.uniform(0.2, 1, (16, 4))
    centre = rng.normal(size=(16, 4)) * 10.0 ** rng.integers(-1, 2, (16, 1))
    low, high = centre - half, centre + half
    rows = np.concatenate([np.eye(3), -np.eye(3), rng.normal(size=(2, 3))])
    over = network.bounds.over(low, high)
    found = over.below(rows)
    for k in range(16):
        for share in (np.zeros(4), np.ones(4), rng.integers(0, 2, 4), rng.uniform(size=4)):
            x = np.clip(low[k] + share * (high[k] - low[k]), low[k], high[k])
            y = network(x)
            assert all(Fraction(b) <= sum(Fraction(r) * v for r, v in zip(row, y, strict=True))
                       for b, row in zip(found.bound[k].tolist(), rows, strict=True))  # fmt: skip
            assert all(Fraction(a) <= v <= Fraction(b)
                       for a, v, b in zip(over.outputs.low[k], y, over.outputs.high[k], strict=True))  # fmt: skip
    points = network.bounds.over(low[:4], high[:4]).below(rows).bound
    assert (-points[:, 3:6] - points[:, :3]).max() < 1e-12 * np.abs(centre[:4]).max() * 1e3


def test_bounds_are_as_near_as_those_of_crown():
    """A network of two units, by hand: relu(x + y) + relu(x - y) on the square of side 2 lies in [0, 2]."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    net[0].weight.assign([[1.0, 1.0], [1.0, -1.0]])
    net[2].weight.assign([[1.0, 1.0]])
    for layer in (net[0], net[2]):
        layer.bias.assign(np.zeros(layer.bias.shape))
    found = Network(net, 2).bounds.over(np.array([[-1.0, -1.0]]), np.array([[1.0, 1.0]])).below(np.array([[-1.0]]))
    # each relu is below (z + 2) / 2, so the sum is below x + 2
    np.testing.assert_allclose(found.bound, [[-3.0]], atol=1e-12)
    np.testing.assert_allclose(found.slopes, [[[-1.0, 0.0]]], atol=1e-12)


SMOOTH = {
    "tanh": (sg.tanh, mp.tanh),
    "sigmoid": (sg.sigmoid, lambda z: 1 / (1 + mp.exp(-z))),
    "exp": (sg.exp, mp.exp),
    "softplus": (sg.softplus, lambda z: mp.log1p(mp.exp(z))),
    "gelu": (sg.gelu, lambda z: z * mp.ncdf(z)),
    "square": (sg.square, lambda z: z * z),
    "silu": (lambda z: z * sg.sigmoid(z), lambda z: z / (1 + mp.exp(-z))),
    "quotient": (lambda z: (1.0 + z) / (3.0 + z * z), lambda z: (1 + z) / (3 + z * z)),
    "sine": (sg.sin, mp.sin),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_lie_within_their_bounds(name):
    f, true = SMOOTH[name]
    network = Network(lambda x: f(x @ sg.tensor([[1.0], [2.0], [-0.5]], "float64")) + x[:, :1], 3)
    rng = np.random.default_rng(1)
    half = np.repeat([0.0, 1e-7, 0.1, 0.7], 4)[:, None] * rng.uniform(0.2, 1, (16, 3))
    centre = rng.uniform(-1.5, 1.5, (16, 3))
    low, high = centre - half, centre + half
    found = network.bounds.over(low, high).below(np.array([[1.0], [-1.0]])).bound
    with mp.workdps(40):
        for k in range(16):
            for x in (low[k], high[k], rng.uniform(low[k], high[k])):
                a, b, c = map(mp.mpf, x.tolist())
                y = true(a + 2 * b - c / 2) + a
                assert mp.mpf(found[k, 0]) <= y <= -mp.mpf(found[k, 1])
    assert np.isfinite(found).all()
    assert (-found[:4, 1] - found[:4, 0]).max() < 1e-11
    assert (-found[4:8, 1] - found[4:8, 0]).max() < 1e-4


def test_what_has_no_lines_has_its_interval():
    """Steps and choices that vary, and what nothing is known of, on boxes beside others."""
    step = Network(lambda x: sg.where(x > 0.0, x, 1.0) + sg.sign(x), 1)
    found = step.bounds.over(np.array([[-1.0], [0.5]]), np.array([[1.0], [0.75]])).below(np.array([[1.0], [-1.0]]))
    assert (found.bound[0] <= [0.0, -2.0]).all()
    np.testing.assert_allclose(found.bound[1], [1.5, -1.75], rtol=1e-12)
    inverse = Network(lambda x: 1.0 / x, 1)
    found = inverse.bounds.over(np.array([[-1.0], [0.5]]), np.array([[1.0], [0.75]])).below(np.array([[1.0]]))
    assert found.bound[0, 0] == -np.inf
    assert 1 < found.bound[1, 0] <= 4 / 3


def test_normalisation_in_evaluation_mode_is_affine():
    norm = nn.BatchNorm2d(2)
    for name, value in {"running_mean": [0.3, -1.0], "running_var": [0.1, 7.0]}.items():
        dict(norm.named_state())[name].assign(value)
    network = Network(nn.Sequential(nn.Reshape(2, 1, 1), norm, nn.Flatten()), 2)
    low, high = np.array([[-1.0, 0.25]]), np.array([[2.0, 0.25]])
    found = network.bounds.over(low, high).below(np.concatenate([np.eye(2), -np.eye(2)]))
    want = [(v - m) / np.sqrt(s + norm.eps) for v, m, s in
            ((-1.0, 0.3, 0.1), (0.25, -1.0, 7.0), (2.0, 0.3, 0.1), (0.25, -1.0, 7.0))]  # fmt: skip
    np.testing.assert_allclose(np.abs(found.bound[0]), np.abs(want), rtol=1e-6)
    assert (found.bound[0, :2] <= -found.bound[0, 2:]).all()


def test_what_cancels_is_counted_before_it_does():
    """A row whose coefficient of the point is a difference of two products that are nearly the same."""
    w = np.array([[0.1, 1 / 3], [1e8 / 7, -0.7]])
    net = Network(lambda x: sg.tanh(x @ sg.tensor(w, "float64")) - (1.0 / 3.0) * x + 1e8 * (x - sg.abs(x) * (1 / 3)), 2)
    low, high = np.array([[0.123, 0.456]]), np.array([[0.124, 0.457]])
    rows = np.concatenate([np.eye(2), -np.eye(2)])
    found = net.bounds.over(low, low).below(rows).bound[0]
    assert np.ptp(found[:2] + found[2:]) < 1e-4
    wide = net.bounds.over(low, high).below(rows).bound[0]
    assert (wide <= found).all()


def test_coefficients_that_underflow_are_counted():
    """A row of 1e-160 comes to 40 units, and each of its products with their weights is rounded to 0."""
    first, second = (sg.tensor(w, "float64") for w in (np.full((1, 40), 2.4e-164), np.ones((40, 1))))
    net = Network(lambda x: x @ first @ second, 1)
    found = net.bounds.over(np.zeros((1, 1)), np.ones((1, 1))).below(np.array([[-1e-160]])).bound[0, 0]
    assert Fraction(found) <= Fraction(-1e-160) * net(np.ones(1))[0] < Fraction(-9e-323)


def test_coefficients_that_underflow_are_counted_by_the_values_that_they_are_of():
    """The slope of the logarithm is 1e-182, and what comes of it with the row is the slope of a number up to 1e182."""
    net = Network(lambda x: sg.log(sg.exp(x + 420.0)), 1)
    rows = np.array([[1e-170], [-1e-170]])
    found = net.bounds.over(np.zeros((1, 1)), np.ones((1, 1))).below(rows).bound[0]
    assert found[0] <= 420e-170
    assert found[1] <= -421e-170


def test_descent_takes_coefficients_of_sums():
    """They are views that nothing can be written to."""
    net = Network(lambda x: sg.relu(x).sum(1), 2)
    over = net.bounds.over(-np.ones((1, 2)), np.array([[1.0, 2.0]]))
    found = tightened(over, len(over.steps) - 1, -np.ones((1, 1)), np.zeros(1, int), 4, -np.inf)
    assert 0 <= found.above[0] < 1  # which it is by the first slopes


@pytest.mark.parametrize("signed", [False, True])
def test_descent_tightens_and_what_it_finds_holds(network, signed):
    """Whatever slopes and multipliers are chosen, no point of the box, or of its part, is below the bound."""
    rng = np.random.default_rng(5)
    low, high = np.full((2, 4), -0.6), np.full((2, 4), 0.8)
    over = network.bounds.over(low, high)
    rows = np.tile(np.concatenate([np.eye(3), -np.eye(3)]), (2, 1))
    owner, last = np.repeat([0, 1], 6), len(over.steps) - 1
    signs, element = {}, 0
    source = next(s.inputs[0] for s in over.steps if getattr(s.made, "least", None) is not None)
    if signed:
        signs = {source: np.zeros((12, *over.steps[source].shape))}
        low_z, high_z = (e[0].ravel() for e in over.intervals[source])
        element = np.argmax(np.minimum(-low_z, high_z))
        signs[source].reshape(12, -1)[:, element] = 1.0
    a = -rows.reshape(-1, *over.steps[last].shape)
    before, _ = over.above(last, a, owner)
    found = tightened(over, last, a, owner, 12, -np.inf, signs)
    assert (found.above <= before + 1e-12 * np.abs(before)).all()  # zeros that are added are rounded, too
    assert (found.above < before - 1e-6 * np.abs(before)).any()
    unit = Inner(network, over.steps[source])
    tried = 0
    for x in rng.uniform(low[0], high[0], (40, 4)):
        if not signed or unit(x)[element] >= 0:
            tried += 1
            y = network(x)
            assert all(Fraction(b) >= -sum(Fraction(r) * v for r, v in zip(row, y, strict=True))
                       for b, row in zip(found.above.tolist(), rows, strict=True))  # fmt: skip
    assert tried > 5


def test_halves_are_within_what_holds_of_the_whole(network):
    low, high = np.full((1, 4), -1.0), np.full((1, 4), 1.0)
    whole = network.bounds.over(low, high)
    half = high.copy()
    half[0, 1] = 0.0
    part = network.bounds.over(low, half, whole.kept)
    assert (part.kept.low >= whole.kept.low).all()
    assert (part.kept.high <= whole.kept.high).all()
    x = np.array([0.5, -0.25, 1.0, -1.0])
    ends = part.outputs.low[0], network(x), part.outputs.high[0]
    assert all(Fraction(a) <= v <= Fraction(b) for a, v, b in zip(*ends, strict=True))
