"""Coverage of conformal intervals: the theorem's number, on many calibration sets."""

import json

import numpy as np
import pytest

from subgrad.calibration import Intervals, interval_score, rows_needed
from subgrad.errors import ArgumentError, DataError


@pytest.mark.parametrize(("level", "n"), [(0.9, 19), (0.9, 50), (0.8, 9), (0.5, 33)])
def test_the_mean_coverage_is_what_the_theorem_says(level, n):
    """Of exchangeable errors the k-th of n exceeds a new one with probability k / (n + 1), exactly: here with errors of
    the exponential distribution, whose coverage between two numbers is known."""
    rng = np.random.default_rng(0)
    covered = []
    for errors in rng.exponential(size=(3000, n)):
        found = Intervals.fit(errors, np.zeros(n), level)
        covered.append(np.exp(-found.lower) - np.exp(-found.upper))
    tail = (1 - level) / 2
    expected = (np.ceil((n + 1) * (1 - tail) - 1e-9) - np.floor((n + 1) * tail + 1e-9)) / (n + 1)
    assert expected >= level - 1e-9
    assert np.mean(covered) == pytest.approx(expected, abs=0.006)


def test_errors_that_grow_with_the_answer():
    rng = np.random.default_rng(0)
    a = rng.uniform(1, 100, 4000)
    truth = a * (1 + 0.2 * rng.normal(size=4000))
    found = Intervals.fit(truth[:2000], a[:2000], 0.9)
    assert found.knots
    low, high = found.around(a[2000:])
    inside = (low <= truth[2000:]) & (truth[2000:] <= high)
    for some in (a[2000:] < 20, a[2000:] > 80):
        assert inside[some].mean() == pytest.approx(0.9, abs=0.04)
    constant = Intervals._of(truth[:2000], a[:2000], 0.9, scaled=False).around(a[2000:])
    assert interval_score(truth[2000:], low, high, 0.9).mean() < interval_score(truth[2000:], *constant, 0.9).mean()


def test_errors_of_one_size_have_intervals_of_one_length():
    rng = np.random.default_rng(1)
    a = rng.normal(size=2000)
    found = Intervals.fit(a + rng.normal(size=2000), a, 0.8)
    low, high = found.around(np.array([-1.0, 0.0, 5.0]))
    assert np.ptp(high - low) < 0.15 * (high - low).mean()  # the scaled form may win by a hair


def test_answers_that_are_exact_or_all_the_same():
    exact = Intervals.fit(np.arange(300.0), np.arange(300.0))
    np.testing.assert_array_equal(exact.around(np.array([3.0])), [[3.0], [3.0]])
    same = Intervals.fit(np.arange(300.0), np.full(300, 7.0))
    low, high = same.around(np.array([7.0]))
    assert (low[0], high[0]) == pytest.approx((14, 285), abs=2)


def test_as_json():
    rng = np.random.default_rng(0)
    a = rng.uniform(1, 9, 500)
    found = Intervals.fit(a * rng.uniform(0.5, 1.5, 500), a)
    assert Intervals.from_plain(json.loads(json.dumps(found.to_plain()))) == found
    assert found.describe().startswith("Intervals of 90% were calibrated by the errors of 500 rows held out")


def test_too_few_rows_and_wrong_levels():
    assert [rows_needed(level) for level in (0.5, 0.8, 0.9, 0.95, 0.99)] == [3, 9, 19, 39, 199]
    with pytest.raises(DataError, match="0.9 takes 19 rows that the model was not trained on, there are 18"):
        Intervals.fit(np.zeros(18), np.zeros(18), 0.9)
    for level in (0, 1, 90, float("nan"), "0.9", None):
        with pytest.raises(ArgumentError, match="a share between 0 and 1"):
            Intervals.fit(np.zeros(30), np.zeros(30), level)
