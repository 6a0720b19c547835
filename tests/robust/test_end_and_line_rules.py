"""Every op of the table: sampled points never leave the bounds by intervals and by lines; what has none is named."""

import numpy as np
import pytest

import subgrad as sg
from samples import KINKS, SMOOTH
from subgrad.errors import ArgumentError
from subgrad.graph.op import TABLE
from subgrad.robust import crown_ibp_bounds, interval_bounds
from subgrad.robust.rules import IBP

RADIUS = 0.09
CONDITIONS = {"atan2", "digamma", "lgamma", "pow", "remainder", "round", "where"}
"""Samples that compare numbers which vary, or are not bounded."""

FEW = {"standardize": 1}
"""How many samples are of functions of one row: statistics of a batch count as settings."""


def as_one(f, xs):
    """A function of several arrays as one of a row (1, d), and that row."""
    ends = np.cumsum([0, *(x.size for x in xs)])

    def of_row(row):
        parts = [row[0, a:b].reshape(x.shape) for a, b, x in zip(ends[:-1], ends[1:], xs, strict=True)]
        return f(*parts).reshape(1, -1)

    return of_row, np.concatenate([x.ravel() for x in xs])[None]


def bounds(f, low, high):
    """By both methods, or why there are none."""
    try:
        return [kind(f, low, high) for kind in (interval_bounds, crown_ibp_bounds)], ""
    except ArgumentError as error:
        return None, str(error)


@pytest.mark.parametrize("name", [n for n in SMOOTH if n in TABLE])
def test_points_stay_within_their_bounds(name):
    rng, bounded = np.random.default_rng(0), 0
    with sg.using_dtype("float64"):
        for f, *xs in [*SMOOTH[name][: FEW.get(name, 3)], *KINKS.get(name, [])[:2]]:
            of_row, middle = as_one(f, xs)
            low, high = (middle + sign * RADIUS * rng.uniform(size=middle.shape) for sign in (-1, 1))
            both, refused = bounds(of_row, low, high)
            if both is None:
                assert any(f"for the op {op.name} (" in refused for op in IBP.unsupported)
                continue
            bounded += 1
            corners = np.where(rng.random((4, *low.shape)) < 0.5, low, high)
            points = [low, high, *rng.uniform(low, high, (8, *low.shape)), *corners]
            values = np.array([of_row(sg.tensor(p)).numpy() for p in points])
            for ends in both:
                below, above = (e.numpy() for e in ends)
                slack = 1e-9 * (1 + np.abs(values))
                assert (values >= below - slack).all()
                assert (values <= above + slack).all()
    assert bool(bounded) == (name not in CONDITIONS)
