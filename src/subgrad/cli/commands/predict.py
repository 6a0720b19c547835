"""``subgrad predict``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from subgrad.cli import options
from subgrad.cli.commands.show import ModelFile
from subgrad.cli.failure import job
from subgrad.cli.jobs.kinds import job_of
from subgrad.cli.screen import error_screen, screen, visible
from subgrad.data.readers.read import holds_csv
from subgrad.io.atomic import write_atomically

Rows = Annotated[Path, typer.Argument(
    metavar="FILE", help="Rows like those of the training; the target need not be there.",
)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where the CSV goes.", show_default="standard output")]


Keep = Annotated[list[str] | None, typer.Option(
    metavar="COLUMNS", help="Columns of FILE that stand before the answers, such as a number of each row; also one by "
    "one, as --keep A --keep B.", show_default="none",
)]  # fmt: skip


@job
def predict(
    model: ModelFile, file: Rows, out: Out = None, keep: Keep = None, quiet: options.Quiet = False
) -> None:  # fmt: skip
    """Write the answers for the rows of a file as CSV, with the probability of each class.

    For a series: the forecast of each row from those before it, the row after the last one included. On the screen,
    control characters of names and classes are spelt out; a file has them as they are.
    """
    options.place(out, "--out", [model, file])
    if out is not None and not holds_csv(out):
        raise typer.BadParameter(f"{out} has the name of another format, and this writes CSV", param_hint="'--out'")
    kept = [name for names in keep or () for name in options.columns(names)]
    header, rows, remarks = job_of(model, file).predict(model, file, kept)
    for remark in remarks:
        error_screen(quiet).print(f"note: {remark}", soft_wrap=True)
    text = _csv(header, rows)
    if out is None:
        typer.echo(visible(text), nl=False)
        return
    write_atomically(out, text.encode())
    screen(quiet).print(f"Wrote {len(rows):,} predictions to {out}.")


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
