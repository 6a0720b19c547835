"""Piecewise linear functions as units: against their values in rational numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from subgrad.approx.univariate.hinges import Hinges


def exact(units, x):
    terms = zip(units.w[:, 0].tolist(), units.b.tolist(), units.v.tolist(), strict=True)
    return Fraction(units.c) + sum(Fraction(v) * max(Fraction(w) * x + Fraction(b), 0) for w, b, v in terms)


@pytest.mark.parametrize("level", [None, 0, 3, 6])
def test_units_have_the_values_at_the_knots_and_a_horizontal_line_has_none(level):
    random = np.random.default_rng(0)
    knots, values = random.uniform(0.1, 1, 8).cumsum() - 2, random.normal(size=8)
    if level is not None:
        values[level + 1] = values[level]
    hinges = Hinges.through(knots, values)
    units = hinges.units()
    assert len(units.v) == (7 if level is None else 6)
    at, slopes = hinges.exactly()
    assert [exact(units, Fraction(k)) for k in knots.tolist()] == at
    np.testing.assert_allclose(np.array(at, float), values, rtol=1e-14, atol=1e-14)
    middles = [(Fraction(a) + Fraction(b)) / 2 for a, b in zip(knots[:-1].tolist(), knots[1:].tolist(), strict=True)]
    for k, x in enumerate(middles):
        assert exact(units, x) == at[k] + slopes[k] * (x - Fraction(knots[k].item()))


def test_one_line_takes_a_unit_even_where_it_is_horizontal():
    units = Hinges.through(np.array([0.0, 1.0]), np.array([2.0, 2.0])).units()
    assert (units.v.tolist(), units.c) == ([0.0], 2.0)
