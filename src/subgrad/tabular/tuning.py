"""A search for better settings than the defaults, within a time: many are tried briefly, the good ones for longer.

Successive halving (Jamieson, Talwalkar 2016) over settings drawn at random (Bergstra, Bengio 2012): each round keeps
the best third and trains it three times as long. Settings are judged by the rows that each network is not trained on,
and the defaults take part, so the result is not worse than they are on these rows.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np

from subgrad.data.task import Task
from subgrad.errors import ArgumentError
from subgrad.metrics import TABLE
from subgrad.tabular.defaults import Effort, Settings, settings_for
from subgrad.tabular.fitting import fit_tabular
from subgrad.tabular.tabular_model import TabularModel

SHRINK = 3  # how many settings go into a round for each that goes on, and how much longer the next round trains
ROUNDS = 3

SPACE: dict[str, Callable[[np.random.Generator], Any]] = {
    "hidden": lambda rng: ((64,), (128,), (256,), (64, 64), (128, 128), (256, 256), (128, 128, 128))[rng.integers(7)],
    "activation": lambda rng: ("silu", "relu", "gelu")[rng.integers(3)],
    "waves": lambda rng: (0, 8, 16)[rng.integers(3)],
    "dropout": lambda rng: (0.0, 0.1, 0.2, 0.4)[rng.integers(4)],
    "lr": lambda rng: _log_uniform(rng, 0.01, 0.12),
    "weight_decay": lambda rng: _log_uniform(rng, 0.002, 0.2),
}
"""What is searched: from a generator to a value of each of these `Settings`."""


class Trial(NamedTuple):
    """Settings that were tried: in which round (from 1), and the metric of the rows that were held out."""

    settings: Settings
    round: int
    score: float
    larger_is_better: bool = False

    @property
    def loss(self) -> float:
        """The score as a number of which less is better; a score that has no meaning is worst."""
        return np.inf if np.isnan(self.score) else -self.score if self.larger_is_better else self.score

    def changes(self, usual: Settings) -> dict[str, Any]:
        """In what the settings differ from others, by their names."""
        return {name: value for name in SPACE if (value := getattr(self.settings, name)) != getattr(usual, name)}


class Tuned(NamedTuple):
    """The model with the best settings, all that was tried, and whether Ctrl-C ended it."""

    model: TabularModel
    trials: list[Trial]
    interrupted: bool = False


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
        callback: called after each run.

    Raises:
        ArgumentError: for a time that is not positive, or fewer than 1 trial.
        DataError: what `fit_tabular` raises.

    Example:
        >>> import numpy as np
        >>> x = np.linspace(-2, 2, 60)
        >>> found = tune_tabular({"x": x, "y": np.abs(x)}, "y", minutes=1, trials=2, effort="quick")
        >>> [trial.round for trial in found.trials]
        [1, 1, 2, 3]
    """
    if not minutes > 0:
        raise ArgumentError(f"minutes is a positive number, got {minutes!r}")
    if trials is not None and trials < 1:
        raise ArgumentError(f"trials is at least 1, got {trials!r}")
    search = _Search(60 * minutes, callback, lambda settings, seconds: fit_tabular(
        table, target, task=task, seed=seed, metric=metric, keep=keep, settings=settings, verbose=verbose,
        max_seconds=seconds,
    ))  # fmt: skip
    return search.run(settings_for(effort), np.random.Generator(np.random.Philox(seed)), trials)


class _Search:
    """The rounds of a search, and the best model that there was in any of them: scores are all of the same rows."""

    def __init__(
        self, seconds: float, callback: Callable[[Trial], Any] | None, fit: Callable[[Settings, float], TabularModel]
    ) -> None:
        self.start, self.seconds, self.callback, self.fit = time.perf_counter(), seconds, callback, fit
        self.trials: list[Trial] = []
        self.best: TabularModel | None = None
        self.interrupted = False

    def run(self, usual: Settings, rng: np.random.Generator, trials: int | None) -> Tuned:
        """All rounds: the first of the usual settings and of drawn ones, the others of the best of the one before."""
        drawn = (usual.but(**{name: draw(rng) for name, draw in SPACE.items()}) for _ in itertools.count())
        candidates = itertools.islice(itertools.chain([usual], drawn), trials)
        for number in range(1, ROUNDS + 1):
            tried: list[Trial] = []
            while not self._over(number, bool(tried)) and (settings := next(candidates, None)) is not None:
                tried.append(self._try(settings, number))
            ranked = sorted(tried, key=lambda trial: trial.loss)
            candidates = iter([trial.settings for trial in ranked[: -(-len(ranked) // SHRINK)]])
        assert self.best is not None
        return Tuned(self.best, self.trials, self.interrupted)

    def _over(self, number: int, begun: bool) -> bool:
        """Whether a round has had its time; there is one run at least in the search, and in each round if it fits."""
        share = number / ROUNDS if begun else 1.0
        late = time.perf_counter() - self.start >= share * self.seconds
        return self.interrupted or (late and self.best is not None)

    def _try(self, settings: Settings, number: int) -> Trial:
        share = float(SHRINK) ** (number - ROUNDS)
        shorter = settings.but(passes=max(1, round(settings.passes * share)), budget=round(settings.budget * share))
        model = self.fit(shorter, max(self.start + self.seconds - time.perf_counter(), 1.0))
        name = model.record["metric"]
        trial = Trial(settings, number, model.scores[name], TABLE[name].larger_is_better)
        self.trials.append(trial)
        self.interrupted = model.history.stopped == "interrupted"
        if self.best is None or trial.loss <= min(t.loss for t in self.trials):
            self.best = model
        if self.callback is not None:
            self.callback(trial)
        return trial


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


__all__ = ["SPACE", "Trial", "Tuned", "tune_tabular"]
