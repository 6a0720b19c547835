"""Weights fitted to a sample: the outer ones by linear least squares, all of them by the Gauss-Newton method."""

from __future__ import annotations

import numpy as np

from subgrad.approx.builders.hidden_units import HiddenUnits
from subgrad.approx.shallow import activation_of
from subgrad.diff import grad
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import tensor

MOST_WEIGHTS = 1500  # that Gauss-Newton is used for: its matrix has as many rows and columns
SHRINK, GROW, ATTEMPTS = 0.25, 4.0, 6


def hidden(points: np.ndarray, w: np.ndarray, b: np.ndarray, activation: str) -> tuple[np.ndarray, np.ndarray]:
    """φ(w·x + b) and φ'(w·x + b) of n units at N points, (N, n) each."""
    z = tensor(points @ w.T + b, float64)
    y = activation_of(activation)(z)
    return y.numpy(), grad(y.sum(), z).numpy()


def outer(points: np.ndarray, values: np.ndarray, w: np.ndarray, b: np.ndarray, activation: str) -> HiddenUnits:
    """The units with the v and c of least mean squared error."""
    g, _ = hidden(points, w, b, activation)
    v = np.linalg.lstsq(np.column_stack([g, np.ones(len(g))]), values, rcond=None)[0]
    return HiddenUnits(w, b, v[:-1], float(v[-1]))


def all_weights(
    points: np.ndarray, values: np.ndarray, w: np.ndarray, b: np.ndarray, activation: str, steps: int
) -> HiddenUnits:
    """The units after some Gauss-Newton steps on w and b; the outer weights are always the least-squares ones.

    Variable projection (Golub, Pereyra 1973, with Kaufman's simplification, 1975) with Levenberg-Marquardt
    damping. The kinks of relu are ignored; a step that does not lower the error is rejected.
    """
    if activation == "step":  # no derivative tells where to go
        return outer(points, values, w, b, activation)
    fit = _Fit(points, values, w, b, activation)
    damping = 1e-2
    for _ in range(steps):
        matrix, gradient = fit.normal_equations()
        for _ in range(ATTEMPTS):
            scaled = matrix + damping * np.diag(np.diag(matrix) + 1e-12 * np.diag(matrix).max() + 1e-300)
            step = np.linalg.solve(scaled, -gradient)
            moved = fit.moved(step)
            if moved.error < fit.error:
                fit, damping = moved, damping * SHRINK
                break
            damping *= GROW
        else:
            break
    return HiddenUnits(fit.w, fit.b, fit.v, fit.c)


class _Fit:
    """Units with their best outer weights on a sample."""

    def __init__(self, points: np.ndarray, values: np.ndarray, w: np.ndarray, b: np.ndarray, activation: str) -> None:
        self.points, self.values, self.w, self.b, self.activation = points, values, w, b, activation
        g, self._slope = hidden(points, w, b, activation)
        columns = np.column_stack([g, np.ones(len(g))])
        self._basis, triangle = np.linalg.qr(columns)
        v = np.linalg.lstsq(triangle, self._basis.T @ values, rcond=None)[0]
        self.v, self.c = v[:-1], float(v[-1])
        self._rest = columns @ v - values
        self.error = float(self._rest @ self._rest)

    def normal_equations(self) -> tuple[np.ndarray, np.ndarray]:
        """The matrix and the gradient by (w, b), n (d + 1) of them, with the outer weights projected out."""
        by_b = self._slope * self.v
        by_w = (by_b[:, :, None] * self.points[:, None, :]).reshape(len(by_b), -1)
        jacobian = np.concatenate([by_w, by_b], axis=1)
        along = self._basis.T @ jacobian
        return jacobian.T @ jacobian - along.T @ along, jacobian.T @ self._rest

    def moved(self, step: np.ndarray) -> _Fit:
        w, b = self.w + step[: self.w.size].reshape(self.w.shape), self.b + step[self.w.size :]
        return _Fit(self.points, self.values, w, b, self.activation)
