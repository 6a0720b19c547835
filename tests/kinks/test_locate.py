"""Which ops are on a kink, where in the program, how near; and the units of a network."""

from __future__ import annotations

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, GradientError
from subgrad.kinks import dead_units, kinks

DISTANCES = {
    # name: (function, point, kind, the distances of its elements)
    "relu": (sg.relu, [0.5, -0.25, 0.0], "kink", [0.5, 0.25, 0.0]),
    "abs": (abs, [-2.0], "kink", [2.0]),
    "leaky_relu": (sg.leaky_relu, [0.25], "kink", [0.25]),
    "elu": (lambda x: sg.elu(x, 2.0), [0.25], "kink", [0.25]),
    "clip": (lambda x: sg.clip(x, 0, 1), [0.25, 0.875, 3.0], "kink", [0.25, 0.125, 2.0]),
    "maximum": (lambda x: sg.maximum(x, 1.0), [0.5, 1.0], "kink", [0.5, 0.0]),
    "minimum": (lambda x: sg.minimum(x, 2 * x), [0.5, 0.0], "kink", [0.5, 0.0]),
    "max": (lambda x: x.max(0), [[3.0, 1.0], [2.5, 1.0], [0.0, 1.0]], "kink", [0.5, 0.0]),
    "min": (lambda x: x.min((0, 1)), [[3.0, 1.0], [2.5, 1.25]], "kink", [0.25]),
    "norm": (lambda x: sg.norm(x, 1), [[3.0, 4.0], [0.0, 0.0]], "kink", [5.0, 0.0]),
    "sqrt": (sg.sqrt, [0.0, 4.0], "root", [0.0, 4.0]),
    "power": (lambda x: x**0.25, [0.5], "root", [0.5]),
    "sign": (sg.sign, [-0.5], "jump", [0.5]),
    "less": (lambda x: sg.where(x > 3, x, 0.0), [2.0, 3.0], "jump", [1.0, 0.0]),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_distances(name):
    f, x, kind, expected = DISTANCES[name]
    for tau in (0.0, 0.25, 10.0):
        found = kinks(f, x, tau=tau)
        assert found.count == np.sum(np.array(expected) <= tau)
        near = found.nearest
        assert near is not None
        assert (near.op, near.kind, near.size, near.nearest) == (name, kind, len(expected), min(expected))
        assert (near.site.file, len(found)) == (__file__, int(min(expected) <= tau))


@pytest.mark.parametrize("f", [lambda x: x**2, lambda x: x**3, lambda x: sg.elu(x), lambda x: sg.max(x)])
def test_smooth_functions_have_none(f):
    found = kinks(f, [0.0])
    assert found.nearest is None
    assert str(found) == "no kinks: every op is smooth"


def test_a_graph_a_network_and_its_loss():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    for p in net.parameters():
        p.assign(np.zeros(p.shape))
    X = np.ones((4, 2))
    for found in (kinks(net, X), kinks(net(X)), kinks(lambda: net(X).sum())):
        assert [(s.op, s.scope, s.count, s.size) for s in found] == [("relu", "1", 12, 12)]
        assert str(found[0]).startswith("relu in 1 at test_locate.py:")


def test_ops_that_x_does_not_reach_are_left_out():
    w = sg.tensor([0.0])
    assert len(kinks(lambda x: sg.relu(w) + x, [1.0])) == 0
    assert len(kinks(lambda x: sg.relu(w) + x + sg.stop_gradient(abs(x)), [0.0])) == 0
    assert [s.op for s in kinks(lambda x: sg.relu(w) + abs(x), [0.0])] == ["abs"]
    assert [s.op for s in kinks(lambda i, x: x[i] + abs(x), np.array([0]), np.array([0.0]))] == ["abs"]


def test_what_it_prints():
    far = kinks(lambda x: sg.relu(x) + abs(x - 1), [0.75])
    assert str(far).startswith("not on a kink; the nearest is 0.25 away: abs at test_locate.py:")
    on = kinks(lambda x: sg.relu(x) + abs(x), [0.0, 1.0])
    assert [line.split(" at ")[0] for line in str(on).splitlines()] == ["relu", "abs"]


def test_nan_and_no_elements_are_on_no_kink():
    assert kinks(sg.relu, [float("nan")]).nearest is None
    assert kinks(sg.relu, np.zeros(0)).nearest is None


def test_an_op_of_ones_own_is_found_on_its_kink_only():
    @sg.defop(
        name="test_cusp",
        vjp=lambda g, y, x: (g * sg.sign(x - 1),),
        kink=sg.Kink(lambda x: x == 1, lambda x: [(-np.ones_like(x), np.ones_like(x))]),
    )
    def cusp(x):
        return np.abs(x - 1)

    assert kinks(cusp, [1.0, 1.25], tau=1.0).count == 1


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="tau"):
        kinks(sg.relu, 0.0, tau=-1)
    with pytest.raises(ArgumentError, match="expected a function"):
        kinks(3.0)  # type: ignore[arg-type]
    with pytest.raises(GradientError, match="returned float"):
        kinks(lambda x: 1.0, 0.0)  # type: ignore[arg-type, return-value]


# Units


def test_dead_units_of_each_layer():
    """By hand: three samples, of three units one is off for all, one on for all, one on its kink once."""
    net = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 2), nn.LeakyReLU(), nn.Tanh())
    net[0].weight.assign(np.ones((3, 1)))
    net[0].bias.assign([-5.0, 5.0, -1.0])
    first, second = dead_units(net, np.array([[0.0], [1.0], [2.0]]))
    assert (first.layer, first.op, first.units, first.dead) == ("1", "relu", 3, 1)
    assert (first.near, first.nearest) == (pytest.approx(1 / 9), 0.0)
    assert (second.layer, second.op, second.units, second.dead) == ("3", "leaky_relu", 2, 0)
    wider = dead_units(net, np.array([[0.0], [1.0], [2.0]]), tau=1.0)[0]
    assert wider.near == pytest.approx(3 / 9)


def test_units_are_along_the_last_axis():
    x = np.full((2, 3, 4), -1.0)
    x[0, 0, 1] = 1.0
    found = dead_units(nn.ReLU(), x)[0]
    assert (found.units, found.dead, found.layer) == (4, 3, "")


def test_a_layer_without_samples_and_a_clip():
    assert dead_units(nn.ReLU(), np.zeros((0, 3)))[0].dead == 3

    class Six(nn.Module):
        def forward(self, x):
            return sg.clip(x, 0, 6)

    assert dead_units(Six(), np.array([[7.0, 3.0], [8.0, 9.0]]))[0].dead == 1


def test_dropout_is_off_and_the_mode_is_kept():
    net = nn.Sequential(nn.Dropout(0.99), nn.ReLU())
    assert dead_units(net, np.ones((1, 50)))[0].dead == 0
    assert net.training


def test_a_network_that_returns_two_tensors_is_refused():
    class Two(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ArgumentError, match="returned tuple"):
        dead_units(Two(), np.ones(2))
    with pytest.raises(ArgumentError, match="tau"):
        dead_units(nn.ReLU(), np.ones(2), tau=-1)
