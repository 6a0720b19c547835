"""The discrete Fourier transform. Tensors are real: complex numbers have a last axis with real and imaginary part.

A length is taken apart into factors (Cooley, Tukey 1965), and each factor is a product with a matrix: everything is
made of ops, and so has gradients and native code. A length that is prime takes n² products.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor, constant
from subgrad.lazy import closed
from subgrad.ops import rules

_DIRECT = 32
"""Up to this length a transform is one product."""


def fft(x: TensorLike, axis: int = -1) -> Tensor:
    """X_k = Σ_j x_j exp(-2πi jk/n), of complex numbers (..., 2).

    Args:
        x: shape (..., n, ..., 2); real and imaginary parts in the last axis.
        axis: of the transform, among the axes before the last.

    Raises:
        ShapeError: if the last axis is not of length 2, or the axis has no elements.

    Example:
        >>> import subgrad as sg
        >>> sg.fft.fft([[1.0, 0.0], [0.0, 0.0]]).tolist()
        [[1.0, 0.0], [1.0, 0.0]]
    """
    re, im, axis = _parts("fft", x, axis)
    re, im = _transformed(re, im, -1)
    return _joined(re, im, axis)


def ifft(x: TensorLike, axis: int = -1) -> Tensor:
    """The inverse of `fft`: x_j = Σ_k X_k exp(2πi jk/n) / n.

    >>> import subgrad as sg
    >>> sg.fft.ifft([[1.0, 0.0], [1.0, 0.0]]).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    re, im, axis = _parts("ifft", x, axis)
    re, im = _transformed(re, im, 1)
    return _joined(re / re.shape[-1], im / re.shape[-1], axis)


def rfft(x: TensorLike, axis: int = -1) -> Tensor:
    """X_0 to X_(n // 2) of real numbers, as `fft`: the others are their conjugates. Shape (..., n // 2 + 1, ..., 2).

    >>> import subgrad as sg
    >>> sg.fft.rfft([1.0, 2.0]).tolist()
    [[3.0, 0.0], [-1.0, 0.0]]
    """
    x = rules.as_float(as_tensor(x))
    axis = rules.normalise_axis(axis, x.ndim)
    if not x.shape[axis]:
        raise ShapeError(f"rfft takes an axis with elements, got shape {x.shape} and axis {axis}")
    re = ops.moveaxis(x, axis, -1)
    re, im = _transformed(re, ops.zeros_like(re), -1)
    kept = x.shape[axis] // 2 + 1
    return _joined(re[..., :kept], im[..., :kept], axis)


def irfft(x: TensorLike, n: int | None = None, axis: int = -1) -> Tensor:
    """The inverse of `rfft`: n real numbers, 2 (m - 1) for m given ones if it is None.

    >>> import subgrad as sg
    >>> sg.fft.irfft([[3.0, 0.0], [-1.0, 0.0]]).tolist()
    [1.0, 2.0]
    """
    re, im, axis = _parts("irfft", x, axis)
    given = re.shape[-1]
    n = 2 * (given - 1) if n is None else n
    if n < 1 or given != n // 2 + 1:
        raise ArgumentError(f"irfft of {given} numbers has the length {2 * given - 2} or {2 * given - 1}, got {n}")
    tail = slice(given - 1 - (n % 2 == 0), 0, -1)  # the conjugates, from the end
    re, im = ops.concatenate([re, re[..., tail]], -1), ops.concatenate([im, -im[..., tail]], -1)
    return ops.moveaxis(_transformed(re, im, 1)[0] / n, -1, axis)


def _parts(owner: str, x: TensorLike, axis: int) -> tuple[Tensor, Tensor, int]:
    """Real and imaginary parts with the axis of the transform last, and where that was."""
    x = rules.as_float(as_tensor(x))
    if x.ndim < 2 or x.shape[-1] != 2:
        raise ShapeError(f"{owner} takes complex numbers as a last axis of length 2, got shape {x.shape}")
    axis = rules.normalise_axis(axis, x.ndim - 1)
    if not x.shape[axis]:
        raise ShapeError(f"{owner} takes an axis with elements, got shape {x.shape} and axis {axis}")
    return ops.moveaxis(x[..., 0], axis, -1), ops.moveaxis(x[..., 1], axis, -1), axis


def _joined(re: Tensor, im: Tensor, axis: int) -> Tensor:
    return ops.stack([ops.moveaxis(re, -1, axis), ops.moveaxis(im, -1, axis)], -1)


def _transformed(re: Tensor, im: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    """Along the last axis, with exp(sign 2πi jk/n)."""
    n = re.shape[-1]
    few = next((k for k in range(math.isqrt(n), 1, -1) if n % k == 0), 1)
    if n <= _DIRECT or few == 1:
        cos, sin = _waves(np.outer(np.arange(n), np.arange(n)), n, sign, re.dtype)
        return re @ cos - im @ sin, re @ sin + im @ cos
    many = n // few  # j = many j1 + j2, k = k1 + few k2
    shape = (*re.shape[:-1], few, many)
    re, im = (ops.swapaxes(t.reshape(shape), -1, -2) for t in (re, im))
    re, im = (ops.swapaxes(t, -1, -2) for t in _transformed(re, im, sign))
    cos, sin = _waves(np.outer(np.arange(few), np.arange(many)), n, sign, re.dtype)
    re, im = re * cos - im * sin, re * sin + im * cos
    re, im = (ops.swapaxes(t, -1, -2) for t in _transformed(re, im, sign))
    return re.reshape(*shape[:-2], n), im.reshape(*shape[:-2], n)


def _waves(turns: np.ndarray, n: int, sign: int, dtype: np.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine of so many n-th of a turn; whole turns are left out, and what rounding leaves at quarters."""
    angle = sign * 2 * np.pi * (turns % n) / n
    cos, sin = (np.where(np.abs(wave) < 1e-15, 0, wave).astype(dtype) for wave in (np.cos(angle), np.sin(angle)))
    return constant(cos), constant(sin)


__all__ = ["fft", "ifft", "irfft", "rfft"]

__getattr__, __dir__ = closed(__name__, __all__)
