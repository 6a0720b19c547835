"""``subgrad train``: from the options to a job."""

from __future__ import annotations

from pathlib import Path

import typer

from subgrad.cli import images, options, sequences, source
from subgrad.cli.columns import Columns
from subgrad.cli.failure import job, usage
from subgrad.cli.origin import origin_in, origin_of
from subgrad.cli.recipe import DIGITS, FASHION_MNIST, Recipe
from subgrad.cli.scores import LOSSES
from subgrad.cli.screen import screen
from subgrad.cli.training import Plan, run
from subgrad.cli.uses import USED, check_used
from subgrad.data.fashion_mnist import DEBIAN_FOLDER
from subgrad.data.names import listed

_BUILT_IN = ("digits", "fashion-mnist")


@job
def train(
    data: options.Data,
    file: options.File = None,
    target: options.Target = None,
    drop: options.Drop = None,
    only: options.Only = None,
    series: options.SeriesColumn = None,
    folder: options.Folder = None,
    test: options.Test = None,
    validation: options.Validation = None,
    model: options.Model = None,
    hidden: options.Hidden = None,
    window: options.Window = None,
    activation: options.Activation = None,
    augment: options.Augment = None,
    loss: options.Loss = None,
    method: options.Optimizer = options.ADAM,
    step: options.Step = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a network, test it on examples it has not seen, and save it with the preparation of its inputs.

    For example: subgrad train digits, or: subgrad train houses.csv --target price, or: subgrad train text book.txt
    """
    if file is not None and data not in sequences.KINDS:
        raise typer.BadParameter(f"is for {' and '.join(sequences.KINDS)}", param_hint="'FILE'")
    check_used(data if data in USED else "FILE", {
        "target": target, "drop": drop, "only": only, "series": series, "data": folder, "test": test,
        "validation": validation, "model": model, "hidden": hidden, "window": window, "activation": activation,
        "augment": augment, "loss": loss, "step": step, "epochs": epochs, "batch-size": batch_size,
    })  # fmt: skip
    if test is not None and not 0 <= test < 1:
        raise typer.BadParameter(f"a share between 0 and 1, got {test}", param_hint="'--test'")
    columns = Columns(options.columns(drop), options.columns(only))
    columns.check()
    origin = origin_of(data if file is None else str(file))
    place = _out(data if file is None else str(file), out, force, origin)
    if data in sequences.KINDS:
        return sequences.train(data, sequences.Options(
            file, target, columns, series, test, validation, model and model.value, hidden, window, method.value, step,
            epochs, batch_size, seed, place, origin, quiet,
        ))  # fmt: skip
    name = "mlp" if model is None else model.value
    _check_target(data, target)
    _check_network_options(data, name, hidden, augment, activation)
    recipe = _recipe(data, name).but(test=test, validation=validation, epochs=epochs, batch_size=batch_size)
    with usage("--hidden"):
        recipe = recipe.but(hidden=None if hidden is None else options.sizes(hidden))
    with usage("--augment"):
        recipe = recipe.but(augment=None if augment is None else images.changes(augment))
    chosen_loss = None if loss is None else loss.value
    units = "relu" if activation is None else activation.value
    plan = Plan(recipe, units, chosen_loss, method.value, step, seed, place, origin)
    with usage("--step"):
        plan.optimizer(rows=1)
    examples = _open(data, target, columns, folder, plan)
    return run(examples, plan, screen(quiet))


def _check_target(data: str, target: str | None) -> None:
    if data not in _BUILT_IN and target is None and not data.lower().endswith(".npz"):
        columns = listed(source.read(Path(data)), 20)
        raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")


def _check_network_options(
    data: str, model: str, hidden: str | None, augment: str | None, activation: object
) -> None:
    if model == "mlp":
        if augment is not None:
            raise typer.BadParameter("is for networks of images, see --model", param_hint="'--augment'")
        return
    if data != "fashion-mnist":
        raise typer.BadParameter(f"{model} is for `subgrad train fashion-mnist`", param_hint="'--model'")
    for option, given in (("--hidden", hidden), ("--activation", activation)):
        if given is not None:
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
