"""Rare classes, intervals and quantiles: what a model learns after its training is in its file, and used."""

import re

import numpy as np
import pytest
from command import column, fail, misuse, read_csv, succeed, write_csv
from sklearn.metrics import balanced_accuracy_score

from subgrad.cli.jobs.runs import tabular_run
from subgrad.io import read_model_file

NETWORK, TABULAR = ("--hidden", 8, "--epochs", 40, "--step", 0.01), ("--effort", "quick")


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """One row in 15 is 'ill', and looks a little different."""
    rng = np.random.default_rng(0)
    ill = rng.random(600) < 1 / 15
    columns = {"x": rng.normal(ill * 2.5, 1), "kind": rng.choice(["a", "b"], 600), "y": np.where(ill, "ill", "well")}
    return write_csv(tmp_path_factory.mktemp("rare") / "rare.csv", columns)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """A number whose error grows with it."""
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 9, 500)
    return write_csv(tmp_path_factory.mktemp("noisy") / "noisy.csv", {"x": x, "y": x * rng.normal(1, 0.2, 500)})


def recorded(model):
    return read_model_file(model)[1]["info"]["training"]


@pytest.mark.parametrize("options", [NETWORK, TABULAR])
def test_rare_classes_are_answered(rare, tmp_path, options):
    model = tmp_path / "m.safetensors"
    out = succeed("train", rare, "--target", "y", "--balance", "--set", 0.95, "--out", model, *options)
    rows = read_csv(succeed("predict", model, rare))
    answers, p = np.array(column(rows, "prediction")), np.array(column(rows, "probability of well"), float)
    weights = recorded(model)["calibrated"]["decision"]["weights"]
    threshold = weights[0] / (weights[0] + weights[1])
    assert threshold > 0.6
    np.testing.assert_array_equal(answers == "well", p > threshold)
    assert f"'well' is answered from a probability of {threshold:.3g} on" in out
    assert f"'well' is answered from a probability of {threshold:.3g} on" in succeed("show", model)
    truth = np.array(column(read_csv(rare.read_text()), "y"))
    balanced = balanced_accuracy_score(truth, answers)
    assert balanced > 0.05 + balanced_accuracy_score(truth, np.where(p > 0.5, "well", "ill"))
    assert f" {balanced:.3f} " in succeed("evaluate", model, rare)
    assert np.mean(1 - p) == pytest.approx(np.mean(truth == "ill"), abs=0.04)  # probabilities are not balanced
    check_sets(out, model, rare, rows, truth, p)


def check_sets(out, model, file, rows, truth, p):
    """Sets of 95%, beside the probability of 'well' (n,): what is in, how often the truth is, what is said of it."""
    threshold = recorded(model)["calibrated"]["sets"]["threshold"]
    sets = [text.split(" | ") for text in column(rows, "set of 95%")]
    assert f"a class is in from a probability of {threshold:.3g} on" in out
    for own, q in zip(sets, p, strict=True):
        expected = [name for name, chance in (("ill", 1 - q), ("well", q)) if chance >= min(threshold, max(q, 1 - q))]
        assert own == expected or abs(min(q, 1 - q) - threshold) < 1e-5  # the CSV has six digits
    held = np.mean([right in own for right, own in zip(truth, sets, strict=True)])
    assert held == pytest.approx(0.95, abs=0.03)
    said = re.search(r"Sets of 95% hold the right class of (\d+\.\d)% of the rows", succeed("evaluate", model, file))
    assert float(said[1]) == pytest.approx(100 * held, abs=0.5)
    assert recorded(model)["test"]["set_coverage"] == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize("options", [NETWORK, TABULAR])
def test_intervals_hold_what_they_promise(noisy, tmp_path, options):
    model = tmp_path / "m.safetensors"
    out = succeed("train", noisy, "--target", "y", "--interval", 0.8, "--out", model, *options)
    assert "Intervals of 80% were calibrated by the errors of" in out
    rows = read_csv(succeed("predict", model, noisy))
    low, high, answers = (np.array(column(rows, name), float)
                          for name in ("lower end of 80%", "upper end of 80%", "prediction"))  # fmt: skip
    truth = np.array(column(read_csv(noisy.read_text()), "y"), float)
    inside = np.mean((low <= truth) & (truth <= high))
    assert inside == pytest.approx(0.8, abs=0.06)
    assert (low < answers).all()
    said = re.search(r"Intervals of 80% hold (\d+\.\d)% of 'y'", succeed("evaluate", model, noisy))
    assert float(said[1]) == pytest.approx(100 * inside, abs=0.5)  # rows of the calibration lie on the very end of one
    assert recorded(model)["test"]["coverage"] == pytest.approx(0.8, abs=0.12)


