"""Random small networks of many kinds of layers, each as modules of `subgrad.nn` and once more as plain formulas.

The formulas are computed in float64, for many points at once, or in balls of Arb, which hold the real number. They
share no code with the modules.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from flint import arb, ctx
from scipy.special import erf

import subgrad as sg
from subgrad import nn

BITS = 320
"""Of the numbers in balls: weights differ by a factor of up to 1e60, and their roundings are to be seen."""


def _each(f: Callable[[arb], arb]) -> np.ufunc:
    return np.frompyfunc(f, 1, 1)


FLOATS = SimpleNamespace(
    of=lambda x: np.asarray(x, np.float64), max=np.maximum, exp=np.exp, log1p=np.log1p, tanh=np.tanh, sqrt=np.sqrt,
    erf=erf,
)  # fmt: skip
BALLS = SimpleNamespace(
    of=lambda x: _each(lambda v: arb(float(v)))(np.asarray(x, np.float64)),
    max=np.frompyfunc(lambda a, b: arb(a).max(arb(b)), 2, 1), exp=_each(arb.exp), log1p=_each(arb.log1p),
    tanh=_each(arb.tanh), sqrt=_each(arb.sqrt), erf=_each(arb.erf),
)  # fmt: skip


# Layers


class Layer(Protocol):
    """A layer of numbers: its module, and its formula in the functions of m, of x, shape (N, \\*S)."""

    @property
    def kinds(self) -> Set[str]: ...
    def module(self) -> nn.Module: ...
    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray: ...


@dataclass
class Reshape:
    shape: tuple[int, ...]
    kinds = frozenset[str]()

    def module(self) -> nn.Module:
        return nn.Reshape(*self.shape)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), *self.shape)


@dataclass
class Dense:
    weight: np.ndarray
    bias: np.ndarray
    kinds = frozenset({"dense"})

    def module(self) -> nn.Module:
        return _with(nn.Linear(*self.weight.T.shape), weight=self.weight, bias=self.bias)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        return x @ m.of(self.weight).T + m.of(self.bias)


@dataclass
class Convolution:
    weight: np.ndarray
    bias: np.ndarray
    stride: int
    padding: int

    @property
    def kinds(self) -> set[str]:
        return {f"convolution {self.weight.ndim - 2}d"}

    def module(self) -> nn.Module:
        outputs, inputs, *kernel = self.weight.shape
        kind = nn.Conv1d if len(kernel) == 1 else nn.Conv2d
        size = kernel[0] if len(kernel) == 1 else tuple(kernel)
        made = kind(inputs, outputs, size, stride=self.stride, padding=self.padding)
        return _with(made, weight=self.weight, bias=self.bias)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        space = self.weight.ndim - 2
        x = np.pad(x, [(0, 0), (0, 0), *[(self.padding, self.padding)] * space])
        found = np.moveaxis(_windows(x, self.weight.shape[2:], self.stride), 1, space + 1)
        flat = found.reshape(*found.shape[: space + 1], -1)
        return np.moveaxis(flat @ m.of(self.weight).reshape(len(self.weight), -1).T + m.of(self.bias), -1, 1)


@dataclass
class Normalised:
    """Batch normalisation in evaluation mode."""

    space: int
    numbers: dict[str, np.ndarray]
    kinds = frozenset({"BatchNorm"})

    def module(self) -> nn.Module:
        n = len(self.numbers["weight"])
        return _with(nn.BatchNorm2d(n) if self.space == 2 else nn.BatchNorm1d(n), **self.numbers)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        held = {k: m.of(v).reshape(-1, *[1] * self.space) for k, v in self.numbers.items()}
        spread = m.sqrt(held["running_var"] + m.of(1e-5))
        return (x - held["running_mean"]) / spread * held["weight"] + held["bias"]


@dataclass
class Pool:
    kind: str
    size: int
    stride: int
    space: int

    @property
    def kinds(self) -> set[str]:
        return {f"{self.kind} pool"}

    def module(self) -> nn.Module:
        made = {"max": (nn.MaxPool1d, nn.MaxPool2d), "mean": (nn.AvgPool1d, nn.AvgPool2d)}[self.kind][self.space - 1]
        return made(self.size, stride=self.stride)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        found = _windows(x, (self.size,) * self.space, self.stride)
        flat = found.reshape(*found.shape[: self.space + 2], -1)
        return m.max.reduce(flat, axis=-1) if self.kind == "max" else flat.sum(-1) / self.size**self.space


@dataclass
class Softmax:
    kinds = frozenset({"softmax"})

    def module(self) -> nn.Module:
        return nn.Softmax()

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        found = m.exp(x - m.max.reduce(x, axis=-1)[..., None])
        return found / found.sum(-1)[..., None]


def _clipped(low: float, high: float) -> Callable[[Any, np.ndarray], np.ndarray]:
    return lambda m, x: -m.max(-m.max(x, low), -high)


ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], Callable[[Any, np.ndarray], np.ndarray]]] = {
    "relu": (nn.ReLU, lambda m, x: m.max(x, 0.0)),
    "leaky relu": (lambda: nn.LeakyReLU(0.1), lambda m, x: m.max(x, x * m.of(0.1))),
    "abs": (lambda: nn.Lambda(sg.abs), lambda m, x: abs(x)),
    "clip": (lambda: nn.Hardtanh(-0.5, 0.7), _clipped(-0.5, 0.7)),
    "tanh": (nn.Tanh, lambda m, x: m.tanh(x)),
    "sigmoid": (nn.Sigmoid, lambda m, x: 1.0 / (1.0 + m.exp(-x))),
    "gelu": (nn.GELU, lambda m, x: x * (1.0 + m.erf(x * m.of(math.sqrt(0.5)))) / 2.0),
    "silu": (nn.SiLU, lambda m, x: x / (1.0 + m.exp(-x))),
    "softplus": (nn.Softplus, lambda m, x: m.max(x, 0.0) + m.log1p(m.exp(-abs(x)))),
}
BENDS = ["relu", "leaky relu", "abs"]


@dataclass
class Activation:
    name: str

    @property
    def kinds(self) -> set[str]:
        return {self.name}

    def module(self) -> nn.Module:
        return ACTIVATIONS[self.name][0]()

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        return ACTIVATIONS[self.name][1](m, x)


class Both(nn.Module):
    """Two modules of one input, and the product or the larger one of what they give."""

    def __init__(self, one: nn.Module, other: nn.Module, join: str) -> None:
        self.one, self.other, self.join = one, other, join

    def forward(self, x: Any) -> Any:
        x, y = self.one(x), self.other(x)
        return x * y if self.join == "product" else sg.maximum(x, y)


@dataclass
class Joined:
    """Two paths: a residual sum, side by side, their product, or the larger one."""

    join: str
    one: Sequence[Layer]
    other: Sequence[Layer]

    @property
    def kinds(self) -> set[str]:
        return {self.join, *itertools.chain(*(layer.kinds for layer in (*self.one, *self.other)))}

    def module(self) -> nn.Module:
        one, other = (nn.Sequential(*(layer.module() for layer in path)) for path in (self.one, self.other))
        if self.join == "residual":
            return nn.Residual(one, other if self.other else None)
        return nn.Branches(one, other) if self.join == "concatenation" else Both(one, other, self.join)

    def __call__(self, m: Any, x: np.ndarray) -> np.ndarray:
        a, b = _through(self.one, m, x), _through(self.other, m, x)
        if self.join == "concatenation":
            return np.concatenate([a, b], axis=1)
        return {"residual": lambda: a + b, "product": lambda: a * b, "larger": lambda: m.max(a, b)}[self.join]()


def _through(layers: Sequence[Layer], m: Any, x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        for layer in layers:
            x = layer(m, x)
    return x


def _windows(x: np.ndarray, kernel: tuple[int, ...], stride: int) -> np.ndarray:
    """All windows of space, shape (N, C, \\*places, \\*kernel)."""
    found = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=tuple(range(2, x.ndim)))
    return found[(slice(None), slice(None), *[slice(None, None, stride)] * len(kernel))]


def _with(module: nn.Module, **numbers: np.ndarray) -> nn.Module:
    for name, value in numbers.items():
        getattr(module, name).assign(value)
    return module


# Networks


@dataclass
class Network:
    """Layers from points of ``inputs`` numbers to ``outputs`` numbers."""

    layers: list[Layer]
    inputs: int
    outputs: int
    dtype: str
    weights: str

    @property
    def kinds(self) -> set[str]:
        """What it is made of, in words."""
        return {self.dtype, f"{self.weights} weights", *itertools.chain(*(layer.kinds for layer in self.layers))}

    @cached_property
    def module(self) -> nn.Module:
        """The same as a module."""
        with sg.using_dtype(self.dtype):
            return nn.Sequential(*(layer.module() for layer in self.layers))

    def values(self, points: np.ndarray) -> np.ndarray:
        """The outputs at points (N, d) in float64."""
        return _through(self.layers, FLOATS, points)

    def exact(self, point: np.ndarray) -> np.ndarray:
        """The outputs at a point (d,) as balls, which hold the real numbers."""
        with ctx.workprec(BITS):
            return _through(self.layers, BALLS, BALLS.of(point)[None])[0]


class Maker:
    """Makes networks of a generator of random numbers."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.dtype = str(rng.choice(["float32", "float64"]))
        self.weights = str(rng.choice(["plain"] * 4 + ["saturating", "ill-conditioned", "sparse", "huge or tiny"]))
        self.biased = rng.random() < 0.75
        self.form = str(rng.choice(["chain"] * 4 + ["dense", "dense", "joins", "signal", "image", "units"]))

    def network(self) -> Network:
        """A network of the form that was drawn."""
        inputs, layers = {
            "chain": self._chain, "dense": self._dense, "joins": self._joins, "signal": self._signal,
            "image": self._image, "units": self._units,
        }[self.form]()  # fmt: skip
        width = _through(layers, FLOATS, np.zeros((1, inputs))).shape[1]
        last = [self.matrix(2, width), *([Softmax()] if self.form == "dense" and self.rng.random() < 0.3 else [])]
        return Network([*layers, *last], inputs, 2, self.dtype, self.weights)

    # Numbers

    def numbers(self, *shape: int) -> np.ndarray:
        """Weights of rows, the first axis."""
        rng, found = self.rng, self.rng.normal(size=shape) / math.sqrt(math.prod(shape[1:]))
        row = (shape[0], *[1] * (len(shape) - 1))
        if self.weights == "saturating":
            found *= rng.choice([10.0, 100.0])
        elif self.weights == "ill-conditioned":
            found *= 10.0 ** rng.integers(-6, 7, row)
        elif self.weights == "sparse":
            found *= rng.random(shape) < 0.4
        elif self.weights == "huge or tiny":
            found *= rng.choice([1e-160, 1e-20, 1e12])
        return found.astype(self.dtype).astype(np.float64)

    def biases(self, n: int) -> np.ndarray:
        """Numbers, or all 0; some of sparse networks leave a relu dead."""
        found = self.numbers(n) * (30.0 if self.weights == "sparse" else 0.5) * self.biased
        return found.astype(self.dtype).astype(np.float64)

    def matrix(self, n: int, m: int) -> Layer:
        """A dense layer from m to n."""
        return Dense(self.numbers(n, m), self.biases(n))

    def normalised(self, n: int, space: int) -> Layer:
        """Batch normalisation that has seen data."""
        rng = self.rng
        found = {
            "running_mean": rng.normal(size=n), "running_var": rng.choice([1e-6, 0.3, 4.0, 1e4], n),
            "weight": rng.normal(size=n), "bias": rng.normal(size=n),
        }  # fmt: skip
        return Normalised(space, {k: v.astype(self.dtype).astype(np.float64) for k, v in found.items()})

    def activation(self, bend: bool = False) -> Layer:
        """Any, or one that native code knows."""
        return Activation(str(self.rng.choice(BENDS if bend or self.rng.random() < 0.4 else list(ACTIVATIONS))))

    # Forms

    def _chain(self) -> tuple[int, list[Layer]]:
        """Affine maps and bends, which native code bounds."""
        widths = [int(n) for n in (self.rng.integers(1, 5), *self.rng.integers(2, 9, self.rng.integers(1, 4)))]
        pairs = [[self.matrix(n, m), self.activation(bend=True)] for m, n in itertools.pairwise(widths)]
        if self.rng.random() < 0.3:
            pairs.insert(1, [self.normalised(widths[1], 0)])
        return widths[0], [layer for pair in pairs for layer in pair]

    def _dense(self) -> tuple[int, list[Layer]]:
        widths = [int(n) for n in (self.rng.integers(1, 5), *self.rng.integers(2, 8, self.rng.integers(1, 3)))]
        layers: list[Layer] = []
        for m, n in itertools.pairwise(widths):
            layers += [self.matrix(n, m), *([self.normalised(n, 0)] if self.rng.random() < 0.3 else [])]
            layers.append(self.activation())
        return widths[0], layers

    def _joins(self) -> tuple[int, list[Layer]]:
        d, n = (int(k) for k in self.rng.integers((1, 2), (5, 7)))
        join = str(self.rng.choice(["residual", "residual", "concatenation", "product", "larger"]))
        one, other = ([self.matrix(n, n), self.activation()] for _ in range(2))
        if join == "residual" and self.rng.random() < 0.7:
            other = []
        after = [self.activation()] if self.rng.random() < 0.5 else []
        return d, [self.matrix(n, d), self.activation(), Joined(join, one, other), *after]

    def _signal(self) -> tuple[int, list[Layer]]:
        length = int(self.rng.choice([4, 6, 8, 18]))
        return length, [Reshape((1, length)), *self._convolutions(1, length)]

    def _image(self) -> tuple[int, list[Layer]]:
        side = int(self.rng.choice([3, 3, 4, 5]))
        return side**2, [Reshape((1, side, side)), *self._convolutions(2, side)]

    def _convolutions(self, space: int, side: int) -> list[Layer]:
        rng, layers = self.rng, list[Layer]()
        kernel, stride = int(rng.integers(2, 4)), int(rng.choice([1, 1, 2]))
        layers.append(Convolution(self.numbers(2, 1, *[kernel] * space), self.biases(2), stride, int(rng.integers(2))))
        if rng.random() < 0.4:
            layers.append(self.normalised(2, space))
        layers.append(self.activation(bend=rng.random() < 0.5))
        if rng.random() < 0.3:
            inner = Convolution(self.numbers(2, 2, *[3] * space), self.biases(2), 1, 1)
            layers += [Joined("residual", [inner], []), self.activation()]
        left = _through(layers, FLOATS, np.zeros((1, 1, *[side] * space))).shape[-1]
        if left > 1 and rng.random() < 0.7:
            size = int(rng.integers(2, min(left, 3) + 1))
            layers.append(Pool(str(rng.choice(["max", "mean"])), size, int(rng.integers(1, size + 1)), space))
            left = (left - size) // layers[-1].stride + 1
        return [*layers, Reshape((2 * left**space,))]

    def _units(self) -> tuple[int, list[Layer]]:
        """So many inputs that the units are split."""
        d, widths = int(self.rng.integers(17, 21)), [int(n) for n in self.rng.integers(3, 8, 2)]
        layers = [self.matrix(widths[0], d), self.activation(bend=True)]
        return d, [*layers, self.matrix(widths[1], widths[0]), self.activation(bend=True)]


__all__ = ["Maker", "Network"]
