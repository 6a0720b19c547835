"""``subgrad evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from subgrad.cli.commands.show import ModelFile
from subgrad.cli.failure import job
from subgrad.cli.jobs.forecaster import Errors, Forecaster
from subgrad.cli.jobs.pixels import read_rows
from subgrad.cli.jobs.trained import Trained, kind_of
from subgrad.cli.screen import bullets, screen
from subgrad.data import drop_unlabelled
from subgrad.errors import DataError

Labelled = Annotated[Path, typer.Argument(metavar="FILE", help="Rows like those of the training, with the target.")]


@job
def evaluate(model: ModelFile, file: Labelled) -> None:
    """Say how good a model's answers are for the rows of a file."""
    console = screen()
    if kind_of(model) == "series":
        return _evaluate_series(Forecaster.load(model), file, console)
    trained = Trained.load(model)
    prepared = trained.preparation
    rows, dropped = drop_unlabelled(read_rows(file), prepared.target_name)
    features, remarks = prepared.prepare(rows)
    outcome = trained.judge(features, prepared.target(rows))
    console.print(f"{rows.rows:,} rows of {file}", style="bold")
    bullets(console, [*rows.notes, *dropped, *remarks])
    outcome.print(console)


def _evaluate_series(forecaster: Forecaster, file: Path, console: Console) -> None:
    """Each row forecast from those before it."""
    found = forecaster.series(read_rows(file))
    begin = forecaster.window + 1
    forecasts = {name: forecaster.forecasts(series.values, name)[:-1] for name, series in found.items()}
    if not any(series.known[begin:].any() for series in found.values()):
        most = max(len(series.values) for series in found.values())
        raise DataError(f"{most:,} rows are too few: there is none to compare a forecast with")
    console.print(f"{sum(map(len, forecasts.values())):,} forecasts of '{forecaster.names[0]}' in {file}", style="bold")
    bullets(console, next(iter(found.values())).log if forecaster.key is None else [f"{len(found):,} series."])
    Errors.together([Errors.over(forecasts[name], series, begin) for name, series in found.items()]).print(console)
