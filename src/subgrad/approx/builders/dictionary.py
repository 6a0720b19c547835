"""Candidates for the next unit of a greedy network, and the error reduction of each; many at once, compiled."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.approx.shallow import activation_of
from subgrad.compile.function import compile
from subgrad.diff import grad
from subgrad.graph.dtype import float64
from subgrad.graph.tensor import Parameter, Tensor

NEW = 1e-10  # a unit whose orthogonal part has a smaller share of its squared norm counts as one of the span
MOMENTUM = 0.7


_Found = tuple[np.ndarray, np.ndarray, np.ndarray]


class Dictionary:
    """Units φ(w·x + b) on N points, judged by their part orthogonal to the span of the chosen units.

    Args:
        points: (N, d).
        activation: φ, by its name.
        width: how many functions the span may have.
    """

    def __init__(self, points: np.ndarray, activation: str, width: int) -> None:
        self._phi = activation_of(activation)
        n = len(points)
        self._points = Parameter(points, float64)
        self._basis = Parameter(np.zeros((n, width)), float64)
        self._residual = Parameter(np.zeros(n), float64)
        self._gain, self._step = compile(self._gains), compile(self._climbed)

    def span(self, basis: np.ndarray, residual: np.ndarray) -> None:
        """Set the orthonormal columns (N, k) of the span, and the residual of the function, (N,)."""
        n, width = self._basis.shape
        self._basis.assign(np.concatenate([basis, np.zeros((n, width - basis.shape[1]))], axis=1))
        self._residual.assign(residual)

    def gains(self, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        """By how much each of m units, (m, d) and (m,), lowers the sum of squares, all outer weights fitted anew."""
        return self._gain(w, b)

    def climb(self, w: np.ndarray, b: np.ndarray, sizes: np.ndarray) -> _Found:
        """The units moved along the gradients of their gains, in steps of ``sizes`` relative to theirs.

        Returns the best of each: its gain, w and b.
        """
        best = np.full(len(b), -np.inf), w, b
        mw, mb = np.zeros_like(w), np.zeros_like(b)
        for size in sizes:
            gain, *moved = self._step(w, b, mw, mb, np.float64(size))
            best = _better((gain, w, b), best)
            w, b, mw, mb = moved
        return _better((self.gains(w, b), w, b), best)

    def _gains(self, w: Tensor, b: Tensor) -> Tensor:
        """c² / q for each unit g: c is its product with the residual, q the squared norm of its orthogonal part."""
        g = self._phi(self._points @ w.T + b)
        whole = (g * g).sum(0)
        left = whole - ops.square(self._basis.T @ g).sum(0)
        new = left > NEW * whole
        return ops.where(new, ops.square(self._residual @ g) / ops.where(new, left, 1), 0)

    def _climbed(self, w: Tensor, b: Tensor, mw: Tensor, mb: Tensor, size: Tensor) -> tuple[Tensor, ...]:
        gain = self._gains(w, b)
        by_w, by_b = grad(gain.sum(), [w, b])
        length = _length(by_w, by_b)
        mw = MOMENTUM * mw + (1 - MOMENTUM) * by_w / length[:, None]
        mb = MOMENTUM * mb + (1 - MOMENTUM) * by_b / length
        factor = size * _length(w, b) / _length(mw, mb)
        return gain, w + factor[:, None] * mw, b + factor * mb, mw, mb


def _better(a: _Found, b: _Found) -> _Found:
    """Of each unit that with the larger gain."""
    first = a[0] > b[0]
    return np.where(first, a[0], b[0]), np.where(first[:, None], a[1], b[1]), np.where(first, a[2], b[2])


def _length(w: Tensor, b: Tensor) -> Tensor:
    """The length of each unit's weights and bias, 1 if it is 0."""
    square = (w * w).sum(1) + b * b
    return ops.where(square > 0, ops.sqrt(square), 1)
