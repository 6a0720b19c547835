"""The page that ``--report`` writes: what a job knows of its model, for `subgrad.report`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.jobs.job import Request
from subgrad.cli.jobs.source import Tables
from subgrad.cli.jobs.trained.prediction_report import Classified, Outcome, compared
from subgrad.cli.jobs.trained.trained_model import Trained, test_line
from subgrad.fit import History

FLAG = "--report"


@dataclass(frozen=True)
class Page:
    """A page to be written after a training.

    Attributes:
        path: where it goes.
        command: what was typed.
        seed: of the training.
        epoch: what a row of the training's history is of.
    """

    path: Path
    command: str
    seed: int
    epoch: str = "epoch"

    def write(
        self, trained: Trained, outcome: Outcome, tables: Tables, data: str, log: Sequence[str], history: History,
        console: Console,
    ) -> None:  # fmt: skip
        """Write it about a model and the rows that were held out."""
        _write(
            self.path, trained, outcome, tables, console, data=data, sentences=log, history=history,
            epoch=self.epoch, rows_are="rows that it was not trained on", command=self.command, seed=self.seed,
        )  # fmt: skip


def page(asked: Request, epoch: str = "epoch") -> Page | None:
    """The page that was asked for, if one was; of a run whose history has a row for each ``epoch``."""
    given = asked.given
    typed = command("train", asked.data, *given.typed())
    return None if given.report is None else Page(given.report, typed, given.seed, epoch)


def of_file(
    path: Path, trained: Trained, outcome: Outcome, tables: Tables, log: Sequence[str], model: Path, file: Path,
    console: Console,
) -> None:  # fmt: skip
    """Write a page about a model and the rows of a file."""
    typed = command("evaluate", model, file, FLAG, path)
    data = f"{tables.test.rows:,} rows of {file}"
    _write(
        path, trained, outcome, tables, console, data=data, sentences=log, history=trained.history,
        epoch=trained.row_of_history, command=typed,
    )  # fmt: skip


def check(path: Path | None) -> None:
    """Raise, before the work, what would keep a page from being written after it."""
    if options.place(path, FLAG) is not None:
        from subgrad.report import check_report  # takes a moment to import, and few ask for it

        check_report(str(path))


def check_training(asked: Request) -> None:
    """`check`, and that there will be rows to judge the model by."""
    given = asked.given
    if given.report is not None and (given.test == 0 or given.folds is not None):
        why = "--test is 0" if given.test == 0 else "--cv holds out none for good"
        raise typer.BadParameter(f"needs rows that are held out, and {why}", param_hint=f"'{FLAG}'")
    check(given.report)


def command(*parts: object) -> str:
    """A command of this program as it is typed."""
    return shlex.join(["subgrad", *map(str, parts)])


def scored(outcome: Outcome) -> dict[str, Any]:
    """The metrics as the terminal has them: what `Background` takes."""
    from subgrad.report import Score

    scores = [Score(*metric) for metric in compared(outcome)]
    event = outcome.judged_class if isinstance(outcome, Classified) and len(outcome.classes) == 2 else None
    return {"scores": scores, "guess": outcome.guess, "event": event}


def _write(
    path: Path, trained: Trained, outcome: Outcome, tables: Tables, console: Console, **background: Any
) -> None:
    from subgrad.report import Background, write_report

    truth = trained.preparation.restore_target(np.asarray(trained.preparation.target(tables.test)))
    told = [line for line in trained.about_training() if line != test_line(trained.record)]
    about = Background(
        whole=tables.whole, row_numbers=tables.row_numbers, training=told, **scored(outcome),
        **background,
    )  # fmt: skip
    write_report(path, trained, tables.test, truth, about, verbose=False if console.quiet else None)
    console.print(f"Report: {path}", style="bold")


__all__ = ["Page", "check", "check_training", "command", "of_file", "page", "scored"]
