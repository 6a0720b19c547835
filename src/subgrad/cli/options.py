"""The options of ``subgrad train``: their types and their help."""

from __future__ import annotations

import csv
from enum import Enum
from pathlib import Path
from typing import Annotated, cast

import typer

from subgrad.cli.images import CHANGES
from subgrad.cli.recipe import FASHION_MNIST
from subgrad.cli.scores import LOSSES
from subgrad.errors import ArgumentError
from subgrad.nn.activation import HIDDEN
from subgrad.optim.named import optimizers


def choice(title: str, names: list[str]) -> type[Enum]:
    """An option that is one of some names."""
    return cast(type[Enum], Enum(title, {name: name for name in names}, type=str))


def listed(names: type[Enum]) -> str:
    """The names, for a help text."""
    return ", ".join(str(name.value) for name in names)


ActivationName = choice("ActivationName", HIDDEN)
LossName = choice("LossName", list(LOSSES))
OptimizerName = choice("OptimizerName", list(optimizers()))
ModelName = choice("ModelName", [*FASHION_MNIST, "char_lstm", "char_rnn"])
ADAM = OptimizerName("adam")

_NETWORK, _TRAINING, _DATA = "The network", "The training", "The data"

Data = Annotated[str, typer.Argument(
    metavar="digits|fashion-mnist|FILE|text FILE|series FILE", show_default=False,
    help="Bundled digits, Fashion-MNIST, or a table in a file: CSV, TSV, JSON lines (also packed), Parquet, Arrow, "
    "Excel, NPZ; a UTF-8 text, to predict its next character; a table whose rows are a series, to forecast a column.",
)]  # fmt: skip
File = Annotated[Path | None, typer.Argument(metavar="", show_default=False, help="")]
Window = Annotated[int | None, typer.Option(
    metavar="N", min=2, help="Of a text or a series: characters or rows that the network goes through at once.",
    show_default="100 of a text, 50 of a series", rich_help_panel=_NETWORK,
)]  # fmt: skip
Target = Annotated[str | None, typer.Option(
    metavar="COLUMN", help="The column of FILE to predict.", show_default="y in an NPZ file",
    rich_help_panel=_DATA,
)]  # fmt: skip
Drop = Annotated[str | None, typer.Option(
    metavar="COLUMN,COLUMN", help="Columns of FILE that are not learnt from.", rich_help_panel=_DATA,
)]  # fmt: skip
Only = Annotated[str | None, typer.Option(
    metavar="COLUMN,COLUMN", help="The columns of FILE that are learnt from, whatever they look like.",
    show_default="all that are of use", rich_help_panel=_DATA,
)]  # fmt: skip
SeriesColumn = Annotated[str | None, typer.Option(
    "--series", metavar="COLUMN", help="Which column tells several series in FILE apart.", rich_help_panel=_DATA,
)]  # fmt: skip
Folder = Annotated[Path | None, typer.Option(
    "--data", metavar="DIR", help="The folder with the four files of Fashion-MNIST, or of MNIST.",
    show_default="where Debian's package dataset-fashion-mnist puts them", rich_help_panel=_DATA,
)]  # fmt: skip
Test = Annotated[float | None, typer.Option(
    metavar="SHARE", min=0, max=1, help="Share of the rows held out to test on; 0 to train on all.", show_default="0.2",
    rich_help_panel=_DATA,
)]  # fmt: skip
Validation = Annotated[float | None, typer.Option(
    metavar="SHARE", min=0, max=1, help="Share of the other rows that decides when to stop; 0 for never.",
    show_default="0.2 for a file, else 0", rich_help_panel=_DATA,
)]  # fmt: skip
Model = Annotated[ModelName | None, typer.Option(
    metavar="NAME", rich_help_panel=_NETWORK, show_default="mlp, char_lstm for text",
    help=f"One of {listed(ModelName)}; char_lstm and char_rnn are for text, the others but mlp for fashion-mnist.",
)]  # fmt: skip
Hidden = Annotated[str | None, typer.Option(
    metavar="N,N,...", help="Units of each hidden layer of an mlp; 0 for none.",
    show_default="64,64 for a file, 64 for digits, 128 for fashion-mnist, 256 for text, 32 for a series",
    rich_help_panel=_NETWORK,
)]  # fmt: skip
Activation = Annotated[ActivationName | None, typer.Option(
    metavar="NAME", help=f"Between the layers of an mlp: {listed(ActivationName)}.", show_default="relu",
    rich_help_panel=_NETWORK,
)]  # fmt: skip
Augment = Annotated[str | None, typer.Option(
    metavar="NAME,NAME", help=f"How images change from step to step: {', '.join(CHANGES)}, or none.",
    show_default="what suits the model", rich_help_panel=_TRAINING,
)]  # fmt: skip
Loss = Annotated[LossName | None, typer.Option(
    metavar="NAME", help=f"Decides the task, too: {listed(LossName)}.",
    show_default="cross_entropy for classes, squared for numbers", rich_help_panel=_TRAINING,
)]  # fmt: skip
Optimizer = Annotated[OptimizerName, typer.Option(
    "--optimizer", metavar="NAME", help=f"One of {listed(OptimizerName)}.", rich_help_panel=_TRAINING,
)]  # fmt: skip
Step = Annotated[str | None, typer.Option(
    metavar="RULE", help="Step size: a number, or a rule such as 'square_summable(10, 100)'.",
    show_default="what suits the optimizer", rich_help_panel=_TRAINING,
)]  # fmt: skip
Epochs = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Passes over the data, at most.",
    show_default="200 for a file, 60 for digits, 10 for fashion-mnist", rich_help_panel=_TRAINING,
)]  # fmt: skip
BatchSize = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Examples a step.", show_default="a hundredth of the rows, between 32 and 256",
    rich_help_panel=_TRAINING,
)]  # fmt: skip
Seed = Annotated[int, typer.Option(
    metavar="N", min=0, help="Of the split, the initial weights and the order.", rich_help_panel=_TRAINING,
)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(
    metavar="FILE", help="Where the model goes.", show_default="the name of the data with .safetensors",
)]  # fmt: skip
Force = Annotated[bool, typer.Option("--force", help="Overwrite a model of other data.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def place(path: Path | None, option: str) -> Path | None:
    """Where a file will go: looked at before the work, for its sake."""
    if path is not None and (not path.parent.is_dir() or path.is_dir()):
        problem = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise typer.BadParameter(f"{path} {problem}", param_hint=f"'{option}'")
    return path


def columns(text: str | None) -> list[str]:
    """The names of columns in a list; in double quotes, one may hold a comma.

    >>> columns('age, "price, net"'), columns(None)
    (['age', 'price, net'], [])
    """
    found = next(csv.reader([text or ""], skipinitialspace=True), [])
    return [name.strip() for name in found if name.strip()]


def sizes(text: str) -> tuple[int, ...]:
    """The widths of the hidden layers.

    >>> sizes("64,32"), sizes("0")
    ((64, 32), ())
    """
    parts = [part.strip() for part in text.split(",")]
    if parts == ["0"]:
        return ()
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ArgumentError(f"expected whole numbers such as 64,64, or 0 for no hidden layer, got {text!r}")
    return tuple(int(part) for part in parts)
