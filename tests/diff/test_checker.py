"""`sg.check` finds each kind of mistake, and passes what is right."""

import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import CheckError, GradientError
from subgrad.graph.op import Kink


def distance(at=lambda x: x == 0, pick=0.0, one_sided_jvp=None, hull=(-1, 1), joint=None, slope=1.0):
    """|x| as an op, each part of which can be made wrong."""
    return sg.defop(
        np.abs,
        name="distance",
        vjp=lambda g, y, x: (sg.where(x == 0, pick * g, slope * sg.sign(x) * g),),
        one_sided_jvp=one_sided_jvp or (lambda y, xs, ts: sg.where(xs[0] == 0, sg.abs(ts[0]), sg.sign(xs[0]) * ts[0])),
        kink=Kink(at, lambda x: [(np.full_like(x, hull[0]), np.full_like(x, hull[1]))], joint),
    )


def test_what_is_right_passes():
    found = sg.check(distance(), [1.0, 0.0, -1.0])
    assert (found.kinks, found.second) == (1, 0.0)
    assert found.first < 1e-6
    assert sg.check(distance(), [1.0, -1.0]).kinks == 0
    assert sg.check(distance(pick=0.7), [0.0]).kinks == 1


def test_scalars_and_several_inputs():
    assert sg.check(sg.tanh, 0.3).first < 1e-9
    assert sg.check(lambda a, b: a * b, 2.0, [[1.0, 2.0]]).second < 1e-9


def test_integers_are_held_fixed():
    assert sg.check(lambda x, i: x[i], [1.0, 2.0], [1, 1, 0]).first < 1e-9
    with pytest.raises(GradientError, match="nothing to differentiate"):
        sg.check(lambda i: i * 2.0, [1, 2])
    with pytest.raises(GradientError, match="nothing to differentiate: the result is int64"):
        sg.check(sg.argmax, [1.0, 2.0])


def test_float32_inputs_are_checked_in_float64():
    assert sg.check(sg.exp, sg.tensor([0.1, 0.2])).first < 1e-9
    assert sg.default_dtype() == sg.float32


@pytest.mark.parametrize(
    "wrong",
    [
        lambda g, y, x: (2 * g,),
        lambda g, y, x: (-g * sg.cos(x),),
        lambda g, y, x: (g * sg.cos(x) + 1e-4 * g,),
        lambda g, y, x: (None,),
    ],
)
def test_a_wrong_vjp(wrong):
    op = sg.defop(np.sin, name="sine", vjp=wrong)
    with pytest.raises(CheckError, match=r"the vjp disagrees with finite differences: \S+ against \S+ in sine"):
        sg.check(op, [0.3, 0.7])


def test_a_wrong_vjp_of_one_input_of_two():
    op = sg.defop(lambda a, b: a * b, name="product", vjp=lambda g, y, a, b: (g * b, g * b))
    with pytest.raises(CheckError, match="the vjp disagrees with finite differences"):
        sg.check(op, [1.0], [2.0])


def test_a_wrong_second_derivative():
    op = sg.defop(np.sin, name="sine", vjp=lambda g, y, x: (g * sg.stop_gradient(sg.cos(x)),))
    assert sg.check(op, [0.3], order=1).first < 1e-8
    with pytest.raises(CheckError, match="the vjp disagrees with finite differences"):
        sg.check(op, [0.3])


def test_a_vjp_that_is_not_linear():
    op = sg.defop(lambda x: x, name="same", vjp=lambda g, y, x: (g * g,))
    with pytest.raises(GradientError, match="the vjp of same is not linear in its cotangent"):
        sg.check(op, [0.3])


def test_a_wrong_one_sided_derivative():
    op = distance(one_sided_jvp=lambda y, xs, ts: sg.sign(xs[0]) * ts[0])
    with pytest.raises(CheckError, match="the one-sided derivative disagrees with one-sided differences"):
        sg.check(op, [0.0, 1.0])


def test_a_kink_without_a_one_sided_derivative():
    op = sg.defop(
        np.abs, name="distance", vjp=lambda g, y, x: (sg.sign(x) * g,), kink=Kink(lambda x: x == 0, lambda x: [(-1, 1)])
    )
    with pytest.raises(GradientError, match="distance has a kink and no directional derivative"):
        sg.check(op, [0.0])


@pytest.mark.parametrize("pick", [1.5, -1.01])
def test_a_pick_outside_of_the_hull(pick):
    with pytest.raises(CheckError, match="at a kink, the vjp of distance picks slopes outside of its hull"):
        sg.check(distance(pick=pick), [0.0, 1.0])


def test_picks_that_do_not_hang_together():
    larger = sg.defop(
        np.maximum,
        name="larger",
        vjp=lambda g, y, a, b: (sg.where(a >= b, g, 0), sg.where(b >= a, g, 0)),
        one_sided_jvp=lambda y, xs, ts: sg.where(xs[0] > xs[1], ts[0], sg.where(xs[1] > xs[0], ts[1], sg.maximum(*ts))),
        kink=Kink(
            lambda a, b: a == b,
            lambda a, b: [(np.zeros_like(a), np.ones_like(a))] * 2,
            lambda slopes, a, b: np.isclose(slopes[0] + slopes[1], 1),
        ),
    )
    assert sg.check(larger, [1.0], [2.0]).kinks == 0
    with pytest.raises(CheckError, match="picks slopes outside of its hull"):
        sg.check(larger, [1.0], [1.0])


def test_a_kink_that_is_not_declared():
    op = sg.defop(np.abs, name="distance", vjp=lambda g, y, x: (sg.sign(x) * g + sg.where(x == 0, g, 0),))
    with pytest.raises(CheckError, match="the vjp disagrees with finite differences"):
        sg.check(op, [0.0])


def test_a_wrong_shape_rule():
    op = sg.defop(lambda x: x.sum(), name="total", vjp=lambda g, y, x: (g,))
    with pytest.raises(CheckError, match=re.escape("the reference of total returns (), its shape rule (2,)")):
        sg.check(op, [1.0, 2.0])


def test_the_directions_come_from_the_seed():
    first = sg.check(sg.exp, [0.3, 0.7], seed=1)
    assert sg.check(sg.exp, [0.3, 0.7], seed=1) == first
    assert sg.check(sg.exp, [0.3, 0.7], seed=2) != first


def test_the_tolerance_is_kept():
    nearly = sg.defop(np.sin, name="sine", vjp=lambda g, y, x: (g * sg.cos(x) * (1 + 1e-4),))
    assert sg.check(nearly, [0.3], tolerance=1e-2).first > 1e-6
    with pytest.raises(CheckError):
        sg.check(nearly, [0.3], tolerance=1e-7)
