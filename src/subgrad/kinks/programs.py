"""The two linear programs over a polyhedral cone: does it have an interior, and how far does a function fall in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import SubgradError, missing_extra

NARROW = 1e-9
"""A cone in which no direction of length 1 keeps this distance from all sides counts as empty."""


def interior(rows: np.ndarray) -> np.ndarray | None:
    """A direction d with rows @ d > 0 that keeps as far from all sides as it can; None if there is none.

    Args:
        rows: shape (m, n), each scaled to a largest element of 1 in magnitude.
    """
    m, n = rows.shape
    cost = np.append(np.zeros(n), -1.0)
    found = _solve(cost, np.hstack([-rows, np.ones((m, 1))]), [(-1, 1)] * n + [(0, 1)])
    direction, width = found[:n], found[n]
    return direction if width > NARROW and (rows @ direction > 0).all() else None


def steepest(gradient: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The d with rows @ d >= 0 and elements in [-1, 1] that makes gradient @ d least."""
    return _solve(gradient, -rows if len(rows) else None, [(-1, 1)] * len(gradient))


def _solve(cost: np.ndarray, above: np.ndarray | None, bounds: list[tuple[int, int]]) -> np.ndarray:
    limits = None if above is None else np.zeros(len(above))
    found: Any = _linprog()(cost, A_ub=above, b_ub=limits, bounds=bounds, method="highs")
    if found.x is None:
        raise SubgradError(f"the linear program of a cone was not solved: {found.message}")
    return found.x


def _linprog() -> Any:
    try:
        from scipy.optimize import linprog
    except ImportError:
        raise missing_extra("scipy", "kinks", "enumerating the cells around a kink") from None
    return linprog