@pytest.mark.parametrize("options", [NETWORK, TABULAR])
def test_quantiles(noisy, tmp_path, options):
    model = tmp_path / "m.safetensors"
    out = succeed("train", noisy, "--target", "y", "--quantile", "0.9,0.1,0.5", "--out", model, *options)
    assert ("quantile by adam" if options == NETWORK else "They learnt quantiles of 'y': 0.1, 0.5, 0.9") in out
    rows = read_csv(succeed("predict", model, noisy))
    values = np.array([column(rows, f"quantile {q}") for q in (0.1, 0.5, 0.9)], float)
    truth = np.array(column(read_csv(noisy.read_text()), "y"), float)
    np.testing.assert_allclose(np.mean(truth <= values, axis=1), [0.1, 0.5, 0.9], atol=0.08)
    assert (np.diff(values, axis=0) >= 0).all()
    np.testing.assert_array_equal(values[1], np.array(column(rows, "prediction"), float))
    assert "Quantiles: of 'y' lie" in succeed("evaluate", model, noisy)


def test_an_interrupted_run_keeps_the_best_model_so_far(noisy, tmp_path, monkeypatch):
    def press(history):
        if len(history) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(tabular_run, "score_lines", lambda console: [press])
    model = tmp_path / "m.safetensors"
    message = fail("train", noisy, "--target", "y", "--out", model, *TABULAR)
    assert message == f"interrupted: the best model so far is in {model}"
    assert len(read_csv(succeed("predict", model, noisy))) == 500


def test_wishes_that_do_not_suit(rare, noisy, tmp_path):
    out = ("--out", tmp_path / "m.safetensors")
    few = write_csv(tmp_path / "few.csv", {"x": range(15), "y": [0.5 * i * i for i in range(15)]})
    wine = write_csv(tmp_path / "grades.csv", {"x": range(60), "y": [3, 4, 5] * 20})
    assert "--balance is for classes" in fail("train", noisy, "--target", "y", "--balance", *out)
    assert "--interval is for numbers" in fail("train", rare, "--target", "y", "--interval", 0.9, *out)
    assert "--set is for classes" in fail("train", noisy, "--target", "y", "--set", 0.9, *out)
    assert "quantiles are of numbers" in fail("train", rare, "--target", "y", "--quantile", 0.5, *out)
    assert "--set 0.999 takes 999 rows, there are 480" in fail("train", rare, "--target", "y", "--set", 0.999, *out)
    assert "takes 19 rows, there are 12" in fail("train", few, "--target", "y", "--interval", 0.9, *out)
    assert "--validation 0 leaves none" in fail("train", rare, "--target", "y", "--balance", "--validation", 0, *out)
    assert "hinge have none" in fail("train", rare, "--target", "y", "--balance", "--loss", "hinge", *out)
    mixed = ("--loss", "hinge", "--task", "regression")
    assert "hinge is for classification, and this is regression" in fail("train", wine, "--target", "y", *mixed, *out)
    for value in ("x", "0", "0.5,1.5", ""):
        assert "numbers between 0 and 1" in misuse("train", noisy, "--target", "y", "--quantile", value)
    assert "a share between 0 and 1, got 90" in misuse("train", noisy, "--target", "y", "--interval", 90)
    assert "a share between 0 and 1, got 1" in misuse("train", rare, "--target", "y", "--set", 1)
    assert "--hidden asks for a network" in misuse("train", rare, "--target", "y", "--hidden", 4, "--effort", "quick")
    assert "is for a network" in misuse("train", rare, "--target", "y", "--model", "tabular", "--hidden", 4)
    assert "without --loss" in misuse("train", noisy, "--target", "y", "--quantile", 0.5, "--loss", "huber")
    assert "tabular is for `subgrad train FILE`" in misuse("train", "digits", "--model", "tabular")
    assert "--task regression takes it for numbers" in succeed("train", wine, "--target", "y", "--epochs", 1, *out)
    assert "Regression, as was asked for." in succeed("train", wine, "--target", "y", "--epochs", 1, "--task",
                                                      "regression", *out)  # fmt: skip
