"""Boxes are pairs of numbers, and say so."""

from __future__ import annotations

import numpy as np
import pytest

from subgrad.bounds.box import as_box
from subgrad.errors import ArgumentError


@pytest.mark.parametrize(("given", "ends"), [
    ((-2, 2), [[-2, 2]]),
    ([(0, 1)], [[0, 1]]),
    (np.array([[0, 1], [2, 2]]), [[0, 1], [2, 2]]),
])  # fmt: skip
def test_a_pair_or_pairs(given, ends):
    np.testing.assert_array_equal(as_box(given), ends)


@pytest.mark.parametrize(
    "given", [3, (1, 2, 3), (2, 1), (0, np.inf), (np.nan, 1), [(0, 1), (2,)], "ab", [], None, (1j, 2)]
)
def test_anything_else_is_refused(given):
    with pytest.raises(ArgumentError, match="a box"):
        as_box(given)
