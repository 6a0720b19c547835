"""The workloads' networks in JAX. Images are (N, height, width, channels), which its convolutions prefer on a CPU;
signals are (N, length, channels)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import relu

from bench.peers import jax_blocks as blocks
from bench.peers.jax_blocks import EPSILON, pool
from bench.work import arrays
from bench.work.layers import Layer, Shape, through
from bench.work.layers import parameters as parameters_of
from bench.work.workloads import Workload

Statistics = list[tuple[jax.Array, jax.Array]]
LAYOUTS = {4: ("NHWC", "HWIO", "NHWC"), 3: ("NWC", "WIO", "NWC")}
KEEP = 0.9  # of batch normalisation
NORMALISED = ("norm", "residual", "separable")  # layers with batch normalisation
TABLES = ("embedding", "embeddings", "positions")


def load(workload: Workload) -> list[jax.Array]:
    """The initial parameters, weights as (inputs, outputs) and (height, width, inputs, outputs), tables as they are."""
    kinds = [layer[0] for layer, shape in workload.shaped_layers() for _ in parameters_of(layer, shape)]
    own = _turned if workload.members == 1 else _turned_each
    return [jnp.asarray(own(kind, p)) for kind, p in zip(kinds, arrays.initial(workload), strict=True)]


def _turned(kind: str, p: np.ndarray) -> np.ndarray:
    return p if kind in TABLES or p.ndim == 1 else p.transpose(*range(2, p.ndim), 1, 0)


def _turned_each(kind: str, p: np.ndarray) -> np.ndarray:
    return np.stack([_turned(kind, member) for member in p])


def load_statistics(workload: Workload) -> Statistics:
    """The running mean and variance of each batch normalisation."""
    normalised = [(layer, shape) for layer, shape in workload.shaped_layers() if layer[0] in NORMALISED]
    scales = [p for layer, shape in normalised for p in parameters_of(layer, shape) if p.middle]
    return [(jnp.zeros(p.shape), jnp.ones(p.shape)) for p in scales]


def as_input(workload: Workload, x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if workload.layers[0][0] in ("conv", "conv1d") else x


def apply(
    workload: Workload, parameters: Sequence[jax.Array], statistics: Statistics, x: jax.Array, training: bool
) -> tuple[jax.Array, Statistics]:
    """The network's result, and the running statistics after it."""
    if workload.members > 1:
        return jax.vmap(lambda ps: _Pass(ps, [], training).chain(workload.shaped_layers(), x))(parameters), []
    run = _Pass(parameters, statistics, training)
    return run.chain(workload.shaped_layers(), x), run.after


class _Pass:
    """One pass through a network, which takes its parameters in order."""

    def __init__(self, parameters: Sequence[jax.Array], statistics: Statistics, training: bool) -> None:
        self.next, self.running = iter(parameters).__next__, iter(statistics)
        self.after: Statistics = []
        self.training = training

    def chain(self, layers: Iterable[tuple[Layer, Shape]], x: Any) -> Any:
        for layer, shape in layers:
            x = self.layer(layer, shape, x)
        return x

    def layer(self, layer: Layer, shape: Shape, x: Any) -> Any:
        match layer:
            case ("linear", _):
                return x @ self.next() + self.next()
            case ("rnn" | "lstm" as kind, _):
                return blocks.recurrent(kind, x, self.take(4))
            case ("bigru", _, depth):
                return blocks.both_ways(x, [[self.take(4), self.take(4)] for _ in range(depth)])
            case ("conv", _, _, padding, bias):
                return self.convolve(x, padding, bias=bias)
            case ("conv1d", _, _, padding):
                return self.convolve(x, padding)
            case ("separable", _, stride):
                return self.separable(x, stride)
            case ("embedding", _, _):
                return self.next()[x]
            case ("embeddings", counts, _):
                return jnp.concatenate([self.next()[x[:, i]] for i in range(len(counts))], 1)
            case ("positions",):
                return x + self.next()
            case ("layernorm",):
                return blocks.layer_norm(x, self.next(), self.next())
            case ("transformer", heads):
                return blocks.transformer(x, self.take(12), heads)
            case ("vae", _, _):
                return blocks.autoencoder(x, self.take(8))
            case ("burgers", inner):
                ps = self.take(len(parameters_of(layer, shape)))
                return blocks.burgers(lambda x: _Pass(ps, [], self.training).chain(through(inner, shape), x), x)
            case ("residual", _, stride):
                return self.residual(x, stride)
            case ("inception",):
                return self.inception(x)
            case ("norm",):
                return self.norm(x)
            case ("pool" | "pool1d", size):
                return pool(x, size, size, 0)
        return PLAIN[layer[0]](x)

    def take(self, n: int) -> list[jax.Array]:
        return [self.next() for _ in range(n)]

    def convolve(self, x: jax.Array, padding: int, stride: int = 1, bias: bool = True) -> jax.Array:
        space, layout = x.ndim - 2, LAYOUTS[x.ndim]
        around = [(padding, padding)] * space
        y = lax.conv_general_dilated(x, self.next(), [stride] * space, around, dimension_numbers=layout)
        return y + self.next() if bias else y

    def separable(self, x: jax.Array, stride: int) -> jax.Array:
        x = relu(self.norm(blocks.depthwise(x, self.next(), stride)))
        return relu(self.norm(self.convolve(x, 0, bias=False)))

    def norm(self, x: jax.Array) -> jax.Array:
        scale, bias = self.next(), self.next()
        mean, variance = next(self.running)
        if self.training:
            mean, variance = self._seen(x, mean, variance)
        scale = scale * lax.rsqrt(variance + EPSILON)
        return x * scale + (bias - mean * scale)

    def _seen(self, x: jax.Array, mean: jax.Array, variance: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The batch's statistics, in one pass over it; the running ones follow."""
        seen, n = x.mean((0, 1, 2)), x.size // x.shape[-1]
        spread = (x * x).mean((0, 1, 2)) - seen * seen
        new, wide = lax.stop_gradient(seen), lax.stop_gradient(spread) * (n / (n - 1))
        self.after.append((KEEP * mean + (1 - KEEP) * new, KEEP * variance + (1 - KEEP) * wide))
        return seen, spread

    def residual(self, x: jax.Array, stride: int) -> jax.Array:
        y = relu(self.norm(self.convolve(x, 1, stride, bias=False)))
        y = self.norm(self.convolve(y, 1, bias=False))
        if x.shape != y.shape:
            x = self.norm(self.convolve(x, 0, stride, bias=False))
        return relu(y + x)

    def inception(self, x: jax.Array) -> jax.Array:
        """With one relu behind the joined branches, which is what relus behind each of them are."""
        one = self.convolve(x, 0)
        three = self.convolve(relu(self.convolve(x, 0)), 1)
        five = self.convolve(relu(self.convolve(x, 0)), 2)
        return relu(jnp.concatenate([one, three, five, self.convolve(pool(x, 3, 1, 1), 0)], -1))


def _flatten(x: jax.Array) -> jax.Array:
    """Channels first, as the weights behind expect it."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


PLAIN = {"relu": relu, "tanh": jnp.tanh, "mean": lambda x: x.mean(tuple(range(1, x.ndim - 1))), "flatten": _flatten}
