"""The least eigenvalue of a matrix on a null space, with a proof of its sign; both are known up to rounding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from subgrad.intervals import arithmetic as iv
from subgrad.intervals.arithmetic import EPS, Interval


class Curvature(NamedTuple):
    """The least eigenvalue, about, its sign if that is proved (else 0), and its eigenvector."""

    least: float
    sign: int
    direction: np.ndarray


def curvature(hessian: Interval, rows: Interval, lift: float) -> Curvature:
    """That of a symmetric matrix (n, n) on the directions that all ``rows`` (m, n), which are independent, map to 0.

    Args:
        lift: for every vector e there is a d with rows @ d = e whose largest element is at most this times that of e.
    """
    (h, _), (z, _) = iv.ball(hessian), iv.ball(rows)
    m, n = z.shape
    if m == n:
        return Curvature(np.inf, 1, np.zeros(n))
    q, r = np.linalg.qr(z.T, mode="complete")
    basis = q[:, m:]
    values, vectors = np.linalg.eigh(basis.T @ ((h + h.T) / 2) @ basis)
    least, way = float(values[0]), basis @ vectors[:, 0]
    proved = _above(hessian, rows, q, r[:m], least) if least > 0 else _below(hessian, rows, way, lift)
    return Curvature(least, int(np.sign(least)) if proved else 0, way)


def _above(hessian: Interval, rows: Interval, q: np.ndarray, r: np.ndarray, least: float) -> bool:
    """Whether all eigenvalues are above 0.

    A multiple of rows.T @ rows, or of what is made of them, adds nothing on the null space; elsewhere a large one makes
    the matrix positive definite (Finsler's lemma). In a basis of both spaces, that of the second one short, all numbers
    are of the size of the matrix, so that rounding does not grow with the multiple.
    """
    m, n = rows.low.shape
    size = float(hessian.largest.sum(1).max())
    multiple = 2 * (size + 2 * size * size / least)
    short = np.where(np.arange(n) < m, (size / multiple) ** 0.5, 1.0)
    basis = iv.exactly(q * short)
    table = iv.bilinear(np.matmul, _transposed(basis), iv.bilinear(np.matmul, hessian, basis, n), n)
    if m:
        upright = iv.bilinear(np.matmul, iv.exactly(np.linalg.inv(r.T)), rows, m)
        image = iv.bilinear(np.matmul, upright, basis, n)
        gram = iv.bilinear(np.matmul, _transposed(image), image, m)
        table = iv.add(table, iv.mul(iv.exactly(np.full((n, n), multiple)), gram))
    return is_positive_definite(table)


def _transposed(x: Interval) -> Interval:
    return Interval(x.low.T, x.high.T)


def is_positive_definite(table: Interval) -> bool:
    """Whether all symmetric matrices within a table are.

    A Cholesky factor of the middle one, less what others differ by and the rounding errors of the factor, shows it
    (S. Rump, "Verification of positive definiteness", BIT Numerical Mathematics 46, 2006).
    """
    with np.errstate(invalid="ignore"):
        middle, radius = iv.ball(table)
    skew = np.abs(middle - middle.T) / 2
    middle = (middle + middle.T) / 2
    n = len(middle)
    apart = 1.001 * float((np.maximum(radius, radius.T) + skew).sum(1).max())
    rounding = 4 * (n + 3) * EPS * float(np.abs(np.diagonal(middle)).sum() + apart) + float(np.finfo(float).tiny)
    if not (np.isfinite(apart + rounding) and np.isfinite(middle).all()):
        return False
    try:
        np.linalg.cholesky(middle - (apart + rounding) * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    return True


def _below(hessian: Interval, rows: Interval, way: np.ndarray, lift: float) -> bool:
    """Whether the matrix is negative along a direction of the null space that is next to ``way``."""
    n, along = len(way), iv.exactly(way[:, None])
    image = iv.bilinear(np.matmul, hessian, along, n)
    value = iv.bilinear(np.matmul, _transposed(along), image, n)
    moved = lift * float(iv.bilinear(np.matmul, rows, along, n).largest.max(initial=0.0))
    error = 2 * moved * float(image.largest.sum()) + moved * moved * float(hessian.largest.sum())
    return float(value.high.max()) < -1.001 * error


__all__ = ["Curvature", "curvature", "is_positive_definite"]
