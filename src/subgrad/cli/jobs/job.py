"""What each job of `subgrad train` is: data of one kind, from the options to the answers of a model."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.failure import usage
from subgrad.cli.jobs.runs.recipe import Recipe, optimizer
from subgrad.cli.jobs.source import Columns
from subgrad.cli.screen import bullets
from subgrad.optim.optimizer import Descent


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for.

    Attributes:
        data: a file, or the name of built-in data.
        typed: the same as it is typed, with the kind before a text or a series.
        columns: of a table, those that are to be used.
        out: where the model goes.
        origin: which data the model is of, see `subgrad.cli.jobs.trained.origin`.
        given: the options as they were given.
    """

    data: str
    typed: Sequence[str]
    columns: Columns
    out: Path
    origin: str
    given: options.TrainOptions

    def check(self, job: str) -> None:
        """Raise a usage error for options that the job does not use, and for those of all jobs that are wrong."""
        self.given.check_used(job)
        if self.given.test is not None and not 0 <= self.given.test < 1:
            raise typer.BadParameter(f"a share between 0 and 1, got {self.given.test}", param_hint="'--test'")
        self.columns.check()


class Answers(NamedTuple):
    """Answers of a model as a table of texts, and what a user should know of how they came about."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: list[str]


class Job(Protocol):
    """Data of one kind. What a model file says of its task tells which job it is of."""

    def check(self, asked: Request) -> None:
        """Raise a usage error for options that are not for this job, or that do not go together."""

    def plan(self, asked: Request) -> Any:
        """How to train, for `run`: a dataclass of keywords. Raises a usage error for options without a meaning."""

    def run(self, plan: Any, console: Console) -> None:
        """Read the data, train, test, save and report."""

    def load(self, path: Path) -> Any:
        """What `run` saved; `FileError` for any other file."""

    def predict(self, model: Path, file: Path, keep: Sequence[str] = ()) -> Answers:
        """The answers of a saved model to the rows of a file, behind the columns of it that are to be kept."""
        ...

    def evaluate(self, model: Path, file: Path, console: Console, report: Path | None = None) -> None:
        """Print how good the answers of a saved model are, and write a page about it if one is asked for."""

    def show(self, model: Path, console: Console) -> None:
        """Print what is in a model file."""


def widths(given: options.TrainOptions, usual: str) -> tuple[int, ...]:
    """The units of the hidden layers, as ``--hidden`` says."""
    with usage("--hidden"):
        return options.sizes(given.hidden or usual)


def share(given: float | None, usual: float) -> float:
    """A share of the data, which may be 0."""
    return usual if given is None else given


def descent(given: options.TrainOptions, step: str) -> Callable[[int], Descent]:
    """The optimiser for a run of so many steps; that a step rule is none shows here."""

    def chosen(steps: int) -> Descent:
        return optimizer(
            (given.method or options.ADAM).value, given.step, Recipe(step=step.format(steps=steps), epochs=1), 1
        )

    with usage("--step"):
        chosen(1)
    return chosen


def heading(console: Console, text: str) -> None:
    """Above a part of what is shown of a model."""
    console.print(f"\n{text}", style="bold")


def next_commands(console: Console, model: Path, commands: Iterable[str], argument: str) -> None:
    """What can be done with a model."""
    heading(console, "Use")
    bullets(console, [f"subgrad {command} {shlex.quote(str(model))} {argument}" for command in commands])


__all__ = ["Answers", "Job", "Request", "descent", "heading", "next_commands", "share", "widths"]
