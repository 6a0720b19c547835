"""Exact subgradients of compiled functions: the same as of the functions themselves, or interpreted to say why not."""

from __future__ import annotations

import numpy as np
import pytest
from programs import random_batch
from test_subgradient import IDENTITIES
from test_subgradient_conditions import CONDITIONS, NOT_LIPSCHITZ

import subgrad as sg
from subgrad import nn
from subgrad.errors import GradientError
from subgrad.kinks import subgradient
from subgrad.kinks.one_sided import native_subgradient as native_module


def assert_alike(f, x, seed=0, is_native=True):
    """What the interpreted walk finds, and by the native program."""
    compiled = sg.compile(f)
    ours, theirs = subgradient(compiled, x, seed=seed), subgradient(f, x, seed=seed)
    assert (native_module.native(compiled, sg.tensor(x, "float64"), seed) is not None) == is_native
    np.testing.assert_allclose(ours.gradient, theirs.gradient, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours.direction, theirs.direction)
    assert (ours.exact, ours.assumed, ours.decided) == (theirs.exact, theirs.assumed, theirs.decided)
    assert ours.slope == pytest.approx(theirs.slope, rel=1e-12)
    assert ours.value == pytest.approx(theirs.value, rel=1e-12, abs=1e-300)


def test_random_programs():
    rng = np.random.default_rng(5)
    for seed in range(10):
        batch = random_batch(rng, 10)
        assert_alike(lambda x, batch=batch: batch.tensor(x).sum(), batch.x, seed)


@pytest.mark.parametrize("name", IDENTITIES)
def test_kinks_of_the_ops_that_the_function_does_not_have(name):
    f, x, _ = IDENTITIES[name]
    assert_alike(f, x, is_native=name not in ("untaken root", "where in two pieces"))


@pytest.mark.parametrize("name", NOT_LIPSCHITZ)
def test_points_without_a_subgradient_raise_the_same(name):
    f, x, message = NOT_LIPSCHITZ[name]
    with pytest.raises(GradientError, match=message):
        subgradient(sg.compile(f), x)


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_at_their_threshold_are_interpreted(name):
    f = sg.compile(CONDITIONS[name])
    assert native_module.native(f, sg.tensor(0.0, "float64"), 0) is None
    found = subgradient(f, sg.tensor(0.0, "float64"))
    assert float(found.gradient) == float(found.direction > 0)
    assert found.assumed


def test_ties_of_argmax_roots_and_casts_off_their_points_are_no_trouble():
    def f(x):
        return x[sg.argmax(x)] * sg.sqrt(x[0]) + (x[1] ** 1.5) * x.astype("int64").astype("float64").sum()

    compiled = sg.compile(f)
    x = sg.tensor([1.5, 2.5], "float64")
    assert subgradient(compiled, x).gradient.tolist() == subgradient(f, x).gradient.tolist()


def test_a_network_keeps_its_answer_while_its_parameters_move_on():
    X = np.array([[1.0, -1.0], [0.0, 2.0], [-1.0, 0.5]])
    with sg.using_dtype("float64"):
        net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    for p in net.parameters():
        p.assign(np.zeros(p.shape))

    def loss(net):
        return abs(net(X)[:, 0]).mean()

    expected, found = subgradient(loss, net, seed=3), subgradient(sg.compile(loss), net, seed=3)
    net[2].bias.assign([1.0])
    assert found.decided == expected.decided
    assert found.decided
    for name, g in expected.gradient.items():
        np.testing.assert_allclose(found.gradient[name], g, rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(found.direction[name], expected.direction[name])
    again = subgradient(sg.compile(loss), net, seed=3)
    assert again.value == 1.0


def test_other_shapes_and_dtypes_get_programs_of_their_own():
    f = sg.compile(lambda x: abs(x).sum())
    for x in (np.zeros(3), np.zeros((2, 2)), sg.tensor([0.0, 1.0])):
        found = subgradient(f, x)
        assert found.gradient.shape == x.shape
        assert found.gradient.dtype == x.dtype
        np.testing.assert_array_equal(found.gradient, np.where(np.asarray(x) == 0, np.sign(found.direction), 1))
    both = subgradient(sg.compile(lambda x: sg.maximum(*x).sum()), [np.zeros(2), np.zeros(2)])
    np.testing.assert_array_equal(both.gradient[0] + both.gradient[1], [1.0, 1.0])
    with pytest.raises(GradientError, match="of a scalar"):
        subgradient(sg.compile(sg.relu), [0.0, 1.0])


def test_what_takes_the_interpreter_takes_it():
    f = sg.compile(lambda x: abs(x).sum())
    assert subgradient(f, np.zeros(2), "lexicographic").gradient.tolist() == [1.0, 1.0]
    assert not subgradient(f, np.full(2, 1e-9), tau=1e-6).exact
