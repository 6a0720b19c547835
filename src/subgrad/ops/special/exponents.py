"""Logarithms to the bases 2 and 10, 1/x and 1/√x."""

from __future__ import annotations

import math

import numpy as np

from subgrad.graph.op import defop
from subgrad.graph.tensor import Tensor, TensorLike
from subgrad.ops import rules
from subgrad.ops.singular import sqrt
from subgrad.ops.smooth import div, log, scale


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 / (x * math.log(2))),),
    expand=lambda x: log(x) * (1 / math.log(2)),
    text="log₂({0})",
    slopes=("1/({0} ln 2)",),
)
def log2(x):
    """The logarithm to the base 2; -inf at 0, NaN below.

    >>> import subgrad as sg
    >>> sg.log2([1.0, 1024.0]).numpy().round(6).tolist()
    [0.0, 10.0]
    """
    return np.log2(x)


@defop(
    prepare=rules.floats,
    vjp=lambda g, y, x: (scale(g, 1 / (x * math.log(10))),),
    expand=lambda x: log(x) * (1 / math.log(10)),
    text="log₁₀({0})",
    slopes=("1/({0} ln 10)",),
)
def log10(x):
    """The logarithm to the base 10; -inf at 0, NaN below.

    >>> import subgrad as sg
    >>> sg.log10([1.0, 1000.0]).numpy().round(6).tolist()
    [0.0, 3.0]
    """
    return np.log10(x)


def reciprocal(x: TensorLike) -> Tensor:
    """1 / x; integers become floats.

    >>> import subgrad as sg
    >>> sg.reciprocal([1.0, 4.0]).tolist()
    [1.0, 0.25]
    """
    return div(1, x)


def rsqrt(x: TensorLike) -> Tensor:
    """1 / √x: inf at 0, where its gradient is 0 by convention, and NaN below.

    >>> import subgrad as sg
    >>> sg.rsqrt([1.0, 4.0]).tolist()
    [1.0, 0.5]
    """
    return div(1, sqrt(x))


__all__ = ["log2", "log10", "reciprocal", "rsqrt"]
