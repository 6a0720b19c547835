"""Numbers cut off or rounded to whole ones, remainders, and steps: functions that jump, and are flat between."""

from __future__ import annotations

import numpy as np

from subgrad.errors import ArgumentError, DTypeError
from subgrad.graph.op import apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.select import where
from subgrad.ops.smooth import scale


def _floats_or_whole(x: TensorLike):
    """Integers and bools are whole already: they become floats nowhere."""
    return [as_tensor(x)], {}


def _may_have_a_fraction(x: Tensor) -> Tensor:
    """Whether x is neither 0, of which the sign is to stay, nor 2**23 or more, or 2**52 of float64, from where on all
    numbers are whole."""
    return (abs_(x) < 2.0 ** np.finfo(x.dtype).nmant) & (x != 0)


def _floor_expanded(x: Tensor) -> Tensor:
    if x.dtype.kind != "f":
        return x
    fraction = _may_have_a_fraction(x)
    cut = where(fraction, x, 0).astype("int32" if x.dtype == np.float32 else "int64").astype(x.dtype)
    return where(fraction, cut - where(cut > x, rules.full((), 1, x.dtype), 0), x)


@defop(
    prepare=_floats_or_whole, vjp=lambda g, y, x: (None,), expand=_floor_expanded, text="⌊{0}⌋", slopes=("0",)
)  # fmt: skip
def floor(x):
    """The largest whole number that is not above x, in the dtype of x. It jumps at whole numbers; its gradient is 0.

    >>> import subgrad as sg
    >>> sg.floor([-1.5, 1.5]).tolist()
    [-2.0, 1.0]
    """
    return np.floor(x) if x.dtype.kind == "f" else x


def _round_expanded(x: Tensor) -> Tensor:
    if x.dtype.kind != "f":
        return x
    below = floor(x)
    apart, half = x - below, 0.5 * below
    up = (apart > 0.5) | ((apart == 0.5) & (half != floor(half)))
    step = where(up, rules.full((), 1, x.dtype), 0)
    return where(_may_have_a_fraction(x), -(-below - step), x)  # -0 for a little less than 0


@defop(
    name="round",
    prepare=_floats_or_whole,
    vjp=lambda g, y, x: (None,),
    expand=_round_expanded,
    text="round({0})",
    slopes=("0",),
)
def _round(x):
    """The nearest whole number; of two the even one."""
    return np.rint(x) if x.dtype.kind == "f" else x


def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """x rounded to ``decimals`` places after the point, in its dtype; what lies in the middle goes to the even digit.

    It jumps in the middles; its gradient is 0.

    >>> import subgrad as sg
    >>> sg.round([0.5, 1.5, -1.2]).tolist()
    [0.0, 2.0, -1.0]
    >>> sg.round([1.234, 1.235], 1).numpy()
    array([1.2, 1.2], dtype=float32)
    """
    if not isinstance(decimals, (int, np.integer)):
        raise ArgumentError(f"round takes a whole number of decimals, got {decimals!r}")
    x = as_tensor(x)
    if not decimals or x.dtype.kind != "f":
        return apply(_round, (x,), {})
    unit = 10.0 ** abs(decimals)
    return apply(_round, (x * unit,), {}) / unit if decimals > 0 else apply(_round, (x / unit,), {}) * unit


def ceil(x: TensorLike) -> Tensor:
    """The least whole number that is not below x, in the dtype of x. It jumps at whole numbers; its gradient is 0.

    >>> import subgrad as sg
    >>> sg.ceil([-1.5, 1.5]).tolist()
    [-1.0, 2.0]
    """
    x = as_tensor(x)
    return -floor(-x) if x.dtype.kind == "f" else x


def trunc(x: TensorLike) -> Tensor:
    """x without what stands after the point, in the dtype of x. It jumps at whole numbers but 0; its gradient is 0.

    >>> import subgrad as sg
    >>> sg.trunc([-1.5, 1.5]).tolist()
    [-1.0, 1.0]
    """
    x = as_tensor(x)
    return where(x < 0, ceil(x), floor(x)) if x.dtype.kind == "f" else x


def _remainder_vjp(g, y, a, b):
    return g, -scale(g, apply(_round, ((a - y) / b,), {}))


@defop(prepare=rules.signed, vjp=_remainder_vjp, text="{0} mod {1}", slopes=("1", "-⌊{0}/{1}⌋"))
def remainder(a, b):
    """a - b ⌊a/b⌋, exactly, with the sign of b: Python's and NumPy's ``%``. It jumps where a is a multiple of b.

    Of an integer by 0 it is 0, of a float NaN.

    >>> import subgrad as sg
    >>> sg.remainder([-7.0, 7.0], 3).tolist()
    [2.0, 1.0]
    """
    with np.errstate(all="ignore"):
        return np.remainder(a, b)


def _integers(*args: TensorLike):
    inputs, attrs = rules.numbers(*args)
    if inputs[0].dtype.kind not in "iu":
        raise DTypeError(f"right_shift takes integers, got {inputs[0].dtype}: divide floats, and round them by floor")
    return inputs, attrs


@defop(prepare=_integers, vjp=lambda g, y, x, n: (None, None), text="{0} >> {1}", slopes=("0", "0"))
def right_shift(x, n):
    """Integers by ``n`` bits to the right: x / 2**n, rounded down. As in NumPy n is not negative, and may be large.

    >>> import subgrad as sg
    >>> sg.right_shift([-5, 5], 1).tolist()
    [-3, 2]
    """
    return np.right_shift(x, n)


def heaviside(x: TensorLike, at_zero: TensorLike) -> Tensor:
    """0 where x < 0, 1 where x > 0, and ``at_zero`` where it is 0: a step, whose gradient by x is 0.

    >>> import subgrad as sg
    >>> sg.heaviside([-2.0, 0.0, 3.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x, at_zero = rules.broadcast_all([rules.as_float(t) for t in rules.match(x, at_zero)])
    return where(x == 0, at_zero, where(x < 0, 0, where(x > 0, 1, x - x)))


__all__ = ["ceil", "floor", "heaviside", "remainder", "right_shift", "round", "trunc"]
