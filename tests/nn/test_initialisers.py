"""Initial values: their moments, bounds and seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError
from subgrad.nn import init

SHAPE = (300, 20, 3, 3)
FAN_IN, FAN_OUT = 180, 2700
VARIANCE = {
    "uniform": 1 / (3 * FAN_IN),
    "glorot_uniform": 2 / (FAN_IN + FAN_OUT),
    "glorot_normal": 2 / (FAN_IN + FAN_OUT),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "orthogonal": 1 / 300,  # 180 orthonormal columns of length 300
    "zeros": 0.0,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "normal": 1.0,
    "truncated_normal": 0.7737413,  # 1 - 4 φ(2) / (Φ(2) - Φ(-2))
    "kaiming_uniform": 2 / FAN_IN,
    "kaiming_normal": 2 / FAN_IN,
    "xavier_uniform": 2 / (FAN_IN + FAN_OUT),
    "xavier_normal": 2 / (FAN_IN + FAN_OUT),
}


def test_every_initialiser_has_its_variance_here():
    assert VARIANCE.keys() == init.NAMES.keys()


@pytest.mark.parametrize("name", VARIANCE)
def test_mean_and_variance(name):
    w = init.get(name)(SHAPE, 0)
    assert w.shape == SHAPE
    sigma = math.sqrt(VARIANCE[name])
    assert abs(w.mean()) <= 4 * sigma / math.sqrt(w.size)
    assert w.var() == pytest.approx(VARIANCE[name], rel=0.02)


@pytest.mark.parametrize("name", [n for n in VARIANCE if n.endswith("uniform")])
def test_uniform_values_fill_their_interval_and_do_not_leave_it(name):
    bound = math.sqrt(3 * VARIANCE[name])
    largest = np.abs(init.get(name)(SHAPE, 0)).max()
    assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize(("shape", "axis"), [((4, 7), 0), ((7, 4), 1), ((3, 2, 2, 2), 0)])
def test_orthogonal_rows_or_columns(shape, axis):
    q = init.orthogonal(shape, 1).reshape(shape[0], -1)
    gram = q @ q.T if axis == 0 else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_matrices_are_spread_evenly():
    # Without the correction of signs, QR gives a diagonal of one sign in most draws.
    corners = [init.orthogonal((2, 2), seed)[0, 0] > 0 for seed in range(400)]
    assert 160 < sum(corners) < 240


@pytest.mark.parametrize("name", [n for n in VARIANCE if n != "zeros"])
def test_seeds(name):
    make = init.get(name)
    np.testing.assert_array_equal(make((4, 3), 7), make((4, 3), 7))
    assert (make((4, 3), 7) != make((4, 3), 8)).any()
    sg.manual_seed(2)
    first, second = make((4, 3), None), make((4, 3), None)
    assert (first != second).any()
    sg.manual_seed(2)
    np.testing.assert_array_equal(make((4, 3), None), first)
    shared = np.random.default_rng(0)
    assert (make((4, 3), shared) != make((4, 3), shared)).any()


def test_wrong_arguments():
    with pytest.raises(ShapeError, match=r"a shape \(out, in, ...\) without zeros, got \(3,\)"):
        init.he_normal((3,))
    with pytest.raises(ArgumentError, match="unknown initialiser 3: expected a function or one of uniform, glorot_"):
        init.get(3)
