"""``subgrad evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli.commands.show import ModelFile
from subgrad.cli.failure import job
from subgrad.cli.jobs.kinds import job_of
from subgrad.cli.screen import screen

Labelled = Annotated[Path, typer.Argument(metavar="FILE", help="Rows like those of the training, with the target.")]

Report = Annotated[Path | None, typer.Option(
    metavar="PAGE", help="Also write a page (HTML) about the model and its answers to these rows.",
)]  # fmt: skip


@job
def evaluate(model: ModelFile, file: Labelled, report: Report = None) -> None:
    """Say how good a model's answers are for the rows of a file."""
    job_of(model, file).evaluate(model, file, screen(), report)
