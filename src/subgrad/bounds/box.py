"""Boxes: what something is approximated or proven on."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import ArgumentError


def as_box(box: Any) -> np.ndarray:
    """A box as an array of shape (d, 2), a lower and an upper end for each variable, in float64.

    Args:
        box: a pair of numbers for one variable; or a pair for each variable.

    Raises:
        ArgumentError: for anything else, ends that are not finite, or a lower end above its upper end.

    Example:
        >>> from subgrad.bounds.box import as_box
        >>> as_box((-2, 2)).tolist(), as_box([(0, 1), (-1, 1)]).tolist()
        ([[-2.0, 2.0]], [[0.0, 1.0], [-1.0, 1.0]])
    """
    try:
        ends = real(box)
    except (TypeError, ValueError):
        ends = np.empty(0)
    ends = ends[None] if ends.shape == (2,) else ends
    if ends.ndim != 2 or ends.shape[1] != 2 or not ends.size:
        raise ArgumentError(f"a box is a pair (low, high), or a pair for each variable, got {box!r}")
    if not np.isfinite(ends).all() or (ends[:, 0] > ends[:, 1]).any():
        raise ArgumentError(f"a box has finite ends, the lower one first, got {box!r}")
    return ends


def real(given: Any) -> np.ndarray:
    """A new array of float64; `TypeError` or `ValueError` for what is no array of real numbers."""
    array = np.asarray(given)
    if array.dtype.kind == "c":
        raise TypeError("complex numbers")
    return np.array(array, np.float64)
