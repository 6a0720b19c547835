"""``subgrad train FILE``, ``digits`` and ``fashion-mnist``: the rows of tables and images, each with its answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer
from rich.console import Console

from subgrad.cli import options
from subgrad.cli.failure import usage
from subgrad.cli.jobs import images, scores, source
from subgrad.cli.jobs.job import Answers, Request, heading, next_commands, share
from subgrad.cli.jobs.pixels import read_rows
from subgrad.cli.jobs.runs import network_run, tabular_run
from subgrad.cli.jobs.runs.network_run import NetworkPlan
from subgrad.cli.jobs.runs.recipe import DIGITS, FASHION_MNIST, Recipe
from subgrad.cli.jobs.runs.tabular_run import TabularPlan
from subgrad.cli.jobs.runs.wishes import wishes_of
from subgrad.cli.jobs.trained.trained_model import Trained
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.cli.jobs.trained.trained_tabular import TrainedTabular, is_tabular
from subgrad.cli.pages import of_table
from subgrad.cli.pages.asked_page import check_training, page, page_of_file
from subgrad.cli.screen import bullets
from subgrad.data import drop_unlabelled
from subgrad.data.fashion_mnist import DEBIAN_FOLDER
from subgrad.data.formats import as_texts
from subgrad.data.task import has_target
from subgrad.errors import DataError

BUILT_IN = ("digits", "fashion-mnist")


class TableJob:
    """Training on rows that do not depend on each other; see `subgrad.cli.jobs.job.Job`."""

    def check(self, asked: Request) -> None:
        data, given = asked.data, asked.given
        asked.check(data if data in BUILT_IN else "FILE")
        if data not in BUILT_IN:
            source.check_target(Path(data), given.target)
        wishes_of(given)
        if given.folds is not None and given.test is not None:
            raise typer.BadParameter("--cv tests on all rows, each by a model of others", param_hint="'--test'")
        if given.jobs is not None and given.folds is None:
            raise typer.BadParameter("is how many parts of --cv are trained at once", param_hint="'--jobs'")
        _check_model(data, given)
        _check_robust(data, given)
        check_training(asked)

    def plan(self, asked: Request) -> NetworkPlan | TabularPlan:
        return _tabular_plan(asked) if _model(asked.data, asked.given) == "tabular" else _network_plan(asked)

    def run(self, plan: NetworkPlan | TabularPlan, console: Console) -> None:
        if isinstance(plan, TabularPlan):
            tabular_run.run(plan, console)
        else:
            network_run.run(plan, console)

    def load(self, path: Path) -> Trained:
        return TrainedTabular.load(path) if is_tabular(path) else TrainedNetwork.load(path)

    def predict(self, model: Path, file: Path, keep: Sequence[str] = ()) -> Answers:
        trained = self.load(model)
        table = read_rows(file)
        table.require(keep)
        features, remarks = trained.preparation.prepare(table)
        header, rows = trained.rows(features)
        taken = next((name for i, name in enumerate(keep) if name in (*header, *keep[:i])), None)
        if taken is not None:
            raise DataError(f"the answers would have two columns {taken!r}: leave it out of --keep, or rename it")
        kept = [as_texts(table.series(name)) for name in keep]
        beside = [[*(column[i] or "" for column in kept), *row] for i, row in enumerate(rows)]
        return Answers([*keep, *header], beside, [*table.notes, *remarks])

    def evaluate(self, model: Path, file: Path, console: Console, report: Path | None = None) -> None:
        trained = self.load(model)
        page, table = page_of_file(report, model, file, trained.row_of_history), read_rows(file)
        prepared = trained.preparation
        rows, dropped = drop_unlabelled(table, prepared.target_name)
        features, remarks = prepared.prepare(rows)
        outcome = trained.judge(features, prepared.target(rows))
        log = [*rows.notes, *dropped, *remarks]
        console.print(f"{rows.rows:,} rows of {file}", style="bold")
        bullets(console, log)
        outcome.print(console)
        if page is not None:
            numbers = np.flatnonzero(has_target(table, prepared.target_name)) + 1
            tables, data = source.Tables(rows, rows, numbers), f"{rows.rows:,} rows of {file}"
            of_table.write(page, trained, outcome, tables, data, log, console)

    def show(self, model: Path, console: Console) -> None:
        trained = self.load(model)
        prepared = trained.preparation
        answer = f"one of {len(prepared.classes)} classes" if prepared.classes else "a number"
        console.print(f"{model}: {prepared.task}", style="bold")
        bullets(console, [f"'{prepared.target_name}', {answer}, from {_columns(prepared.feature_names)}"])
        heading(console, "Layers")
        console.print(trained.layers())
        heading(console, "Preparation")
        bullets(console, prepared.describe())
        heading(console, "Training")
        bullets(console, trained.about_training())
        next_commands(console, model, ["predict", "evaluate"], "FILE")


# From the options to a plan


def _model(data: str, given: options.TrainOptions) -> str:
    """The model by name: for a file the one for tables, unless an option of networks is given."""
    if given.model is not None:
        return given.model.value
    return "mlp" if data in BUILT_IN or given.of_model("network") else "tabular"


def _check_model(data: str, given: options.TrainOptions) -> None:
    model = _model(data, given)
    if model == "tabular" or data not in BUILT_IN:
        _check_model_of_file(data, model, given)
    if model in ("tabular", "mlp"):
        if given.augment is not None:
            raise typer.BadParameter("is for networks of images, see --model", param_hint="'--augment'")
        return
    if data != "fashion-mnist" or model not in FASHION_MNIST:
        raise typer.BadParameter(f"{model} is for `subgrad train {_data_for(model)}`", param_hint="'--model'")
    for option, value in (("--hidden", given.hidden), ("--activation", given.activation)):
        if value is not None:
            raise typer.BadParameter(f"{model} has its own layers", param_hint=f"'{option}'")


def _check_robust(data: str, given: options.TrainOptions) -> None:
    """Certified training is that of scores of classes, by a network whose bounds take no longer than its training."""
    if given.robust is None:
        return
    if _model(data, given) != "mlp":
        raise typer.BadParameter("is for --model mlp", param_hint="'--robust'")
    if given.loss is not None and given.loss.value != "cross_entropy":
        raise typer.BadParameter(f"has the loss cross_entropy, and not {given.loss.value}", param_hint="'--robust'")


def _check_model_of_file(data: str, model: str, given: options.TrainOptions) -> None:
    """The model for tables and a network have options of their own."""
    if data in BUILT_IN:
        raise typer.BadParameter("tabular is for `subgrad train FILE`", param_hint="'--model'")
    if model == "tabular" and (flags := given.of_model("network")):
        raise typer.BadParameter(
            "is for a network, --model mlp: tabular has its own defaults", param_hint=f"'{flags[0]}'"
        )
    if model != "tabular" and (flags := given.of_model("tabular")):
        chosen = (given.of_model("network") or ["--model"])[0]
        raise typer.BadParameter(
            f"is for the model for tables, and {chosen} asks for a network", param_hint=f"'{flags[0]}'"
        )
    others = {"--loss": given.loss, "--interval": given.interval, "--set": given.sets}
    if given.quantile is not None and (other := next((flag for flag, value in others.items() if value), None)):
        raise typer.BadParameter(f"has a loss and intervals of its own, without {other}", param_hint="'--quantile'")


def _data_for(model: str) -> str:
    return "fashion-mnist" if model in FASHION_MNIST else "text"


def _tabular_plan(asked: Request) -> TabularPlan:
    given = asked.given
    with usage("--quantile"):
        quantiles = options.quantiles(given.quantile)
    return TabularPlan(
        rows=lambda: _rows_of(asked, None),
        test=share(given.test, Recipe().test),
        effort="normal" if given.effort is None else given.effort.value,
        seed=given.seed,
        out=asked.out,
        origin=asked.origin,
        wishes=wishes_of(given),
        quantiles=quantiles,
        folds=given.folds,
        jobs=given.jobs,
        page=page(asked, "look"),
    )


def _network_plan(asked: Request) -> NetworkPlan:
    given, loss = asked.given, None if asked.given.loss is None else asked.given.loss.value
    recipe = _recipe(asked)
    with usage("--quantile"):
        quantiles = options.quantiles(given.quantile)
    assumed = "quantile" if quantiles else loss
    plan = NetworkPlan(
        examples=lambda: _open(asked, recipe, assumed),
        recipe=recipe,
        activation="relu" if given.activation is None else given.activation.value,
        loss=loss,
        robust=given.robust,
        method=(given.method or options.ADAM).value,
        step=given.step,
        seed=given.seed,
        out=asked.out,
        origin=asked.origin,
        wishes=wishes_of(given),
        quantiles=quantiles,
        rows=lambda: _rows_of(asked, assumed),
        folds=given.folds,
        jobs=given.jobs,
        fit=given.for_fit(),
        page=page(asked),
    )
    with usage("--step"):
        plan.optimizer(rows=1)
    return plan


def _recipe(asked: Request) -> Recipe:
    data, given = asked.data, asked.given
    recipe = DIGITS if data == "digits" else Recipe()
    recipe = FASHION_MNIST[_model(data, given)] if data == "fashion-mnist" else recipe
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
        return source.digits(recipe.test, given.seed, given.report is not None)
    if data == "fashion-mnist":
        return source.fashion_mnist(given.folder or Path(DEBIAN_FOLDER), given.report is not None)
    rows, share = _rows_of(asked, loss), recipe.test if given.folds is None else 0
    tables = rows.tables(share, given.seed) if given.report else None
    return dataclasses.replace(rows.prepared(*rows.split(share, given.seed)), tables=tables)


def _rows_of(asked: Request, loss: str | None) -> source.Rows:
    """The rows of a file: of the task that was asked for, or that the loss is for, if either is given."""
    given = asked.given
    suits = None if loss is None else scores.LOSSES[loss]
    task = suits if given.task is None else given.task.value
    return source.rows_of(Path(asked.data), given.target, task, asked.columns)


def _columns(names: list[str]) -> str:
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{len(names)} features: {shown}"


__all__ = ["TableJob"]
