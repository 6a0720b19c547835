"""The derivative of one op along a direction, on its kink too: by its own rule, or by what its `Kink` says."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import GradientError
from subgrad.graph.kink import Breaks, Cone, Largest
from subgrad.graph.op import Op
from subgrad.graph.tensor import Tensor
from subgrad.ops.reduce import spread

Nodes = Sequence[Tensor]


def has_one_sided_jvp(op: Op) -> bool:
    """Whether the derivative along a direction is known on the op's kink, or it has none."""
    return op.kink is None or op.one_sided_jvp is not None or type(op.kink) in _DERIVED


def one_sided_jvp(op: Op, y: Tensor, xs: Nodes, ts: Nodes, attrs: dict[str, Any]) -> Tensor:
    """The derivative of y = op(xs) along ``ts``, of an op with a kink or a ``one_sided_jvp``.

    Raises `GradientError` if it has a kink of which only the place is known, and no ``one_sided_jvp``.
    """
    if op.one_sided_jvp is not None:
        return op.one_sided_jvp(y, xs, ts, **attrs)
    if type(op.kink) not in _DERIVED:
        raise GradientError(f"{op.name} has a kink and no directional derivative")
    return _DERIVED[type(op.kink)](op, y, xs, ts, attrs)


def _at_breaks(op: Op, y: Tensor, xs: Nodes, ts: Nodes, attrs: dict[str, Any]) -> Tensor:
    """Off the breaks the vjp, which is its own transpose."""
    (x,), (t,), kink = xs, ts, op.kink
    assert isinstance(kink, Breaks)
    if op.vjp is None:
        raise GradientError(f"{op.name} has no derivative")
    (along,) = op.vjp(t, y, x, **attrs)
    along = ops.full(t.shape, 0, t.dtype) if along is None else along
    for b in reversed(kink.points(**attrs)):
        along = ops.where(x == b.at, _bent(t, b.left, b.right), along)
    return along


def _bent(t: Tensor, left: float, right: float) -> Tensor:
    """left t for t < 0, right t for t > 0. Its own slope at t = 0 lies between them."""
    if left == 0:
        return right * ops.relu(t) if right != 1 else ops.relu(t)
    if right == 0:
        return -left * ops.relu(-t)
    if left == -right:
        return right * ops.abs(t) if right != 1 else ops.abs(t)
    return ops.where(t > 0, right * t, left * t)


def _of_largest(op: Op, y: Tensor, xs: Nodes, ts: Nodes, attrs: dict[str, Any]) -> Tensor:
    """The best of the tangents of what is tied."""
    kink = op.kink
    assert isinstance(kink, Largest)
    if kink.along:
        (x,), (t,), axis = xs, ts, attrs["axis"]
        best = ops.max if kink.sign > 0 else ops.min
        return best(ops.where(x == spread(y, x, axis), t, -kink.sign * np.inf), axis, attrs["keepdims"])

    def best_of(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        (a, s), (b, t) = one, other
        best = ops.maximum if kink.sign > 0 else ops.minimum
        first, second = (a > b, b > a) if kink.sign > 0 else (a < b, b < a)
        return best(a, b), ops.where(first, s, ops.where(second, t, best(s, t)))

    return functools.reduce(best_of, zip(xs, ts, strict=True))[1]


def _at_apex(op: Op, y: Tensor, xs: Nodes, ts: Nodes, attrs: dict[str, Any]) -> Tensor:
    (x,), (t,), axis, keepdims = xs, ts, attrs["axis"], attrs["keepdims"]
    along = (x * t).sum(axis, keepdims) / ops.where(y == 0, 1, y)
    return ops.where(y == 0, ops.norm(t, axis, keepdims), along)


_DERIVED: dict[type, Callable[..., Tensor]] = {Breaks: _at_breaks, Largest: _of_largest, Cone: _at_apex}

__all__ = ["has_one_sided_jvp", "one_sided_jvp"]
