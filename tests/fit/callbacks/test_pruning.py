"""Optuna's pruning of a run."""

import numpy as np
import optuna
import pytest

import subgrad as sg
from subgrad import errors


def test_the_pruner_hears_each_epoch_and_ends_the_run():
    x = np.linspace(-1, 1, 16)[:, None]

    def objective(trial):
        net = sg.nn.Linear(1, 1, seed=0)
        calls = sg.OptunaPruningCallback(trial, "loss")
        sg.fit(net, x, x[:, 0], loss="squared", optimizer=sg.SGD(0.1), epochs=6, callbacks=calls, verbose=False)
        return 0.0

    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(lower=1e-9, n_warmup_steps=3))
    study.optimize(objective, n_trials=1)
    assert sorted(study.trials[0].intermediate_values) == [1, 2, 3, 4, 5, 6]
    study = optuna.create_study(pruner=optuna.pruners.ThresholdPruner(upper=1e-9, n_warmup_steps=3))
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state.name == "PRUNED"
    assert sorted(study.trials[0].intermediate_values) == [1, 2, 3]


def test_an_unknown_column_is_named():
    calls = sg.OptunaPruningCallback(optuna.create_study().ask(), "validation_loss")
    with pytest.raises(errors.ArgumentError, match="column of the history, loss, seconds, got 'validation_loss'"):
        calls(sg.History(epochs=[{"loss": 1.0, "seconds": 0.1}]))
