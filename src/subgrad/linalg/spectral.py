"""Eigenvalues of symmetric matrices, and singular values, by Jacobi's rotations: a loop over rounds of pairs."""

from __future__ import annotations

import numpy as np

from subgrad import ops
from subgrad.diff import custom_vjp
from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.linalg.elimination import square, turned
from subgrad.linalg.factors import qr
from subgrad.ops import rules
from subgrad.recur import scan


def eigh(a: TensorLike) -> tuple[Tensor, Tensor]:
    """The eigenvalues w (..., n) of symmetric matrices a (..., n, n), ascending, and eigenvectors in the columns of v
    (..., n, n): a v = v diag(w). Both triangles of a count alike. An eigenvector's sign is as it comes.

    Cyclic Jacobi (Golub and Van Loan, Matrix Computations, 8.5) with the pairs of Brent and Luk (1985), for as many
    sweeps as n needs. Where eigenvalues are equal (up to rounding), eigenvectors have no derivative, and the gradient
    has 0 in the place of 1/(wⱼ - wᵢ): it is right for functions of the eigenvalues that count equal ones alike, and
    that of a single one, vₖ vₖᵀ, is one of its subgradients.

    Raises:
        ShapeError: if a is no square matrix and no stack of them.

    Example:
        >>> import subgrad as sg
        >>> w, v = sg.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> w.numpy().round(4).tolist(), bool(sg.allclose(v @ sg.diag(w) @ v.T, [[2.0, 1.0], [1.0, 2.0]], atol=1e-6))
        ([1.0, 3.0], True)
    """
    a = square("eigh", a)
    if not a.size:
        return a.sum(-1), a
    packed = _eigen((a + turned(a)) * 0.5)
    return packed[..., 0, :], packed[..., 1:, :]


def svd(a: TensorLike) -> tuple[Tensor, Tensor, Tensor]:
    """U (..., m, k) with orthonormal columns, the singular values s (..., k), descending, and V (..., k, n) with
    orthonormal rows: U diag(s) V = a, for matrices (..., m, n) and k = min(m, n). It is
    ``numpy.linalg.svd(a, full_matrices=False)`` but for signs.

    One-sided Jacobi (Golub and Van Loan, 8.6.3), which finds small singular values to high relative accuracy. Where
    singular values are equal, or 0, the gradient has 0 in the place of 1/(sᵢ² - sⱼ²) and 1/s (Townsend 2016), as in
    `eigh`.

    Raises:
        ShapeError: if a is no matrix and no stack of them.

    Example:
        >>> import subgrad as sg
        >>> u, s, v = sg.linalg.svd([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]])
        >>> s.tolist(), (u @ sg.diag(s) @ v).numpy().round(4).tolist()
        ([4.0, 3.0], [[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]])
    """
    a = rules.as_float(as_tensor(a))
    if a.ndim < 2 or not a.size:
        raise ShapeError(f"svd takes a matrix or a stack of them, got shape {a.shape}")
    m, n = a.shape[-2:]
    if m < n:
        u, s, v = svd(turned(a))
        return turned(v), s, turned(u)
    packed = _singular(a)
    return packed[..., :m, :], packed[..., m, :], turned(packed[..., m + 1 :, :])


