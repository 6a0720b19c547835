"""Where a metric has no meaning it is NaN, and what is no answer is an error."""

import math

import numpy as np
import pytest

from subgrad import metrics
from subgrad.errors import ArgumentError, DataError, ShapeError

rng = np.random.default_rng(0)


def test_one_class_only():
    truth, p = np.zeros(4, int), np.array([0.2, 0.4, 0.4, 0.9])
    assert math.isnan(metrics.roc_auc(truth, p))
    assert math.isnan(metrics.average_precision(truth, p))
    assert math.isnan(metrics.recall(truth, p > 0.5))
    assert metrics.precision(truth, p > 0.5) == 0
    assert math.isnan(metrics.precision(truth, truth))
    assert math.isnan(metrics.f1(truth, truth))
    assert metrics.balanced_accuracy(truth, p > 0.5) == 0.75
    assert math.isnan(metrics.matthews_correlation(truth, p > 0.5))


@pytest.mark.parametrize("unit", [2.0**600, 2.0**-600])
def test_numbers_whose_squares_are_not_representable(unit):
    truth, answers = rng.normal(size=(2, 30))
    assert metrics.r2(unit * truth, unit * answers) == metrics.r2(truth, answers)
    for name in ("rmse", "mae", "median_absolute_error"):
        metric = metrics.get(name)
        assert metric(unit * truth, unit * answers) == pytest.approx(unit * metric(truth, answers), rel=1e-15)


def test_a_constant_truth_has_no_r2():
    for constant in (0.1, 1e9 + 0.1):
        truth = np.full(7, constant)
        assert math.isnan(metrics.r2(truth, np.arange(7.0)))
    varied = metrics.r2([1.0, 1.0, 5.0], [1.0, 1.0, 5.0], [[1, 1, 0], [1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(varied, [math.nan, 1, math.nan])


def test_r2_of_large_numbers_that_hardly_differ():
    small = np.random.default_rng(0).normal(size=50)
    large = small + 2.0**40
    assert metrics.r2(large, large + 0.5) == pytest.approx(1 - 0.25 / np.var(small), rel=1e-3)


def test_all_weights_zero():
    for metric in metrics.TABLE.values():
        assert math.isnan(metric([0, 1], [0, 1], [0, 0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.accuracy([0, 1], [0]), ShapeError, "2 rows have 1 answers"),
        (lambda: metrics.accuracy([], []), ShapeError, r"the shape \(n,\), with n of 1 or more"),
        (lambda: metrics.accuracy([0, 1.5], [0, 1]), DataError, "whole numbers from 0 on; got 1.5"),
        (lambda: metrics.accuracy([0, np.nan], [0, 1]), DataError, "whole numbers from 0 on; got nan"),
        (lambda: metrics.accuracy(["a"], ["a"]), DataError, "got .*'a'"),
        (lambda: metrics.accuracy([0, 3], [0, 1], classes=3), DataError, "3 classes, 0 to 2; got 3"),
        (lambda: metrics.accuracy([0, 1], [0, 1], [1, -1]), DataError, "not negative; got -1"),
        (lambda: metrics.accuracy([0, 1], [0, 1], [1, 1, 1]), ShapeError, r"weights of shape \(2,\) or \(m, 2\)"),
        (lambda: metrics.log_loss([0, 1], [[0.5, 0.5], [0.5, 0.6]]), DataError, r"add up to 1 .* got \[0.5 0.6\]"),
        (lambda: metrics.log_loss([0, 1], [0.5, 1.5]), DataError, "from 0 on"),
        (lambda: metrics.roc_auc([0, 1], [0.5, np.nan]), DataError, "finite numbers; got nan"),
        (lambda: metrics.roc_auc([0, 2], [[0.5, 0.5]] * 2), DataError, "scores of 2 classes, 0 to 1; the truth has 2"),
        (lambda: metrics.roc_auc([0, 1], [0.5]), ShapeError, r"scores of shape \(2, classes\)"),
        (lambda: metrics.r2([0, 1], [np.inf, 1]), DataError, "answers holds finite numbers; got inf"),
        (lambda: metrics.accuracy([2**63], [0]), DataError, "one of them is 9223372036854775808"),
        (lambda: metrics.accuracy([0, 1], [[0], [1, 2]]), ShapeError, "answers is no array"),
        (lambda: metrics.get("auc"), ArgumentError, "unknown metric 'auc': expected one of "),
        (lambda: metrics.for_task("regression", ["f1"]), ArgumentError, "'f1' is not for regression; these are: r2"),
    ],
)
def test_what_is_no_answer(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_labels_that_are_long_numbers_take_no_memory_for_those_between():
    truth, answers = rng.integers(0, 4, (2, 60))
    for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "matthews_correlation"):
        measure = getattr(metrics, name)
        assert measure(10**15 + truth, 10**15 + answers) == pytest.approx(measure(truth, answers))
    assert metrics.f1([0, 10**15], [0, 10**15]) == 1
