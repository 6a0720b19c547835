"""Units that multiply by a gate or choose the best of several pieces, and log-probabilities."""

from __future__ import annotations

from subgrad import ops
from subgrad.graph.tensor import Tensor, TensorLike, as_tensor
from subgrad.nn import validation
from subgrad.nn.layers.linear import Linear
from subgrad.nn.module import Module


class GLU(Module):
    """a σ(b), where a and b are the halves of x along ``axis``; see `subgrad.glu`.

    >>> import subgrad as sg
    >>> sg.nn.GLU()(sg.tensor([[3.0, 0.0]])).tolist()
    [[1.5]]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: TensorLike) -> Tensor:
        return ops.glu(x, self.axis)


class SwiGLU(Module):
    """silu(x W₁ᵀ) · x W₂ᵀ, times W₃ᵀ: the hidden layer of a transformer with a gate (Shazeer 2020, arXiv 2002.05202).

    Args:
        features: E, the length of the last axis.
        hidden: width inside; 8/3 E, rounded up, if it is None: as many weights as a hidden layer of 4 E.
        bias: whether the three maps have a bias.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        gate, up: `Linear` from E to hidden.
        down: `Linear` from hidden to E.

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the last axis does not have E elements.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.SwiGLU(4)(sg.zeros((2, 4))).shape
        (2, 4)
    """

    def __init__(
        self, features: int, hidden: int | None = None, bias: bool = False, *, seed: int | None = None
    ) -> None:
        width = -(-8 * features // 3) if hidden is None else hidden
        own = [None if seed is None else seed + i for i in range(3)]
        self.gate, self.up = (Linear(features, width, bias, seed=s) for s in own[:2])
        self.down = Linear(width, features, bias, seed=own[2])

    def forward(self, x: TensorLike) -> Tensor:
        return self.down(ops.silu(self.gate(x)) * self.up(x))


class Maxout(Module):
    """The largest of several affine maps for each output (Goodfellow, Warde-Farley, Mirza, Courville, Bengio 2013,
    arXiv 1302.4389): a convex function with as many linear pieces. Where pieces tie they share the gradient.

    Args:
        in_features: length of the input's last axis.
        out_features: length of the output's last axis.
        pieces: how many maps.
        bias: whether they have a bias.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        linear: `Linear` to pieces · out_features.

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if the last axis does not have in_features elements.

    Example:
        >>> import subgrad as sg
        >>> sg.nn.Maxout(3, 2)(sg.zeros((5, 3))).shape
        (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, pieces: int = 2, bias: bool = True, *, seed: int | None = None
    ) -> None:
        validation.sizes("Maxout", out_features=out_features, pieces=pieces)
        self.pieces = pieces
        self.linear = Linear(in_features, pieces * out_features, bias, seed=seed)

    def forward(self, x: TensorLike) -> Tensor:
        y = self.linear(x)
        return y.reshape(*y.shape[:-1], self.pieces, y.shape[-1] // self.pieces).max(-2)


class LogSoftmax(Module):
    """The logarithm of `Softmax` along ``axis``, without overflow: log-probabilities, for `nll_loss`.

    >>> import subgrad as sg
    >>> sg.nn.LogSoftmax()(sg.tensor([[1e4, -1e4]])).tolist()
    [[0.0, -20000.0]]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: TensorLike) -> Tensor:
        return ops.log_softmax(as_tensor(x), self.axis)


__all__ = ["GLU", "LogSoftmax", "Maxout", "SwiGLU"]
