"""Intervals between learnt quantiles: the theorem's coverage, and what they are made of."""

import numpy as np
import pytest

from subgrad.calibration import Intervals, QuantileIntervals, interval_score
from subgrad.errors import ArgumentError, DataError


@pytest.mark.parametrize(("level", "n"), [(0.9, 19), (0.8, 50)])
def test_the_mean_coverage_is_what_the_theorem_says_however_wrong_the_quantiles_are(level, n):
    """Of n exchangeable distances from a quantile the k-th is above a new one with probability k / (n + 1)."""
    rng = np.random.default_rng(0)
    covered = []
    for truth in rng.exponential(size=(3000, n)):
        found = QuantileIntervals.fit(truth, np.full(n, -3.0), np.full(n, 0.5), level)
        low, high = found.around(np.array([-3.0]), np.array([0.5]))
        covered.append(np.exp(-low[0]) - np.exp(-high[0]))
    tail = (1 - level) / 2
    expected = (np.ceil((n + 1) * (1 - tail) - 1e-9) - np.floor((n + 1) * tail + 1e-9)) / (n + 1)
    assert np.mean(covered) == pytest.approx(expected, abs=0.006)


def test_around_one_answer_they_are_intervals_of_one_length():
    rng = np.random.default_rng(1)
    a = rng.normal(size=60)
    truth = a + rng.normal(size=60)
    plain, found = Intervals.fit(truth, a, 0.8), QuantileIntervals.fit(truth, a, a, 0.8)
    assert (found.lower, found.upper) == (plain.lower, plain.upper)


def test_rows_that_differ_have_intervals_that_differ():
    rng = np.random.default_rng(2)
    size = rng.uniform(1, 10, 4000)
    truth = size * rng.normal(size=4000)
    low, high = -size, 0.5 * size  # of the right form, at other shares
    found = QuantileIntervals.fit(truth[:2000], low[:2000], high[:2000], 0.9).around(low[2000:], high[2000:])
    constant = Intervals.fit(truth[:2000], np.zeros(2000), 0.9).around(np.zeros(2000))
    later = truth[2000:]
    assert np.mean((found[0] <= later) & (later <= found[1])) == pytest.approx(0.9, abs=0.02)
    assert interval_score(later, *found, 0.9).mean() < 0.9 * interval_score(later, *constant, 0.9).mean()


def test_ends_that_cross_are_in_order():
    low, high = QuantileIntervals(3.0, -3.0).around(np.array([0.0, 0.0]), np.array([1.0, 10.0]))
    assert low.tolist() == [-2.0, 3.0]
    assert high.tolist() == [3.0, 7.0]


def test_levels_and_rows_are_checked():
    with pytest.raises(ArgumentError, match="share between 0 and 1"):
        QuantileIntervals.fit(np.zeros(50), np.zeros(50), np.zeros(50), 1.5)
    with pytest.raises(DataError, match="takes 19 rows"):
        QuantileIntervals.fit(np.zeros(18), np.zeros(18), np.zeros(18), 0.9)
