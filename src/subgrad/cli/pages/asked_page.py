"""A page that was asked for: where it goes, and what was typed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.jobs.job import Request

FLAG = "--report"
UNSEEN = "that it was not trained on"


@dataclass(frozen=True)
class Page:
    """A page to be written about a model.

    Attributes:
        path: where it goes.
        command: what was typed.
        seed: of what is drawn by chance.
        epoch: what a row of the training's history is of.
    """

    path: Path
    command: str
    seed: int = 0
    epoch: str = "epoch"

    def told(self, console: Console) -> None:
        """Say that it is there."""
        console.print(f"Report: {self.path}", style="bold")


def page(asked: Request, epoch: str = "epoch") -> Page | None:
    """The page that was asked for, if one was; of a run whose history has a row for each ``epoch``."""
    given = asked.given
    typed = command("train", *asked.typed, *given.typed())
    return None if given.report is None else Page(given.report, typed, given.seed, epoch)


def page_of_file(path: Path | None, model: Path, file: Path, epoch: str = "epoch") -> Page | None:
    """The page about a model and a file that was asked for, if one was. Raises as `check` does."""
    check(path, model, file)
    return None if path is None else Page(path, command("evaluate", model, file, FLAG, path), epoch=epoch)


def check(path: Path | None, *others: str | Path) -> None:
    """Raise, before the work, what would keep a page from being written after it, or would lose another file."""
    if options.place(path, FLAG, others) is not None:
        from subgrad.report import check_report  # takes a moment to import, and few ask for it

        check_report(str(path))


def check_training(asked: Request) -> None:
    """`check`, and that there will be rows to judge the model by."""
    given = asked.given
    if given.report is not None and (given.test == 0 or given.folds is not None):
        why = "--test is 0" if given.test == 0 else "--cv holds out none for good"
        raise typer.BadParameter(f"needs rows that are held out, and {why}", param_hint=f"'{FLAG}'")
    check(given.report, asked.data, asked.out)


def command(*parts: object) -> str:
    """A command of this program as it is typed."""
    return shlex.join(["subgrad", *map(str, parts)])


__all__ = ["FLAG", "UNSEEN", "Page", "check", "check_training", "command", "page", "page_of_file"]
