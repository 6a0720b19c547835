"""``subgrad train``: from the options to a job."""

from __future__ import annotations

from pathlib import Path

import typer

from subgrad.cli import options
from subgrad.cli.commands import sequences
from subgrad.cli.failure import job, usage, with_options
from subgrad.cli.jobs import images, source
from subgrad.cli.jobs.columns import Columns
from subgrad.cli.jobs.origin import origin_in, origin_of
from subgrad.cli.jobs.recipe import DIGITS, FASHION_MNIST, Recipe
from subgrad.cli.jobs.scores import LOSSES
from subgrad.cli.jobs.training import Plan, run
from subgrad.cli.screen import screen
from subgrad.data.column_names import listed
from subgrad.data.fashion_mnist import DEBIAN_FOLDER

_BUILT_IN = ("digits", "fashion-mnist")


@job
@with_options(options.TrainOptions)
def train(data: options.Data, file: options.File = None, *, given: options.TrainOptions) -> None:
    """Train a network, test it on examples it has not seen, and save it with the preparation of its inputs.

    For example: subgrad train digits, or: subgrad train houses.csv --target price, or: subgrad train text book.txt
    """
    if file is not None and data not in sequences.KINDS:
        raise typer.BadParameter(f"is for {' and '.join(sequences.KINDS)}", param_hint="'FILE'")
    given.check_used(data if data in options.JOBS else "FILE")
    if given.test is not None and not 0 <= given.test < 1:
        raise typer.BadParameter(f"a share between 0 and 1, got {given.test}", param_hint="'--test'")
    columns = Columns(options.columns(given.drop), options.columns(given.only))
    columns.check()
    origin = origin_of(data if file is None else str(file))
    place = _out(data if file is None else str(file), given.out, given.force, origin)
    if data in sequences.KINDS:
        return sequences.train(data, sequences.Request(file, columns, place, origin, given))
    name = "mlp" if given.model is None else given.model.value
    _check_target(data, given.target)
    _check_network_options(data, name, given)
    recipe = _recipe(data, name).but(
        test=given.test, validation=given.validation, epochs=given.epochs, batch_size=given.batch_size
    )
    with usage("--hidden"):
        recipe = recipe.but(hidden=None if given.hidden is None else options.sizes(given.hidden))
    with usage("--augment"):
        recipe = recipe.but(augment=None if given.augment is None else images.changes(given.augment))
    plan = Plan(
        recipe=recipe, activation="relu" if given.activation is None else given.activation.value,
        loss=None if given.loss is None else given.loss.value, method=given.method.value, step=given.step,
        seed=given.seed, out=place, origin=origin, fit=given.for_fit(),
    )  # fmt: skip
    with usage("--step"):
        plan.optimizer(rows=1)
    examples = _open(data, given.target, columns, given.folder, plan)
    return run(examples, plan, screen(given.quiet))


def _check_target(data: str, target: str | None) -> None:
    if data not in _BUILT_IN and target is None and not data.lower().endswith(".npz"):
        columns = listed(source.read(Path(data)), 20)
        raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")


def _check_network_options(data: str, model: str, given: options.TrainOptions) -> None:
    if model == "mlp":
        if given.augment is not None:
            raise typer.BadParameter("is for networks of images, see --model", param_hint="'--augment'")
        return
    if data != "fashion-mnist":
        raise typer.BadParameter(f"{model} is for `subgrad train fashion-mnist`", param_hint="'--model'")
    for option, value in (("--hidden", given.hidden), ("--activation", given.activation)):
        if value is not None:
            raise typer.BadParameter(f"{model} has its own layers", param_hint=f"'{option}'")


def _recipe(data: str, model: str) -> Recipe:
    if data == "fashion-mnist":
        return FASHION_MNIST[model]
    return DIGITS if data == "digits" else Recipe()


def _out(data: str, out: Path | None, force: bool, origin: str) -> Path:
    chosen = out or Path(Path(data).name.split(".")[0] + ".safetensors")
    options.place(chosen, "--out")
    if out is None and not force and chosen.exists() and origin_in(chosen) != origin:
        raise typer.BadParameter(
            f"{chosen} is there, and is no model of {data}: name another file, or give --force", param_hint="'--out'"
        )
    return chosen


def _open(data: str, target: str | None, columns: Columns, folder: Path | None, plan: Plan) -> source.Source:
    share, seed = plan.recipe.test, plan.seed
    if data == "digits":
        return source.digits(share, seed)
    if data == "fashion-mnist":
        return source.fashion_mnist(folder or Path(DEBIAN_FOLDER))
    task = None if plan.loss is None else LOSSES[plan.loss]
    return source.table(Path(data), target or "y", task, share, seed, columns)
