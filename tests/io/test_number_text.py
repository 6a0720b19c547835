"""A bound in words is a bound: against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from subgrad.io.number_text import at_least, at_most, given, short


@pytest.mark.parametrize("digits", [2, 3, 6])
def test_what_is_written_lies_on_its_side_and_within_a_digit(digits):
    rng = np.random.default_rng(digits)
    for x in (rng.standard_normal(2000) * 10.0 ** rng.integers(-300, 300, 2000)).tolist():
        low, high = at_least(x, digits), at_most(x, digits)
        assert float(low) <= x <= float(high)
        assert Fraction(high) - Fraction(low) <= abs(Fraction(x)) * Fraction(11, 10) / 10 ** (digits - 1)


def test_numbers_that_need_no_rounding_and_those_that_are_none():
    assert [at_most(x, 3) for x in (0.0, 0.5, -2.0, 1e-6, 1e300)] == ["0", "0.5", "-2", "1e-06", "1e+300"]
    assert [f(x, 3) for f in (at_least, at_most) for x in (np.inf, -np.inf, np.nan)] == ["inf", "-inf", "nan"] * 2
    assert at_most(np.float32(0.1), 6) == "0.100001"
    assert at_most(np.finfo(float).max, 3) == "1.8e+308"


def test_a_number_of_the_user_is_not_changed():
    for x in (0.05, 1.0, 1e-6, 0.1 + 0.2, 123456789.0, float("inf")):
        assert float(given(x)) == x
    assert given(1.0) == "1"


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e5])
def test_an_answer_keeps_what_its_unit_has(unit):
    rng = np.random.default_rng(0)
    for x in (rng.standard_normal(300) * unit + 10.0 ** rng.integers(-9, 12, 300)).tolist():
        assert abs(float(short(x, unit)) - x) <= 1e-4 * unit
    assert [short(x, 1.0) for x in (0.1, np.inf, -np.inf, np.nan, 0.0)] == ["0.1", "inf", "-inf", "nan", "0.0"]
