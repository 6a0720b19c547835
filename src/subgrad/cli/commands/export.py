"""``subgrad export``: a model as a file that runs without this package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from subgrad.cli import options
from subgrad.cli.commands.show import ModelFile
from subgrad.cli.commands.whole_model import WholeModel
from subgrad.cli.failure import job, usage
from subgrad.cli.jobs.kinds import TABLES, job_of
from subgrad.cli.jobs.trained.trained_model import kind_of
from subgrad.cli.jobs.trained.trained_network import TrainedNetwork
from subgrad.cli.screen import screen
from subgrad.errors import DataError
from subgrad.io import load

FormatName = options.choice("FormatName", ["onnx"])
ONNX = FormatName("onnx")

To = Annotated[FormatName, typer.Option("--to", metavar="FORMAT", help=f"One of {options.listed(FormatName)}.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where it goes.", show_default="MODEL.onnx")]
Shape = Annotated[str | None, typer.Option(
    metavar="N,N,...", help="Of an input, the batch first, where the model does not say it.", show_default=False,
)]  # fmt: skip


@job
def export(
    model: ModelFile, to: To = ONNX, out: Out = None, shape: Shape = None, quiet: options.Quiet = False
) -> None:
    """Write a model as a file that others run, with the preparation of its table.

    For example: subgrad export digits.safetensors --to onnx
    """
    from subgrad import onnx

    path = options.place(out, "--out") or model.with_suffix(f".{to.value}")
    with usage("--shape"):
        example = None if shape is None else np.zeros(options.sizes(shape), np.float32)
    console, inputs = screen(quiet), "the features, which `subgrad predict` makes of a table"
    if job_of(model) is TABLES and kind_of(model) is not None and shape is None:
        trained = TABLES.load(model)
        if not isinstance(trained, TrainedNetwork):
            raise DataError(f"{model} is a model for tables, and networks are exported: train one with --model mlp")
        whole = WholeModel(trained).eval()
        onnx.save(whole, path, whole.example, info=whole.about())
        inputs = "the columns of the table" if whole.prepares else inputs
    else:
        onnx.save(load(model), path, example)
        inputs = "those of the network"
    console.print(f"Wrote {path}; its inputs are {inputs}.", soft_wrap=True)
