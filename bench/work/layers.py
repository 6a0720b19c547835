"""The kinds of layers: the parameters they have, and the shapes they make.

A layer is a tuple of its kind and its sizes. A shape is that of one sample; images are (channels, height, width).

- ``("linear", outputs)``, ``("relu",)``, ``("tanh",)``, ``("flatten",)``;
- ``("conv", channels, kernel, padding, bias)``; ``("pool", size)``, the maximum; ``("mean",)`` over each image;
  ``("norm",)``, batch normalisation;
- ``("residual", channels, stride)``, two 3x3 convolutions with batch normalisation around a shortcut, which is a 1x1
  convolution where the shape changes; ``("inception",)``, four branches of `INCEPTION` channels;
- ``("rnn", size)``, ``("lstm", size)``, the last state of a sequence; ``("bigru", size, depth)``, the last states of
  both directions of so many layers;
- ``("conv1d", channels, kernel, padding)``, ``("pool1d", size)`` for signals (channels, length);
- ``("separable", channels, stride)``, a depthwise 3x3 convolution and a 1x1, each with batch normalisation and relu;
- ``("embedding", count, width)`` of each integer in a sequence; ``("embeddings", counts, width)``, a table for each
  integer, side by side;
- ``("positions",)``, a vector that is added at each place; ``("layernorm",)`` over the last axis; ``("transformer",
  heads)``, a block that normalises first, with causal attention and a hidden layer of 4 widths with gelu;
- ``("vae", hidden, latent)``, an encoder and a decoder of pixels that come with the noise of the latent variables
  behind them: scores of the pixels, means, and logarithms of variances;
- ``("burgers", layers)``, u of a network of (t, x), and u_t + u u_x - `VISCOSITY` u_xx.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt

Layer = tuple
Shape = tuple[int, ...]

GATES = {"rnn": 1, "lstm": 4}
"""Recurrent layers, which give their last state, and how many products of the state's width they make in a step."""

VISCOSITY = 0.01

NEAR = 0.1
"""Initial vectors of tables are that near to 0."""

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


