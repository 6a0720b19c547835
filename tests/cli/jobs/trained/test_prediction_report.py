"""What is reported, against scikit-learn's numbers."""

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics

from subgrad.cli.jobs.trained.prediction_report import Classified, Regressed


def printed(outcome, width):
    console = Console(width=width, markup=False, highlight=False, color_system=None)
    with console.capture() as capture:
        outcome.print(console)
    return capture.get()


def rows_of(text, name):
    """The cells of the rows that begin so, over all blocks."""
    return [cell for line in text.splitlines() if line.startswith(name) for cell in line[len(name) :].split()]


def test_classification():
    rng = np.random.default_rng(0)
    truth, answers = rng.integers(0, 4, (2, 100))
    outcome = Classified(["a", "b", "c", "d"], truth, answers, majority=1)
    assert outcome.accuracy == metrics.accuracy_score(truth, answers)
    np.testing.assert_array_equal(outcome.confusion, metrics.confusion_matrix(truth, answers))
    assert f"Always saying 'b' gives {np.mean(truth == 1):.1%}" in printed(outcome, 80)


@pytest.mark.parametrize("rare", [0, 1])
def test_of_two_classes_the_rarer_one_is_judged(rare):
    """Whichever comes first by name."""
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(300) < 0.1, rare, 1 - rare)
    p = np.where(truth == 1, 0.7, 0.4) + rng.normal(0, 0.15, 300).clip(-0.3, 0.3)
    counts = np.bincount(truth)
    outcome = Classified(["a", "b"], truth, (p > 0.5).astype(int), 1 - rare, np.stack([1 - p, p], 1), counts)
    numbers, text = outcome.numbers(), printed(outcome, 90)
    assert numbers["f1"] == pytest.approx(metrics.f1_score(truth, p > 0.5, pos_label=rare))
    expected = metrics.average_precision_score(truth == rare, p if rare else 1 - p)
    assert numbers["average_precision"] == pytest.approx(expected)
    entropy = metrics.log_loss(truth, np.tile(counts / 300, (300, 1)))
    assert f"{expected:.3f}" == rows_of(text, "the network")[7]
    assert [f"{counts[rare] / 300:.3f}", f"{entropy:.3f}"] == rows_of(text, f"always '{'ba'[rare]}'")[7:9]
    low, high = (float(rows_of(text, name)[7]) for name in ("  95% from", "       to"))
    assert low < expected < high
    assert max(map(len, text.splitlines())) <= 80


def test_scores_without_a_meaning_have_no_metrics_of_probabilities():
    outcome = Classified(["a", "b"], np.array([0, 1, 1]), np.array([0, 1, 0]), majority=0)
    assert "log_loss" not in outcome.numbers()
    assert "log loss" not in printed(outcome, 80)


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
    numbers = outcome.numbers()
    assert numbers["r2"] == pytest.approx(metrics.r2_score(truth, outcome.answers))
    assert numbers["mean_absolute_error"] == pytest.approx(metrics.mean_absolute_error(truth, outcome.answers))
    text = printed(outcome, 80)
    names = ("r2", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error")
    assert rows_of(text, "the network") == [f"{numbers[name]:.3f}" for name in names]
    assert rows_of(text, "always the mean")[2] == f"{metrics.mean_absolute_error(truth, np.full(200, 5.0)):.3f}"


def test_one_value_only_has_no_r2():
    outcome = Regressed("price", np.ones(3), np.ones(3), mean=1.0)
    assert outcome.numbers()["r2"] is None
    assert "-" in printed(outcome, 80)


@pytest.mark.parametrize(("spread", "says"), [(1.0, "train with --balance"), (0.0, "the columns say little")])
def test_a_model_that_always_gives_one_answer_is_said_aloud(spread, says):
    truth = np.repeat([0, 1], [95, 5])
    p = 0.1 + 0.1 * spread * truth
    outcome = Classified(["well", "sick"], truth, np.zeros(100, int), 0, np.stack([1 - p, p], 1), np.array([95, 5]))
    text = " ".join(printed(outcome, 100).split())
    assert "Every row gets the same answer, 'well'" in text
    assert says in text
    assert f"ROC AUC of {metrics.roc_auc_score(truth, p):.3f}" in text
    assert "Every row" not in printed(Classified(["well", "sick"], truth, truth, 0), 100)
    assert "Every row" not in printed(Classified(["well", "sick"], truth * 0, truth * 0, 0), 100)
