"""What is cut off boxes, where rows are linear functions of the point themselves."""

import numpy as np

from subgrad.bounds.branching.clipping import clipped, cut_off
from subgrad.bounds.branching.polytopes import Polytopes

D, ROWS = 3, 4


def problem(seed, n=20):
    """Linear functions over boxes, of which rows 0 and 1 belong to one polytope, the others to a second one."""
    rng = np.random.default_rng(seed)
    low = rng.normal(size=(n, D))
    high = low + rng.uniform(0.1, 2, (n, D))
    slopes = 3 * rng.normal(size=(n, ROWS, D)) * rng.integers(0, 2, (n, ROWS, D))
    below = (slopes * np.where(slopes > 0, low[:, None], high[:, None])).sum(2) + rng.normal(size=(n, ROWS)) - 0.5
    limits = np.zeros((ROWS, 2))
    of = Polytopes(np.zeros((D, 2)), np.zeros((D, 2)), np.zeros((ROWS, 1)), limits, [np.arange(2), np.arange(2, 4)])
    return rng, of, low, high, below, slopes


def values(x, low, high, below, slopes):
    """The linear functions, whose least value is ``below``, at points (n, s, D)."""
    ends = np.where(slopes > 0, low[:, None], high[:, None])
    return below[:, None] + np.einsum("nrd,nsrd->nsr", slopes, x[:, :, None] - ends[:, None])


def test_no_point_of_a_polytope_is_cut_off_and_those_that_are_lie_outside():
    cut = 0.0
    for seed in range(5):
        rng, of, low, high, below, slopes = problem(seed)
        reached = of.excess(below) >= 0
        found = clipped(of, low, high, below, slopes, reached)
        x = rng.uniform(low[:, None], high[:, None], (len(low), 400, D))
        rows = values(x, low, high, below, slopes)
        inside = np.stack([(rows[:, :, m] <= 0).all(2) for m in of.members], 2) & reached[:, None]
        left = ((x >= found.low[:, None]) & (x <= found.high[:, None])).all(2) & found.some[:, None]
        assert not (inside.any(2) & ~left).any()
        outside = np.stack([rows[:, :, m].max(2) for m in of.members], 2)[~left & reached.any(1)[:, None]]
        assert (-outside.min(1)).max(initial=-np.inf) <= found.done + 1e-12
        assert found.done <= 0
        cut += (~left).mean()
    assert cut > 1


def test_rows_that_exclude_each_other_leave_nothing():
    """x <= 0.4 and x >= 0.6 on [0, 1], beside x <= 0.6 and x >= 0.4."""
    low, high = np.zeros((2, 1)), np.ones((2, 1))
    slopes = np.array([[[1.0], [-1.0]]] * 2)
    below = np.array([[-0.4, -0.4], [-0.6, -0.6]])
    of = Polytopes(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((2, 1)), np.zeros((2, 2)), [np.arange(2)])
    found = clipped(of, low, high, below, slopes, np.ones((2, 1), bool))
    assert found.some.tolist() == [False, True]
    np.testing.assert_allclose([found.low[1], found.high[1]], [[0.4], [0.6]], atol=2e-6)


def test_what_is_cut_off_and_what_is_left_are_the_whole():
    _, of, low, high, below, slopes = problem(1)
    found = clipped(of, low, high, below, slopes, of.excess(below) >= 0)
    some = found.some
    pieces = cut_off(low[some], high[some], found.low[some], found.high[some])
    volume = sum((b - a).prod(1).sum() for a, b in pieces)
    whole, left = (high[some] - low[some]).prod(1).sum(), (found.high[some] - found.low[some]).prod(1).sum()
    np.testing.assert_allclose(volume + left, whole, rtol=1e-12)
    assert 0 < volume < whole


def test_a_bound_that_says_nothing_cuts_nothing():
    _, of, low, high, below, slopes = problem(2, n=2)
    below[0], slopes[1] = -np.inf, np.nan
    found = clipped(of, low, high, below, slopes, np.ones((2, 2), bool))
    np.testing.assert_array_equal(found.low, low)
    np.testing.assert_array_equal(found.high, high)
    assert found.some.all()


def test_sides_are_not_cut_where_products_underflow():
    """0.3 x <= 1 float: x may be 3 1/3 floats, and there is no room for a third of one."""
    unit = np.nextafter(0, 1)
    low, high, limits = np.zeros((1, 1)), np.full((1, 1), 10 * unit), np.full((1, 2), unit)
    of = Polytopes(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 1)), limits, [np.arange(1)])
    found = clipped(of, low, high, np.zeros((1, 1)), np.full((1, 1, 1), 0.3), np.ones((1, 1), bool))
    assert found.high[0, 0] >= 4 * unit