def through(layers: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Each layer with the shape of a sample before it."""
    for layer in layers:
        yield layer, shape
        shape = after(layer, shape)


def after(layer: Layer, shape: Shape) -> Shape:
    """The shape of the layer's result."""
    match layer:
        case ("linear", width):
            return *shape[:-1], width
        case ("rnn" | "lstm", width):
            return (width,)
        case ("bigru", width, _):
            return (2 * width,)
        case ("conv", channels, kernel, padding, _) | ("conv1d", channels, kernel, padding):
            return channels, *(n + 2 * padding - kernel + 1 for n in shape[1:])
        case ("residual" | "separable", channels, stride):
            return channels, *(-(-n // stride) for n in shape[1:])
        case ("inception",):
            one, three, five, pool = INCEPTION
            return one + three[1] + five[1] + pool, *shape[1:]
        case ("pool" | "pool1d", size):
            return shape[0], *(n // size for n in shape[1:])
        case ("mean",):
            return shape[:1]
        case ("flatten",):
            return (prod(shape),)
        case ("embedding", _, width):
            return *shape, width
        case ("embeddings", counts, width):
            return (len(counts) * width,)
        case ("vae", _, latent):
            return (shape[0] + latent,)
        case ("burgers", _):
            return (2,)
    return shape


def parameters(layer: Layer, shape: Shape) -> list[Parameter]:
    """In PyTorch's order and layout."""
    match layer:
        case ("linear", width):
            return _linear(shape[-1], width, prod(shape[:-1]))
        case ("rnn" | "lstm" as kind, width):
            return _recurrent(GATES[kind], shape[1], width, shape[0])
        case ("bigru", width, depth):
            wide = [shape[1], *[2 * width] * (depth - 1)]
            return [p for n in wide for _ in range(2) for p in _recurrent(3, n, width, shape[0])]
        case ("conv", _, kernel, _, bias):
            return _convolution(shape[0], kernel, after(layer, shape), bias)
        case ("conv1d", _, kernel, _):
            return _convolution(shape[0], kernel, after(layer, shape))
        case ("norm",):
            return _norm(shape[0])
        case ("residual", _, _):
            return _residual(shape, after(layer, shape))
        case ("inception",):
            return _inception(shape)
        case ("separable", _, _):
            return _separable(shape[0], after(layer, shape))
        case ("embedding", count, width):
            return [Parameter((count, width), NEAR)]
        case ("embeddings", counts, width):
            return [Parameter((count, width), NEAR) for count in counts]
        case ("positions",):
            return [Parameter(shape, NEAR)]
        case ("layernorm",):
            return _norm(shape[-1])
        case ("transformer", _):
            return _transformer(*shape)
        case ("vae", hidden, latent):
            pixels = shape[0] - latent
            sizes = (pixels, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, pixels)
            return [p for n, m in sizes for p in _linear(n, m)]
        case ("burgers", inner):
            return [p for each in through(inner, shape) for p in parameters(*each)]
    return []


def products(layer: Layer, shape: Shape) -> int:
    """Multiplications of one sample in the layer, forward."""
    once = sum(p.products for p in parameters(layer, shape))
    match layer:
        case ("transformer", _):  # scores and their use, of each place with those up to it
            return once + shape[0] * (shape[0] + 1) * shape[1]
        case ("burgers", _):  # u, u_t, u_x and u_xx; those of the first layer are columns of its weight
            return 4 * once - 3 * parameters(layer, shape)[0].products
    return once


def _linear(inputs: int, outputs: int, uses: int = 1) -> list[Parameter]:
    bound = 1 / sqrt(inputs)
    return [Parameter((outputs, inputs), bound, uses=uses), Parameter((outputs,), bound)]


def _recurrent(gates: int, inputs: int, width: int, steps: int) -> list[Parameter]:
    bound, rows = 1 / sqrt(width), gates * width
    return [Parameter((rows, n), bound, uses=steps) for n in (inputs, width)] + 2 * [Parameter((rows,), bound)]


def _convolution(channels: int, kernel: int, result: Shape, bias: bool = True) -> list[Parameter]:
    """``channels`` are those that a result is made of; the kernel has as many axes as the result has of space."""
    weight = (result[0], channels, *[kernel] * (len(result) - 1))
    found = [Parameter(weight, sqrt(3 / prod(weight[1:])), uses=prod(result[1:]))]
    return found + [Parameter(result[:1])] * bias


def _norm(channels: int) -> list[Parameter]:
    return [Parameter((channels,), middle=1.0), Parameter((channels,))]


def _residual(shape: Shape, result: Shape) -> list[Parameter]:
    kernels = [(shape[0], 3), (result[0], 3)] + [(shape[0], 1)] * (shape != result)
    return [p for kernel in kernels for p in _convolution(*kernel, result, bias=False) + _norm(result[0])]


def _separable(channels: int, result: Shape) -> list[Parameter]:
    depthwise = _convolution(1, 3, (channels, *result[1:]), bias=False) + _norm(channels)
    return depthwise + _convolution(channels, 1, result, bias=False) + _norm(result[0])


def _transformer(length: int, width: int) -> list[Parameter]:
    sizes = (width, 3 * width), (width, width), (width, 4 * width), (4 * width, width)
    return [p for n, m in sizes for p in _linear(n, m, length)] + 2 * _norm(width)


def _inception(shape: Shape) -> list[Parameter]:
    one, three, five, pool = INCEPTION
    wide = shape[0]
    convolutions = [(wide, 1, one), (wide, 1, three[0]), (three[0], 3, three[1]), (wide, 1, five[0]),
                    (five[0], 5, five[1]), (wide, 1, pool)]  # fmt: skip
    return [p for n, kernel, out in convolutions for p in _convolution(n, kernel, (out, *shape[1:]))]
