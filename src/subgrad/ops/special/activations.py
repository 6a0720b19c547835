"""Activation functions that are made of others, under the names they have in PyTorch and JAX."""

from __future__ import annotations

from subgrad.errors import ArgumentError, ShapeError
from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.ops import rules
from subgrad.ops.kinked import abs as abs_
from subgrad.ops.kinked import clip, elu
from subgrad.ops.smooth import scale, sigmoid, softplus, square, tanh


def _softsign_vjp(g, y, x):
    return (scale(g, square(1 / (1 + abs_(x)))),)


@defop(
    prepare=rules.floats,
    vjp=_softsign_vjp,
    expand=lambda x: x / (1 + abs_(x)),
    text="{0}/(1 + |{0}|)",
    slopes=("1/(1 + |{0}|)²",),
)
def softsign(x):
    """x / (1 + \\|x\\|), between -1 and 1, with a continuous slope (Turian, Bergstra, Bengio 2009).

    >>> import subgrad as sg
    >>> sg.softsign([-1.0, 0.0, 3.0]).tolist()
    [-0.5, 0.0, 0.75]
    """
    return x / (1 + abs(x))


def relu6(x: TensorLike) -> Tensor:
    """max(x, 0), and 6 at most (Howard et al. 2017, arXiv 1704.04861).

    >>> import subgrad as sg
    >>> sg.relu6([-1.0, 3.0, 9.0]).tolist()
    [0.0, 3.0, 6.0]
    """
    return clip(x, 0.0, 6.0)


def hardtanh(x: TensorLike, low: float = -1.0, high: float = 1.0) -> Tensor:
    """x moved into [low, high]: `clip` with PyTorch's bounds.

    >>> import subgrad as sg
    >>> sg.hardtanh([-3.0, 0.5, 3.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return clip(rules.as_float(as_tensor(x)), low, high)


def hardsigmoid(x: TensorLike) -> Tensor:
    """x/6 + 1/2 moved into [0, 1]: a sigmoid of three lines.

    >>> import subgrad as sg
    >>> sg.hardsigmoid([-4.0, 0.0, 4.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return clip(rules.as_float(as_tensor(x)) / 6 + 0.5, 0, 1)


def hardswish(x: TensorLike) -> Tensor:
    """x times `hardsigmoid` of x (Howard et al. 2019, arXiv 1905.02244).

    >>> import subgrad as sg
    >>> sg.hardswish([-4.0, 0.0, 4.0]).tolist()
    [-0.0, 0.0, 4.0]
    """
    x = rules.as_float(as_tensor(x))
    return x * hardsigmoid(x)


def log_sigmoid(x: TensorLike) -> Tensor:
    """ln σ(x), without overflow: -`softplus` of -x.

    >>> import subgrad as sg
    >>> sg.log_sigmoid([-1e4, 1e4]).tolist()
    [-10000.0, -0.0]
    """
    return -softplus(-rules.as_float(as_tensor(x)))


_SELU = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(x: TensorLike) -> Tensor:
    """1.0507 times `elu` with alpha = 1.6733: it keeps mean 0 and variance 1 from layer to layer (Klambauer,
    Unterthiner, Mayr, Hochreiter 2017, arXiv 1706.02515). At 0 it has a kink.

    >>> import subgrad as sg
    >>> sg.selu([-1e4, 0.0, 1.0]).numpy().round(3).tolist()
    [-1.7580000162124634, 0.0, 1.0509999990463257]
    """
    alpha, times = _SELU
    return times * elu(x, alpha)


def celu(x: TensorLike, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha (exp(x/alpha) - 1) elsewhere: an `elu` whose slope is continuous for every alpha (Barron
    2017, arXiv 1704.07483).

    Raises:
        ArgumentError: for an alpha that is not above 0.

    Example:
        >>> import subgrad as sg
        >>> sg.celu([-1e4, 2.0], 0.5).tolist()
        [-0.5, 2.0]
    """
    if not alpha > 0:
        raise ArgumentError(f"celu needs an alpha above 0, got {alpha}")
    return alpha * elu(rules.as_float(as_tensor(x)) / alpha)


def mish(x: TensorLike) -> Tensor:
    """x tanh(ln(1 + exp(x))), smooth, with a minimum of -0.31 at -1.19 (Misra 2019, arXiv 1908.08681).

    >>> import subgrad as sg
    >>> sg.mish([-1e4, 0.0, 1e4]).tolist()
    [-0.0, 0.0, 10000.0]
    """
    x = rules.as_float(as_tensor(x))
    return x * tanh(softplus(x))


def softshrink(x: TensorLike, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by ``threshold``, and 0 if it is nearer: the proximal step of the absolute value.

    Raises:
        ArgumentError: for a negative threshold.

    Example:
        >>> import subgrad as sg
        >>> sg.softshrink([-2.0, 0.3, 1.0]).numpy().round(2).tolist()
        [-1.5, 0.0, 0.5]
    """
    if not threshold >= 0:
        raise ArgumentError(f"softshrink needs a threshold of 0 or more, got {threshold}")
    x = rules.as_float(as_tensor(x))
    return x - clip(x, -threshold, threshold)


def glu(x: TensorLike, axis: int = -1) -> Tensor:
    """a σ(b), where a and b are the halves of x along ``axis`` (Dauphin, Fan, Auli, Grangier 2016, arXiv 1612.08083).

    Raises:
        ShapeError: if the axis has an odd length.

    Example:
        >>> import subgrad as sg
        >>> sg.glu([3.0, 0.0]).tolist()
        [1.5]
    """
    x = rules.as_float(as_tensor(x))
    axis = rules.normalise_axis(axis, x.ndim)
    if x.shape[axis] % 2:
        raise ShapeError(f"glu takes an axis of even length, got shape {x.shape} and axis {axis}")
    half = x.shape[axis] // 2
    whole = (slice(None),) * axis
    return x[(*whole, slice(half))] * sigmoid(x[(*whole, slice(half, None))])


__all__ = [
    "celu", "glu", "hardsigmoid", "hardswish", "hardtanh", "log_sigmoid", "mish", "relu6", "selu", "softshrink",
    "softsign",
]  # fmt: skip
