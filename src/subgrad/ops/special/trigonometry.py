"""The tangent, the inverses of sine, cosine and tangent, the angle of a point, and sinc."""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.kinked import maximum, minimum
from subgrad.ops.select import where
from subgrad.ops.singular import sqrt
from subgrad.ops.smooth import cos, scale, sin


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 + y * y),),
    expand=lambda x: sin(x) / cos(x),
    text="tan({0})",
    slopes=("1 + y²",),
)
def tan(x):
    """The tangent of x radians.

    >>> import subgrad as sg
    >>> sg.tan([0.0, 0.25 * 3.14159265]).tolist()
    [0.0, 1.0]
    """
    return np.tan(x)


# atan(x) = x + x z P(z) / Q(z) with z = x² for |x| <= 0.66 (float64), and a polynomial for |x| <= tan(π/8) (float32):
# S. L. Moshier, Cephes Mathematical Library, 1989.
_ATAN_SINGLE = (-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2)
_ATAN_ABOVE = (
    -6.485021904942025371773e1, -1.228866684490136173410e2, -7.500855792314704667340e1, -1.615753718733365076637e1,
    -8.750608600031904122785e-1,
)  # fmt: skip
_ATAN_BELOW = (
    1.945506571482613964425e2, 4.853903996359136964868e2, 4.328810604912902668951e2, 1.650270098316988542046e2,
    2.485846490142306297962e1, 1.0,
)  # fmt: skip
_LOW_BITS_OF_HALF_PI = 6.123233995736765886130e-17


def polynomial(z: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """c[0] + c[1] z + c[2] z² + ..."""
    total = rules.full(z.shape, coefficients[-1], z.dtype)
    for c in reversed(coefficients[:-1]):
        total = total * z + c
    return total


def _atan_expanded(x: Tensor) -> Tensor:
    """The angle of |x| is that of a small number, of (|x| - 1) / (|x| + 1) and π/4, or of -1/|x| and π/2."""
    single = x.dtype == np.float32
    a, zero = abs_(x), rules.full((), 0.0, x.dtype)
    far, near = a > 1 + math.sqrt(2), a <= (math.sqrt(2) - 1 if single else 0.66)
    above, below = where(far, -1.0, where(near, a, a - 1)), where(far, a, where(near, 1.0, a + 1))
    t = above / below
    z = t * t
    more = polynomial(z, _ATAN_SINGLE) if single else polynomial(z, _ATAN_ABOVE) / polynomial(z, _ATAN_BELOW)
    low = t * (z * more)
    if not single:
        low = low + where(far, _LOW_BITS_OF_HALF_PI, where(near, zero, 0.5 * _LOW_BITS_OF_HALF_PI))
    angle = where(far, math.pi / 2, where(near, zero, math.pi / 4)) + (low + t)
    return where(x > 0, angle, where(x < 0, -angle, x))


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 / (1 + x * x)),),
    expand=_atan_expanded,
    text="atan({0})",
    slopes=("1/(1 + {0}²)",),
)
def atan(x):
    """The angle between -π/2 and π/2 whose tangent is x.

    >>> import subgrad as sg
    >>> sg.atan([0.0, 1.0, float("inf")]).numpy().round(4).tolist()
    [0.0, 0.7853999733924866, 1.5707999467849731]
    """
    return np.arctan(x)


def _inside(x: Tensor) -> Tensor:
    """sqrt(1 - x²) without cancellation at 1 and -1."""
    return sqrt((1 - x) * (1 + x))


def _asin_vjp(g, y, x):
    return (scale(g, where(abs_(x) == 1, 0, 1 / _inside(x))),)


@defop(
    prepare=rules.floats,
    vjp=_asin_vjp,
    expand=lambda x: atan(x / _inside(x)),
    text="asin({0})",
    slopes=("1/√(1 - {0}²)",),
)
def asin(x):
    """The angle between -π/2 and π/2 whose sine is x; NaN outside of [-1, 1].

    Its derivative at 1 and -1 is infinite: the gradient there is 0 by convention, as of `sqrt`.

    >>> import subgrad as sg
    >>> x = sg.tensor([0.0, 1.0])
    >>> sg.grad(sg.asin(x).sum(), x).tolist()
    [1.0, 0.0]
    """
    return np.arcsin(x)


def _acos_vjp(g, y, x):
    return (-_asin_vjp(g, y, x)[0],)


@defop(
    prepare=rules.floats,
    vjp=_acos_vjp,
    expand=lambda x: 2 * atan(sqrt(1 - x) / sqrt(1 + x)),
    text="acos({0})",
    slopes=("-1/√(1 - {0}²)",),
)
def acos(x):
    """The angle between 0 and π whose cosine is x; NaN outside of [-1, 1].

    Its derivative at 1 and -1 is infinite: the gradient there is 0 by convention, as of `sqrt`.

    >>> import subgrad as sg
    >>> float(sg.acos(1.0))
    0.0
    """
    return np.arccos(x)


def _is_negative(x: Tensor) -> Tensor:
    """Whether x has a minus, as -0.0 does."""
    return where(x == 0, 1 / x, x) < 0


def _atan2_expanded(y: Tensor, x: Tensor) -> Tensor:
    """The angle in the first eighth of the circle, mirrored to its place."""
    high, wide = abs_(y), abs_(x)
    low, most = minimum(high, wide), maximum(high, wide)
    tied = low == most
    angle = atan(where(tied, where(low == 0, low, rules.full((), 1, x.dtype)), low / where(tied, 1, most)))
    angle = where(high > wide, math.pi / 2 - angle, angle)
    angle = where(_is_negative(x), math.pi - angle, angle)
    angle = where(_is_negative(y), -angle, angle)
    return where((y != y) | (x != x), y + x, angle)


def _atan2_vjp(g, angle, y, x):
    """x/r² and -y/r², as products of quotients that do not overflow; 0 at the origin."""
    longest = maximum(abs_(x), abs_(y))
    unit = where(longest == 0, 1, longest)
    a, b = x / unit, y / unit
    square = where(longest == 0, 1, (a * a + b * b) * unit)
    return scale(g, a / square), -scale(g, b / square)


@defop(
    prepare=rules.floats,
    vjp=_atan2_vjp,
    expand=_atan2_expanded,
    text="atan2({0}, {1})",
    slopes=("{1}/r²", "-{0}/r²"),
)
def atan2(y, x):
    """The angle of the point (x, y), between -π and π: that of y/x in the right quadrant. The ordinate y comes first.

    It jumps where y is 0 and x negative. At the origin, where there is no angle, its gradient is 0.

    >>> import subgrad as sg
    >>> sg.atan2([1.0, 0.0], [0.0, -1.0]).numpy().round(4).tolist()
    [1.5707999467849731, 3.1415998935699463]
    """
    return np.arctan2(y, x)


_SINC = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(7))


def sinc(x: TensorLike) -> Tensor:
    """sin(π x) / (π x), and 1 at 0: NumPy's and PyTorch's, with the π.

    >>> import subgrad as sg
    >>> sg.sinc([0.0, 0.5]).tolist()
    [1.0, 0.6366197466850281]
    """
    t = rules.as_float(as_tensor(x)) * math.pi
    near = t * t < 0.0625
    return where(near, polynomial(t * t, _SINC), sin(t) / where(near, 1, t))


__all__ = ["acos", "asin", "atan", "atan2", "sinc", "tan"]
