"""``subgrad train``: from the options to a job."""

from __future__ import annotations

from pathlib import Path

import typer

from subgrad.cli import images, options, sequences, source
from subgrad.cli.failure import job, usage
from subgrad.cli.recipe import DIGITS, FASHION_MNIST, Recipe
from subgrad.cli.scores import LOSSES
from subgrad.cli.screen import screen
from subgrad.cli.training import Plan, run
from subgrad.data.fashion_mnist import DEBIAN_FOLDER

_BUILT_IN = ("digits", "fashion-mnist")


@job
def train(
    data: options.Data,
    file: options.File = None,
    target: options.Target = None,
    folder: options.Folder = None,
    test: options.Test = None,
    validation: options.Validation = None,
    model: options.Model = options.MLP,
    hidden: options.Hidden = None,
    window: options.Window = None,
    activation: options.Activation = options.RELU,
    augment: options.Augment = None,
    loss: options.Loss = None,
    method: options.Optimizer = options.ADAM,
    step: options.Step = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    seed: options.Seed = 0,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a network, test it on examples it has not seen, and save it with the preparation of its inputs.

    For example: subgrad train digits, or: subgrad train houses.csv --target price, or: subgrad train text book.txt
    """
    if data in sequences.KINDS:
        place = _out(data if file is None else str(file), out)
        return sequences.train(data, sequences.Options(
            file, target, test, validation, model.value, hidden, window, method.value, step, epochs, batch_size, seed,
            place, quiet,
        ))  # fmt: skip
    if file is not None or window is not None:
        option = "'FILE'" if file is not None else "'--window'"
        raise typer.BadParameter(f"is for {' and '.join(sequences.KINDS)}", param_hint=option)
    _check_data_options(data, target, folder, test)
    _check_network_options(data, model.value, hidden, augment)
    recipe = _recipe(data, model.value).but(test=test, validation=validation, epochs=epochs, batch_size=batch_size)
    with usage("--hidden"):
        recipe = recipe.but(hidden=None if hidden is None else options.sizes(hidden))
    with usage("--augment"):
        recipe = recipe.but(augment=None if augment is None else images.changes(augment))
    chosen_loss = None if loss is None else loss.value
    plan = Plan(recipe, activation.value, chosen_loss, method.value, step, seed, _out(data, out))
    with usage("--step"):
        plan.optimizer(rows=1)
    examples = _open(data, target, folder, plan)
    return run(examples, plan, screen(quiet))


def _check_data_options(data: str, target: str | None, folder: Path | None, test: float | None) -> None:
    if data in _BUILT_IN and target is not None:
        raise typer.BadParameter(f"{data} has its own target", param_hint="'--target'")
    if data not in _BUILT_IN and target is None and not data.lower().endswith(".npz"):
        columns = ", ".join(source.read(Path(data)))
        raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")
    if folder is not None and data != "fashion-mnist":
        raise typer.BadParameter("is for `subgrad train fashion-mnist`", param_hint="'--data'")
    if test is not None and data == "fashion-mnist":
        raise typer.BadParameter("fashion-mnist has its own test images", param_hint="'--test'")
    if test is not None and not 0 < test < 1:
        raise typer.BadParameter(f"a share between 0 and 1, got {test}", param_hint="'--test'")


def _check_network_options(data: str, model: str, hidden: str | None, augment: str | None) -> None:
    if model == "mlp":
        if augment is not None:
            raise typer.BadParameter("is for networks of images, see --model", param_hint="'--augment'")
        return
    if data != "fashion-mnist":
        raise typer.BadParameter(f"{model} is for `subgrad train fashion-mnist`", param_hint="'--model'")
    if hidden is not None:
        raise typer.BadParameter(f"{model} has its own layers", param_hint="'--hidden'")


def _recipe(data: str, model: str) -> Recipe:
    if data == "fashion-mnist":
        return FASHION_MNIST[model]
    return DIGITS if data == "digits" else Recipe()


def _out(data: str, out: Path | None) -> Path:
    chosen = out or Path(Path(data).name.split(".")[0] + ".safetensors")
    options.place(chosen, "--out")
    return chosen


def _open(data: str, target: str | None, folder: Path | None, plan: Plan) -> source.Source:
    share, seed = plan.recipe.test, plan.seed
    if data == "digits":
        return source.digits(share, seed)
    if data == "fashion-mnist":
        return source.fashion_mnist(folder or Path(DEBIAN_FOLDER))
    task = None if plan.loss is None else LOSSES[plan.loss]
    return source.table(Path(data), target or "y", task, share, seed)
