"""The options of ``subgrad train``: their types and their help."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, cast, get_type_hints

import typer

from subgrad.cli.jobs.images import CHANGES
from subgrad.cli.jobs.runs.recipe import FASHION_MNIST
from subgrad.cli.jobs.scores import LOSSES
from subgrad.errors import ArgumentError
from subgrad.fit import Checkpoint, EarlyStopping
from subgrad.nn.layers.activation import HIDDEN
from subgrad.optim.registry import optimizers
from subgrad.tabular.defaults import EFFORTS


def choice(title: str, names: list[str]) -> type[Enum]:
    """An option that is one of some names."""
    return cast(type[Enum], Enum(title, {name: name for name in names}, type=str))


def listed(names: type[Enum]) -> str:
    """The names, for a help text."""
    return ", ".join(str(name.value) for name in names)


ActivationName = choice("ActivationName", HIDDEN)
LossName = choice("LossName", list(LOSSES))
OptimizerName = choice("OptimizerName", list(optimizers()))
ModelName = choice("ModelName", ["tabular", *FASHION_MNIST, "char_lstm", "char_rnn"])
TaskName = choice("TaskName", ["classification", "regression"])
EffortName = choice("EffortName", list(EFFORTS))
ADAM = OptimizerName("adam")

_OF_ARRAYS = "digits", "fashion-mnist", "FILE"
JOBS = ("digits", "fashion-mnist", "text", "series", "FILE")


@dataclass(frozen=True, init=False)
class Used:
    """Which of the jobs use an option; without this all of them do. The others refuse it, as it would do nothing.

    What ``fit`` makes of its value are arguments of `subgrad.fit`: for an option with that, nothing else is to be done.
    ``model`` is "network" for an option of a network of the user's own making: with it a FILE is learnt by one, and not
    by the model for tables, whose own options are "tabular".
    """

    jobs: tuple[str, ...]
    fit: Callable[[Any], dict[str, Any]] | None
    model: Literal["network", "tabular", "any"]

    def __init__(
        self, *jobs: str, fit: Callable[[Any], dict[str, Any]] | None = None,
        model: Literal["network", "tabular", "any"] = "any",
    ) -> None:  # fmt: skip
        object.__setattr__(self, "jobs", jobs or JOBS)
        object.__setattr__(self, "fit", fit)
        object.__setattr__(self, "model", model)


_NETWORK, _TRAINING, _DATA = "The network", "The training", "The data"

Data = Annotated[str, typer.Argument(
    metavar="digits|fashion-mnist|FILE|text|series", show_default=False,
    help="Bundled digits, Fashion-MNIST, or a table in a file: CSV, TSV, JSON lines (also packed), Parquet, Arrow, "
    "Excel, NPZ, or in the files of a folder; text FILE: a UTF-8 text, to predict its next character; series FILE: a "
    "table whose rows are a series, to forecast a column.",
)]  # fmt: skip
File = Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False, help="Of a text or a series.")]
Window = Annotated[int | None, typer.Option(
    metavar="N", min=2, help="Of a text or a series: characters or rows that the network goes through at once.",
    show_default="100 of a text, 50 of a series", rich_help_panel=_NETWORK,
), Used("text", "series")]  # fmt: skip
Target = Annotated[str | None, typer.Option(
    metavar="COLUMN", help="The column of FILE to predict.", show_default="y in an NPZ file",
    rich_help_panel=_DATA,
), Used("series", "FILE")]  # fmt: skip
Drop = Annotated[str | None, typer.Option(
    metavar="COLUMN,COLUMN", help="Columns of FILE that are not learnt from.", rich_help_panel=_DATA,
), Used("series", "FILE")]  # fmt: skip
Only = Annotated[str | None, typer.Option(
    metavar="COLUMN,COLUMN", help="The columns of FILE that are learnt from, whatever they look like.",
    show_default="all that are of use", rich_help_panel=_DATA,
), Used("series", "FILE")]  # fmt: skip
SeriesColumn = Annotated[str | None, typer.Option(
    "--series", metavar="COLUMN", help="Which column tells several series in FILE apart.", rich_help_panel=_DATA,
), Used("series")]  # fmt: skip
Folder = Annotated[Path | None, typer.Option(
    "--data", metavar="DIR", help="The folder with the four files of Fashion-MNIST, or of MNIST.",
    show_default="where Debian's package dataset-fashion-mnist puts them", rich_help_panel=_DATA,
), Used("fashion-mnist")]  # fmt: skip
Test = Annotated[float | None, typer.Option(
    metavar="SHARE", min=0, max=1, help="Share of the rows held out to test on; 0 to train on all.", show_default="0.2",
    rich_help_panel=_DATA,
), Used("digits", "text", "series", "FILE")]  # fmt: skip
Validation = Annotated[float | None, typer.Option(
    metavar="SHARE", min=0, max=1, help="Share of the other rows that decides when to stop; 0 for never.",
    show_default="0.2 for a network on a file, else 0", rich_help_panel=_DATA,
), Used("digits", "fashion-mnist", "series", "FILE", model="network")]  # fmt: skip
Model = Annotated[ModelName | None, typer.Option(
    metavar="NAME", rich_help_panel=_NETWORK, show_default="tabular for a file, char_lstm for text, else mlp",
    help=f"One of {listed(ModelName)}; char_lstm and char_rnn are for text, tabular and mlp for a file, "
    "all but tabular and these for fashion-mnist.",
), Used("digits", "fashion-mnist", "text", "FILE")]  # fmt: skip
Hidden = Annotated[str | None, typer.Option(
    metavar="N,N,...", help="Units of each hidden layer of an mlp; 0 for none.",
    show_default="64,64 for a file, 64 for digits, 128 for fashion-mnist, 256 for text, 32 for a series",
    rich_help_panel=_NETWORK,
), Used(model="network")]  # fmt: skip
Activation = Annotated[ActivationName | None, typer.Option(
    metavar="NAME", help=f"Between the layers of an mlp: {listed(ActivationName)}.", show_default="relu",
    rich_help_panel=_NETWORK,
), Used("digits", "fashion-mnist", "FILE", model="network")]  # fmt: skip
Augment = Annotated[str | None, typer.Option(
    metavar="NAME,NAME", help=f"How images change from step to step: {', '.join(CHANGES)}, or none.",
    show_default="what suits the model", rich_help_panel=_TRAINING,
), Used("fashion-mnist")]  # fmt: skip
Loss = Annotated[LossName | None, typer.Option(
    metavar="NAME", help=f"Decides the task, too: {listed(LossName)}.",
    show_default="cross_entropy for classes, squared for numbers", rich_help_panel=_TRAINING,
), Used("digits", "fashion-mnist", "FILE", model="network")]  # fmt: skip
Robust = Annotated[float | None, typer.Option(
    metavar="EPSILON", min=0, help="The answers shall stay where each pixel moves by up to EPSILON, of a range of 1; "
    "it is told for how many images that is proven (CROWN-IBP).", show_default="none", rich_help_panel=_TRAINING,
), Used("digits", "fashion-mnist", model="network")]  # fmt: skip
Optimizer = Annotated[OptimizerName | None, typer.Option(
    "--optimizer", metavar="NAME", help=f"One of {listed(OptimizerName)}.", show_default="adam",
    rich_help_panel=_TRAINING,
), Used(model="network")]  # fmt: skip
Step = Annotated[str | None, typer.Option(
    metavar="RULE", help="Step size: a number, or a rule such as 'square_summable(10, 100)'.",
    show_default="what suits the optimizer", rich_help_panel=_TRAINING,
), Used(model="network")]  # fmt: skip
Epochs = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Passes over the data, at most.",
    show_default="200 for a network on a file, 60 for digits, 10 for fashion-mnist", rich_help_panel=_TRAINING,
), Used(model="network")]  # fmt: skip
BatchSize = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Examples a step.", show_default="a hundredth of the rows, between 32 and 256",
    rich_help_panel=_TRAINING,
), Used(model="network")]  # fmt: skip
Patience = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="Epochs without a better validation loss (or training loss, if there is none) to a stop.",
    show_default="20 with a validation, 10 of a series; else never", rich_help_panel=_TRAINING,
), Used(fit=lambda epochs: {"early_stopping": EarlyStopping(epochs)}, model="network")]  # fmt: skip
Effort = Annotated[EffortName | None, typer.Option(
    metavar="NAME", help=f"How long the model for tables learns: {listed(EffortName)}.", show_default="normal",
    rich_help_panel=_TRAINING,
), Used("FILE", model="tabular")]  # fmt: skip
Balance = Annotated[bool | None, typer.Option(
    "--balance", help="Which class is answered is chosen so that rare ones count as much as frequent ones.",
    show_default=False, rich_help_panel=_TRAINING,
), Used("FILE")]  # fmt: skip
Interval = Annotated[float | None, typer.Option(
    metavar="SHARE", help="Numbers get intervals that hold this share of the truth, such as 0.9.", show_default="none",
    rich_help_panel=_TRAINING,
), Used("FILE")]  # fmt: skip
Sets = Annotated[float | None, typer.Option(
    "--set", metavar="SHARE", help="Rows get the set of classes that may be right; this share of them holds the truth.",
    show_default="none", rich_help_panel=_TRAINING,
), Used("FILE")]  # fmt: skip
Quantile = Annotated[str | None, typer.Option(
    metavar="Q,Q,...", help="Quantiles of a number to predict in the place of its mean, such as 0.1,0.5,0.9.",
    show_default="none", rich_help_panel=_TRAINING,
), Used("FILE")]  # fmt: skip
Task = Annotated[TaskName | None, typer.Option(
    metavar="NAME", help=f"What the target is: {listed(TaskName)}.", show_default="what it looks like",
    rich_help_panel=_DATA,
), Used("FILE")]  # fmt: skip
Folds = Annotated[int | None, typer.Option(
    "--cv", metavar="N", min=2,
    help="Cross-validation: each of N parts tests a model of the others; then all are used.",
    show_default="none", rich_help_panel=_DATA,
), Used("FILE")]  # fmt: skip
Jobs = Annotated[int | None, typer.Option(
    metavar="N", min=1, help="How many parts of --cv are trained at once, in processes that share the processors.",
    show_default="1", rich_help_panel=_DATA,
), Used("FILE")]  # fmt: skip
Seed = Annotated[int, typer.Option(
    metavar="N", min=0, help="Of the split, the initial weights and the order.", rich_help_panel=_TRAINING,
)]  # fmt: skip
Out = Annotated[Path | None, typer.Option(
    metavar="FILE", help="Where the model goes.", show_default="the name of the data with .safetensors",
)]  # fmt: skip
Memory = Annotated[str | None, typer.Option(
    metavar="SIZE", help="Rows stay in their files, and take so much memory on their way to an mlp, such as 1GB.",
    show_default="a quarter of what is free, for a folder", rich_help_panel=_DATA,
), Used("FILE")]  # fmt: skip
Scratch = Annotated[Path | None, typer.Option(
    metavar="DIR", help="Rows stay in their files, and are kept in this folder as they were prepared, 4 bytes a "
    "feature: epochs after the first read them from there.", show_default="none", rich_help_panel=_DATA,
), Used("FILE")]  # fmt: skip
SavedRun = Annotated[Path | None, typer.Option(
    "--checkpoint", metavar="PATH", help="Save the run of a network every ten minutes, and when Ctrl-C ends it.",
    rich_help_panel=_TRAINING,
), Used(*_OF_ARRAYS, fit=lambda path: {"checkpoint": Checkpoint(path, minutes=10)}, model="network")]  # fmt: skip
Resume = Annotated[Path | None, typer.Option(
    metavar="PATH", help="Go on from a saved run of the same data and options.", rich_help_panel=_TRAINING,
), Used(*_OF_ARRAYS, fit=lambda path: {"resume": path}, model="network")]  # fmt: skip
Report = Annotated[Path | None, typer.Option(
    metavar="PAGE", help="Also write a page (HTML) about the data, the model and its answers to the test part.",
)]  # fmt: skip
Force = Annotated[bool, typer.Option("--force", help="Overwrite a model of other data.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The options of ``subgrad train``, each in one line: the command and its help have them from here.

    None is for what was not given.
    """

    target: Target = None
    drop: Drop = None
    only: Only = None
    series: SeriesColumn = None
    folder: Folder = None
    task: Task = None
    test: Test = None
    folds: Folds = None
    jobs: Jobs = None
    validation: Validation = None
    model: Model = None
    hidden: Hidden = None
    window: Window = None
    activation: Activation = None
    augment: Augment = None
    loss: Loss = None
    robust: Robust = None
    method: Optimizer = None
    step: Step = None
    epochs: Epochs = None
    batch_size: BatchSize = None
    patience: Patience = None
    effort: Effort = None
    balance: Balance = None
    interval: Interval = None
    sets: Sets = None
    quantile: Quantile = None
    memory: Memory = None
    scratch: Scratch = None
    checkpoint: SavedRun = None
    resume: Resume = None
    seed: Seed = 0
    out: Out = None
    report: Report = None
    force: Force = False
    quiet: Quiet = False

    def check_used(self, job: str) -> None:
        """Raise a usage error for an option that was given and that the job does not use."""
        for name, option in OPTIONS.items():
            if getattr(self, name) is not None and job not in option.used.jobs:
                jobs = [f"`subgrad train {name}`" for name in JOBS if name in option.used.jobs]
                why = _WHY.get((job, option.flag), f"is for {' and '.join(jobs)}")
                raise typer.BadParameter(why, param_hint=f"'{option.flag}'")

    def of_model(self, model: str) -> list[str]:
        """The flags of the options that were given and belong to one kind of model for a FILE, see `Used`."""
        own = {name: option.flag for name, option in OPTIONS.items() if option.used.model == model}
        return [flag for name, flag in own.items() if getattr(self, name) is not None]

    def typed(self) -> list[str]:
        """The options that are not as they would be anyway, as they are typed."""
        found = []
        for own in fields(self):
            value = getattr(self, own.name)
            if value != own.default and own.name not in ("force", "quiet"):
                text = str(value.value if isinstance(value, Enum) else value)
                found += [OPTIONS[own.name].flag, *([] if value is True else [text])]
        return found

    def for_fit(self) -> dict[str, Any]:
        """The arguments of `subgrad.fit` that options stand for."""
        found: dict[str, Any] = {}
        for name, option in OPTIONS.items():
            if option.used.fit is not None and getattr(self, name) is not None:
                found |= option.used.fit(getattr(self, name))
        return found


