"""`local_minimum`: is a point one? Proved or refuted cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.kinks.programs import steepest
from subgrad.kinks.subdifferential import subdifferential

TOLERANCE = 1e-9
"""Slopes down to this part of the gradient's size count as 0: what linear programs in floats can tell."""


@dataclass(frozen=True, eq=False)
class LocalMinimum:
    """An answer.

    Attributes:
        verdict: "proved": no point nearby has a smaller value (f is piecewise linear). "first-order": f falls along no
            direction, to first order. "refuted": it falls along ``direction``. "unknown": see ``reason``.
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
    falls most. That f falls along none of them proves a local minimum if f is piecewise linear; else it is the
    necessary condition of first order. To be a local minimum is more than 0 being a subgradient: -\\|x\\| has a maximum
    at 0, and 0 is one of its subgradients there.

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
    found = subdifferential(f, x, budget=budget)
    for cell in found.cells:
        size = float(np.abs(cell.gradient).max())
        if size:
            direction = steepest(cell.gradient / size, cell.rows)
            slope = float(cell.gradient @ direction)
            if slope < -TOLERANCE * size:
                return LocalMinimum("refuted", direction, slope)
    if not found.complete:
        return LocalMinimum("unknown", reason=found.reason)
    return LocalMinimum("proved" if found.linear else "first-order")


__all__ = ["LocalMinimum", "local_minimum"]
