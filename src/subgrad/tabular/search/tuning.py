"""A search for better settings than the defaults, within a time: many are tried briefly, the good ones for longer.

Successive halving (Jamieson, Talwalkar 2016) over settings drawn at random (Bergstra, Bengio 2012): each round keeps
the best third and trains it three times as long. Settings are judged by the rows that each network is not trained on,
and the defaults take part, so the result is not worse than they are on these rows.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence, Sized
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from subgrad import validators
from subgrad.data.task import Task, task_of_column
from subgrad.entropy import philox
from subgrad.errors import ArgumentError
from subgrad.metrics import TABLE
from subgrad.sweeps.workers import in_workers
from subgrad.tabular.defaults import Effort, Settings, settings_for
from subgrad.tabular.fitting import USUAL, fit_tabular
from subgrad.tabular.search import optuna_study
from subgrad.tabular.search.search_space import SPACE
from subgrad.tabular.search.trials import Trial, Tuned
from subgrad.tabular.tabular_model import TabularModel, as_table

SHRINK = 3  # how many settings go into a round for each that goes on, and how much longer the next round trains
ROUNDS = 3


def tune_tabular(
    table: Any,
    target: str,
    *,
    minutes: float = 5.0,
    trials: int | None = None,
    task: Task | None = None,
    effort: Effort = "normal",
    seed: int = 0,
    metric: str | None = None,
    keep: Collection[str] = (),
    study: Any = None,
    n_jobs: int | None = None,
    verbose: bool | None = None,
    callback: Callable[[Trial], Any] | None = None,
) -> Tuned:
    """The best `fit_tabular` of a table that is found in some minutes.

    Each of three rounds has a third of the time. Ctrl-C ends the search with the best model so far.

    Args:
        table, target, task, seed, metric, keep, verbose: see `fit_tabular`; the seed is that of the search, too.
        minutes: how long it may take. A run that is over time stops where it is.
        trials: how many settings the first round tries at most; as many as there is time for if it is None. If all are
            done in time, the same seed gives the same result.
        effort: how long the last round trains.
        study: a study of Optuna in the place of the three rounds (``pip install 'subgrad[optuna]'``): an
            ``optuna.Study``, or a file of SQLite or the URL of a storage, where it stays. Its sampler chooses the
            settings, which are trained with the whole effort, its pruner ends those that are no good. A study that is
            there goes on: ``trials`` is how many it has in the end.
        n_jobs: how many settings are trained at once, each in a process with its share of the processors, or on a
            cluster: see `subgrad.sweeps.in_workers`. Optuna's pruner ends no run of several at once.
        callback: called after each run.

    Raises:
        ArgumentError: for a time that is not positive, fewer than 1 trial, or a study of something else.
        FileError: if there can be no study in the file.
        MissingExtraError: for a study, if Optuna is not installed.
        DataError: what `fit_tabular` raises.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-2, 2, 60)
        >>> found = tune_tabular({"x": x, "y": np.abs(x)}, "y", minutes=1, trials=2, effort="quick")
        >>> [trial.round for trial in found.trials]
        [1, 1, 2, 3]
    """
    if not validators.duration("minutes", minutes):
        raise ArgumentError("minutes is a positive number, got 0")
    trials = validators.optional(validators.count)("trials", trials)
    if callback is not None and not callable(callback):
        raise ArgumentError(f"callback is a function of a trial, got {validators.shown(callback)}")

    def fit(settings: Settings, max_seconds: float | None = None, callbacks: Sequence[Any] = ()) -> TabularModel:
        return fit_tabular(
            table, target, task=task, seed=seed, metric=metric, keep=keep, settings=settings, verbose=verbose,
            max_seconds=max_seconds, callbacks=callbacks,
        )  # fmt: skip

    usual = settings_for(effort)
    if study is None:
        rng = philox(seed)
        return _Search(60 * minutes, callback, fit, n_jobs).run(usual, rng, trials)
    table = as_table(table)
    chosen = metric or USUAL[task or task_of_column(table, target)[0]]
    facts = {
        "target": target, "rows": table.rows, "columns": [*table], "metric": chosen, "effort": effort, "seed": seed,
    }  # fmt: skip
    return optuna_study.search(
        study, usual, fit, chosen, facts, seconds=60 * minutes, trials=trials, seed=seed, n_jobs=n_jobs,
        callback=callback,
    )


class _Asked(NamedTuple):
    """What is tried: its place in the round, the settings, those of the round, which train shorter, and seconds."""

    place: int
    settings: Settings
    shorter: Settings
    seconds: float


def _trained(fit: Callable[..., TabularModel], asked: _Asked) -> TabularModel:
    return fit(asked.shorter, asked.seconds)


class _Search:
    """The rounds of a search, and the best model that there was in any of them: scores are all of the same rows."""

    def __init__(
        self, seconds: float, callback: Callable[[Trial], Any] | None, fit: Callable[..., TabularModel],
        n_jobs: int | None,
    ) -> None:  # fmt: skip
        self.start, self.seconds, self.callback, self.fit = time.perf_counter(), seconds, callback, fit
        self.n_jobs = n_jobs
        self.trials: list[Trial] = []
        self.best: TabularModel | None = None
        self.interrupted = False

    def run(self, usual: Settings, rng: np.random.Generator, trials: int | None) -> Tuned:
        """All rounds: the first of the usual settings and of drawn ones, the others of the best of the one before."""
        drawn = (usual.but(**{name: values.draw(rng) for name, values in SPACE.items()}) for _ in itertools.count())
        candidates = itertools.islice(itertools.chain([usual], drawn), trials)
        for number in range(1, ROUNDS + 1):
            tried: dict[int, Trial] = {}
            try:
                asked = self._asked(candidates, number, tried)
                for (place, settings, *_), model in in_workers(partial(_trained, self.fit), asked, self.n_jobs):
                    tried[place] = self._take(settings, number, model)
            except KeyboardInterrupt:  # in one process a run ends with what it has; workers are on their own
                if self.best is None:
                    raise
                self.interrupted = True
            ranked = sorted((tried[place] for place in sorted(tried)), key=lambda trial: trial.loss)
            candidates = iter([trial.settings for trial in ranked[: -(-len(ranked) // SHRINK)]])
        assert self.best is not None
        return Tuned(self.best, self.trials, self.interrupted)

    def _over(self, number: int, begun: bool) -> bool:
        """Whether a round has had its time; there is one run at least in the search, and in each round if it fits."""
        share = number / ROUNDS if begun else 1.0
        late = time.perf_counter() - self.start >= share * self.seconds
        return self.interrupted or (late and self.best is not None)

    def _asked(self, candidates: Iterator[Settings], number: int, tried: Sized) -> Iterator[_Asked]:
        """What the round tries, as long as it has time."""
        share = float(SHRINK) ** (number - ROUNDS)
        for place in itertools.count():
            if self._over(number, len(tried) > 0) or (settings := next(candidates, None)) is None:
                return
            passes, budget = (max(1, round(n * share)) for n in (settings.passes, settings.budget))
            shorter = settings.but(passes=passes, budget=budget)
            yield _Asked(place, settings, shorter, max(self.start + self.seconds - time.perf_counter(), 1.0))

    def _take(self, settings: Settings, number: int, model: TabularModel) -> Trial:
        name = model.record["metric"]
        trial = Trial(settings, number, model.scores[name], TABLE[name].larger_is_better)
        self.trials.append(trial)
        self.interrupted = self.interrupted or model.history.stopped == "interrupted"
        if self.best is None or trial.loss <= min(t.loss for t in self.trials):
            self.best = model
        if self.callback is not None:
            self.callback(trial)
        return trial


__all__ = ["SPACE", "Trial", "Tuned", "tune_tabular"]
