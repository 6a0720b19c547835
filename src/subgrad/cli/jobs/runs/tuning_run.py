"""A run that searches for the best settings of the model for tables: the search, the test, the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from subgrad.cli.failure import fail
from subgrad.cli.jobs.runs.conclusion import about_rows
from subgrad.cli.jobs.runs.tabular_run import calibrated, finish, frequencies
from subgrad.cli.jobs.runs.wishes import Wishes
from subgrad.cli.jobs.source import Rows
from subgrad.cli.screen import bullets
from subgrad.metrics import TABLE
from subgrad.tabular import Trial, settings_for, tune_tabular
from subgrad.tabular.defaults import Effort


@dataclass(frozen=True, kw_only=True)
class TuningPlan:
    """What to search on and for how long, and where the best model goes."""

    rows: Callable[[], Rows]
    test: float
    effort: Effort
    minutes: float
    trials: int | None
    study: Path | None
    jobs: int
    seed: int
    out: Path
    origin: str
    wishes: Wishes


def run(plan: TuningPlan, console: Console) -> None:
    """Search, test, save and report. A search that was interrupted does all of it too, and then fails."""
    rows = plan.rows()
    learnt, unseen = rows.split(plan.test, plan.seed)
    plan.wishes.check(rows.task)
    plan.wishes.check_rows(learnt.rows)
    console.print(rows.title, style="bold")
    bullets(console, [*rows.notes, about_rows(learnt.rows, 0, unseen.rows)])
    found = tune_tabular(
        learnt,
        rows.target,
        minutes=plan.minutes,
        trials=plan.trials,
        task=rows.task,
        effort=plan.effort,
        seed=plan.seed,
        keep=rows.keep,
        study=plan.study,
        n_jobs=plan.jobs,
        verbose=False if console.quiet else None,
        callback=_best_lines(console, plan.effort),
    )
    model = found.model
    model.record |= {"data": rows.title, "origin": plan.origin, "trials": len(found.trials), **frequencies(model)}
    lines = [_about(found.trials, plan.effort, model.record["metric"])]
    finish(calibrated(model, plan.wishes), unseen, lines, plan.out, console)
    if found.interrupted:
        fail(f"interrupted: the best model so far is in {plan.out}")


def _best_lines(console: Console, effort: Effort) -> Callable[[Trial], None]:
    """A line for each trial that is the best so far."""
    best: list[Trial] = []
    tried = 0

    def print_line(trial: Trial) -> None:
        nonlocal tried
        tried += 1
        if not best or trial.loss < best[-1].loss:
            best.append(trial)
            console.print(f"  trial {tried}, round {trial.round}: {trial.score:.4g} with {_named(trial, effort)}",
                          style="dim", soft_wrap=True)  # fmt: skip

    return print_line


def _about(trials: list[Trial], effort: Effort, metric: str) -> str:
    """The best settings, and what they are better than."""
    if not trials:
        return "No trial was finished in time: the model is the best of those that were begun."
    best, usual = min(trials, key=lambda trial: trial.loss), settings_for(effort)
    own = min((trial for trial in trials if not trial.changes(usual)), key=lambda trial: trial.loss, default=None)
    beside = f", {own.score:.4g} with the defaults" if own is not None and best.changes(usual) else ""
    found = f"{TABLE[metric].words} {best.score:.4g} on rows held out{beside}"
    return f"The best of {len(trials)} trials had {_named(best, effort)}: {found}."


def _named(trial: Trial, effort: Effort) -> str:
    changed = trial.changes(settings_for(effort))
    return ", ".join(f"{name.replace('_', ' ')} {_text(value)}" for name, value in changed.items()) or "the defaults"


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


__all__ = ["TuningPlan", "run"]
