"""Every metric against scikit-learn's: random answers, ties, weights, classes that do not occur."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from subgrad import metrics as ours

rng = np.random.default_rng(0)
N = 80
WEIGHTS = [None, rng.uniform(0, 2, N), rng.integers(0, 3, N)]
MACRO = {"average": "macro", "zero_division": 0}
PLACES = {
    "accuracy": theirs.accuracy_score,
    "balanced_accuracy": theirs.balanced_accuracy_score,
    "matthews_correlation": theirs.matthews_corrcoef,
    "precision": theirs.precision_score,
    "recall": theirs.recall_score,
    "f1": theirs.f1_score,
}
CHANCES = {
    "roc_auc": theirs.roc_auc_score,
    "average_precision": theirs.average_precision_score,
    "log_loss": theirs.log_loss,
    "brier": theirs.brier_score_loss,
}
NUMBERS = {
    "r2": theirs.r2_score,
    "root_mean_squared_error": theirs.root_mean_squared_error,
    "mean_absolute_error": theirs.mean_absolute_error,
    "median_absolute_error": theirs.median_absolute_error,
}


def test_every_metric_is_compared():
    assert {**PLACES, **CHANCES, **NUMBERS}.keys() == ours.TABLE.keys()


@pytest.mark.parametrize("weights", WEIGHTS, ids=["none", "real", "whole"])
@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("name", PLACES)
def test_classes(name, classes, weights):
    truth, answers = rng.integers(0, classes, (2, N))
    answers = np.where(rng.random(N) < 0.5, truth, answers)
    more = MACRO if name in ("precision", "recall", "f1") and classes > 2 else {}
    expected = PLACES[name](truth, answers, sample_weight=weights, **more)
    assert ours.get(name)(truth, answers, weights) == pytest.approx(expected, abs=1e-12)
    assert ours.get(name)(truth, answers, weights, classes=classes) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["precision", "recall", "f1", "balanced_accuracy", "matthews_correlation"])
def test_classes_that_do_not_occur_everywhere(name):
    truth, answers = np.array([0, 0, 1, 1, 1]), np.array([0, 3, 3, 1, 1])  # 2 nowhere, 3 is answered only
    more = MACRO if name in ("precision", "recall", "f1") else {}
    if name == "balanced_accuracy":
        with pytest.warns(UserWarning, match="classes not in y_true"):
            expected = PLACES[name](truth, answers)
    else:
        expected = PLACES[name](truth, answers, **more)
    assert ours.get(name)(truth, answers, classes=4) == pytest.approx(expected, abs=1e-12)


def chances(n, classes, steps):
    """Random probabilities; of few values, so that there are ties."""
    p = rng.integers(1, steps, (n, classes)).astype(float)
    return p / p.sum(1, keepdims=True)


@pytest.mark.parametrize("weights", WEIGHTS, ids=["none", "real", "whole"])
@pytest.mark.parametrize(("classes", "steps"), [(2, 3), (2, 1000), (4, 3), (4, 1000)])
@pytest.mark.parametrize("name", CHANCES)
def test_probabilities(name, classes, steps, weights):
    truth, p = rng.integers(0, classes, N), chances(N, classes, steps)
    more = {"multi_class": "ovr"} if name == "roc_auc" and classes > 2 else {}
    expected = CHANCES[name](truth, p if classes > 2 else p[:, 1], sample_weight=weights, **more)
    assert ours.get(name)(truth, p, weights) == pytest.approx(expected, abs=1e-12)
    if classes == 2:
        assert ours.get(name)(truth, p[:, 1], weights) == pytest.approx(expected, abs=1e-12)


def test_a_class_that_does_not_occur_counts_in_no_mean():
    truth, p = rng.integers(0, 3, N), chances(N, 4, 9)
    for name, function in (("roc_auc", theirs.roc_auc_score), ("average_precision", theirs.average_precision_score)):
        expected = np.mean([function(truth == k, p[:, k]) for k in range(3)])
        assert ours.get(name)(truth, p) == pytest.approx(expected, abs=1e-12)
    assert ours.log_loss(truth, p) == pytest.approx(theirs.log_loss(truth, p, labels=range(4)), abs=1e-12)
    assert ours.brier(truth, p) == pytest.approx(theirs.brier_score_loss(truth, p, labels=range(4)), abs=1e-12)


def test_a_certain_answer_that_is_wrong_costs_what_it_costs_there():
    truth, p = np.array([0, 1, 1]), np.array([0.0, 0.0, 1.0])
    assert ours.log_loss(truth, p) == pytest.approx(theirs.log_loss(truth, p), rel=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS, ids=["none", "real", "whole"])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, weights):
    truth = rng.normal(5, 3, N)
    answers = truth + rng.integers(-3, 4, N)  # with ties
    if weights is not None and weights.dtype.kind == "f" and name == "median_absolute_error":
        answers = truth + rng.normal(size=N)
    expected = NUMBERS[name](truth, answers, sample_weight=weights)
    assert ours.get(name)(truth, answers, weights) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_the_median_of_few(n):
    truth, answers = rng.normal(size=(2, n))
    assert ours.median_absolute_error(truth, answers) == theirs.median_absolute_error(truth, answers)


@pytest.mark.parametrize("metric", ours.TABLE.values(), ids=lambda m: m.name)
def test_whole_weights_are_repeated_rows_and_several_weights_are_several_numbers(metric):
    truth, answers = rng.normal(size=(2, N))
    if metric.takes != "numbers":
        truth, answers = rng.integers(0, 3, N), rng.integers(0, 3, N) if metric.takes == "classes" else chances(N, 3, 5)
    weights = rng.integers(0, 3, (5, N))
    repeated = [metric(np.repeat(truth, w), np.repeat(answers, w, axis=0)) for w in weights]
    np.testing.assert_allclose(metric(truth, answers, weights), repeated, rtol=1e-12)
