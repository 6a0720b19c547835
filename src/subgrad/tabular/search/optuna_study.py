"""The search by Optuna: its sampler chooses settings, its pruner ends what is no good, its storage keeps all trials."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

from subgrad.fit.callbacks.pruning import OptunaPruningCallback
from subgrad.metrics import get
from subgrad.sweeps.study import Asked, Trials, opened, optuna_for, quiet
from subgrad.sweeps.workers import count_jobs, in_workers
from subgrad.tabular.defaults import Settings
from subgrad.tabular.search.search_space import SPACE
from subgrad.tabular.search.trials import Trial, Tuned
from subgrad.tabular.tabular_model import TabularModel

Fit = Callable[..., TabularModel]


def search(
    study: Any, usual: Settings, fit: Fit, metric: str, facts: dict[str, Any], *, seconds: float, trials: int | None,
    seed: int, n_jobs: int | None, callback: Callable[[Trial], Any] | None,
) -> Tuned:  # fmt: skip
    """Go on with a study until there is no more time, or it has so many trials.

    Args:
        study: an ``optuna.Study``, a file of SQLite, or the URL of a storage.
        usual: the settings that are tried first, and which others differ from.
        fit: makes a model of settings, with ``max_seconds`` and ``callbacks``.
        metric: what is optimised.
        facts: what the study is of, by name: a study of other facts is refused.
        seconds, trials, seed, n_jobs, callback: see `tune_tabular`.
    """
    optuna_for("a search with a study")
    direction = "maximize" if get(metric).larger_is_better else "minimize"
    with quiet():
        kept = opened(study, direction, seed, metric, facts)
        with Trials(kept, SPACE, count_jobs(n_jobs) == 1) as run:
            return _Search(kept, run, usual, fit, metric, seconds, callback).run(trials, n_jobs)


class _Search:
    def __init__(
        self, study: Any, run: Trials, usual: Settings, fit: Fit, metric: str, seconds: float,
        callback: Callable[[Trial], Any] | None,
    ) -> None:  # fmt: skip
        self.study, self.trials, self.usual, self.fit = study, run, usual, fit
        self.end, self.metric, self.callback = time.perf_counter() + seconds, get(metric), callback
        self.best: tuple[int, TabularModel] | None = None  # of this run: the number of the trial, and its model
        self.interrupted = False

    def run(self, count: int | None, n_jobs: int | None) -> Tuned:
        self.trials.enqueue({name: getattr(self.usual, name) for name in SPACE})
        train = functools.partial(_trained, self.fit, self.usual)
        try:
            for (asked, _), model in in_workers(train, self._timed(self.trials.ask(self._over, count)), n_jobs):
                self._take(asked, model)
        except KeyboardInterrupt:  # in one process a run ends with what it has; workers are on their own
            self.interrupted = True
        found = self._finished()
        if self.best is None or (found and not self.interrupted and self.study.best_trial.number != self.best[0]):
            settings = self.usual.but(**self.trials.values_of(self.study.best_trial)) if found else self.usual
            return Tuned(self.fit(settings), found, self.interrupted)  # the best one of an earlier run, trained again
        return Tuned(self.best[1], found, self.interrupted)

    def _over(self) -> bool:
        return self.interrupted or time.perf_counter() >= self.end

    def _timed(self, asked: Iterator[Asked]) -> Iterator[tuple[Asked, float]]:
        """Each trial with the seconds that are left for it."""
        return ((each, max(self.end - time.perf_counter(), 1.0)) for each in asked)

    def _take(self, asked: Asked, model: TabularModel | None) -> None:
        """What came of a trial; its model is None if it was pruned."""
        if model is None:
            self.trials.tell(asked.number, None, self.trials.states.PRUNED)
            return
        score = model.scores[self.metric.name]
        done = Trial(self.usual.but(**asked.values), 1, score, self.metric.larger_is_better)
        if self.best is None or done.loss < self._loss_of(self.best[1]):
            self.best = asked.number, model
        if self.callback is not None:
            self.callback(done)
        self.interrupted = self.interrupted or model.history.stopped == "interrupted"
        early = model.history.stopped in ("interrupted", "deadline")
        self.trials.tell(asked.number, None if early else score, self.trials.states.PRUNED if early else None)

    def _loss_of(self, model: TabularModel) -> float:
        return Trial(self.usual, 1, model.scores[self.metric.name], self.metric.larger_is_better).loss

    def _finished(self) -> list[Trial]:
        """Those of earlier runs as well."""
        done = self.study.get_trials(deepcopy=False, states=(self.trials.states.COMPLETE,))
        return [
            Trial(self.usual.but(**self.trials.values_of(t)), 1, float(t.value), self.metric.larger_is_better)
            for t in done
        ]


def _trained(fit: Fit, usual: Settings, given: tuple[Asked, float]) -> TabularModel | None:
    """The model of a trial, or None if Optuna's pruner has ended it, which it can where there is one process."""
    asked, seconds = given
    if asked.trial is None:
        return fit(usual.but(**asked.values), max_seconds=seconds)
    from optuna import TrialPruned

    try:
        return fit(usual.but(**asked.values), max_seconds=seconds, callbacks=[OptunaPruningCallback(asked.trial)])
    except TrialPruned:
        return None


__all__ = ["search"]
