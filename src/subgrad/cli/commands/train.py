"""``subgrad train``: from the options to a job."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import typer

from subgrad.cli import options
from subgrad.cli.failure import job, with_options
from subgrad.cli.jobs.file_rows import stays_in_files
from subgrad.cli.jobs.job import Job, Request
from subgrad.cli.jobs.kinds import FILE_ROWS, SEQUENCES, TABLES
from subgrad.cli.jobs.source import Columns
from subgrad.cli.jobs.trained.origin import origin_of, place_of_model
from subgrad.cli.screen import screen
from subgrad.cli.shared import as_one, launched, sharing
from subgrad.fit.parallel.ranks import Ranks


@job
@with_options(options.TrainOptions)
def train(data: options.Data, file: options.File = None, *, given: options.TrainOptions) -> None:
    """Train a network, test it on examples it has not seen, and save it with the preparation of its inputs.

    For example: subgrad train digits, or: subgrad train houses.csv --target price, or: subgrad train text book.txt
    """
    ranks = launched()
    with as_one(ranks), contextlib.nullcontext() if ranks is None else ranks.agreed():
        chosen, plan = _planned(data, file, given, ranks)
    with as_one(ranks):
        chosen.run(plan, screen(given.quiet or (ranks is not None and not ranks.leads)))


def _planned(data: str, file: Path | None, given: options.TrainOptions, ranks: Ranks | None) -> tuple[Job, Any]:
    """Which job it is, and its plan."""
    chosen = SEQUENCES.get(data) or (FILE_ROWS if stays_in_files(data, given) else TABLES)
    if file is not None and data not in SEQUENCES:
        raise typer.BadParameter(f"is for {' and '.join(SEQUENCES)}", param_hint="'FILE'")
    if file is None and data in SEQUENCES:
        raise typer.BadParameter(f"say which file: subgrad train {data} FILE", param_hint="'FILE'")
    path = data if file is None else str(file)
    origin = origin_of(path)
    asked = Request(
        data=path,
        typed=[data] if file is None else [data, path],
        columns=Columns(options.columns(given.drop), options.columns(given.only)),
        out=place_of_model(path, given.out, given.force, origin),
        origin=origin,
        given=given,
    )
    chosen.check(asked)
    return chosen, sharing(chosen.plan(asked), ranks)
