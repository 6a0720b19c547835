"""``subgrad evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli.failure import job
from subgrad.cli.pixels import read_rows
from subgrad.cli.screen import bullets, screen
from subgrad.cli.show import ModelFile
from subgrad.cli.trained import Trained
from subgrad.data import drop_unlabelled

Labelled = Annotated[Path, typer.Argument(metavar="FILE", help="Rows like those of the training, with the target.")]


@job
def evaluate(model: ModelFile, file: Labelled) -> None:
    """Say how good a model's answers are for the rows of a file."""
    trained, console = Trained.load(model), screen()
    prepared = trained.preparation
    rows, dropped = drop_unlabelled(read_rows(file), prepared.target_name)
    outcome = trained.judge(prepared.transform(rows), prepared.target(rows))
    console.print(f"{rows.rows:,} rows of {file}", style="bold")
    bullets(console, dropped)
    outcome.print(console)
