"""Elementwise ops that are differentiable wherever they are finite.

A cotangent of exactly 0 stays 0 whatever it is multiplied with: `scale` is that product. So the branch of a ``where``
that is not taken can hold inf or NaN without harm to the gradient.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules


def _scale_vjp(g, y, c, d):
    return scale(g, d), scale(c, g)


@defop(linear="each", vjp=_scale_vjp, text="{0}·{1}", slopes=("{1}", "{0}"))
def scale(c, d):
    """The product of a cotangent ``c`` with a local derivative ``d``: 0 where ``c`` is 0, even if ``d`` is inf or NaN.

    >>> import subgrad as sg
    >>> sg.scale([0.0, 2.0], [float("inf"), 3.0]).tolist()
    [0.0, 6.0]
    """
    product = c * d
    spoiled = np.isnan(product)
    return np.where(spoiled & (c == 0), c, product) if spoiled.any() else product


@defop(linear="jointly", vjp=lambda g, y, a, b: (g, g), text="{0} + {1}", slopes=("1", "1"))
def add(a, b):
    """a + b, elementwise with broadcasting."""
    return a + b


@defop(linear="jointly", prepare=rules.signed, vjp=lambda g, y, a, b: (g, -g), text="{0} - {1}", slopes=("1", "-1"))
def sub(a, b):
    """a - b, elementwise with broadcasting."""
    return a - b


@defop(linear="each", vjp=lambda g, y, a, b: (scale(g, b), scale(g, a)), text="{0}·{1}", slopes=("{1}", "{0}"))
def mul(a, b):
    """a times b, elementwise with broadcasting."""
    return a * b


@defop(
    linear=(0,),
    prepare=rules.floats,
    vjp=lambda g, y, a, b: (scale(g, 1 / b), -scale(g, y / b)),
    text="{0} / {1}",
    slopes=("1/{1}", "-y/{1}"),
)
def div(a, b):
    """a / b, elementwise with broadcasting; integers become floats."""
    return a / b


@defop(linear="jointly", prepare=rules.signed, vjp=lambda g, y, x: (-g,), text="-{0}", slopes=("-1",))
def neg(x):
    """-x."""
    return -x


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, y),), text="exp({0})", slopes=("y",))
def exp(x):
    """e to the power of x."""
    return np.exp(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, y + 1),), text="expm1({0})", slopes=("y + 1",))
def expm1(x):
    """exp(x) - 1, accurate near 0."""
    return np.expm1(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, 1 / x),), text="ln({0})", slopes=("1/{0}",))
def log(x):
    """The natural logarithm; -inf at 0, NaN below."""
    return np.log(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, 1 / (1 + x)),), text="ln(1 + {0})", slopes=("1/(1 + {0})",))
def log1p(x):
    """ln(1 + x), accurate near 0."""
    return np.log1p(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, cos(x)),), text="sin({0})", slopes=("cos({0})",))
def sin(x):
    """The sine of x radians."""
    return np.sin(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (-scale(g, sin(x)),), text="cos({0})", slopes=("-sin({0})",))
def cos(x):
    """The cosine of x radians."""
    return np.cos(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, 1 - y * y),), text="tanh({0})", slopes=("1 - y²",))
def tanh(x):
    """The hyperbolic tangent."""
    return np.tanh(x)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, y * (1 - y)),), text="σ({0})", slopes=("y(1 - y)",))
def sigmoid(x):
    """The logistic function 1 / (1 + exp(-x)), without overflow.

    >>> import subgrad as sg
    >>> sg.sigmoid([-1e4, 0.0, 1e4]).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


@defop(prepare=rules.floats, vjp=lambda g, y, x: (scale(g, sigmoid(x)),), text="ln(1 + exp({0}))", slopes=("σ({0})",))
def softplus(x):
    """ln(1 + exp(x)), without overflow: linear for large x. Its derivative at 0 is exactly 1/2.

    >>> import subgrad as sg
    >>> sg.softplus([-1e4, 1e4]).tolist()
    [0.0, 10000.0]
    """
    return np.logaddexp(x, np.zeros_like(x))


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 2 / math.sqrt(math.pi) * exp(-x * x)),),
    text="erf({0})",
    slopes=("2/√π·exp(-{0}²)",),
)
def erf(x):
    """The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    return np.frompyfunc(math.erf, 1, 1)(x)


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, -2 / math.sqrt(math.pi) * exp(-x * x)),),
    expand=lambda x: 1 - erf(x),
    text="erfc({0})",
    slopes=("-2/√π·exp(-{0}²)",),
)
def erfc(x):
    """1 - erf(x), the complementary error function, without the cancellation of that difference: accurate for large x,
    where it falls as exp(-x^2) / (x sqrt(pi)).

    >>> import subgrad as sg
    >>> sg.erfc(sg.tensor([-30.0, 0.0, 10.0, 30.0], "float64")).numpy()
    array([2.00000000e+00, 1.00000000e+00, 2.08848758e-45, 0.00000000e+00])
    """
    return np.frompyfunc(math.erfc, 1, 1)(x)


@defop(vjp=lambda g, y, x: (scale(g, 2 * x),), expand=lambda x: x * x, text="{0}²", slopes=("2·{0}",))
def square(x):
    """x times x."""
    return x * x


def silu(x: TensorLike) -> Tensor:
    """x sigmoid(x), also named swish (Elfwing, Uchibe, Doya 2018, arXiv 1702.03118).

    >>> import subgrad as sg
    >>> sg.silu([0.0, 100.0]).tolist()
    [0.0, 100.0]
    """
    x = as_tensor(x)
    return x * sigmoid(x)


def gelu(x: TensorLike) -> Tensor:
    """x times the standard normal distribution function at x: the exact form, with erf (Hendrycks, Gimpel 2016,
    arXiv 1606.08415).

    >>> import subgrad as sg
    >>> sg.gelu([0.0, 100.0]).tolist()
    [0.0, 100.0]
    """
    x = as_tensor(x)
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


__all__ = [
    "add", "cos", "div", "erf", "erfc", "exp", "expm1", "gelu", "log", "log1p", "mul", "neg", "scale", "sigmoid",
    "silu", "sin", "softplus", "square", "sub", "tanh",
]  # fmt: skip
