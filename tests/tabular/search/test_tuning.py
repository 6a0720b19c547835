"""The search: which settings it tries for how long, and which model it ends with. Training is a stand-in here."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError
from subgrad.tabular import settings_for
from subgrad.tabular.search import optuna_study, tuning
from subgrad.tabular.search.search_space import SPACE
from subgrad.tabular.search.tuning import tune_tabular


class Trainings:
    """Stand-ins for training: each takes ``seconds`` of a clock of its own, and scores by dropout and passes alone."""

    def __init__(self, monkeypatch, seconds=1.0, metric="log_loss", interrupt=0):
        self.now, self.seconds, self.metric, self.interrupt, self.calls = 0.0, seconds, metric, interrupt, []
        monkeypatch.setattr(tuning, "fit_tabular", self.fit)
        monkeypatch.setattr(tuning, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def fit(self, table, target, *, settings, max_seconds, **others):
        self.now += min(self.seconds * settings.passes, max_seconds)
        self.calls.append((settings, max_seconds))
        score = settings.dropout + 1 / settings.passes
        stopped = "interrupted" if len(self.calls) == self.interrupt else "finished"
        return SimpleNamespace(
            history=SimpleNamespace(stopped=stopped), scores={self.metric: score}, record={"metric": self.metric}
        )


def test_a_third_goes_on_and_is_trained_three_times_as_long(monkeypatch):
    made = Trainings(monkeypatch, seconds=0.001)
    found = tune_tabular({}, "y", trials=10)
    assert [trial.round for trial in found.trials] == [1] * 10 + [2] * 4 + [3] * 2
    first, second, third = (
        [(call[0], trial) for call, trial in zip(made.calls, found.trials, strict=True) if trial.round == k]
        for k in (1, 2, 3)
    )
    assert found.trials[0].changes(settings_for("normal")) == {}
    full = settings_for("normal")
    for group, share in ((first, 9), (second, 3), (third, 1)):
        assert {s.passes for s, _ in group} == {round(full.passes / share)}
        assert {s.budget for s, _ in group} == {round(full.budget / share)}
    best = sorted((t.loss for _, t in first))[:4]
    assert sorted(s.dropout for s, _ in second) == pytest.approx(sorted(b - 1 / round(full.passes / 9) for b in best))
    assert found.model.scores["log_loss"] == min(trial.score for trial in found.trials)


def test_of_some_metrics_more_is_better(monkeypatch):
    Trainings(monkeypatch, seconds=0.001, metric="roc_auc")
    found = tune_tabular({}, "y", trials=9)
    assert found.model.scores["roc_auc"] == max(trial.score for trial in found.trials)


def test_each_round_has_a_third_of_the_time(monkeypatch):
    passes = settings_for("normal").passes
    made = Trainings(monkeypatch, seconds=10 / passes)  # ten seconds for a run of the last round
    found = tune_tabular({}, "y", minutes=2)
    rounds = [trial.round for trial in found.trials]
    assert rounds.count(1) == pytest.approx(36, abs=2)
    assert rounds.count(2) == pytest.approx(12, abs=1)
    assert rounds.count(3) == pytest.approx(4, abs=1)
    assert made.now <= 130


def test_a_search_without_time_has_a_model_and_none_takes_longer_than_is_left(monkeypatch):
    made = Trainings(monkeypatch, seconds=1000)
    found = tune_tabular({}, "y", minutes=0.5)
    assert len(found.trials) == 1
    assert made.calls[0][1] == 30
    assert made.now == 30


def test_the_seed_draws_the_settings(monkeypatch):
    Trainings(monkeypatch, seconds=0.001)
    first, again, other = ([t.settings for t in tune_tabular({}, "y", trials=5, seed=s).trials] for s in (1, 1, 2))
    assert first == again != other
    changed = {name for settings in first for name in SPACE if getattr(settings, name) != getattr(first[0], name)}
    assert len(changed) >= len(SPACE) - 1


def test_ctrl_c_ends_the_search_with_the_best_so_far(monkeypatch):
    Trainings(monkeypatch, seconds=0.001, interrupt=4)
    found = tune_tabular({}, "y", trials=10)
    assert (len(found.trials), found.interrupted) == (4, True)
    assert found.model.scores["log_loss"] == min(trial.score for trial in found.trials)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minutes": 0}, "minutes is a positive number, got 0"),
        ({"minutes": "5"}, "minutes needs to be a time of 0 or more, got '5'"),
        ({"trials": 0}, "trials needs to be a whole number above 0, got 0"),
        ({"callback": 3}, "callback is a function of a trial, got 3"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        sg.tabular.tune_tabular({}, "y", **options)


def test_settings_are_tried_side_by_side_in_workers():
    """The stand-in for training goes to the workers as it is: its score is the dropout."""

    def fit(settings, max_seconds=None, callbacks=()):
        import os

        history = SimpleNamespace(stopped="finished")
        record = {"metric": "log_loss", "process": os.getpid()}
        return SimpleNamespace(history=history, scores={"log_loss": settings.dropout}, record=record)

    usual = settings_for("normal")
    rng = np.random.default_rng(0)
    found = tuning._Search(600, None, fit, 2).run(usual, rng, 9)
    assert [trial.round for trial in found.trials] == [1] * 9 + [2] * 3 + [3]
    assert found.model.scores["log_loss"] == min(trial.score for trial in found.trials)
    assert found.model.record["process"] != os.getpid()
    facts = {"rows": 4}
    found = optuna_study.search(
        None, usual, fit, "log_loss", facts, seconds=60, trials=4, seed=0, n_jobs=2, callback=None
    )
    assert len(found.trials) == 4
    assert found.model.scores["log_loss"] == min(trial.score for trial in found.trials)
