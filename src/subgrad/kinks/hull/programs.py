"""Linear programs over a polyhedral cone: does it have an interior, and how far does a function fall in it; and proofs
of their answers in rational numbers."""

from __future__ import annotations

from fractions import Fraction
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
    if not len(rows):
        return -np.sign(gradient)
    return _solve(gradient, -rows if len(rows) else None, [(-1, 1)] * len(gradient))


def least_on_face(gradient: np.ndarray, rows: np.ndarray, i: int, side: int) -> float:
    """The least gradient @ d with rows @ d >= 0 and elements in [-1, 1], the i-th being 1 or -1; inf if none is."""
    bounds = [(-1, 1)] * len(gradient)
    bounds[i] = (side, side)
    limits = np.zeros(len(rows))
    found: Any = _scipy().linprog(gradient, A_ub=-rows, b_ub=limits, bounds=bounds, method="highs")
    return float(found.fun) if found.x is not None else np.inf


def is_empty(rows: np.ndarray) -> bool:
    """Whether a cone has no interior for certain: its sides sum to 0 with multipliers that are not all 0."""
    n = rows.shape[1]
    return nonnegative(np.hstack([rows, np.ones((len(rows), 1))]), np.eye(n + 1)[n]) is not None


def nonnegative(rows: np.ndarray, wanted: np.ndarray) -> list[Fraction] | None:
    """Multipliers of at least 0 with which the rows sum to ``wanted``, exactly, in rational numbers; None if rounding
    leaves none."""
    if not len(rows):
        return None if wanted.any() else []
    found = _scipy().nnls(rows.T, wanted)[0]
    used = np.flatnonzero(found > 1e-12 * found.max()) if found.any() else np.zeros(0, int)
    columns = [[Fraction(v) for v in row] for row in rows[used].tolist()]
    solved = _solved(columns, [Fraction(v) for v in wanted.tolist()])
    if solved is None or any(v < 0 for v in solved):
        return None
    multipliers = [Fraction(0)] * len(rows)
    for i, v in zip(used.tolist(), solved, strict=True):
        multipliers[i] = v
    return multipliers


def _solved(columns: list[list[Fraction]], wanted: list[Fraction]) -> list[Fraction] | None:
    """The numbers with which the columns sum to ``wanted``, by elimination; None if there are none."""
    table = [[*row, w] for row, w in zip(zip(*columns, strict=True), wanted, strict=True)] if columns else []
    if not columns:
        return None if any(wanted) else []
    pivots: list[int] = []
    for j in range(len(columns)):
        k = next((k for k in range(len(pivots), len(table)) if table[k][j]), None)
        if k is None:
            return None
        table[len(pivots)], table[k] = table[k], table[len(pivots)]
        top = table[len(pivots)]
        for other in (row for i, row in enumerate(table) if i != len(pivots) and row[j]):
            factor = other[j] / top[j]
            other[:] = [a - factor * b for a, b in zip(other, top, strict=True)]
        pivots.append(j)
    if any(row[-1] for row in table[len(pivots) :]):
        return None
    return [table[i][-1] / table[i][i] for i in range(len(pivots))]


def _solve(cost: np.ndarray, above: np.ndarray | None, bounds: list[tuple[int, int]]) -> np.ndarray:
    limits = None if above is None else np.zeros(len(above))
    found: Any = _scipy().linprog(cost, A_ub=above, b_ub=limits, bounds=bounds, method="highs")
    if found.x is None:
        raise SubgradError(f"the linear program of a cone was not solved: {found.message}")
    return found.x


def _scipy() -> Any:
    try:
        import scipy.optimize
    except ImportError:
        raise missing_extra("scipy", "kinks", "enumerating the cells around a kink") from None
    return scipy.optimize
