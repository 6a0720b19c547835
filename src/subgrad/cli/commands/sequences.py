"""``subgrad train text FILE`` and ``subgrad train series FILE``: from the options to a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from subgrad.cli import options
from subgrad.cli.failure import usage
from subgrad.cli.jobs import series, text
from subgrad.cli.jobs.columns import Columns
from subgrad.cli.jobs.recipe import Recipe, optimizer
from subgrad.cli.screen import screen
from subgrad.optim.optimizer import Descent

KINDS = ("text", "series")


@dataclass(frozen=True)
class Request:
    """What was asked for: the options as they were given, and what was made of some."""

    file: Path | None
    columns: Columns
    out: Path
    origin: str
    given: options.TrainOptions


def train(kind: str, asked: Request) -> None:
    """Train on a sequence in a file."""
    if asked.file is None:
        raise typer.BadParameter(f"say which file: subgrad train {kind} FILE", param_hint="'FILE'")
    (_train_text if kind == "text" else _train_series)(asked.file, asked)


def _train_text(file: Path, asked: Request) -> None:
    given = asked.given
    model = "char_lstm" if given.model is None else given.model.value
    if model not in text.NETWORKS:
        raise typer.BadParameter(f"for text: {', '.join(text.NETWORKS)}", param_hint="'--model'")
    plan = text.TextPlan(
        model, _widths(given, "256"), given.window or text.WINDOW, given.epochs or text.EPOCHS,
        given.batch_size or text.BATCH_SIZE, _share(given.test, text.TEST), _descent(given, text.STEP), given.seed,
        asked.out, asked.origin, given.for_fit(),
    )  # fmt: skip
    with usage("--hidden"):
        plan.network(2)
    text.run(file, plan, screen(given.quiet))


def _train_series(file: Path, asked: Request) -> None:
    given = asked.given
    if given.target is None:
        raise typer.BadParameter("say which column to forecast", param_hint="'--target'")
    hidden = _widths(given, "32")
    if len(hidden) != 1:
        raise typer.BadParameter("a series is forecast by one recurrent layer", param_hint="'--hidden'")
    plan = series.SeriesPlan(
        given.target, asked.columns, given.series, given.window or series.WINDOW, hidden[0],
        given.epochs or series.EPOCHS, given.batch_size or series.BATCH_SIZE, _share(given.test, series.TEST),
        _share(given.validation, series.VALIDATION), _descent(given, "0.003"), given.seed, asked.out, asked.origin,
        given.for_fit(),
    )  # fmt: skip
    series.run(file, plan, screen(given.quiet))


def _widths(given: options.TrainOptions, usual: str) -> tuple[int, ...]:
    with usage("--hidden"):
        return options.sizes(given.hidden or usual)


def _share(given: float | None, usual: float) -> float:
    return usual if given is None else given


def _descent(given: options.TrainOptions, step: str) -> Callable[[int], Descent]:
    """The optimiser for a run of so many steps; that a step rule is none shows here."""

    def chosen(steps: int) -> Descent:
        return optimizer(given.method.value, given.step, Recipe(step=step.format(steps=steps), epochs=1), 1)

    with usage("--step"):
        chosen(1)
    return chosen


__all__ = ["KINDS", "Request", "train"]
