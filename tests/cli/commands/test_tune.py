"""``subgrad tune``: a search, its model in a file, and wrong usage."""

from pathlib import Path

import numpy as np
import pytest
from command import fail, misuse, read_csv, succeed, write_csv

from subgrad import tabular
from subgrad.cli.jobs.runs import tuning_run


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    return write_csv(tmp_path / "t.csv", {"a": x[:, 0], "b": x[:, 1], "y": np.where(x.sum(1) > 0, "up", "down")})


def test_a_search_saves_its_best_model(table):
    wishes = ["--balance", "--set", 0.8]
    out = succeed("tune", table, "--target", "y", "--trials", 2, "--effort", "quick", "--minutes", 2, *wishes)
    assert "The best of 4 trials had " in out
    assert "96 examples to learn from, 24 held out to test on." in out
    assert "the network  " in out
    assert "Saved t.safetensors." in out
    rows = read_csv(succeed("predict", "t.safetensors", table))
    assert len(rows) == 120
    assert list(rows[0])[-1] == "set of 80%"
    shown = succeed("show", "t.safetensors")
    assert "Test: accuracy" in shown
    assert "'up' is answered from a probability of" in shown


def test_ctrl_c_keeps_the_best_model_so_far(table, monkeypatch):
    studies = []

    def interrupted(table, target, study, **options):
        studies.append(study)
        model = tabular.fit_tabular(table, target, effort="quick", seed=0, verbose=False)
        trial = tabular.Trial(tabular.settings_for("normal"), 1, model.scores["log_loss"])
        return tabular.Tuned(model, [trial], interrupted=True)

    monkeypatch.setattr(tuning_run, "tune_tabular", interrupted)
    said = fail("tune", table, "--target", "y", "--optuna", "s.db")
    assert said == "interrupted: the best model so far is in t.safetensors"
    assert studies == [Path("s.db")]
    assert len(read_csv(succeed("predict", "t.safetensors", table))) == 120


def test_wrong_usage(table, tmp_path):
    assert "say which column to predict: 'a', 'b', 'y'" in misuse("tune", table)
    assert "above 0, got 0" in misuse("tune", table, "--target", "y", "--minutes", 0)
    assert "a share between 0 and 1, got 2" in misuse("tune", table, "--target", "y", "--set", 2)
    assert "--interval is for numbers" in fail("tune", table, "--target", "y", "--interval", 0.5)
    assert "'--trials'" in misuse("tune", table, "--target", "y", "--trials", 0)
    assert "or which are the only ones" in misuse("tune", table, "--target", "y", "--drop", "a", "--only", "b")
    assert "no column 'z'" in fail("tune", table, "--target", "z")
    (tmp_path / "t.safetensors").write_text("mine")
    assert "is no model of" in misuse("tune", table, "--target", "y")
