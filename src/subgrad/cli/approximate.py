"""``subgrad approximate``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, get_args

import typer

from subgrad.approx import Expression
from subgrad.approx import approximate as build
from subgrad.approx.approximate import Method
from subgrad.cli import options
from subgrad.cli.failure import job, usage
from subgrad.cli.screen import screen
from subgrad.errors import ArgumentError
from subgrad.io import save
from subgrad.nn.activation import NAMES as ACTIVATIONS

MethodName = options.choice("MethodName", list(get_args(Method)))
PhiName = options.choice("PhiName", [name for name in ACTIVATIONS if name != "softmax"])
RELU, AUTO = PhiName("relu"), MethodName("auto")

Formula = Annotated[str, typer.Argument(
    metavar="FORMULA", help="In x, y, z or x1, x2, ..., such as 'exp(-x**2)*sin(5*x)'.", show_default=False,
)]  # fmt: skip
Box = Annotated[list[str], typer.Option(
    metavar="LOW,HIGH", help="The interval of a variable; once for all of them, or once for each in their order.",
)]  # fmt: skip
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
    with usage("FORMULA"):
        f = Expression(formula)
    with usage("--box"):
        ends = box_of(box, f.dimensions)
    wanted = 1e-3 if eps is None and units is None else eps
    net, report = build(f, ends, eps=wanted, n=units, activation=activation.value, method=method.value, seed=seed)
    console = screen()
    console.print(str(report), soft_wrap=True)
    if out is not None:
        save(net, out, {"approximation": {"formula": formula, "box": ends, **dataclasses.asdict(report)}})
        console.print(f"saved {out}")
    if plot is not None:
        from subgrad.approx.plot import plot as draw

        draw(f, ends, net, report, plot)
        console.print(f"drawn {plot}")
    if wanted is not None and not report.achieved:
        raise typer.Exit(1)


def box_of(texts: list[str], dimensions: int) -> list[tuple[float, float]]:
    """The box that options such as ``-2,2`` say: one for all variables, or one for each.

    >>> box_of(["-1,1"], 2), box_of(["0,1", "-1,1"], 1)
    ([(-1.0, 1.0), (-1.0, 1.0)], [(0.0, 1.0), (-1.0, 1.0)])
    """
    ends = [pair_of(text) for text in texts]
    ends = ends * dimensions if len(ends) == 1 else ends
    if len(ends) < dimensions:
        raise ArgumentError(f"the formula has {dimensions} variables, there are {len(ends)} intervals")
    return ends


def pair_of(text: str) -> tuple[float, float]:
    """The two numbers of an option such as ``-2,2``, the lower one first."""
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError(f"expected two numbers such as -2,2, got {text!r}") from None
    if not low <= high:
        raise ArgumentError(f"the lower end comes first, got {text!r}")
    return low, high
