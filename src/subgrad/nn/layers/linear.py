"""Affine maps of one input, and bilinear maps of two."""

from __future__ import annotations

import math
from functools import partial

from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor
from subgrad.nn import init, validation
from subgrad.nn.module import Module
from subgrad.ops import einsum


class Linear(Module):
    """y = x Wᵀ + b along the last axis.

    The weight starts with the initialiser ``init``, the bias uniformly between -1/sqrt(in_features) and
    1/sqrt(in_features). The default, ``"uniform"``, draws the weight from that interval as well: PyTorch's choice, so
    that results compare. For deep relu networks ``"he_uniform"`` keeps the scale of the activations.

    Args:
        in_features: length of the input's last axis.
        out_features: length of the output's last axis.
        bias: whether there is a b.
        init: an initialiser of `subgrad.nn.init` by name, or a function of a shape and a seed.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (out_features, in_features).
        bias: shape (out_features,), or None.

    Raises:
        ArgumentError: for sizes below 1 or an unknown initialiser.
        ShapeError: when called, if the last axis does not have in_features elements.

    Example:
        >>> import subgrad as sg
        >>> layer = sg.nn.Linear(2, 1)
        >>> layer.weight.assign([[3.0, 4.0]])
        >>> layer.bias.assign([0.5])
        >>> layer(sg.tensor([[1.0, 10.0]])).tolist()
        [[43.5]]
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: str | init.Initialiser = "uniform",
        seed: int | None = None,
    ) -> None:
        validation.sizes("Linear", in_features=in_features, out_features=out_features)
        self.weight, self.bias = weight_and_bias((out_features, in_features), bias, init, seed)

    def forward(self, x: TensorLike) -> Tensor:
        x = as_tensor(x, self.weight.dtype)
        validation.last_axes(f"Linear{self.weight.shape[::-1]}", x, self.weight.shape[1:])
        y = einsum("...i,oi->...o", x, self.weight)
        return y if self.bias is None else y + self.bias


class Bilinear(Module):
    """y_o = Σ_ij a_i W_oij b_j + c_o along the last axes of two inputs a and b.

    Weight and bias start uniformly between -1/sqrt(in1_features) and 1/sqrt(in1_features), as in PyTorch.

    Args:
        in1_features: length of the last axis of a.
        in2_features: length of the last axis of b.
        out_features: length of the output's last axis.
        bias: whether there is a c.
        seed: for the initial values; the default stream if it is None.

    Attributes:
        weight: shape (out_features, in1_features, in2_features).
        bias: shape (out_features,), or None.

    Raises:
        ArgumentError: for sizes below 1.
        ShapeError: when called, if a last axis does not have its length.

    Example:
        >>> import subgrad as sg
        >>> layer = sg.nn.Bilinear(2, 2, 1, bias=False)
        >>> layer.weight.assign([[[1.0, 0.0], [0.0, 1.0]]])
        >>> layer(sg.tensor([[1.0, 2.0]]), sg.tensor([[3.0, 4.0]])).tolist()
        [[11.0]]
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, *, seed: int | None = None
    ) -> None:
        validation.sizes("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        random = init.generator(seed)
        bound = 1 / math.sqrt(in1_features)
        within = partial(init.within, bound)
        self.weight = init.parameter((out_features, in1_features, in2_features), within, random)
        self.bias = init.parameter((out_features,), within, random) if bias else None

    def forward(self, a: TensorLike, b: TensorLike) -> Tensor:
        a, b = as_tensor(a, self.weight.dtype), as_tensor(b, self.weight.dtype)
        validation.last_axes("Bilinear's first input", a, self.weight.shape[1:2])
        validation.last_axes("Bilinear's second input", b, self.weight.shape[2:])
        y = einsum("...i,oij,...j->...o", a, self.weight, b)
        return y if self.bias is None else y + self.bias


def weight_and_bias(
    shape: tuple[int, ...], bias: bool, name: str | init.Initialiser, seed: int | None, features: int | None = None
) -> tuple[Parameter, Parameter | None]:
    """A weight of ``shape`` by an initialiser, and a bias uniform within 1 / sqrt(fan_in) for so many ``features``."""
    random = init.generator(seed)
    weight = init.parameter(shape, init.get(name), random)
    within = partial(init.within, 1 / math.sqrt(init.fans(shape)[0]))
    return weight, init.parameter((features or shape[0],), within, random) if bias else None


__all__ = ["Bilinear", "Linear"]
