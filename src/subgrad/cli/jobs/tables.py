"""``subgrad train FILE``, ``digits`` and ``fashion-mnist``: the rows of tables and images, each with its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.failure import usage
from subgrad.cli.jobs import images, scores, source, training
from subgrad.cli.jobs.job import Answers, Request, heading, next_commands
from subgrad.cli.jobs.pixels import read_rows
from subgrad.cli.jobs.recipe import DIGITS, FASHION_MNIST, Recipe
from subgrad.cli.jobs.trained import Trained, training_lines
from subgrad.cli.screen import bullets
from subgrad.data import drop_unlabelled
from subgrad.data.column_names import listed
from subgrad.data.fashion_mnist import DEBIAN_FOLDER

BUILT_IN = ("digits", "fashion-mnist")


class TableJob:
    """Training on rows that do not depend on each other; see `subgrad.cli.jobs.job.Job`."""

    def check(self, asked: Request) -> None:
        data, given = asked.data, asked.given
        asked.check(data if data in BUILT_IN else "FILE")
        if data not in BUILT_IN and given.target is None and not data.lower().endswith(".npz"):
            columns = listed(source.read(Path(data)), 20)
            raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")
        _check_network(data, _model(given), given)

    def plan(self, asked: Request) -> training.Plan:
        given, loss = asked.given, None if asked.given.loss is None else asked.given.loss.value
        recipe = _recipe(asked)
        plan = training.Plan(
            examples=lambda: _open(asked, recipe, loss),
            recipe=recipe,
            activation="relu" if given.activation is None else given.activation.value,
            loss=loss,
            method=given.method.value,
            step=given.step,
            seed=given.seed,
            out=asked.out,
            origin=asked.origin,
            fit=given.for_fit(),
        )
        with usage("--step"):
            plan.optimizer(rows=1)
        return plan

    def run(self, plan: training.Plan, console: Console) -> None:
        training.run(plan, console)

    def load(self, path: Path) -> Trained:
        return Trained.load(path)

    def predict(self, model: Path, file: Path) -> Answers:
        trained = self.load(model)
        table = read_rows(file)
        features, remarks = trained.preparation.prepare(table)
        return Answers(_header(trained), list(_rows(trained, trained.scores(features))), [*table.notes, *remarks])

    def evaluate(self, model: Path, file: Path, console: Console) -> None:
        trained = self.load(model)
        prepared = trained.preparation
        rows, dropped = drop_unlabelled(read_rows(file), prepared.target_name)
        features, remarks = prepared.prepare(rows)
        outcome = trained.judge(features, prepared.target(rows))
        console.print(f"{rows.rows:,} rows of {file}", style="bold")
        bullets(console, [*rows.notes, *dropped, *remarks])
        outcome.print(console)

    def show(self, model: Path, console: Console) -> None:
        trained = self.load(model)
        prepared = trained.preparation
        answer = f"one of {len(prepared.classes)} classes" if prepared.classes else "a number"
        console.print(f"{model}: {prepared.task}", style="bold")
        bullets(console, [f"'{prepared.target_name}', {answer}, from {_columns(prepared.feature_names)}"])
        heading(console, "Layers")
        console.print(trained.model.summary((1, len(prepared.feature_names))))
        heading(console, "Preparation")
        bullets(console, prepared.describe())
        heading(console, "Training")
        bullets(console, training_lines(trained.record))
        next_commands(console, model, ["predict", "evaluate"], "FILE")


# From the options to a plan


def _model(given: options.TrainOptions) -> str:
    return "mlp" if given.model is None else given.model.value


def _check_network(data: str, model: str, given: options.TrainOptions) -> None:
    if model == "mlp":
        if given.augment is not None:
            raise typer.BadParameter("is for networks of images, see --model", param_hint="'--augment'")
        return
    if data != "fashion-mnist" or model not in FASHION_MNIST:
        raise typer.BadParameter(f"{model} is for `subgrad train {_data_for(model)}`", param_hint="'--model'")
    for option, value in (("--hidden", given.hidden), ("--activation", given.activation)):
        if value is not None:
            raise typer.BadParameter(f"{model} has its own layers", param_hint=f"'{option}'")


def _data_for(model: str) -> str:
    return "fashion-mnist" if model in FASHION_MNIST else "text"


def _recipe(asked: Request) -> Recipe:
    data, given = asked.data, asked.given
    recipe = DIGITS if data == "digits" else Recipe()
    recipe = FASHION_MNIST[_model(given)] if data == "fashion-mnist" else recipe
    with usage("--hidden"):
        hidden = None if given.hidden is None else options.sizes(given.hidden)
    with usage("--augment"):
        augment = None if given.augment is None else images.changes(given.augment)
    return recipe.but(
        hidden=hidden, augment=augment, test=given.test, validation=given.validation, epochs=given.epochs,
        batch_size=given.batch_size,
    )  # fmt: skip


def _open(asked: Request, recipe: Recipe, loss: str | None) -> source.Source:
    data, given = asked.data, asked.given
    if data == "digits":
        return source.digits(recipe.test, given.seed)
    if data == "fashion-mnist":
        return source.fashion_mnist(given.folder or Path(DEBIAN_FOLDER))
    task = None if loss is None else scores.LOSSES[loss]
    return source.table(Path(data), given.target or "y", task, recipe.test, given.seed, asked.columns)


# Answers


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


def _columns(names: list[str]) -> str:
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{len(names)} features: {shown}"


__all__ = ["TableJob"]
