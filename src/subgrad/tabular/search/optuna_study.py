"""The search by Optuna: its sampler chooses settings, its pruner ends what is no good, its storage keeps all trials."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from subgrad.errors import ArgumentError, FileError, missing_extra
from subgrad.fit.callbacks.pruning import OptunaPruningCallback
from subgrad.metrics import get
from subgrad.tabular.defaults import Settings
from subgrad.tabular.search.search_space import SPACE
from subgrad.tabular.search.trials import Trial, Tuned
from subgrad.tabular.tabular_model import TabularModel

FACTS = "subgrad"  # the attribute of a study that says what it is of
Fit = Callable[..., TabularModel]


def search(
    study: Any, usual: Settings, fit: Fit, metric: str, facts: dict[str, Any], *, seconds: float, trials: int | None,
    seed: int, callback: Callable[[Trial], Any] | None,
) -> Tuned:  # fmt: skip
    """Go on with a study until there is no more time, or it has so many trials.

    Args:
        study: an ``optuna.Study``, a file of SQLite, or the URL of a storage.
        usual: the settings that are tried first, and which others differ from.
        fit: makes a model of settings, with ``max_seconds`` and ``callbacks``.
        metric: what is optimised.
        facts: what the study is of, by name: a study of other facts is refused.
        seconds, trials, seed, callback: see `tune_tabular`.
    """
    try:
        import optuna
    except ImportError as error:
        raise missing_extra("Optuna", "optuna", "a search with a study") from error
    with _quiet(optuna):
        opened = _opened(optuna, study, metric, seed)
        _require_facts(opened, facts)
        return _Search(optuna, opened, usual, fit, metric, seconds, callback).run(trials)


class _Search:
    def __init__(
        self, optuna: Any, study: Any, usual: Settings, fit: Fit, metric: str, seconds: float,
        callback: Callable[[Trial], Any] | None,
    ) -> None:  # fmt: skip
        self.optuna, self.study, self.usual, self.fit = optuna, study, usual, fit
        self.end, self.metric, self.callback = time.perf_counter() + seconds, get(metric), callback
        self.best: tuple[int, TabularModel] | None = None  # of this run: the number of the trial, and its model
        self.interrupted = False

    def run(self, trials: int | None) -> Tuned:
        self.study.enqueue_trial({n: r.plain(getattr(self.usual, n)) for n, r in SPACE.items()}, skip_if_exists=True)
        while not self._over(trials):
            self.study.optimize(self._objective, n_trials=1)
        found = self._finished()
        if self.best is None or (found and not self.interrupted and self.study.best_trial.number != self.best[0]):
            settings = self._settings(self.study.best_trial.params) if found else self.usual
            return Tuned(self.fit(settings), found, self.interrupted)  # the best one of an earlier run, trained again
        return Tuned(self.best[1], found, self.interrupted)

    def _over(self, trials: int | None) -> bool:
        enough = trials is not None and len(self.study.get_trials(deepcopy=False, states=self._states())) >= trials
        return self.interrupted or enough or time.perf_counter() >= self.end

    def _states(self) -> tuple[Any, ...]:
        """Of trials that were run."""
        states = self.optuna.trial.TrialState
        return states.COMPLETE, states.PRUNED, states.FAIL

    def _objective(self, trial: Any) -> float:
        settings = self.usual.but(**{name: values.suggest(trial, name) for name, values in SPACE.items()})
        left = max(self.end - time.perf_counter(), 1.0)
        model = self.fit(settings, max_seconds=left, callbacks=[OptunaPruningCallback(trial)])
        score = model.scores[self.metric.name]
        done = Trial(settings, 1, score, self.metric.larger_is_better)
        if self.best is None or done.loss < self._loss_of(self.best[1]):
            self.best = trial.number, model
        if self.callback is not None:
            self.callback(done)
        self.interrupted = model.history.stopped == "interrupted"
        if model.history.stopped in ("interrupted", "deadline"):
            raise self.optuna.TrialPruned(f"{model.history.stopped}, at {score:.4g}")
        return score

    def _loss_of(self, model: TabularModel) -> float:
        return Trial(self.usual, 1, model.scores[self.metric.name], self.metric.larger_is_better).loss

    def _finished(self) -> list[Trial]:
        """Those of earlier runs as well."""
        done = self.study.get_trials(deepcopy=False, states=(self.optuna.trial.TrialState.COMPLETE,))
        return [Trial(self._settings(t.params), 1, float(t.value), self.metric.larger_is_better) for t in done]

    def _settings(self, params: dict[str, Any]) -> Settings:
        return self.usual.but(**{name: SPACE[name].restore(value) for name, value in params.items() if name in SPACE})


def _opened(optuna: Any, study: Any, metric: str, seed: int) -> Any:
    """The study itself, or that of a file or an URL, a new one if there is none."""
    direction = "maximize" if get(metric).larger_is_better else "minimize"
    if not isinstance(study, (str, os.PathLike)):
        if not isinstance(study, optuna.Study):
            raise ArgumentError(f"study is an optuna.Study, a file or an URL, got {type(study).__name__}")
        if (own := study.direction.name.lower()) != direction:
            raise ArgumentError(f"a study of {metric} has to {direction} it, and this is to {own}")
        return study
    place = os.fspath(study)
    if "://" not in place and not Path(place).absolute().parent.is_dir():
        raise FileError(f"there is no folder {Path(place).absolute().parent} for the study {place}")
    try:
        return optuna.create_study(
            storage=place if "://" in place else f"sqlite:///{place}", study_name="subgrad", direction=direction,
            sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner(), load_if_exists=True,
        )  # fmt: skip
    except Exception as error:  # SQLAlchemy has many, for a file that is none of its own and for an unknown host
        raise FileError(f"{place} cannot be used as a study: {str(error).splitlines()[0]}"[:400]) from None


def _require_facts(study: Any, facts: dict[str, Any]) -> None:
    """Raise `ArgumentError` if the study is of something else: numbers of other data say nothing."""
    known = study.user_attrs.get(FACTS)
    if known is None:
        study.set_user_attr(FACTS, facts)
        return
    other = [f"{name} {known.get(name)!r} instead of {v!r}" for name, v in facts.items() if known.get(name) != v]
    if other:
        raise ArgumentError(f"the study is of something else, take a new one: it has {'; '.join(other)}"[:600])


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without the line that Optuna writes for each trial: a callback says more."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


__all__ = ["search"]
