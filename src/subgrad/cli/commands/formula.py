"""A formula and a box, as the commands about approximation take them."""

from __future__ import annotations

from typing import Annotated

import typer

from subgrad.approx import Expression
from subgrad.cli.failure import usage
from subgrad.errors import ArgumentError

Ends = list[tuple[float, float]]

Formula = Annotated[str, typer.Argument(
    metavar="FORMULA", help="In x, y, z or x1, x2, ..., such as 'exp(-x**2)*sin(5*x)'.", show_default=False,
)]  # fmt: skip
Box = Annotated[list[str], typer.Option(
    metavar="LOW,HIGH", help="The interval of a variable; once for all of them, or once for each in their order.",
)]  # fmt: skip


def formula_on(box: list[str], formula: str) -> tuple[Expression, Ends]:
    """The function that a formula says, and the box that it is looked at on; wrong usage if they say none."""
    with usage("FORMULA"):
        f = Expression(formula)
    with usage("--box"):
        return f, box_of(box, f.dimensions)


def box_of(texts: list[str], dimensions: int) -> Ends:
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
