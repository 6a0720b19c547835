"""What is reported, against scikit-learn's numbers."""

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics

from subgrad.cli.jobs.prediction_report import Classified, Regressed


def printed(outcome, width):
    console = Console(width=width, markup=False, highlight=False, color_system=None)
    with console.capture() as capture:
        outcome.print(console)
    return capture.get()


def test_classification():
    rng = np.random.default_rng(0)
    truth, answers = rng.integers(0, 4, (2, 100))
    outcome = Classified(["a", "b", "c", "d"], truth, answers, majority=1)
    assert outcome.accuracy == metrics.accuracy_score(truth, answers)
    np.testing.assert_array_equal(outcome.confusion, metrics.confusion_matrix(truth, answers))
    assert f"Always saying 'b' gives {np.mean(truth == 1):.1%}" in printed(outcome, 80)


def test_too_many_classes_for_a_matrix_give_the_worst_confusions():
    truth = np.repeat(np.arange(30), 10)
    answers = truth.copy()
    answers[:7] = 29
    text = printed(Classified([f"class {i}" for i in range(30)], truth, answers, majority=0), 80)
    assert "7 × 'class 0' taken for 'class 29'" in text
    assert "the answers across" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_regression():
    rng = np.random.default_rng(0)
    truth = rng.normal(5, 3, 200)
    outcome = Regressed("price", truth, truth + rng.normal(size=200), mean=5.0)
    assert outcome.r2 == pytest.approx(metrics.r2_score(truth, outcome.answers))
    assert outcome.mean_absolute_error == pytest.approx(metrics.mean_absolute_error(truth, outcome.answers))
    text = printed(outcome, 80)
    assert f"{metrics.mean_absolute_error(truth, np.full(200, 5.0)):.4g}" in text


def test_one_value_only_has_no_r2():
    outcome = Regressed("price", np.ones(3), np.ones(3), mean=1.0)
    assert outcome.r2 is None
    assert outcome.numbers()["r2"] is None
    assert "-" in printed(outcome, 80)
