"""Intervals against SciPy's bootstrap and against the binomial distribution."""

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import roc_auc_score

from subgrad.errors import ArgumentError, DataError
from subgrad.metrics import Answered, bootstrap, for_task
from subgrad.metrics.bootstrap import Estimate, _draws, decimals_for, shown

rng = np.random.default_rng(0)
TRUTH = np.arange(120) % 2
SCORES = TRUTH + rng.normal(size=120)


def test_against_scipy():
    found = bootstrap("roc_auc", TRUTH, SCORES, level=0.9, samples=4000)
    theirs = scipy.stats.bootstrap(
        (TRUTH, SCORES), roc_auc_score, paired=True, vectorized=False, confidence_level=0.9, n_resamples=1000,
        method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert found.value == pytest.approx(roc_auc_score(TRUTH, SCORES))
    assert (found.low, found.high) == pytest.approx(theirs, abs=0.008)


def test_an_accuracy_is_binomial():
    truth, answers = np.zeros(400, int), np.arange(400) < 60
    found = bootstrap("accuracy", truth, answers)
    expected = scipy.stats.binom(400, 0.85).ppf([0.025, 0.975]) / 400
    assert (found.low, found.high) == pytest.approx(expected, abs=0.005)


def test_the_seed_decides():
    first, again, other = (bootstrap("roc_auc", TRUTH, SCORES, seed=seed, samples=50) for seed in (1, 1, 2))
    assert first == again != other
    answered = Answered(TRUTH, TRUTH, np.stack([1 - SCORES, SCORES], 1), 2)
    found = answered.estimate(for_task("classification", ["accuracy", "roc_auc"]))
    assert found["roc_auc"] == bootstrap("roc_auc", TRUTH, SCORES)


def test_many_rows_are_drawn_piece_by_piece():
    pieces = list(_draws(2**20 + 1, 3, 0))
    assert [p.shape for p in pieces] == [(1, 2**20 + 1)] * 3
    assert all(p.sum() == 2**20 + 1 for p in pieces)
    np.testing.assert_array_equal(np.concatenate(list(_draws(5, 7, 3))), next(iter(_draws(5, 7, 3))))


def test_answers_that_are_all_right_have_no_interval():
    for name in ("accuracy", "f1", "roc_auc"):
        assert bootstrap(name, TRUTH, TRUTH).text() == "1.000"


def test_what_is_often_undefined_has_no_interval():
    found = bootstrap("roc_auc", [0] * 20 + [1], np.arange(21.0))
    assert found.value == 1
    assert math.isnan(found.low)
    assert found.text() == "1.000"
    assert bootstrap("roc_auc", [0, 0], [0.1, 0.2]).text() == "-"


def test_a_metric_of_classes_needs_all_of_them():
    rare = np.repeat([0, 1], [100, 2])
    found = bootstrap("balanced_accuracy", rare, np.zeros(102, int))  # one sample in 7 has no row of the second class
    assert (found.value, found.low) == (0.5, pytest.approx(math.nan, nan_ok=True))
    truth, answers = np.repeat([0, 1], [100, 6]), np.repeat([0, 1, 0], [100, 3, 3])
    found = bootstrap("balanced_accuracy", truth, answers, samples=4000)
    hits = np.random.default_rng(1).multinomial(106, [100 / 106, 3 / 106, 3 / 106], 20000)
    known = hits[hits[:, 1] + hits[:, 2] > 0]
    low, high = np.quantile((1 + known[:, 1] / (known[:, 1] + known[:, 2])) / 2, [0.025, 0.975])
    assert (found.low, found.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    both = for_task("classification", ["balanced_accuracy", "accuracy"])
    scored = Answered(rare, np.zeros(102, int), classes=2).estimate(both)
    assert math.isnan(scored["balanced_accuracy"].low)
    assert not math.isnan(scored["accuracy"].low)


@pytest.mark.parametrize(("more", "message"), [({"level": 1.0}, "0 and 1, got 1.0"), ({"samples": 1}, "2 samples")])
def test_wrong_arguments(more, message):
    with pytest.raises(ArgumentError, match=message):
        bootstrap("accuracy", [0, 1], [0, 1], **more)
    with pytest.raises(DataError):
        bootstrap(lambda truth, answers, weights: 0.0, [], [])


@pytest.mark.parametrize(
    ("values", "text"),
    [((1.6e-19, 1.5e-19, 1.7e-19), "1.600e-19 [1.500e-19, 1.700e-19]"), ((2e30, math.nan, math.nan), "2.000e+30"),
     ((2e-9, math.nan, math.nan), "0.000000002000"), ((2e14, math.nan, math.nan), "200000000000000")],
)  # fmt: skip
def test_metrics_far_from_1_show_their_digits(values, text):
    assert Estimate(*values).text(decimals_for(*values)) == text
    assert shown(values[0], decimals_for(*values)) == text.split()[0]
