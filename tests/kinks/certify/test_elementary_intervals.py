"""Intervals of elementary functions: what is known of them without rounding."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import placeholder
from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.interval_rules import interval_of

KNOWN = {
    "exp": (0, 1), "expm1": (0, 0), "tanh": (0, 0), "sinh": (0, 0), "atan": (0, 0), "asin": (0, 0), "asinh": (0, 0),
    "atanh": (0, 0), "sigmoid": (0, 0.5), "erf": (0, 0), "log1p": (0, 0), "log": (1, 0), "log2": (1, 0),
    "log10": (1, 0), "sqrt": (0, 0), "sin": (0, 0), "cos": (0, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_values_that_are_floats_are_known_without_rounding(name):
    point, value = KNOWN[name]
    x = placeholder((3,), float64, "x")
    node = getattr(sg, name)(x)
    ends = np.array([point, point, point + 0.125]), np.array([point, point + 0.25, point + 0.25])
    found = interval_of(node, {x: Interval(*(np.array(e, float) for e in ends))})
    assert found.low[0] == found.high[0] == value
    inside = getattr(np, name, None)
    if inside is not None:  # at points between, by NumPy
        for k in (1, 2):
            values = inside(np.linspace(ends[0][k], ends[1][k], 101))
            assert found.low[k] <= values.min()
            assert values.max() <= found.high[k]
