"""The error where hinges of a network are those of the function: against rational numbers and many points."""

from __future__ import annotations

import math

import numpy as np
import pytest

import subgrad as sg
from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.matched_hinges import matched_error

BOX = np.array([[-1.0, 2.0], [-0.5, 1.0]])

# name: (f, hidden units that are it)
SAME = {
    "maximum": (
        lambda x: sg.maximum(x[:, 0], x[:, 1]),
        HiddenUnits(np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([0.0, 3.0]), np.array([1.0, 1.0]), -3.0),
    ),
    "a kink from its other side": (
        lambda x: sg.relu(x[:, 0] - 2 * x[:, 1] + 0.25),
        HiddenUnits(np.array([[-0.5, 1.0], [1.0, -2.0]]), np.array([-0.125, 8.0]), np.array([2.0, 1.0]), -7.75),
    ),
    "magnitude and leaky": (
        lambda x: abs(x[:, 0]) - sg.leaky_relu(x[:, 1], 0.25),
        HiddenUnits(np.array([[1.0, 0], [-1.0, 0], [0, 1.0], [0, -1.0]]), np.zeros(4), np.array([1, 1, -1, 0.25]), 0.0),
    ),
    "linear": (
        lambda x: x @ sg.tensor([0.5, -3.0], "float64"),
        HiddenUnits(np.array([[0.5, -3.0]]), np.array([7.0]), np.ones(1), -7.0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_function_is_off_by_rounding_alone(name):
    f, units = SAME[name]
    assert matched_error(f, units.network("relu"), BOX) < 1e-12


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("size", [1e-12, 1e-7, 1e-2])
def test_the_bound_holds_where_numbers_are_a_little_different(name, size):
    f, units = SAME[name]
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = HiddenUnits(*(p + size * rng.standard_normal(np.shape(p)) for p in units))
        net = moved.network("relu")
        x = rng.uniform(*BOX.T, (3000, 2))
        x[:1000] = np.where(rng.random((1000, 2)) < 0.5, *BOX.T)
        x[1000:2000, 1] = np.clip(x[1000:2000, 0] + size * rng.standard_normal(1000), *BOX[1])  # along a kink
        error = np.abs(net(x).numpy()[:, 0] - f(sg.tensor(x, "float64")).numpy()).max()
        bound = matched_error(f, net, BOX)
        assert error <= bound * (1 + 1e-9) + 1e-15
        if size < 1e-3:
            assert bound < 100 * size + 1e-12


def test_other_functions_are_left_to_a_search():
    for f in (lambda x: sg.exp(x[:, 0]), lambda x: sg.relu(abs(x[:, 0]) - x[:, 1]), lambda x: x[:, 0] * x[:, 1]):
        assert matched_error(f, SAME["linear"][1].network("relu"), BOX) == math.inf


@pytest.mark.parametrize("eps", [1e-4, 1e-8])
def test_a_maximum_is_proven_as_well_as_it_is_reached(eps):
    report = sg.approximate("max(x, y)", [(-1, 1)] * 2, eps=eps).report
    assert (report.n, report.achieved) == (2, True)
    assert report.sup <= report.proven < report.sup + 1e-9
