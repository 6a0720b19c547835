"""Networks with one hidden layer, F(x) = Σ v_i φ(w_i·x + b_i) + c, in float64."""

from __future__ import annotations

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.nn.layers import activation as activations
from subgrad.nn.layers.compose import Sequential
from subgrad.nn.layers.linear import Linear
from subgrad.nn.module import Module


def shallow(w: np.ndarray, b: np.ndarray, v: np.ndarray, c: float, activation: str) -> Sequential:
    """The module with the layers ``hidden``, the activation by its name, and ``out``.

    Args:
        w, b, v: (n, d), (n,) and (n,); n is at least 1.
        c: the constant.
        activation: a name that `activation_of` takes.

    Example:
        >>> import numpy as np
        >>> net = shallow(np.array([[1.0], [-1.0]]), np.zeros(2), np.ones(2), 0.5, "relu")
        >>> net(np.array([[-3.0], [2.0]])).tolist()
        [[3.5], [2.5]]
    """
    n, d = w.shape
    with using_dtype(float64):
        net = Sequential({"hidden": Linear(d, n), activation: activation_of(activation), "out": Linear(n, 1)})
    net.load_state_dict({"hidden.weight": w, "hidden.bias": b, "out.weight": v[None], "out.bias": np.array([c])})
    return net


def activation_of(name: str) -> Module:
    """The activation of that name; raises `ArgumentError` for one that a hidden layer cannot have here.

    >>> activation_of("tanh")
    Tanh()
    """
    if name not in activations.FIXED:
        raise ArgumentError(f"unknown activation {name!r}: expected one of {', '.join(activations.FIXED)}")
    return activations.NAMES[name]()


def values(net: Module, points: np.ndarray) -> np.ndarray:
    """The network's values at points (N, d), as (N,): a few points at a time, for the hidden layer may be wide."""
    width = max(p.size for _, p in net.named_state())
    rows = max(1, _AT_ONCE // width)
    if len(points) * width < _WORTH_COMPILING:
        parts = [net(points[i : i + rows]).numpy().ravel() for i in range(0, len(points), rows)]
        return np.concatenate(parts) if parts else np.empty(0)
    padded = np.concatenate([points, np.repeat(points[-1:], -len(points) % rows, axis=0)])  # one shape, one program
    parts = [net.predict(part).ravel() for part in padded.reshape(-1, rows, points.shape[1])]
    return np.concatenate(parts)[: len(points)]


_AT_ONCE = 1 << 22  # numbers of a hidden layer
_WORTH_COMPILING = 1 << 25  # such numbers in all: NumPy takes as long for them as LLVM for the program
