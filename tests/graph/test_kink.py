"""Kinks of a few words, and all that follows from them, for ops of a user's own."""

import itertools

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, CheckError
from subgrad.graph.op import TABLE

WITH_EXPAND = [True, False]


@pytest.fixture
def define():
    """`defop`, and the table of ops as it was afterwards."""
    before = set(TABLE)
    yield sg.defop
    for name in set(TABLE) - before:
        del TABLE[name]


def hinge_of(define, expand=True, slopes=(-1, 0)):
    return define(
        name="own_hinge",
        vjp=lambda g, y, x: (sg.where(x < 1, -g, 0),),
        kink=sg.Kink.linear([1], slopes=slopes),
        expand=(lambda x: sg.relu(1 - x)) if expand else None,
    )(lambda x: np.maximum(1 - x, 0))


def shrink_of(define, expand=True):
    """Soft thresholding, in three pieces that hang on an attribute."""

    def shrink(x, s):
        return np.sign(x) * np.maximum(np.abs(x) - s, 0)

    return define(
        name="own_shrink",
        prepare=lambda x, s=0.5: ([x if isinstance(x, sg.Tensor) else sg.tensor(x)], {"s": float(s)}),
        vjp=lambda g, y, x, *, s: (sg.where(abs(x) > s, g, 0),),
        kink=sg.Kink.linear(lambda s: [-s, s], slopes=[1, 0, 1]),
        expand=(lambda x, *, s: sg.relu(x - s) - sg.relu(-x - s)) if expand else None,
    )(shrink)


# What follows, against closed forms


@pytest.mark.parametrize("expand", WITH_EXPAND)
def test_a_hinge(define, expand):
    hinge = hinge_of(define, expand)
    assert sg.check(hinge, [0.0, 1.0, 2.0]).kinks == 1
    assert sg.check(hinge, [0.0, 2.0]).kinks == 0
    assert sg.kinks(hinge, [1.0, 1.25, 3.0], tau=0.5).count == 2
    assert sg.kinks(hinge, [1.25, 3.0]).nearest.nearest == 0.25
    for v, slope in ((1.0, 0.0), (-1.0, 1.0)):
        assert float(sg.directional_derivative(lambda x: hinge(x), 1.0, v)) == slope
    found = sg.subdifferential(lambda x: hinge(x), 1.0)
    assert (found.exact, sorted(found.gradients.ravel())) == ("exact", [-1, 0])
    for mode in ("random", "lexicographic"):
        assert float(sg.subgradient(lambda x: hinge(x), 1.0, mode).gradient) in (-1, 0)
    near = sg.subgradient(lambda x: hinge(x) + x / 2, 1 + 2**-12, tau=2**-10)
    assert float(near.gradient) in (-0.5, 0.5)
    assert len(near.assumed) == 1
    assert sg.is_stationary(lambda x: hinge(x) + x / 2, 1.0)
    assert not sg.is_stationary(lambda x: hinge(x) + 2 * x, 1.0)
    assert sg.local_minimum(lambda x: hinge(x) + x / 2, 1.0).verdict == "proved"
    box = sg.enclosure(lambda x: hinge(x), 0.5, 1.5)
    assert -1 - 1e-9 <= box.low.item() <= -1
    assert 0 <= box.high.item() <= 1e-9
    away = sg.enclosure(lambda x: hinge(x), 1.5, 2.0)
    assert abs(away.low.item()) + abs(away.high.item()) <= 1e-9


@pytest.mark.parametrize("expand", WITH_EXPAND)
def test_soft_thresholding(define, expand):
    shrink = shrink_of(define, expand)
    assert sg.check(shrink, [-0.5, 0.0, 0.5, 2.0]).kinks == 2
    found = sg.subdifferential(lambda x: shrink(x).sum(), [-0.5, 0.5, 3.0, 0.1])
    assert found.exact == "exact"
    assert {tuple(g) for g in found.gradients} == {(a, b, 1, 0) for a, b in itertools.product((0, 1), (0, 1))}
    slope = sg.directional_derivative(lambda x: shrink(x).sum(), [-0.5, 0.5], [-2.0, -3.0])
    assert float(slope) == -2
    assert sg.kinks(lambda x: shrink(x, s=2), [2.0, 0.0]).count == 1
    assert sg.is_stationary(lambda x: shrink(x) - x / 3, 0.5)
    np.testing.assert_array_equal(sg.hessian(lambda x: shrink(x) ** 2)(2.0), 2)


@pytest.mark.parametrize("expand", WITH_EXPAND)
def test_values_over_a_box(define, expand):
    """The slopes of a square are twice the values times the slopes: they take intervals of both."""
    shrink = shrink_of(define, expand)
    box = sg.enclosure(lambda x: shrink(x) ** 2, -0.25, 1.0)
    assert -1e-9 < box.low.item() <= 0
    assert 1 <= box.high.item() < 1 + 1e-9


