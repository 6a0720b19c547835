"""Elementwise ops with a kink: continuous, and with more than one slope at some points.

The gradient at a kink is the element of least norm of the subdifferential, jointly over the inputs: 0 for relu and
abs, 1/2 for each side of a tied maximum. No constant choice keeps the chain rule valid at kinks (relu(x) - relu(-x)
equals x, and its derivative by the chain rule is 0 at 0); this one is the choice that claims least.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.kink import Kink
from subgrad.graph.op import apply, defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.select import where
from subgrad.ops.smooth import exp, expm1, scale


@defop(
    vjp=lambda g, y, x: (where(y > 0, g, 0),),  # y > 0 says what x > 0 says, and x need not be kept
    kink=Kink.linear([0], slopes=[0, 1]),
    text="max({0}, 0)",
    slopes=("1[{0} > 0]",),
)
def relu(x):
    """max(x, 0). At 0 every slope in [0, 1] is a subgradient, and the gradient is 0.

    >>> import subgrad as sg
    >>> x = sg.tensor([-1.0, 0.0, 2.0])
    >>> sg.grad(sg.relu(x).sum(), x).tolist()
    [0.0, 0.0, 1.0]
    """
    return np.where(x <= 0, np.zeros_like(x), x)


@defop(
    prepare=lambda x, slope=0.01: ([rules.as_float(as_tensor(x))], {"slope": float(slope)}),
    vjp=lambda g, y, x, *, slope: (_leaky(g, x, slope),),
    expand=lambda x, *, slope: where(x > 0, x, slope * x),
    kink=Kink.linear([0], slopes=lambda slope: [slope, 1]),
    text="max({0}, s·{0})",
    slopes=("1 if {0} > 0 else s",),
)
def leaky_relu(x, slope=0.01):
    """x where x > 0, ``slope`` times x elsewhere (Maas, Hannun, Ng 2013).

    At 0 every slope between ``slope`` and 1 is a subgradient, and the gradient takes the one nearest to 0.

    >>> import subgrad as sg
    >>> sg.leaky_relu([-100.0, 3.0]).tolist()
    [-1.0, 3.0]
    """
    return np.where(x > 0, x, np.asarray(slope, x.dtype) * x)


def least(low: float, high: float) -> float:
    """The number of least magnitude between ``low`` and ``high``."""
    low, high = min(low, high), max(low, high)
    return low if low > 0 else high if high < 0 else 0.0


def _leaky(g, x, slope):
    return where(x > 0, g, where(x == 0, least(slope, 1) * g, slope * g))


@defop(
    prepare=lambda x, alpha=1.0: ([rules.as_float(as_tensor(x))], {"alpha": float(alpha)}),
    vjp=lambda g, y, x, *, alpha: (_elu_vjp(g, x, alpha),),
    expand=lambda x, *, alpha: where(x > 0, x, alpha * expm1(minimum(x, 0))),
    kink=Kink.curved([0], sides=lambda alpha: [(alpha, 1)]),
    text="{0} if {0} > 0 else α(exp({0}) - 1)",
    slopes=("1 if {0} > 0 else α·exp({0})",),
)
def elu(x, alpha=1.0):
    """x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert, Unterthiner, Hochreiter 2015, arXiv 1511.07289).

    Smooth for alpha = 1; for other alpha there is a kink at 0 with slopes between alpha and 1.

    >>> import subgrad as sg
    >>> sg.elu([-1e4, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return np.where(x > 0, x, np.asarray(alpha, x.dtype) * np.expm1(np.minimum(x, 0)))


def _elu_vjp(g, x, alpha):
    return where(x > 0, g, where(x == 0, least(alpha, 1) * g, scale(g, alpha * exp(x))))


@defop(
    vjp=lambda g, y, x: (scale(g, sign(x)),),
    kink=Kink.linear([0], slopes=[-1, 1]),
    text="|{0}|",
    slopes=("sign {0}",),
)
def abs(x):
    """|x|. At 0 every slope in [-1, 1] is a subgradient, and the gradient is 0.

    >>> import subgrad as sg
    >>> x = sg.tensor([-2.0, 0.0])
    >>> sg.grad(abs(x).sum(), x).tolist()
    [-1.0, 0.0]
    """
    return np.abs(x)


@defop(prepare=rules.signed, vjp=lambda g, y, x: (None,), text="sign({0})", slopes=("0",))
def sign(x):
    """-1, 0 or 1. It jumps at 0; its gradient is 0 everywhere."""
    return np.sign(x)


def _share(g, a, b):
    """What the side that wins takes of ``g``: all, or half on a tie. ``a`` wins where it is above ``b``."""
    return where(a > b, g, where(a == b, 0.5 * g, 0))


@defop(
    vjp=lambda g, y, a, b: (_share(g, a, b), _share(g, b, a)),
    kink=Kink.largest(),
    text="max({0}, {1})",
    slopes=("1[{0} > {1}]", "1[{1} > {0}]"),
)
def maximum(a, b):
    """The larger of a and b, elementwise with broadcasting. On a tie each side gets half of the gradient.

    >>> import subgrad as sg
    >>> x = sg.tensor([1.0, 2.0])
    >>> sg.grad(sg.maximum(x, 1.0).sum(), x).tolist()
    [0.5, 1.0]
    """
    return np.maximum(a, b)


@defop(
    vjp=lambda g, y, a, b: (_share(g, b, a), _share(g, a, b)),
    kink=Kink.smallest(),
    text="min({0}, {1})",
    slopes=("1[{0} < {1}]", "1[{1} < {0}]"),
)
def minimum(a, b):
    """The smaller of a and b, elementwise with broadcasting. On a tie each side gets half of the gradient."""
    return np.minimum(a, b)


@defop(
    name="clip",
    vjp=lambda g, y, x, *, low, high: (where((x > low) & (x < high), g, 0),),
    expand=lambda x, *, low, high: minimum(maximum(x, low), high),
    kink=Kink.linear(lambda low, high: [low, high], slopes=[0, 1, 0]),
    text="clip({0})",
    slopes=("1[low < {0} < high]",),
)
def _clip(x, *, low, high):
    """x moved into the interval from low to high."""
    return np.clip(x, np.asarray(low, x.dtype), np.asarray(high, x.dtype))


def clip(x: TensorLike, low: TensorLike = None, high: TensorLike = None) -> Tensor:
    """x moved into [low, high]; either bound may be None.

    With numbers as bounds the gradient at a bound is 0, the subgradient of least norm. With tensors as bounds it is
    `maximum` and then `minimum`, and a tie is shared.

    Args:
        x: any tensor. Integers stay integers between whole bounds that their dtype can hold; else they become floats.
        low: the lower bound, a number or a tensor.
        high: the upper bound, a number or a tensor.

    Raises:
        ArgumentError: if no bound is given, or low is above high.

    Example:
        >>> import subgrad as sg
        >>> sg.clip([-5.0, 0.5, 5.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    if low is None and high is None:
        raise ArgumentError("clip needs a lower bound, an upper bound, or both")
    if all(b is None or rules.is_scalar(b) for b in (low, high)):
        if low is not None and high is not None and low > high:  # pyright: ignore[reportOperatorIssue]
            raise ArgumentError(f"clip has its lower bound {low} above its upper bound {high}")
        x = as_tensor(x)
        whole = _whole_bounds(low, high, x)
        x, (least, most) = (x, whole) if whole else (rules.as_float(x), _float_bounds(low, high))
        return apply(_clip, (x,), {"low": least, "high": most})
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


def _float_bounds(low: Any, high: Any) -> tuple[float, float]:
    return -np.inf if low is None else float(low), np.inf if high is None else float(high)


def _whole_bounds(low: Any, high: Any, x: Tensor) -> tuple[int, int] | None:
    """The bounds as integers, if x holds integers of a dtype that holds the bounds as well; else None."""
    if x.dtype.kind not in "iu":
        return None
    least, most = np.iinfo(x.dtype).min, np.iinfo(x.dtype).max
    bounds = least if low is None else low, most if high is None else high
    if not all(least <= b <= most and b == int(b) for b in bounds):
        return None
    return int(bounds[0]), int(bounds[1])


def _huber_prepare(x, delta=1.0):
    if not delta >= 0:
        raise ArgumentError(f"huber needs a delta of 0 or more, got {delta}")
    return [rules.as_float(as_tensor(x))], {"delta": float(delta)}


def _huber_vjp(g, y, x, *, delta):
    return (scale(g, clip(x, -delta, delta)),)


@defop(
    name="huber",
    prepare=_huber_prepare,
    vjp=_huber_vjp,
    expand=lambda x, *, delta: clip(x, -delta, delta) * (x - clip(x, -delta, delta) / 2),
    text="huber({0})",
    slopes=("clip({0}, -δ, δ)",),
)
def huber(x, delta=1.0):
    """x²/2 for \\|x\\| <= delta, delta (\\|x\\| - delta/2) beyond (Huber 1964): continuous, with a continuous slope.

    >>> import subgrad as sg
    >>> sg.huber([0.5, 3.0]).tolist()
    [0.125, 2.5]
    """
    a = np.clip(x, np.asarray(-delta, x.dtype), np.asarray(delta, x.dtype))
    return a * (x - a / 2)


__all__ = ["abs", "clip", "elu", "huber", "leaky_relu", "maximum", "minimum", "relu", "sign"]
