"""``subgrad tune``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli import options
from subgrad.cli.failure import job, with_options
from subgrad.cli.jobs.job import share
from subgrad.cli.jobs.runs.recipe import Recipe
from subgrad.cli.jobs.runs.tuning_run import TuningPlan, run
from subgrad.cli.jobs.runs.wishes import wishes_of
from subgrad.cli.jobs.source import Columns, check_target, rows_of
from subgrad.cli.jobs.trained.origin import origin_of, place_of_model
from subgrad.cli.screen import screen

TableFile = Annotated[str, typer.Argument(
    metavar="FILE", help="A table in a file, as of subgrad train.", show_default=False,
)]  # fmt: skip
Minutes = Annotated[float, typer.Option(
    metavar="N", help="How long the search may take.", rich_help_panel="The search",
)]  # fmt: skip
Trials = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Settings that are tried first, at most.", show_default="as many as there is time for",
    rich_help_panel="The search",
)]  # fmt: skip
Optuna = Annotated[Path | None, typer.Option(
    metavar="STUDY.db", rich_help_panel="The search", show_default=False,
    help="Let Optuna choose and prune, and keep its study in this file, which another run goes on with.",
)]  # fmt: skip


Jobs = Annotated[int, typer.Option(
    metavar="N", min=1, help="How many settings are trained at once, in processes that share the processors.",
    rich_help_panel="The search",
)]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """The options of ``subgrad tune``, each in one line."""

    target: options.Target = None
    minutes: Minutes = 5.0
    trials: Trials = None
    optuna: Optuna = None
    jobs: Jobs = 1
    drop: options.Drop = None
    only: options.Only = None
    task: options.Task = None
    test: options.Test = None
    effort: options.Effort = None
    balance: options.Balance = None
    interval: options.Interval = None
    sets: options.Sets = None
    seed: options.Seed = 0
    out: options.Out = None
    force: options.Force = False
    quiet: options.Quiet = False


@job
@with_options(TuneOptions)
def tune(data: TableFile, *, given: TuneOptions) -> None:
    """Search for the settings with which the model for tables does best, test the best one, and save it.

    Settings are drawn at random, tried briefly, and the better ones for longer. For example:
    subgrad tune houses.csv --target price --minutes 10
    """
    columns = Columns(options.columns(given.drop), options.columns(given.only))
    columns.check()
    if not 0 < given.minutes < float("inf"):
        raise typer.BadParameter(f"a number of minutes above 0, got {given.minutes}", param_hint="'--minutes'")
    if given.test is not None and not given.test < 1:
        raise typer.BadParameter(f"a share between 0 and 1, got {given.test}", param_hint="'--test'")
    check_target(Path(data), given.target)
    origin = origin_of(data)
    plan = TuningPlan(
        rows=lambda: rows_of(Path(data), given.target, given.task and given.task.value, columns),
        test=share(given.test, Recipe().test),
        effort="normal" if given.effort is None else given.effort.value,
        minutes=given.minutes,
        trials=given.trials,
        study=given.optuna,
        jobs=given.jobs,
        seed=given.seed,
        out=place_of_model(data, given.out, given.force, origin),
        origin=origin,
        wishes=wishes_of(given),
    )
    run(plan, screen(given.quiet))
