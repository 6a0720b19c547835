"""``subgrad show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli.failure import job
from subgrad.cli.jobs.kinds import job_of
from subgrad.cli.screen import screen

ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that subgrad train wrote.")]


@job
def show(model: ModelFile) -> None:
    """Show what is in a model file: the layers, the columns, the preparation, the training."""
    job_of(model).show(model, screen())
