"""Curves of probabilities, and rows with large losses, against scikit-learn, SciPy and by hand."""

import numpy as np
import pytest
from explained import Classes, Numbers, table_of
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.calibration import calibration_curve as reference

from subgrad.data import Table
from subgrad.errors import DataError
from subgrad.report import calibration_curve, hardest_rows, precision_recall_curve, roc_curve, row_losses

rng = np.random.default_rng(0)
CHANCES = rng.uniform(size=300)
HAPPENED = rng.uniform(size=300) < CHANCES


def test_calibration_agrees_with_scikit_learn_and_its_intervals_with_scipy():
    found = calibration_curve(CHANCES, HAPPENED)
    observed, predicted = reference(HAPPENED, CHANCES, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(found.observed, observed)
    np.testing.assert_allclose(found.predicted, predicted)
    for i, n in enumerate(found.counts):
        wilson = binomtest(round(found.observed[i] * n), n).proportion_ci(method="wilson")
        assert (found.low[i], found.high[i]) == pytest.approx((wilson.low, wilson.high))


def test_rows_of_equal_probability_share_a_group():
    found = calibration_curve(np.r_[np.zeros(50), np.ones(50)], np.arange(100) < 10)
    assert (found.counts.tolist(), found.observed.tolist()) == ([50, 50], [0.2, 0])
    assert calibration_curve(np.full(5, 0.3), np.ones(5, bool)).counts.tolist() == [5]


@pytest.mark.parametrize("scores", [CHANCES, CHANCES.round(1)], ids=["different", "with ties"])
def test_curves_of_thresholds_agree_with_scikit_learn(scores):
    false, true, _ = metrics.roc_curve(HAPPENED, scores, drop_intermediate=False)
    ours = roc_curve(scores, HAPPENED)
    np.testing.assert_allclose(ours, (false, true))
    precision, recall, _ = metrics.precision_recall_curve(HAPPENED, scores)
    ours = precision_recall_curve(scores, HAPPENED)
    np.testing.assert_allclose(ours, (recall[-2::-1], precision[-2::-1]))


def test_losses_of_rows_agree_with_scikit_learn():
    table, y = Table({"a": CHANCES}), np.where(HAPPENED, "yes", "no")
    model = Classes(lambda X: np.c_[1 - X[:, 0], X[:, 0]], "a", classes=("no", "yes"))
    assert row_losses(model, table, y).mean() == pytest.approx(metrics.log_loss(y, np.c_[1 - CHANCES, CHANCES]))
    model.sure = False
    assert row_losses(model, table, y).mean() == pytest.approx(np.mean((CHANCES > 0.5) != HAPPENED))
    with pytest.raises(DataError, match="'maybe' is none of the 2 classes"):
        row_losses(model, table, np.full(300, "maybe"))


def test_the_hardest_rows_are_those_with_the_largest_loss():
    model = Classes(lambda X: np.c_[1 - X[:, 0], X[:, 0]], "a", classes=("no", "yes"))
    table = table_of(np.array([[0.9], [0.2], [0.6], [0.99]]))
    first, second = hardest_rows(model, table, np.array(["no", "yes", "yes", "yes"]), most=2)
    assert (first.row, first.truth, first.answer) == (0, "no", "yes")
    assert (first.chance, first.loss) == pytest.approx((0.1, -np.log(0.1)))
    assert (second.row, second.truth, second.answer) == (1, "yes", "no")
    numbers = hardest_rows(Numbers(lambda X: X[:, 0], "a"), table, np.array([0.9, 0.2, 0.6, 3.99]))
    assert [(row.row, row.truth, row.answer) for row in numbers] == [(3, 3.99, 0.99)]
    model.sure = False
    assert [row.row for row in hardest_rows(model, table, np.array(["no", "yes", "yes", "yes"]))] == [0, 1]
