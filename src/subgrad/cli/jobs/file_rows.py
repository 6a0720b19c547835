"""``subgrad train FOLDER``, or a file with ``--memory`` or ``--scratch``: rows are not read into memory as a whole."""

from __future__ import annotations

import glob
from pathlib import Path

import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.failure import usage
from subgrad.cli.jobs.job import Request
from subgrad.cli.jobs.runs import scanned_run
from subgrad.cli.jobs.runs.recipe import Recipe
from subgrad.cli.jobs.runs.scanned_run import EPOCHS, ScannedPlan
from subgrad.cli.jobs.tables import BUILT_IN, TableJob
from subgrad.cli.jobs.trained.trained_model import Trained
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.data import ScannedTable, scan_table
from subgrad.data.column_names import listed
from subgrad.data.scanned.files import files_of

_IN_MEMORY = {"--cv": "folds", "--balance": "balance", "--interval": "interval", "--set": "sets", "--report": "report",
              "--quantile": "quantile", "--effort": "effort"}  # fmt: skip


def stays_in_files(data: str, given: options.TrainOptions) -> bool:
    """Whether rows are to be read piece by piece: of a folder, several files, or a file if an option for such rows is
    given."""
    path = Path(data)
    if data in BUILT_IN:
        return False
    asked = given.memory is not None or given.scratch is not None
    return asked or path.is_dir() or (glob.has_magic(data) and not path.exists())


class FileRowsJob(TableJob):
    """As `TableJob`, of which it has what is done with a trained model; a network learns, rows stay in their files."""

    def check(self, asked: Request) -> None:
        given = asked.given
        asked.check("FILE")
        for flag, name in _IN_MEMORY.items():
            if getattr(given, name) is not None:
                raise typer.BadParameter("is for a table in memory, and these rows stay in their files",
                                         param_hint=f"'{flag}'")  # fmt: skip
        if given.model is not None and given.model.value != "mlp":
            raise typer.BadParameter("rows that stay in their files are learnt by an mlp", param_hint="'--model'")
        if given.target is None:
            columns = listed(files_of(asked.data)[0].schema, 20)
            raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")

    def plan(self, asked: Request) -> ScannedPlan:  # pyright: ignore[reportIncompatibleMethodOverride]
        given = asked.given
        with usage("--hidden"):
            hidden = None if given.hidden is None else options.sizes(given.hidden)
        recipe = Recipe(epochs=EPOCHS).but(hidden=hidden, test=given.test, validation=given.validation,
                                           epochs=given.epochs, batch_size=given.batch_size)  # fmt: skip
        return ScannedPlan(
            rows=lambda: self._rows(asked),
            title=asked.data,
            recipe=recipe,
            activation="relu" if given.activation is None else given.activation.value,
            loss=None if given.loss is None else given.loss.value,
            method=(given.method or options.ADAM).value,
            step=given.step,
            seed=given.seed,
            out=asked.out,
            origin=asked.origin,
            fit=given.for_fit(),
        )

    def run(self, plan: ScannedPlan, console: Console) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        scanned_run.run(plan, console)

    def load(self, path: Path) -> Trained:
        return TrainedNetwork.load(path)

    def _rows(self, asked: Request) -> ScannedTable:
        given = asked.given
        return scan_table(
            asked.data, given.target, columns=asked.columns.only or None, drop=asked.columns.drop, memory=given.memory,
            task=None if given.task is None else given.task.value,  # pyright: ignore[reportArgumentType]
            scratch=given.scratch,
        )  # fmt: skip


__all__ = ["FileRowsJob", "stays_in_files"]
