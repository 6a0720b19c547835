"""Bounds in SciPy's forms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError


def read_bounds(bounds: Any, shapes: Sequence[tuple[int, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest values as flat vectors, infinite where there is no bound.

    Args:
        bounds: None, an object with ``lb`` and ``ub``, or a (low, high) pair for each element, None for no bound.
        shapes: of the arrays of x0.

    Raises:
        ShapeError: if they do not fit x0.
        ArgumentError: if a lower bound is above its upper bound, or one is NaN.
    """
    size = sum(math.prod(s) for s in shapes)
    if bounds is None:
        return np.full(size, -np.inf), np.full(size, np.inf)
    low, high = (bounds.lb, bounds.ub) if hasattr(bounds, "lb") else _columns(bounds, size)
    form = shapes[0] if len(shapes) == 1 else (size,)
    try:
        low, high = (np.broadcast_to(np.asarray(b, np.float64), form).ravel() for b in (low, high))
    except ValueError:
        raise ShapeError(f"bounds of shape {np.shape(low)} do not fit x0 of shape {form}") from None
    if not (low <= high).all():
        at = int(np.argmin(low <= high))
        raise ArgumentError(f"bound {at} goes from {low[at]} to {high[at]}: the lower one is above the upper one")
    return low, high


def _columns(bounds: Sequence[Any], size: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = list(bounds) if isinstance(bounds, Iterable) else []
    if len(pairs) != size or any(np.shape(p) != (2,) for p in pairs):
        said = str(bounds)[:200]
        raise ShapeError(f"bounds need one (low, high) pair for each of the {size} elements of x0, got {said}")
    low = np.array([-np.inf if a is None else a for a, _ in pairs], np.float64)
    high = np.array([np.inf if b is None else b for _, b in pairs], np.float64)
    return low, high
