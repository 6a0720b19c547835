"""``subgrad export``: a model as a file that runs without this package."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from subgrad.cli import options
from subgrad.cli.commands.show import ModelFile
from subgrad.cli.commands.whole_model import WholeModel
from subgrad.cli.failure import job, usage
from subgrad.cli.jobs.kinds import TABLES, job_of
from subgrad.cli.jobs.pixels import Pixels, read_rows
from subgrad.cli.jobs.trained.trained_model import kind_of
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.cli.jobs.trained.trained_tabular import TrainedTabular
from subgrad.cli.screen import screen
from subgrad.data.target import NumberTarget
from subgrad.errors import ArgumentError, DataError
from subgrad.io import load_module
from subgrad.nn import Module
from subgrad.tabular.with_preparation import WithPreparation

ENDS = {"onnx": ".onnx", "wasm": ".wasm", "object": ".o"}
"""The formats, and how their files' names end."""

FormatName = options.choice("FormatName", [*ENDS])
QuantizeName = options.choice("QuantizeName", ["int8"])
ONNX, OBJECT = FormatName("onnx"), FormatName("object")

To = Annotated[FormatName, typer.Option("--to", metavar="FORMAT", help=f"One of {options.listed(FormatName)}.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where it goes.", show_default="beside MODEL")]
Processor = Annotated[str | None, typer.Option(
    "--cpu", help="Of an object file, such as x86-64, aarch64, cortex-m4f, rv32imfc.", show_default=False,
)]  # fmt: skip
Quantize = Annotated[QuantizeName | None, typer.Option(
    "--quantize", metavar="int8", help="Code in integers of 8 bits, with --calibration.", show_default=False,
)]  # fmt: skip
Calibration = Annotated[Path | None, typer.Option(
    metavar="FILE", help="Rows for the ranges of these integers, such as those of the training, or `digits`.",
    show_default=False,
)]  # fmt: skip
Shape = Annotated[str | None, typer.Option(
    metavar="N,N,...", help="Of an input, the batch first, where the model does not say it.", show_default=False,
)]  # fmt: skip


@job
def export(
    model: ModelFile, to: To = ONNX, out: Out = None, shape: Shape = None, cpu: Processor = None,
    quantize: Quantize = None, calibration: Calibration = None, quiet: options.Quiet = False,
) -> None:  # fmt: skip
    """Write a model as a file that others run, with the preparation of its table.

    An ONNX file; WebAssembly with a module for JavaScript; or an object file for a processor, with a C header.
    In integers of 8 bits it is the network alone, whose inputs are the features.

    For example: subgrad export digits.safetensors --to onnx
    """
    path = options.place(out, "--out", [model, calibration]) or model.with_suffix(ENDS[to.value])
    with usage("--shape"):
        example = None if shape is None else np.zeros(options.sizes(shape), np.float32)
    with usage("--cpu"):
        _check_processor(to, cpu)
    with usage("--quantize"):
        _check_integers(to, quantize, calibration)
    console, inputs = screen(quiet), "the features, which `subgrad predict` makes of a table"
    if job_of(model) is TABLES and kind_of(model) is not None and shape is None:
        trained = TABLES.load(model)
        whole = _whole(trained)
        if calibration is not None:
            if not isinstance(trained, TrainedNetwork):
                raise DataError(f"{model} is an ensemble, and integers are for one network: train it with --model mlp")
            report = _write_integers(trained, whole, path, to, cpu, calibration)
            inputs = "the columns of the table" if whole.prepares else "the features"
            console.print(f"Wrote {path}; its inputs are {inputs}.\n{report}", soft_wrap=True)
            return
        _write(whole, path, to, cpu, whole.example, whole.about())
        inputs = "the columns of the table" if whole.prepares else inputs
        inputs = "the pixels" if isinstance(trained.preparation, Pixels) else inputs
    elif calibration is not None:
        raise DataError(f"{model} has no preparation for rows of {calibration}: sg.export takes arrays for calibration")
    else:
        _write(load_module(model), path, to, cpu, example)
        inputs = "those of the network"
    console.print(f"Wrote {path}; its inputs are {inputs}.", soft_wrap=True)


def _whole(trained: Any) -> WithPreparation:
    """A trained model with its preparation as one module."""
    return trained.model.module() if isinstance(trained, TrainedTabular) else WholeModel(trained).eval()


def _check_processor(to: Enum, cpu: str | None) -> None:
    if (to is OBJECT) != (cpu is not None):
        raise ArgumentError(f"an object file is for a processor, --to object --cpu NAME; got --to {to.value}")
    if cpu is not None:
        from subgrad.export.targets import machine

        machine(cpu)


def _check_integers(to: Enum, quantize: Enum | None, calibration: Path | None) -> None:
    if (quantize is None) != (calibration is None):
        raise ArgumentError("integers of 8 bits need rows: --quantize int8 --calibration FILE, or neither of them")
    if quantize is not None and to is ONNX:
        raise ArgumentError("--quantize is for --to wasm and --to object, got --to onnx")


def _write_integers(
    trained: TrainedNetwork, whole: WithPreparation, path: Path, to: Enum, cpu: str | None, calibration: Path
) -> str:
    """What the rows, with their answers if these are there, say of the network in integers."""
    from subgrad.export import export

    prepared = trained.preparation
    rows = read_rows(calibration)
    X = prepared.transform(rows)
    given = (X, prepared.target(rows)) if prepared.target_name in rows else X
    info = {**whole.about(), **_meaning(trained)}
    made = export(
        trained.model, path, whole.example, target=to.value, cpu=cpu, quantize="int8",
        calibration=given, prepare=whole.features if whole.prepares else None, info=info,
    )  # fmt: skip
    return str(made.quantized)


def _meaning(trained: TrainedNetwork) -> dict[str, str]:
    """What the results in integers are, where numbers were learnt on a scale of their own."""
    target: Any = None if isinstance(trained.preparation, Pixels) else trained.preparation._target
    if not isinstance(target, NumberTarget):
        return {}
    return {"out": f"{target.name} is {target.mean:.9g} + {target.std:.9g} times the number"}


def _write(
    model: Module, path: Path, to: Enum, cpu: str | None, example: Any, info: dict[str, str] | None = None
) -> None:
    if to is ONNX:
        from subgrad import onnx

        onnx.save(model, path, example, info=info)
    else:
        from subgrad.export import export

        export(model, path, example, target=to.value, cpu=cpu, info=info)
