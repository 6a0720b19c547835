"""``subgrad predict``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from subgrad.cli import options
from subgrad.cli.commands.show import ModelFile
from subgrad.cli.failure import job
from subgrad.cli.jobs import scores
from subgrad.cli.jobs.forecaster import Forecaster
from subgrad.cli.jobs.pixels import read_rows
from subgrad.cli.jobs.trained import Trained, kind_of
from subgrad.cli.screen import error_screen, screen, visible
from subgrad.io.atomic import write_atomically

Rows = Annotated[Path, typer.Argument(
    metavar="FILE", help="Rows like those of the training; the target need not be there.",
)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where the CSV goes.", show_default="standard output")]


class _Answers(NamedTuple):
    """The names and the rows of the CSV, and what a user should know of how they came about."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: list[str]


@job
def predict(model: ModelFile, file: Rows, out: Out = None, quiet: options.Quiet = False) -> None:
    """Write the answers for the rows of a file as CSV, with the probability of each class.

    For a series: the forecast of each row from those before it, the row after the last one included. On the screen,
    control characters of names and classes are spelt out; a file has them as they are.
    """
    header, rows, remarks = _forecasts(model, file) if kind_of(model) == "series" else _answers(model, file)
    for remark in remarks:
        error_screen(quiet).print(f"note: {remark}", soft_wrap=True)
    text = _csv(header, rows)
    if out is None:
        typer.echo(visible(text), nl=False)
        return
    write_atomically(out, text.encode())
    screen(quiet).print(f"Wrote {len(rows):,} predictions to {out}.")


def _answers(model: Path, file: Path) -> _Answers:
    trained = Trained.load(model)
    table = read_rows(file)
    features, remarks = trained.preparation.prepare(table)
    return _Answers(_header(trained), list(_rows(trained, trained.scores(features))), [*table.notes, *remarks])


def _forecasts(model: Path, file: Path) -> _Answers:
    """Rows are counted from 1, in the order of time."""
    forecaster = Forecaster.load(model)
    rows = []
    for name, series in forecaster.series(read_rows(file)).items():
        first = series.left_out + forecaster.window + 2
        own = [] if forecaster.key is None else [name]
        found = forecaster.forecasts(series.values, name)
        rows += [[*own, str(row), str(np.float32(x))] for row, x in enumerate(found, first)]
    return _Answers([*([forecaster.key] if forecaster.key else []), "row", "prediction"], rows, [])


def _header(trained: Trained) -> list[str]:
    """The names of the columns; what hinge gives is no probability, but a signed distance."""
    classes = trained.preparation.classes
    if trained.loss == "hinge":
        return ["prediction", f"score of {classes[1]}"]
    return ["prediction", *(f"probability of {label}" for label in classes)]


def _rows(trained: Trained, found: np.ndarray) -> Iterable[Sequence[str]]:
    answers = trained.preparation.restore_target(scores.decided(trained.loss, found))
    if trained.preparation.task == "regression":
        return ([str(np.float32(answer))] for answer in answers)
    chances = scores.probabilities(trained.loss, found)
    beside = found if chances is None else chances
    return ([str(a), *(f"{p:.6g}" for p in row)] for a, row in zip(answers, beside, strict=True))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
