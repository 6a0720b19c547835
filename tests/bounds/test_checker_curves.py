"""Lines of the checker around functions of one number: nothing is outside of them, and they touch."""

import numpy as np
import pytest
from scipy import special

pytest.importorskip("flint")
from flint import arb, arb_mat

from subgrad.bounds.checker_curves import Jet, itself, smooth_lines
from subgrad.bounds.checker_numbers import Numbers
from subgrad.bounds.checker_operations import OPERATIONS


def curve(name):
    """An operation of a proof as a function of a jet."""
    rule = OPERATIONS[name].rule
    return lambda v: v.into(*rule)


def gelu(v):
    return v.times(arb(0.5)).product(curve("erf")(v.times(1 / arb(2).sqrt())).plus(Jet(arb(1), arb(0), arb(0))))


FUNCTIONS = {
    "tanh": (curve("tanh"), np.tanh),
    "sigmoid": (curve("sigmoid"), special.expit),
    "exp": (curve("exp"), np.exp),
    "sin": (curve("sin"), np.sin),
    "silu": (lambda v: v.product(curve("sigmoid")(v)), lambda x: x * special.expit(x)),
    "gelu": (gelu, lambda x: x * special.ndtr(x)),
    "square": (Jet.squared, np.square),
    "softsign": (
        lambda v: v.product(curve("inverse")(v.bent(arb(-1)).plus(Jet(arb(1), arb(0), arb(0))))),
        lambda x: x / (1 + np.abs(x)),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("ends", [(-3.0, 2.0), (0.5, 0.75), (-7.0, 12.0), (-1e-3, 1e-3), (1.0, 1.0 + 1e-9)])
def test_lines_hold_all_values_and_are_near(name, ends):
    jet, f = FUNCTIONS[name]
    low, high = map(arb, ends)
    lines, own = smooth_lines(low, high, jet)
    x = np.linspace(*ends, 4001)
    y = f(x)
    above, below = (float(s.mid()) * x + float(o.mid()) for s, o in (lines[:2], lines[2:4]))
    slack = 1e-14 * np.abs(y).max()
    assert (above - y).min() >= -slack
    assert (y - below).min() >= -slack
    assert float(own.lower()) <= y.min() + slack
    assert float(own.upper()) >= y.max() - slack
    near = 0.2 if name == "softsign" and ends[0] < 0 else 0.1  # its kink is inside
    gap = (above - below).max()
    assert (above - y).min() <= near * gap + slack
    assert (y - below).min() <= near * gap + slack


def test_given_slopes_make_lines_as_well():
    for slope in (-1.0, 0.1, 3.0):
        lines, _ = smooth_lines(arb(-2), arb(3), curve("tanh"), slope)
        x = np.linspace(-2, 3, 4001)
        off = np.tanh(x) - slope * x
        assert [float(v.mid()) for v in lines[::2][:2]] == [slope, slope]
        assert 0 <= float(lines.offset.mid()) - off.max() <= 0.02 * np.ptp(off)
        assert 0 <= off.min() - float(lines.under.mid()) <= 0.02 * np.ptp(off)


def test_what_is_not_finite_is_bounded_by_its_range():
    everywhere = arb(0, float("inf"))
    lines, own = smooth_lines(everywhere.lower(), everywhere.upper(), curve("tanh"))
    assert [float(v.mid()) for v in lines[:4]] == pytest.approx([0, 1, 0, -1], abs=1e-8)
    assert own.contains(1)
    lines, own = smooth_lines(arb(-1), arb(1), curve("log"))
    assert not own.is_finite()
    assert not lines.offset.is_finite()


def test_jets_have_the_derivatives_of_differences():
    x, h = 0.7, 1e-4
    for jet, f in FUNCTIONS.values():
        found = [float(v.mid()) for v in jet(itself(arb(x)))]
        assert found[0] == pytest.approx(f(x), rel=1e-12)
        assert found[1] == pytest.approx((f(x + h) - f(x - h)) / (2 * h), rel=1e-6)
        assert found[2] == pytest.approx((f(x + h) - 2 * f(x) + f(x - h)) / h**2, rel=1e-5, abs=1e-6)


def test_an_interval_that_is_hardly_one_has_lines_that_meet():
    for name in ("tanh", "silu"):
        low = arb("0.3 +/- 1e-30").lower()
        lines, own = smooth_lines(low, low + arb(2) ** -95, FUNCTIONS[name][0])
        x = float(low.mid())
        above, below = (float(s.mid()) * x + float(o.mid()) for s, o in (lines[:2], lines[2:4]))
        assert above - below < 1e-15
        assert float(own.rad()) < 1e-25


def test_a_kink_at_0_has_the_slopes_of_both_sides_there():
    """With that of one side, the tangent of a piece that ends at the kink would be no line below it."""
    found = itself(arb(0)).bent(arb(0.25))
    assert found.value == 0
    assert found.first.contains(arb(1))
    assert found.first.contains(arb(0.25))


def test_a_magnitude_lies_around_its_line_for_all_that_a_ball_holds():
    rng = np.random.default_rng(0)
    on = Numbers()
    for _ in range(200):
        half = float(rng.uniform(0, 2))
        on.deltas = arb_mat([[arb(1)], [arb(0, half)]])
        middle, slope, radius = rng.normal(), rng.normal(), abs(rng.normal()) * rng.choice([0, 1e-3, 1])
        found = on.magnitude(arb_mat([[arb(middle, radius), arb(slope)]]))
        for delta in rng.uniform(-half, half, 20):
            for off in rng.uniform(-radius, radius, 3):
                value = abs(arb(float(middle)) + arb(float(slope)) * arb(float(delta)) + arb(float(off)))
                assert (found * arb_mat([[arb(1)], [arb(float(delta))]]))[0, 0].overlaps(value)
        assert on.range(found).upper() <= 3 * (abs(middle) + abs(slope) * half + radius)
