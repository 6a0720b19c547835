"""Optuna's pruning: a run that is worse than others were ends early."""

from __future__ import annotations

from typing import Any

from subgrad.errors import ArgumentError, missing_extra
from subgrad.fit.history import History


class OptunaPruningCallback:
    """Tells a trial of Optuna how a run goes, and ends it where Optuna's pruner says so.

    For ``callbacks`` of `subgrad.fit`, of a `Trainer` and of `subgrad.tabular.fit_tabular`, as
    ``optuna_integration.KerasPruningCallback`` is for Keras. Needs ``pip install 'subgrad[optuna]'``.

    Args:
        trial: an ``optuna.trial.Trial``, which the objective was given.
        monitor: what is reported, a column of the history: "validation_loss", or a metric.

    Raises:
        optuna.TrialPruned: when it is called, after an epoch, if the trial should end. A study's ``optimize`` takes it.
        MissingExtraError: if Optuna is not installed.

    Example:
        >>> import numpy as np, optuna, subgrad as sg
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> x = np.random.default_rng(0).normal(size=(64, 2))
        >>> def objective(trial):
        ...     lr = trial.suggest_float("lr", 1e-3, 1e-1, log=True)
        ...     net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.Tanh(), sg.nn.Linear(8, 1, seed=1))
        ...     calls = sg.OptunaPruningCallback(trial, "validation_loss")
        ...     history = sg.fit(net, x, x[:, 0] * x[:, 1], loss="squared", optimizer=sg.Adam(lr), epochs=5,
        ...                      validation=0.25, callbacks=calls, verbose=False)
        ...     return history["validation_loss"][-1]
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> study.optimize(objective, n_trials=3)
        >>> len(study.trials)
        3
    """

    def __init__(self, trial: Any, monitor: str = "validation_loss") -> None:
        try:
            from optuna import TrialPruned
        except ImportError as error:
            raise missing_extra("Optuna", "optuna", "OptunaPruningCallback") from error
        self.trial, self.monitor = trial, monitor
        self._pruned, self._reported = TrialPruned, 0

    def __call__(self, history: History) -> None:
        last = history.epochs[-1]
        if self.monitor not in last:
            raise ArgumentError(f"monitor is a column of the history, {', '.join(last)}, got {self.monitor!r}"[:300])
        if len(history) <= self._reported:
            return  # a second run beside the first, of which the pruner has heard
        self._reported = len(history)
        self.trial.report(last[self.monitor], self._reported)
        if self.trial.should_prune():
            raise self._pruned(f"pruned after {self._reported} epochs: {self.monitor} {last[self.monitor]:.4g}")


__all__ = ["OptunaPruningCallback"]
