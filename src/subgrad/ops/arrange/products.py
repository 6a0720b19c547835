"""Products of vectors and matrices by other names, and distances and angles between vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.ops import rules
from subgrad.ops.contract import LETTERS, einsum, matmul
from subgrad.ops.kinked import maximum
from subgrad.ops.reduce import sum as sum_
from subgrad.ops.shape import expand_dims, stack
from subgrad.ops.singular import norm


def _floats(*xs: TensorLike) -> list[Tensor]:
    return [rules.as_float(x) for x in rules.match(*xs, spread=False)]


def dot(a: TensorLike, b: TensorLike) -> Tensor:
    """NumPy's ``dot``: the product of two numbers, vectors or matrices; else the sum over the last axis of a and the
    last but one of b.

    >>> import subgrad as sg
    >>> float(sg.dot([1.0, 2.0], [3.0, 4.0]))
    11.0
    """
    a, b = _floats(a, b)
    if not a.ndim or not b.ndim:
        return a * b
    return matmul(a, b) if a.ndim <= 2 and b.ndim <= 2 else tensordot(a, b, ([-1], [-2 if b.ndim > 1 else -1]))


def inner(a: TensorLike, b: TensorLike) -> Tensor:
    """The sum of products over the last axis of both.

    >>> import subgrad as sg
    >>> sg.inner([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0]).tolist()
    [21.0, 43.0]
    """
    a, b = _floats(a, b)
    return a * b if not a.ndim or not b.ndim else tensordot(a, b, ([-1], [-1]))


def tensordot(a: TensorLike, b: TensorLike, axes: int | Sequence[Any] = 2) -> Tensor:
    """The sum of products over pairs of axes: the last ``axes`` of a with the first of b, or those of two lists.

    Raises:
        ArgumentError: if the lists differ in length or name an axis twice.
        ShapeError: if the lengths of two axes differ.

    Example:
        >>> import subgrad as sg
        >>> sg.tensordot(sg.ones((2, 3)), sg.ones((3, 4)), 1).shape
        (2, 4)
    """
    a, b = _floats(a, b)
    if isinstance(axes, (int, np.integer)):
        of_a, of_b = list(range(a.ndim - int(axes), a.ndim)), list(range(int(axes)))
    else:
        of_a, of_b = ([int(x)] if isinstance(x, (int, np.integer)) else list(x) for x in axes)
    of_a = [rules.normalise_axis(i, a.ndim) for i in of_a]
    of_b = [rules.normalise_axis(i, b.ndim) for i in of_b]
    if len(of_a) != len(of_b) or len(set(of_a)) != len(of_a) or len(set(of_b)) != len(of_b):
        raise ArgumentError(f"tensordot needs as many axes of one as of the other, each once, got {axes!r}")
    left, right = list(LETTERS[: a.ndim]), list(LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(of_a, of_b, strict=True):
        right[j] = left[i]
    out = [c for i, c in enumerate(left) if i not in of_a] + [c for j, c in enumerate(right) if j not in of_b]
    return einsum(f"{''.join(left)},{''.join(right)}->{''.join(out)}", a, b)


def kron(a: TensorLike, b: TensorLike) -> Tensor:
    """Kronecker's product: each element of a times the whole of b, in blocks.

    >>> import subgrad as sg
    >>> sg.kron([1.0, 10.0], [1.0, 2.0]).tolist()
    [1.0, 2.0, 10.0, 20.0]
    """
    a, b = rules.match(a, b, spread=False)
    n = max(a.ndim, b.ndim)
    of_a, of_b = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    blocks = a.reshape([k for m in of_a for k in (m, 1)]) * b.reshape([k for m in of_b for k in (1, m)])
    return blocks.reshape([i * j for i, j in zip(of_a, of_b, strict=True)])


def cross(a: TensorLike, b: TensorLike, axis: int = -1) -> Tensor:
    """The vector product of vectors of length 3 along ``axis``, with broadcasting.

    Raises:
        ShapeError: for vectors of another length.

    Example:
        >>> import subgrad as sg
        >>> sg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
        [0.0, 0.0, 1.0]
    """
    a, b = rules.broadcast_all(rules.match(a, b))
    axis = rules.normalise_axis(axis, a.ndim)
    if a.shape[axis] != 3:
        raise ShapeError(f"cross takes vectors of length 3, got shape {a.shape} and axis {axis}")
    (x, y, z), (u, v, w) = ([t[(slice(None),) * axis + (i,)] for i in range(3)] for t in (a, b))
    return stack([y * w - z * v, z * u - x * w, x * v - y * u], axis)


def normalize(x: TensorLike, axis: rules.Axes = -1, eps: float = 1e-12) -> Tensor:
    """x divided by its Euclidean norm over ``axis``, or by ``eps`` where that is smaller. 0 stays 0, with a gradient.

    >>> import subgrad as sg
    >>> sg.normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    x = rules.as_float(rules.match(x)[0])
    return x / maximum(norm(x, axis, keepdims=True), eps)


def cosine_similarity(a: TensorLike, b: TensorLike, axis: int = -1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along ``axis``, with broadcasting; lengths count as ``eps`` at least.

    >>> import subgrad as sg
    >>> float(sg.cosine_similarity([1.0, 0.0], [2.0, 0.0]))
    1.0
    """
    a, b = rules.broadcast_all(_floats(a, b))
    return sum_(normalize(a, axis, eps) * normalize(b, axis, eps), axis)


def cdist(a: TensorLike, b: TensorLike) -> Tensor:
    """The Euclidean distances of all rows of a (..., n, d) from all rows of b (..., m, d): shape (..., n, m).

    Where two rows agree the gradient is 0, as of `norm` at 0.

    >>> import subgrad as sg
    >>> sg.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[5.0, 0.0]]
    """
    a, b = _floats(a, b)
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"cdist takes rows of one length, got the shapes {a.shape} and {b.shape}")
    return norm(expand_dims(a, a.ndim - 1) - expand_dims(b, b.ndim - 2), -1)


__all__ = ["cdist", "cosine_similarity", "cross", "dot", "inner", "kron", "normalize", "tensordot"]