class _Option(NamedTuple):
    flag: str
    used: Used


def _option(name: str, hint: Any) -> _Option:
    """What the annotation of a field says."""
    said = next(part for part in hint.__metadata__ if isinstance(part, typer.models.OptionInfo))
    names = said.default, *(said.param_decls or ())  # the first name is in the place of a default
    flag = next((text for text in names if isinstance(text, str)), "--" + name.replace("_", "-"))
    return _Option(flag, next((part for part in hint.__metadata__ if isinstance(part, Used)), Used()))


OPTIONS = {name: _option(name, hint) for name, hint in get_type_hints(TrainOptions, include_extras=True).items()}
"""Flags and uses of all options, by their fields."""

_WHY = {
    ("digits", "--target"): "digits has its own target",
    ("fashion-mnist", "--target"): "fashion-mnist has its own target",
    ("fashion-mnist", "--test"): "fashion-mnist has its own test images",
    ("text", "--target"): "a text has no columns",
    ("series", "--model"): "a series is forecast by an LSTM",
    ("FILE", "--augment"): "is for networks of images, see --model",
    ("digits", "--augment"): "is for networks of images, see --model",
}


def place(path: Path | None, option: str, others: Iterable[str | Path | None] = ()) -> Path | None:
    """Where a file will go: looked at before the work, for its sake. It is none of the other files of the command."""
    if path is None:
        return None
    problem = ""
    if not path.parent.is_dir():
        problem = "is in a folder that does not exist"
    elif path.is_dir():
        problem = "is a folder"
    elif any(other is not None and path.resolve() == Path(other).resolve() for other in others):
        problem = "is another file of this command, which would be lost: name a new one"
    if problem:
        raise typer.BadParameter(f"{path} {problem}", param_hint=f"'{option}'")
    return path


def quantiles(text: str | None) -> tuple[float, ...]:
    """Shares between 0 and 1, in order.

    >>> quantiles("0.9,0.1"), quantiles(None)
    ((0.1, 0.9), ())
    """
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    try:
        found = sorted({float(part) for part in parts})
    except ValueError:
        found = []
    if text is not None and not (found and all(0 < q < 1 for q in found)):
        raise ArgumentError(f"expected numbers between 0 and 1 such as 0.1,0.5,0.9, got {text!r}")
    return tuple(found)


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
