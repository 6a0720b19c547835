"""The matrix that a solver works on: X and the intercept's column, made smaller or better conditioned.

The optimum stays the same. The proof, which needs no solver, uses X itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Design:
    """A (n, r), and the way from its coefficients z (r,) to w (d,) and b, with A z = X w + b.

    Attributes:
        penalised: (r,), 1 where |w|^2 counts a coefficient, 0 where nothing does. Those columns of A are orthonormal
            under the weights: A' diag(weights) A is the identity there.
    """

    A: np.ndarray
    penalised: np.ndarray
    split: Callable[[np.ndarray], tuple[np.ndarray, float]]


def by_rows(X: np.ndarray, weights: np.ndarray, intercept: bool) -> Design:
    """For a penalty on |w|^2. The best w is a combination of rows: with r = min(n, d), w = Q z and |w| = |z|."""
    n, d = X.shape
    Q, A = (None, X) if d <= n else _rows(X)
    r = A.shape[1]

    def split(z: np.ndarray) -> tuple[np.ndarray, float]:
        return (z[:r] if Q is None else Q @ z[:r]), _intercept(z[r:], weights)

    A = _with_ones(A, weights, intercept)
    return Design(A, (np.arange(A.shape[1]) < r).astype(float), split)


def by_columns(X: np.ndarray, weights: np.ndarray, intercept: bool) -> Design:
    """Without a penalty: a basis of the columns of X, and of the ones, orthonormal under the weights.

    Columns are brought to one length first, so that units do not decide about the rank. Of many solutions it gives the
    one of least norm in those units. QR comes before the SVD: n d^2 once, and the rest on a (d, d) matrix.
    """
    root = np.sqrt(weights)[:, None]
    length = np.linalg.norm(root * X, axis=0)
    length[length == 0] = 1
    Q, R = np.linalg.qr(root * _with_ones(X / length, weights, intercept))
    U, s, Vt = np.linalg.svd(R, full_matrices=False)
    kept = s > 10 * s[0] * max(X.shape) * np.finfo(float).eps  # below it is what rounding left of dependent columns
    A, d = Q @ U[:, kept] / root, X.shape[1]

    def split(z: np.ndarray) -> tuple[np.ndarray, float]:
        coefficients = Vt[kept].T @ (z / s[kept])
        return coefficients[:d] / length, _intercept(coefficients[d:], weights)

    return Design(A, np.zeros(A.shape[1]), split)


def _rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    Q, R = np.linalg.qr(X.T)
    return Q, np.ascontiguousarray(R.T)


def _with_ones(A: np.ndarray, weights: np.ndarray, intercept: bool) -> np.ndarray:
    """A, and for an intercept a last column, all equal and of length 1 under the weights."""
    return np.hstack([A, np.full((len(A), int(intercept)), 1 / np.sqrt(weights.sum()))])


def _intercept(z: np.ndarray, weights: np.ndarray) -> float:
    """b from the coefficient of that column, or from none."""
    return float(z.sum() / np.sqrt(weights.sum()))
