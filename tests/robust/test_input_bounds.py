"""Bounds of networks where inputs vary, against interval arithmetic and CROWN in NumPy, and sampled points."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, ShapeError
from subgrad.robust import crown_ibp_bounds, interval_bounds

RNG = np.random.default_rng(0)


def around(x, radius):
    return x - radius, x + radius


def dense(*sizes):
    with sg.using_dtype("float64"):
        return sg.models.mlp(*sizes, seed=0)


def weights(net):
    layers = [m for _, m in net.named_modules() if isinstance(m, nn.Linear)]
    return [(m.weight.numpy(), m.bias.numpy()) for m in layers]


def ends_by_signs(net, low, high):
    """The ends of all affine layers of a relu network, by the positive and negative parts of the weights."""
    found = []
    for W, b in weights(net):
        up, down = np.maximum(W, 0), np.minimum(W, 0)
        low, high = low @ up.T + high @ down.T + b, high @ up.T + low @ down.T + b
        found.append((low, high))
        low, high = np.maximum(low, 0), np.maximum(high, 0)
    return found


def test_intervals_of_a_network_are_those_of_interval_arithmetic():
    net, (low, high) = dense(4, 6, 5, 3), around(RNG.normal(size=(7, 4)), 0.3)
    np.testing.assert_allclose(np.array([b.numpy() for b in interval_bounds(net, low, high)]),
                               ends_by_signs(net, low, high)[-1], rtol=1e-12)  # fmt: skip


def test_lines_of_a_network_are_those_of_crown():
    """The algorithm of Zhang et al. 2018, box by box, between intervals by interval arithmetic."""
    net, (low, high) = dense(3, 6, 5, 2), around(RNG.normal(size=(4, 3)), 0.4)
    below, above = (b.numpy() for b in crown_ibp_bounds(net, low, high))
    layers, inner = weights(net), ends_by_signs(net, low, high)
    for n in range(4):
        for sign, found in ((1.0, below), (-1.0, -above)):
            A, constant = sign * layers[-1][0], sign * layers[-1][1]
            for (W, b), (lows, highs) in [*zip(layers[:-1], inner[:-1], strict=True)][::-1]:
                lo, hi = lows[n], highs[n]
                up, down = np.maximum(hi, 0), np.maximum(-lo, 0)
                steep = up / (up + down)
                flat = np.where(up > down, 1.0, 0.0)
                positive, negative = np.maximum(A, 0), np.minimum(A, 0)
                constant = constant + negative @ np.where(lo < 0, steep * down, 0.0)
                A = positive * flat + negative * steep
                constant, A = constant + A @ b, A @ W
            least = constant + np.maximum(A, 0) @ low[n] + np.minimum(A, 0) @ high[n]
            np.testing.assert_allclose(found[n], least, rtol=1e-9, atol=1e-12)


def convnet(**more):
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, seed=0), *more.get("after", ()), nn.ReLU(), nn.MaxPool2d(2, padding=1),
        nn.Conv2d(3, 4, 2, stride=2, seed=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 3, seed=2),
    )  # fmt: skip


class Residual(nn.Module):
    """A sum beside two layers, of values and of softplus, GELU and a gate."""

    def __init__(self):
        self.first, self.second = nn.Linear(4, 4, seed=0), nn.Linear(4, 4, seed=1)

    def forward(self, x):
        h = x + sg.softplus(self.first(x))
        return h + sg.gelu(self.second(h)) * sg.sigmoid(x)


NETWORKS = {
    "convolutions": (convnet, (2, 1, 6, 6)),
    "batch normalisation": (lambda: convnet(after=(nn.BatchNorm2d(3),)).eval(), (2, 1, 6, 6)),
    "residual": (Residual, (2, 4)),
    "layer normalisation": (lambda: nn.Sequential(nn.Linear(4, 4, seed=0), nn.LayerNorm(4), nn.ReLU()), (2, 4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_points_never_leave_the_bounds(name):
    with sg.using_dtype("float64"):
        make, shape = NETWORKS[name]
        net = make()
        low, high = around(RNG.normal(size=shape), 0.1)
        by_intervals, by_lines = ([b.numpy() for b in f(net, low, high)] for f in (interval_bounds, crown_ibp_bounds))
        corners = np.where(RNG.random((20, *shape)) < 0.5, low, high)
        points = [low, high, *RNG.uniform(low, high, (20, *shape)), *corners]
        values = np.array([net(p).numpy() for p in points])
    for below, above in (by_intervals, by_lines):
        assert below.shape == values[0].shape
        assert (values >= below - 1e-9).all()
        assert (values <= above + 1e-9).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.astype("int64").astype("float64"),
        lambda x: sg.cumsum(x.astype("int32"), 1) - x,
        lambda x: (2 * sg.round(x)).astype("uint8").astype("float32"),
        lambda x: sg.stop_gradient(x) - x,
        lambda x: sg.floor(x) + x.astype("float32").astype("float64"),
    ],
)
def test_what_jumps_or_has_no_derivative_stays_within_the_bounds(f):
    with sg.using_dtype("float64"):
        low, high = np.array([[0.0, 0.4, 1.0]]), np.array([[2.5, 1.6, 1.0]])
        values = np.array([f(sg.tensor(p)).numpy() for p in (low, high, *RNG.uniform(low, high, (50, 1, 3)))])
        for below, above in (interval_bounds(f, low, high), crown_ibp_bounds(f, low, high)):
            assert (values >= below.numpy() - 1e-6).all()
            assert (values <= above.numpy() + 1e-6).all()


def test_lines_are_tighter_than_intervals_where_a_network_cancels():
    def f(x):
        return sg.relu(x) - 0.5 * x

    both = interval_bounds, crown_ibp_bounds
    by_intervals, by_lines = ([float(b[0, 0]) for b in bounds(f, [[-1.0]], [[1.0]])] for bounds in both)
    assert by_intervals == [-0.5, 1.5]
    assert by_lines == pytest.approx([-0.5, 0.5])


def test_loops_are_written_out():
    with sg.using_dtype("float64"):
        net, x = nn.RNN(2, 3, seed=0), RNG.normal(size=(2, 4, 2))
        low, high = (b.numpy() for b in interval_bounds(lambda x: net(x)[0], *map(sg.tensor, around(x, 0.1))))
        for point in RNG.uniform(*around(x, 0.1), (20, *x.shape)):
            value = net(point)[0].numpy()
            assert (value >= low).all()
            assert (value <= high).all()


def test_a_box_without_width_has_the_value():
    net, x = dense(4, 6, 3), RNG.normal(size=(5, 4))
    for bounds in (interval_bounds, crown_ibp_bounds):
        for end in bounds(net, x, x):
            np.testing.assert_allclose(end.numpy(), net(x).numpy(), rtol=1e-12)


def test_batch_normalisation_in_training_has_the_statistics_of_the_middle():
    with sg.using_dtype("float64"):
        norm = nn.BatchNorm1d(3)
        x = RNG.normal(size=(6, 3))
        low, high = around(x, 0.25)
        found = [b.numpy() for f in (interval_bounds, crown_ibp_bounds) for b in f(norm, low, high)]
    scale = 1 / np.sqrt(x.var(0) + norm.eps)
    wanted = [(e - x.mean(0)) * scale for e in (low, high)]
    np.testing.assert_allclose(found, [*wanted, *wanted], rtol=1e-9)


def test_an_op_without_bounds_is_named_with_its_line():
    with pytest.raises(ArgumentError, match=r"no interval bounds for the op less .*test_input_bounds\.py"):
        interval_bounds(lambda x: sg.where(x > 0, x, 0.0), [0.0], [1.0])


def test_samples_that_meet_have_no_bounds_of_their_own():
    x = RNG.normal(size=(3, 3))
    for f in (lambda x: x - x.mean(0), lambda x: x.T, lambda x: x[::-1], lambda x: sg.broadcast_to(x[:, 0], (3, 3))):
        with pytest.raises(ArgumentError, match="bounds of each sample need one row"):
            crown_ibp_bounds(f, x, x)


def test_what_is_no_box_or_no_function_of_it_is_refused():
    with pytest.raises(ShapeError, match="one shape"):
        interval_bounds(sg.relu, [0.0, 1.0], [[1.0, 2.0]])
    with pytest.raises(ArgumentError, match="does not depend on the input"):
        interval_bounds(lambda x: sg.ones(3), [0.0], [1.0])
    with pytest.raises(ArgumentError, match="one tensor, not tuple"):
        interval_bounds(lambda x: (x, x), [0.0], [1.0])