def _partners(n: int) -> np.ndarray:
    """For each round of a sweep the partner of each index, itself for one that is left out: all pairs meet once."""
    even = n + n % 2
    ring, rounds = list(range(even)), []
    for _ in range(even - 1):
        partner = np.arange(n)
        for i, j in zip(ring[: even // 2], ring[: even // 2 - 1 : -1], strict=True):
            if max(i, j) < n:
                partner[i], partner[j] = j, i
        rounds.append(partner)
        ring = [ring[0], ring[-1], *ring[1:-1]]
    return np.array(rounds)


def _rounds(n: int) -> Tensor:
    """The partners of all rounds: convergence is quadratic, and begins later in large matrices."""
    return as_tensor(np.tile(_partners(n), (7 + n.bit_length(), 1)))


def _rotation(own: Tensor, other: Tensor, both: Tensor, partner: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine, for each index, of the rotation with its partner that makes ``both`` 0."""
    index = ops.arange(partner.shape[0])
    turns = ops.where(index == partner, 0, both) != 0
    ratio = (other - own) / ops.where(turns, 2 * both, 1)
    sign = ops.where(ratio == 0, ops.where(index < partner, 1, -1), ops.sign(ratio)).astype(own.dtype)
    tangent = ops.where(turns, sign / (ops.abs(ratio) + ops.sqrt(1 + ratio * ratio)), 0)
    cosine = 1 / ops.sqrt(1 + tangent * tangent)
    return cosine, tangent * cosine


def _along(x: Tensor, axis: int) -> Tensor:
    """Numbers (..., n) as factors of the rows (axis -2) or columns (axis -1) of matrices."""
    return ops.expand_dims(x, x.ndim if axis == -2 else x.ndim - 1)


def _turned(x: Tensor, cosine: Tensor, sine: Tensor, partner: Tensor, axis: int) -> Tensor:
    """Rows or columns turned with their partners."""
    return x * _along(cosine, axis) - ops.take(x, partner, axis) * _along(sine, axis)


def _eigen_forward(a: Tensor) -> Tensor:
    """w above v, (..., n + 1, n)."""
    n = a.shape[-1]

    def step(carry: tuple[Tensor, Tensor], partner: Tensor) -> tuple[tuple[Tensor, Tensor], None]:
        table, vectors = carry
        own = ops.diagonal(table, 0, -2, -1)
        both = ops.diagonal(ops.take(table, partner, -1), 0, -2, -1)
        both = (both + ops.take(both, partner, -1)) * 0.5  # the same for both, also where rounding parts them
        rotation = (*_rotation(own, ops.take(own, partner, -1), both, partner), partner)
        table = _turned(_turned(table, *rotation, -1), *rotation, -2)
        return (table, _turned(vectors, *rotation, -1)), None

    start = ops.broadcast_to(ops.eye(n, dtype=a.dtype), a.shape)
    (table, vectors), _ = scan(step, (a, start), _rounds(n))
    values = ops.diagonal(table, 0, -2, -1)
    order = ops.argsort(values, -1)
    there = ops.broadcast_to(_along(order, -1), vectors.shape)
    return ops.concatenate([
        _along(ops.take_along_axis(values, order, -1), -1), ops.take_along_axis(vectors, there, -1),
    ], -2)  # fmt: skip


def _eigen_back(g: Tensor, y: Tensor, a: Tensor) -> Tensor:
    w, v, by_v = y[..., 0, :], y[..., 1:, :], g[..., 1:, :]
    inverse = _inverse_gaps(w, ops.abs(w).max(-1, keepdims=True))
    diagonal = _along(g[..., 0, :], -1) * ops.eye(w.shape[-1], dtype=w.dtype)
    return v @ (diagonal + inverse * (turned(v) @ by_v)) @ turned(v)


def _inverse_gaps(x: Tensor, largest: Tensor) -> Tensor:
    """1/(xⱼ - xᵢ); 0 where they are equal up to rounding."""
    gaps = _along(x, -1) - _along(x, -2)
    apart = ops.abs(gaps) > _along(largest, -2) * (x.shape[-1] * float(np.finfo(x.dtype).eps))
    return ops.where(apart, 1 / ops.where(apart, gaps, 1), 0)


def _singular_forward(a: Tensor) -> Tensor:
    """u above s above v, (..., m + 1 + n, n), for m >= n."""
    m, n = a.shape[-2:]

    def step(carry: tuple[Tensor, Tensor], partner: Tensor) -> tuple[tuple[Tensor, Tensor], None]:
        table, vectors = carry
        own, both = (table * table).sum(-2), (table * ops.take(table, partner, -1)).sum(-2)
        rotation = (*_rotation(own, ops.take(own, partner, -1), both, partner), partner)
        return (_turned(table, *rotation, -1), _turned(vectors, *rotation, -1)), None

    scale = ops.max(ops.abs(a), (-2, -1), keepdims=True)  # squares of large and of small numbers stay in range
    scale = ops.where(scale > 0, scale, 1)
    start = ops.broadcast_to(ops.eye(n, dtype=a.dtype), (*a.shape[:-2], n, n))
    (table, v), _ = scan(step, (a / scale, start), _rounds(n))
    s = ops.norm(table, axis=-2)
    order = ops.argsort(-s, -1)
    s = ops.expand_dims(ops.take_along_axis(s, order, -1), s.ndim - 1)
    table, v = (
        ops.take_along_axis(x, ops.broadcast_to(_along(order, -1), x.shape), -1) for x in (table, v)
    )
    there = s > s[..., :1] * (m * float(np.finfo(s.dtype).eps))
    u = ops.where(there, table / ops.where(there, s, 1), 0)
    u = ops.where(there, u, qr(u)[0])  # what is missing of a basis
    u = ops.where(s == s, u, np.nan)
    return ops.concatenate([u, s * scale, v], -2)


def _singular_back(g: Tensor, y: Tensor, a: Tensor) -> Tensor:
    m, n = a.shape[-2:]
    (u, s, v), (by_u, by_s, by_v) = ((x[..., :m, :], x[..., m : m + 1, :], x[..., m + 1 :, :]) for x in (y, g))
    squares = (s * s)[..., 0, :]
    inverse = _inverse_gaps(squares, squares[..., :1])
    there = s > s[..., :1] * (m * float(np.finfo(s.dtype).eps))
    left, right = turned(u) @ by_u, turned(v) @ by_v
    inner = inverse * (left - turned(left)) * s + turned(s) * inverse * (right - turned(right))
    beyond = ops.where(there, (by_u - u @ left) / ops.where(there, s, 1), 0)
    return (u @ (inner + by_s * ops.eye(n, dtype=s.dtype)) + beyond) @ turned(v)


_eigen = custom_vjp(_eigen_forward, _eigen_back)
_singular = custom_vjp(_singular_forward, _singular_back)

__all__ = ["eigh", "svd"]