def test_the_middle_of_three(define):
    largest = define(
        name="own_largest",
        vjp=lambda g, y, *xs: tuple(g * _share(x, xs) for x in xs),
        kink=sg.Kink.largest(),
    )(lambda a, b, c: np.maximum(np.maximum(a, b), c))
    x = [np.array([1.0, 2.0, 0.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 2.0, 0.0])]
    assert sg.check(largest, *x).kinks == 3
    found = sg.subdifferential(lambda x: largest(x[0], x[1], x[2]), [1.0, 1.0, 0.0])
    assert found.exact == "exact"
    assert {tuple(g) for g in found.gradients} == {(1, 0, 0), (0, 1, 0)}
    tied = sg.subdifferential(lambda x: largest(x[0], x[1], x[2]), [1.0, 1.0, 1.0])
    assert {tuple(g) for g in tied.gradients} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}
    assert float(sg.directional_derivative(lambda x: largest(x[0], x[1], x[2]), [1.0, 1.0, 0.0], [2.0, 3.0, 9.0])) == 3
    assert sg.kinks(lambda x: largest(x[0], x[1], x[2]), [1.0, 0.5, 0.0]).nearest.nearest == 0.5
    chosen = sg.subgradient(lambda x: largest(x[0], x[1], x[2]), [1.0, 1.0, 1.0], "lexicographic").gradient
    assert chosen.tolist() == [1, 0, 0]


def _share(x, xs):
    best = sg.maximum(sg.maximum(xs[0], xs[1]), xs[2])
    ties = sum(sg.where(other == best, 1.0, 0.0).astype(x.dtype) for other in xs)
    return sg.where(x == best, 1.0, 0.0).astype(x.dtype) / ties


def test_pieces_that_are_curved_are_not_called_linear(define):
    cup = define(
        name="own_cup",
        vjp=lambda g, y, x: (sg.where(x > 1, 2 * x * g, 0),),
        kink=sg.Kink.curved([1], sides=[(0, 2)]),
        expand=lambda x: sg.maximum(x, 1) ** 2,
    )(lambda x: np.maximum(x, 1) ** 2)
    assert sg.check(cup, [0.0, 1.0, 2.0]).kinks == 1
    assert sorted(sg.subdifferential(lambda x: cup(x), 1.0).gradients.ravel()) == [0, 2]
    assert sg.local_minimum(lambda x: cup(x) - x, 1.0).verdict != "refuted"
    smooth = sg.hessian(lambda x: cup(x) + sg.minimum(x, 1) ** 2)(1.0)  # x² + 1, with two kinks
    np.testing.assert_allclose(smooth, 2)


def test_a_kink_by_hand_goes_by_what_the_op_is_made_of(define):
    bend = define(
        name="own_bend",
        vjp=lambda g, y, x: (sg.where(x > 0, g, 0),),
        kink=sg.Kink(lambda x: x == 0, lambda x: [(np.zeros_like(x), np.ones_like(x))]),
        expand=lambda x: sg.relu(x),
    )(lambda x: np.maximum(x, 0))
    found = sg.subdifferential(lambda x: bend(bend(x) - 2 * bend(-x)).sum(), [0.0, 1.0])
    assert found.exact == "exact"
    assert {tuple(g) for g in found.gradients} == {(0, 1), (1, 1)}


# Words that are wrong


def test_the_checker_finds_slopes_that_are_wrong(define):
    with pytest.raises(CheckError, match="one-sided derivative disagrees|outside of its hull"):
        sg.check(hinge_of(define, slopes=(-1, -2)), [1.0])
    with pytest.raises(CheckError, match="one-sided derivative disagrees"):
        sg.check(hinge_of(define, slopes=(-3, 0)), [1.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: sg.Kink.linear([0], slopes=[1]),
        lambda: sg.Kink.linear([1, 0], slopes=[1, 2, 3]),
        lambda: sg.Kink.curved([0, 1], sides=[(0, 1)]),
        lambda: sg.Kink.linear(lambda s: [s, -s], slopes=[1, 2, 3]).at(np.zeros(1), s=1.0),
    ],
)
def test_numbers_that_do_not_fit(make):
    with pytest.raises(ArgumentError, match="fit|rise"):
        make()


def test_breaks_that_are_none():
    kink = sg.Kink.linear(lambda low, high: [low, high], slopes=[0, 1, 0])
    assert kink.points(low=1.0, high=1.0) == []
    assert [b.at for b in kink.points(low=-np.inf, high=1.0)] == [1.0]
    assert not kink.at(np.array([-np.inf, 1.0]), low=1.0, high=1.0).any()
