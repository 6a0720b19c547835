"""A function of settings, called with many of them at once; what it says of each stays in a study."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from subgrad.errors import ArgumentError, NonFiniteError, NotFittedError
from subgrad.io.terminal import ProgressLine
from subgrad.sweeps.ranges import Choice, Range
from subgrad.sweeps.study import Asked, Direction, Trials, opened, optuna_for, quiet
from subgrad.sweeps.workers import count_jobs, in_workers

STORED = (int, float, str, tuple, type(None))  # by a study
RANGE = ("draw", "suggest", "restore", "plain")


class Run(NamedTuple):
    """Settings by name, and what the objective said of them; NaN if the run diverged."""

    settings: dict[str, Any]
    value: float


class Sweep(NamedTuple):
    """All runs, those of earlier calls with the same study too; and the study."""

    runs: list[Run]
    study: Any

    @property
    def best(self) -> Run:
        """The run with the best value; `NotFittedError` if there is none."""
        sign = -1 if self.study.direction.name == "MAXIMIZE" else 1
        ended = [run for run in self.runs if not math.isnan(run.value)]
        if not ended:
            raise NotFittedError("no run of the sweep has a value")
        return min(ended, key=lambda run: sign * run.value)


def sweep(
    objective: Callable[..., Any],
    space: Mapping[str, Sequence[Any] | Range],
    *,
    trials: int | None = None,
    study: Any = None,
    n_jobs: int | None = -1,
    seed: int = 0,
    direction: Direction = "minimize",
    verbose: bool | None = None,
    callback: Callable[[Run], Any] | None = None,
) -> Sweep:
    """Call ``objective`` with many settings, side by side, for the best of them.

    Calls run in processes that joblib keeps, each with its share of the processors; on a cluster inside of
    ``joblib.parallel_config("dask")`` and its like. The values land in a study of Optuna, in this process: one that is
    a file is gone on with after whatever has ended the sweep, and nothing that has a value is run again. Needs ``pip
    install 'subgrad[sweep]'``.

    Args:
        objective: called as ``objective(**settings)``, gives a number. One that raises `NonFiniteError`, as a diverging
            `subgrad.fit` does, has no value; whatever else it raises ends the sweep.
        space: by name a sequence of values, or a range of `subgrad.sweeps`: ``Uniform(low, high)``, ``LogUniform``,
            ``Integers``.
        trials: how many settings are tried in all; None tries all combinations, if there are sequences only.
        study: where it stays: a file of SQLite, the URL of a storage, or an ``optuna.Study``, whose sampler chooses; in
            memory if it is None.
        n_jobs: how many calls at once: -1 is one for each processor, or what ``joblib.parallel_config`` says.
        seed: of the choices. The same seed gives the same ones if there is one job.
        direction: whether less is better, or more.
        verbose: None shows a line that says how far it is, if standard error is a terminal.
        callback: called after each run.

    Raises:
        ArgumentError: for an empty space, no number of trials where one is needed, or a study of something else.
        FileError: if there can be no study in the file.
        MissingExtraError: without the extra.

    Example:
        >>> import subgrad as sg
        >>> found = sg.sweep(lambda x, y: (x - 2) ** 2 + y, {"x": [1, 2, 3], "y": [0, 1]}, n_jobs=1)
        >>> len(found.runs), found.best
        (6, Run(settings={'x': 2, 'y': 0}, value=0.0))
    """
    ranges = _ranges(space)
    if direction not in ("minimize", "maximize"):
        raise ArgumentError(f"direction is 'minimize' or 'maximize', got {direction!r}")
    grid = _grid(ranges, trials)
    count = len(grid) if trials is None else int(trials)
    optuna_for("a sweep", "sweep")
    facts = {"objective": getattr(objective, "__name__", type(objective).__name__), "space": str(dict(space))}
    with quiet():
        kept = opened(study, direction, seed, "this objective", facts)
        with Trials(kept, ranges, count_jobs(n_jobs) == 1) as run, ProgressLine(verbose, _columns, stays=True) as line:
            for settings in grid:
                run.enqueue(settings)
            states = run.states
            ended = run.number_of(states.COMPLETE, states.PRUNED, states.FAIL)
            line.show(lambda: f"{ended} of {count} runs", ended, count)
            asked = run.ask(lambda: False, count)
            for each, value in in_workers(functools.partial(_value, objective), asked, n_jobs):
                run.tell(each.number, value)
                ended += 1
                line.show(functools.partial(_said, run, ended, count, kept), ended, count)
                if callback is not None:
                    callback(Run(each.values, value))
            return Sweep(_runs(run, kept), kept)


def _value(objective: Callable[..., Any], asked: Asked) -> float:
    try:
        found = objective(**asked.values)
    except NonFiniteError:
        return math.nan
    try:
        return float(found)
    except (TypeError, ValueError):
        raise ArgumentError(f"the objective of a sweep returns a number, got {found!r}"[:300]) from None


def _ranges(space: Mapping[str, Any]) -> dict[str, Range]:
    if not space:
        raise ArgumentError("the space of a sweep is empty: say by name what is tried, such as lr=[0.1, 0.01]")
    found: dict[str, Range] = {}
    for name, values in space.items():
        if all(hasattr(values, method) for method in RANGE):
            found[name] = values
        else:
            found[name] = Choice(_listed(name, values))
    return found


def _listed(name: str, values: Any) -> tuple[Any, ...]:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence) or not len(listed):
        raise ArgumentError(f"the space has for {name!r} a list of values or a range, got {values!r}"[:300])
    for value in listed:
        if not isinstance(value, STORED):
            kind = type(value).__name__
            raise ArgumentError(f"{name!r} is one of numbers, texts, truth values, None and tuples of them, got {kind}")
    known: dict[Any, Any] = {}
    for value in listed:  # a study tells values apart by ==
        other = known.setdefault(Choice(()).plain(value), value)
        if value != value or type(other) is not type(value) or other != value:
            raise ArgumentError(f"{name!r} has values that a study cannot tell apart: {other!r} and {value!r}"[:300])
    return tuple(listed)


def _grid(ranges: Mapping[str, Range], trials: int | None) -> list[dict[str, Any]]:
    """All combinations, if all are asked for."""
    if trials is not None:
        if isinstance(trials, bool) or not isinstance(trials, Integral) or trials < 1:
            raise ArgumentError(f"trials is at least 1, got {trials!r}")
        return []
    open_ones = [name for name, values in ranges.items() if not isinstance(values, Choice)]
    if open_ones:
        raise ArgumentError(f"there is no end of values for {open_ones[0]!r}: say how many are tried, by trials")
    values = [own.values for own in ranges.values() if isinstance(own, Choice)]
    return [dict(zip(ranges, combination, strict=True)) for combination in itertools.product(*values)]


def _runs(trials: Trials, study: Any) -> list[Run]:
    states = trials.states.COMPLETE, trials.states.FAIL
    done = study.get_trials(deepcopy=False, states=states)
    return [Run(trials.values_of(t), math.nan if t.value is None else float(t.value)) for t in done]


def _said(trials: Trials, ended: int, count: int, study: Any) -> str:
    """How far all workers are together."""
    best = f", best {study.best_value:.4g}" if trials.number_of(trials.states.COMPLETE) else ""
    return f"{ended} of {count} runs, {trials.number_of(trials.states.RUNNING)} under way{best}"


def _columns() -> list[Any]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

    return [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]


__all__ = ["Run", "Sweep", "sweep"]
