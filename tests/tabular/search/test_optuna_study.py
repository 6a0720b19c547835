"""The search by Optuna: what its study holds, that it goes on, and what it refuses. Training is a stand-in here."""

import sys
from types import SimpleNamespace

import optuna
import pytest

from subgrad.errors import ArgumentError, FileError, MissingExtraError
from subgrad.fit import History
from subgrad.tabular import settings_for
from subgrad.tabular.search import tuning
from subgrad.tabular.search.tuning import tune_tabular

TABLE = {"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "b", "a", "b"]}


@pytest.fixture
def trained(monkeypatch):
    """Stand-ins for training: the loss is the dropout, told at two looks."""
    made = []

    def fit(table, target, *, settings, callbacks, **others):
        made.append(settings)
        history = History()
        for loss in (settings.dropout + 1, settings.dropout):
            history.epochs.append({"validation_loss": loss})
            for callback in callbacks:
                callback(history)
        return SimpleNamespace(history=history, scores={"log_loss": settings.dropout}, record={})

    monkeypatch.setattr(tuning, "fit_tabular", fit)
    return made


def test_a_study_goes_on_where_it_was_killed(trained, tmp_path):
    file = tmp_path / "study.db"
    first = tune_tabular(TABLE, "y", trials=3, study=file)
    assert trained[0] == settings_for("normal")
    assert len(trained) == len(first.trials) == 3
    second = tune_tabular(TABLE, "y", trials=5, study=file)
    assert [t.settings for t in second.trials[:3]] == trained[:3]
    assert len(second.trials) == 5
    study = optuna.load_study(study_name="subgrad", storage=f"sqlite:///{file}")
    assert study.best_value == min(t.score for t in second.trials) == second.model.scores["log_loss"]
    assert [sorted(t.intermediate_values) for t in study.trials] == [[1, 2]] * 5


def test_a_study_that_is_done_gives_its_best_model(trained, tmp_path):
    first = tune_tabular(TABLE, "y", trials=2, study=tmp_path / "s.db")
    again = tune_tabular(TABLE, "y", trials=2, study=tmp_path / "s.db")
    assert len(trained) == 3
    assert again.model.scores == first.model.scores


def test_a_study_in_memory_has_the_users_sampler_and_pruner(trained):
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=1), pruner=optuna.pruners.ThresholdPruner(upper=1.15)
    )
    found = tune_tabular(TABLE, "y", trials=6, study=study)
    ends = [trial.state.name for trial in study.trials]
    assert "PRUNED" in ends
    assert len(found.trials) == ends.count("COMPLETE")
    assert all(trial.score < 0.15 for trial in found.trials)


def test_what_is_no_study_of_this(trained, tmp_path, monkeypatch):
    tune_tabular(TABLE, "y", trials=1, study=tmp_path / "s.db")
    with pytest.raises(ArgumentError, match="of something else.* target 'y' instead of 'x'"):
        tune_tabular(TABLE, "x", task="classification", trials=1, study=tmp_path / "s.db")
    with pytest.raises(ArgumentError, match="has to maximize it, and this is to minimize"):
        tune_tabular(TABLE, "y", metric="accuracy", study=optuna.create_study())
    with pytest.raises(ArgumentError, match="got int"):
        tune_tabular(TABLE, "y", study=3)
    with pytest.raises(FileError, match="there is no folder"):
        tune_tabular(TABLE, "y", study=tmp_path / "nowhere" / "s.db")
    (tmp_path / "text.db").write_text("no database, but a text" * 100)
    with pytest.raises(FileError, match="cannot be used as a study"):
        tune_tabular(TABLE, "y", study=tmp_path / "text.db")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'subgrad\[optuna\]'"):
        tune_tabular(TABLE, "y", study=tmp_path / "s.db")
