"""``subgrad approximate``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, get_args

import typer

from subgrad.approx import approximate as build
from subgrad.approx.approximate import Method
from subgrad.cli import options
from subgrad.cli.commands.formula import Box, Formula, formula_on
from subgrad.cli.failure import job
from subgrad.cli.screen import screen
from subgrad.io import save
from subgrad.nn.layers.activation import FIXED

MethodName = options.choice("MethodName", list(get_args(Method)))
PhiName = options.choice("PhiName", FIXED)
RELU, AUTO = PhiName("relu"), MethodName("auto")

Eps = Annotated[float | None, typer.Option(metavar="ERROR", help="The largest error to prove.", show_default="1e-3")]
Units = Annotated[int | None, typer.Option(
    "--units", "-n", metavar="N", min=1, help="The number of units; with --eps, the most there may be.",
    show_default="as many as it takes",
)]  # fmt: skip
Phi = Annotated[
    PhiName, typer.Option("--activation", metavar="NAME", help=f"Of the hidden layer: {options.listed(PhiName)}.")
]
How = Annotated[MethodName, typer.Option(metavar="NAME", help=f"One of {options.listed(MethodName)}.")]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of the sample and the candidates.")]
Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Where the network goes.", show_default="nowhere")]
Plot = Annotated[Path | None, typer.Option(
    metavar="FILE", help="Where a picture goes: function, network, error and knots.", show_default="nowhere",
)]  # fmt: skip


@job
def approximate(
    formula: Formula,
    box: Box,
    eps: Eps = None,
    units: Units = None,
    activation: Phi = RELU,
    method: How = AUTO,
    seed: Seed = 0,
    out: Out = None,
    plot: Plot = None,
) -> None:
    """Build a network for a formula, as near as you say, and prove that it is.

    For example: subgrad approximate "exp(-x**2)*sin(5*x)" --box -2,2 --eps 1e-3
    """
    from subgrad.approx import plot as drawing

    f, ends = formula_on(box, formula)
    options.place(out, "--out")
    if plot is not None:
        drawing.check(len(ends), options.place(plot, "--plot", [out]))
    wanted = 1e-3 if eps is None and units is None else eps
    net, report = build(f, ends, eps=wanted, n=units, activation=activation.value, method=method.value, seed=seed)
    console = screen()
    console.print(str(report), soft_wrap=True)
    if out is not None:
        save(net, out, {"approximation": {"formula": formula, "box": ends, **dataclasses.asdict(report)}})
        console.print(f"saved {out}")
    if plot is not None:
        drawing.plot(f, ends, net, report, plot)
        console.print(f"drawn {plot}")
    if wanted is not None and not report.achieved:
        raise typer.Exit(1)
