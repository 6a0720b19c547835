"""Comparisons, logic, and `where`: ops that choose and do not compute."""

from __future__ import annotations

import numpy as np

from subgrad.errors import DTypeError, ShapeError
from subgrad.graph.dtype import bool_
from subgrad.graph.op import Kind, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules


def _bools(*args: TensorLike):
    tensors = [as_tensor(a) for a in args]
    for t in tensors:
        if t.dtype != bool_:
            raise DTypeError(f"logic needs bool tensors, got {t.dtype}; compare with 0 first")
    return rules.broadcast_all(tensors), {}


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="{0} = {1}")
def equal(a, b):
    """a == b, elementwise with broadcasting, as a bool tensor."""
    return a == b


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="{0} ≠ {1}")
def not_equal(a, b):
    """a != b, elementwise with broadcasting, as a bool tensor."""
    return a != b


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="{0} < {1}")
def less(a, b):
    """a < b, elementwise with broadcasting, as a bool tensor."""
    return a < b


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="{0} ≤ {1}")
def less_equal(a, b):
    """a <= b, elementwise with broadcasting, as a bool tensor."""
    return a <= b


def greater(a: TensorLike, b: TensorLike) -> Tensor:
    """a > b, elementwise with broadcasting, as a bool tensor."""
    return less(b, a)


def greater_equal(a: TensorLike, b: TensorLike) -> Tensor:
    """a >= b, elementwise with broadcasting, as a bool tensor."""
    return less_equal(b, a)


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, prepare=_bools, text="{0} ∧ {1}")
def logical_and(a, b):
    """a and b, elementwise, of bool tensors."""
    return a & b


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, prepare=_bools, text="{0} ∨ {1}")
def logical_or(a, b):
    """a or b, elementwise, of bool tensors."""
    return a | b


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, prepare=_bools, text="¬{0}")
def logical_not(a):
    """not a, elementwise, of a bool tensor."""
    return ~a


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="isnan({0})")
def isnan(x):
    """True where x is NaN."""
    return np.isnan(x)


@defop(kind=Kind.CHOICE, shape=rules.predicate_shape, text="isfinite({0})")
def isfinite(x):
    """True where x is neither inf nor NaN."""
    return np.isfinite(x)


def _where_prepare(condition: TensorLike, a: TensorLike, b: TensorLike):
    condition = as_tensor(condition)
    if condition.dtype != bool_:
        raise DTypeError(f"where needs a bool condition, got {condition.dtype}; compare with 0 first")
    try:
        return rules.broadcast_all([condition, *rules.match(a, b)]), {}
    except ShapeError:  # told with the shapes that were given: a scalar has none
        return rules.broadcast_all([condition, *rules.match(a, b, spread=False)]), {}


def _where_shape(condition, a, b):
    return rules.elementwise_shape(a, b)


def _where_vjp(g, y, condition, a, b):
    return None, where(condition, g, 0), where(condition, 0, g)


@defop(
    kind=Kind.CHOICE,
    linear=(1, 2),
    shape=_where_shape,
    prepare=_where_prepare,
    vjp=_where_vjp,
    one_sided_jvp=lambda y, xs, ts: where(xs[0], ts[1], ts[2]),
    text="{1} if {0} else {2}",
    slopes=("", "1[{0}]", "1[¬{0}]"),
)
def where(condition, a, b):
    """a where the bool ``condition`` holds, b elsewhere, with broadcasting.

    The branch that is not taken never reaches a gradient, not even as NaN or inf:

    >>> import subgrad as sg
    >>> x = sg.tensor([0.0, 4.0])
    >>> sg.grad(sg.where(x > 0, sg.log(x), x).sum(), x).tolist()
    [1.0, 0.25]
    """
    return np.where(condition, a, b)


__all__ = [
    "equal", "greater", "greater_equal", "isfinite", "isnan", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "not_equal", "where",
]  # fmt: skip
