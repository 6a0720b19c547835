"""Boxes with exactly one zero: roots of numbers, in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from subgrad.intervals import arithmetic as iv
from subgrad.kinks.minimize.second_order.interval_newton import only_zero, polished


@pytest.mark.parametrize("a", [2.0, 3e-8, 7e8])
def test_a_square_root_is_in_its_box(a):
    y = polished(lambda y: (y * y - a, 2 * np.diag(y)), np.array([1.1 * a**0.5]))
    assert y == pytest.approx(a**0.5, rel=1e-15)
    found = only_zero(
        lambda box: iv.add(iv.mul(box, box), iv.exactly(np.array([-a]))),
        lambda box: iv.mul(box, iv.exactly(np.array([[2.0]]))),
        y, 1 / (2 * y[:, None]),
    )  # fmt: skip
    low, high = (Fraction(float(end[0])) for end in found.box)
    assert low**2 < Fraction(a) < high**2
    assert float(high - low) <= 1e-14 * a**0.5
    assert found.lift == pytest.approx(1 / (2 * y[0]))


def test_a_double_zero_is_none():
    assert only_zero(lambda b: iv.mul(b, b), lambda b: iv.mul(b, iv.exactly(np.array([[2.0]]))), np.array([1e-9]),
                     np.array([[5e8]])) is None  # fmt: skip
    assert polished(lambda y: (y * y + 1, 2 * np.diag(y)), np.array([0.3])) is None
    assert polished(lambda y: (y, np.zeros((1, 1))), np.array([0.3])) is None
