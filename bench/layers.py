"""The kinds of layers: the parameters they have, and the shapes they make.

A layer is a tuple of its kind and its sizes. A shape is that of one sample; images are (channels, height, width).

- ``("linear", outputs)``, ``("relu",)``, ``("tanh",)``, ``("flatten",)``;
- ``("conv", channels, kernel, padding, bias)``; ``("pool", size)``, the maximum; ``("mean",)`` over each image;
  ``("norm",)``, batch normalisation;
- ``("residual", channels, stride)``, two 3x3 convolutions with batch normalisation around a shortcut, which is a 1x1
  convolution where the shape changes; ``("inception",)``, four branches of `INCEPTION` channels;
- ``("rnn", size)``, ``("lstm", size)``, the last state of a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt

Layer = tuple
Shape = tuple[int, ...]

GATES = {"rnn": 1, "lstm": 4}
"""Recurrent layers, which give their last state, and how many products of the state's width they make in a step."""

INCEPTION = 16, (16, 32), (8, 16), 16
"""Channels of the branches 1x1; 1x1 and 3x3; 1x1 and 5x5; maximum and 1x1."""


@dataclass(frozen=True)
class Parameter:
    """Initial values are uniform within ``bound`` of ``middle``; each is multiplied with a sample ``uses`` times."""

    shape: Shape
    bound: float = 0.0
    middle: float = 0.0
    uses: int = 0

    @property
    def products(self) -> int:
        """Multiplications of one sample with it; those with the zeros around an image count, too."""
        return self.uses * prod(self.shape)


def after(layer: Layer, shape: Shape) -> Shape:
    """The shape of the layer's result."""
    match layer:
        case ("linear" | "rnn" | "lstm", width):
            return (width,)
        case ("conv", channels, kernel, padding, _):
            return channels, *(n + 2 * padding - kernel + 1 for n in shape[1:])
        case ("residual", channels, stride):
            return channels, *(-(-n // stride) for n in shape[1:])
        case ("inception",):
            one, three, five, pool = INCEPTION
            return one + three[1] + five[1] + pool, *shape[1:]
        case ("pool", size):
            return shape[0], *(n // size for n in shape[1:])
        case ("mean",):
            return shape[:1]
        case ("flatten",):
            return (prod(shape),)
    return shape


def parameters(layer: Layer, shape: Shape) -> list[Parameter]:
    """In PyTorch's order and layout."""
    match layer:
        case ("linear", width):
            bound = 1 / sqrt(shape[0])
            return [Parameter((width, shape[0]), bound, uses=1), Parameter((width,), bound)]
        case ("rnn" | "lstm" as kind, width):
            bound, rows = 1 / sqrt(width), GATES[kind] * width
            weights = [Parameter((rows, n), bound, uses=shape[0]) for n in (shape[1], width)]
            return weights + 2 * [Parameter((rows,), bound)]
        case ("conv", _, kernel, _, bias):
            return _convolution(shape[0], kernel, after(layer, shape), bias)
        case ("norm",):
            return _norm(shape[0])
        case ("residual", _, _):
            return _residual(shape, after(layer, shape))
        case ("inception",):
            return _inception(shape)
    return []


def _convolution(channels: int, kernel: int, result: Shape, bias: bool = True) -> list[Parameter]:
    weight = (result[0], channels, kernel, kernel)
    found = [Parameter(weight, sqrt(3 / prod(weight[1:])), uses=prod(result[1:]))]
    return found + [Parameter(result[:1])] * bias


def _norm(channels: int) -> list[Parameter]:
    return [Parameter((channels,), middle=1.0), Parameter((channels,))]


def _residual(shape: Shape, result: Shape) -> list[Parameter]:
    kernels = [(shape[0], 3), (result[0], 3)] + [(shape[0], 1)] * (shape != result)
    return [p for kernel in kernels for p in _convolution(*kernel, result, bias=False) + _norm(result[0])]


def _inception(shape: Shape) -> list[Parameter]:
    one, three, five, pool = INCEPTION
    wide = shape[0]
    convolutions = [(wide, 1, one), (wide, 1, three[0]), (three[0], 3, three[1]), (wide, 1, five[0]),
                    (five[0], 5, five[1]), (wide, 1, pool)]  # fmt: skip
    return [p for n, kernel, out in convolutions for p in _convolution(n, kernel, (out, *shape[1:]))]
