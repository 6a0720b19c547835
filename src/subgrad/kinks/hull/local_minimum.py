"""`local_minimum`: is a point one? Proved or refuted cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from subgrad.graph.evaluate import evaluate
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.hull.programs import is_empty, least_on_face, nonnegative, steepest
from subgrad.kinks.hull.subdifferential import Subdifferential, subdifferential
from subgrad.kinks.one_sided.slope_bounds import Slopes
from subgrad.kinks.one_sided.walk import Walk

TOLERANCE = 1e-9
"""Slopes below minus this part of the gradient's size are seen by linear programs in floats; nearer to 0 is asked in
rational numbers."""

SHARPNESS, SHARP = 1e-6, 2000
"""The least slope in all directions, relative to the gradients, that counts as above 0; and the most linear programs
to find it."""


@dataclass(frozen=True, eq=False)
class LocalMinimum:
    """An answer.

    Attributes:
        verdict: "proved": no point nearby has a smaller value (f is piecewise linear, or rises in all directions).
            "first-order": f falls along no direction, to first order. "refuted": it falls along
            ``direction``. "unknown": see ``reason``.
        direction: shape (n,), with elements in [-1, 1]; None unless refuted.
        slope: the one-sided derivative along it, below 0; 0 unless refuted.
        reason: why nothing is known; empty if it is.
    """

    verdict: Literal["proved", "first-order", "refuted", "unknown"]
    direction: np.ndarray | None = None
    slope: float = 0.0
    reason: str = ""


def local_minimum(f: Callable[[Any], Tensor], x: Any, *, budget: int = 2000) -> LocalMinimum:
    """Whether ``x`` is a local minimum of ``f``.

    On each cell of directions around x (see `subdifferential`) a linear program finds the direction along which f
    falls most. That f falls along none of them proves a local minimum if f is piecewise linear, by multipliers in
    rational numbers, or if f rises along all of them; else it is the necessary condition of first order. At a norm of 0
    there are no such cells: there f'(x; d) is bounded in interval arithmetic for all directions d. Slopes that
    are not 0, but too near to it beside the others, leave it unknown. To be a local minimum is more than 0 being a
    subgradient: -\\|x\\| has a maximum at 0, and 0 is one of its subgradients there.

    Args:
        f: from a tensor to a scalar tensor, made of ops.
        x: the point: a tensor or numbers, or a module or tree of tensors, which f is then given.
        budget: how many linear programs there may be, and how many cells.

    Raises:
        As `subdifferential`.

    Example:
        >>> import subgrad as sg
        >>> local_minimum(lambda x: abs(x[0]) + abs(x[1]), [0.0, 0.0]).verdict
        'proved'
        >>> answer = local_minimum(lambda x: abs(x[0]) - abs(x[1]), [0.0, 0.0])
        >>> answer.verdict, answer.slope
        ('refuted', -1.0)
    """
    return judged(subdifferential(f, x, budget=budget))


def judged(found: Subdifferential) -> LocalMinimum:
    """The answer that the cells around a point give."""
    certain = not found._cancelled
    for cell in found.cells:
        size = float(np.abs(cell.gradient).max())
        if not size:
            continue
        direction = steepest(cell.gradient / size, cell.rows)
        slope = float(cell.gradient @ direction)
        if slope < -TOLERANCE * size and _slope(found, direction) < slope / 2:
            return LocalMinimum("refuted", direction, slope)
        certain = certain and nonnegative(cell.rows, cell.gradient) is not None
    if not found.complete:
        return _without_cells(found)
    if not (certain and all(is_empty(rows) for rows in found._empty)):
        return LocalMinimum("unknown", reason="a slope or a cell is too small, beside the others, to tell it from none")
    return LocalMinimum("proved" if found.linear or _is_sharp(found) else "first-order")


def _without_cells(found: Subdifferential) -> LocalMinimum:
    """The answer from f'(x; d) itself, where its linear pieces are not known: those of a norm are none."""
    unknown = LocalMinimum("unknown", reason=found.reason)
    slopes = Slopes.at(found._function, found.point)
    if slopes is None:
        return unknown
    if slopes.are_positive():
        return LocalMinimum("proved")
    direction = slopes.downhill()
    if direction is None:
        return unknown
    slope = _slope(found, direction)
    return LocalMinimum("refuted", direction, slope) if slope < 0 else unknown


def _slope(found: Subdifferential, direction: np.ndarray) -> float:
    """f'(x; d) node by node: a linear program may be a little outside of its cell, where f is another function."""
    y, sources = found._function.at(found.point)
    evaluate([y])
    walk = Walk(y, sources, [constant(part) for part in found._function.split(direction)])
    walk.check()
    return 0.0 if walk.slope is None else float(walk.slope)


def _is_sharp(found: Subdifferential) -> bool:
    """Whether f'(x; d) >= c \\|d\\| with a c above rounding: then x is a minimum, whatever higher derivatives are."""
    n = found.point.size
    if 2 * n * len(found.cells) > SHARP:
        return False
    return all(
        least_on_face(cell.gradient, cell.rows, i, side) > SHARPNESS * float(np.abs(cell.gradient).max())
        for cell in found.cells
        for i in range(n)
        for side in (-1, 1)
    )


__all__ = ["LocalMinimum", "judged", "local_minimum"]
