"""For each op with a kink: how far an argument is from it, how to put it there, and how to take it off.

Plain NumPy on the values of the op's inputs. An op that a user defined with a `Kink` needs no entry here: its kink is
where its ``at`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import GradientError
from subgrad.graph import place
from subgrad.graph.op import TABLE, Op
from subgrad.graph.tensor import Tensor
from subgrad.ops import abs, elu, leaky_relu, max, maximum, min, minimum, norm, relu

Arrays = Sequence[np.ndarray]


@dataclass(frozen=True)
class Corner:
    """What is known about the kink of one op.

    Attributes:
        margin: ``margin(*xs, **attrs)``, how far from the kink, in the shape of `Kink.at`; inf where there is none.
        snap: ``snap(tau, *xs, **attrs)``, the inputs with those within tau of the kink moved onto it.
        nudge: ``nudge(xs, ts, **attrs)``, the inputs with those on the kink moved off it, as little as can be, along
            the tangents ``ts``; what has a tangent of 0 stays.
    """

    margin: Callable[..., np.ndarray]
    snap: Callable[..., Arrays]
    nudge: Callable[..., Arrays]


def on_kink(node: Tensor, xs: Arrays) -> np.ndarray:
    """Where ``node`` is on its kink if its inputs are ``xs``."""
    assert node.op.kink is not None
    with np.errstate(all="ignore"):
        return np.asarray(node.op.kink.at(*xs, **node.attrs), dtype=bool)


def margin(node: Tensor, xs: Arrays) -> np.ndarray:
    """How far ``node`` is from its kink: 0 on it, inf where none is, or where how far is not known."""
    if node.op not in CORNERS:
        return np.where(on_kink(node, xs), 0.0, np.inf)
    with np.errstate(all="ignore"):
        found = np.asarray(CORNERS[node.op].margin(*xs, **node.attrs))
    return np.where(np.isnan(found), np.inf, found)


def snapped(node: Tensor, xs: Arrays, tau: float) -> Arrays:
    """The inputs of ``node`` with those within ``tau`` of its kink on it."""
    return CORNERS[node.op].snap(tau, *xs, **node.attrs) if node.op in CORNERS else xs


def nudged(node: Tensor, xs: Arrays, ts: Arrays) -> Arrays:
    """The inputs of ``node`` with those on its kink moved off it, along the tangents.

    Raises `GradientError` for an op of several variables that is not in the table.
    """
    if node.op in CORNERS:
        return CORNERS[node.op].nudge(xs, ts, **node.attrs)
    if len(xs) > 1 or not node.op.elementwise:
        with place.inherit(node.site, node.scope):
            raise GradientError(f"how to leave the kink of {node.op.name} is not known: use mode='random'")
    return [_step(xs[0], ts[0], on_kink(node, xs))]


def _step(x: np.ndarray, t: np.ndarray, on: np.ndarray) -> np.ndarray:
    """The next number in the direction of t, where ``on`` holds and t is not 0."""
    return np.where(on & (t != 0), np.nextafter(x, np.copysign(np.inf, t).astype(x.dtype)), x)


def _at_numbers(numbers: Callable[..., Sequence[float]]) -> Corner:
    """A function of one variable with kinks at the ``numbers`` that its attributes say."""

    def away(x, **attrs):
        return np.min([np.full(x.shape, np.inf), *(np.abs(x - p) for p in numbers(**attrs))], axis=0)

    def snap(tau, x, **attrs):
        for p in numbers(**attrs):
            x = np.where(np.abs(x - p) <= tau, np.asarray(p, x.dtype), x)
        return [x]

    def nudge(xs, ts, **attrs):
        return [_step(xs[0], ts[0], away(xs[0], **attrs) == 0)]

    return Corner(away, snap, nudge)


def _of_two(sign: int) -> Corner:
    """The larger of two inputs for ``sign`` 1, the smaller for -1."""

    def nudge(xs, ts):
        (a, b), lead, tie = xs, sign * (ts[0] - ts[1]), xs[0] == xs[1]
        up = np.full_like(a, sign * np.inf)
        return [np.where(tie & (lead > 0), np.nextafter(a, up), a), np.where(tie & (lead < 0), np.nextafter(b, up), b)]

    return Corner(
        margin=lambda a, b: np.abs(a - b),
        snap=lambda tau, a, b: [a, np.where(np.abs(a - b) <= tau, a, b)],
        nudge=nudge,
    )


def _of_many(sign: int) -> Corner:
    """The largest of all elements along axes for ``sign`` 1, the smallest for -1."""

    def best(x, axis):
        return sign * np.max(sign * x, axis=axis, keepdims=True)

    def gap(x, *, axis, keepdims):
        kept = np.max(x, axis=axis, keepdims=keepdims).shape
        rows = np.moveaxis(sign * x, axis, range(-len(axis), 0)).reshape(*kept, -1) if axis else x[..., None]
        if rows.shape[-1] == 1:
            return np.full(kept, np.inf)
        rows = np.partition(rows, (-2, -1), axis=-1)
        return rows[..., -1] - rows[..., -2]

    def snap(tau, x, *, axis, keepdims):
        return [np.where(np.abs(best(x, axis) - x) <= tau, best(x, axis), x)]

    def nudge(xs, ts, *, axis, keepdims):
        (x,), (t,) = xs, ts
        tied = x == best(x, axis)
        wins = tied & (t == best(np.where(tied, t, -sign * np.inf), axis))
        decided = np.any(tied & ~wins, axis=axis, keepdims=True)
        return [np.where(wins & decided, np.nextafter(x, np.full_like(x, sign * np.inf)), x)]

    return Corner(gap, snap, nudge)


def _norm_snap(tau: float, x: np.ndarray, *, axis: Any, keepdims: bool) -> Arrays:
    return [np.where(norm.ref(x, axis=axis, keepdims=True) <= tau, 0, x).astype(x.dtype)]


def _norm_nudge(xs: Arrays, ts: Arrays, *, axis: Any, keepdims: bool) -> Arrays:
    """The unit vector along t: the norm has the slope there that it has at 0 along t."""
    (x,), (t,) = xs, ts
    length = norm.ref(t, axis=axis, keepdims=True)
    unit = t / np.where(length == 0, 1, length)
    return [np.where(np.all(x == 0, axis=axis, keepdims=True), unit, x)]


_at_zero = _at_numbers(lambda **_: (0.0,))

CORNERS: dict[Op, Corner] = {
    relu: _at_zero,
    abs: _at_zero,
    leaky_relu: _at_zero,
    elu: _at_numbers(lambda alpha: (0.0,) if alpha != 1 else ()),
    TABLE["clip"]: _at_numbers(lambda low, high: (low, high) if low < high else ()),
    maximum: _of_two(1),
    minimum: _of_two(-1),
    max: _of_many(1),
    min: _of_many(-1),
    norm: Corner(lambda x, **attrs: norm.ref(x, **attrs), _norm_snap, _norm_nudge),
}
"""The table's ops with a kink."""
