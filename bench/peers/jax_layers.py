"""The workloads' networks in JAX. Images are (N, height, width, channels), which its convolutions prefer on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import relu

from bench import arrays
from bench.layers import Layer
from bench.workloads import Workload

Statistics = list[tuple[jax.Array, jax.Array]]
LAYOUT = "NHWC", "HWIO", "NHWC"
KEEP, EPSILON = 0.9, 1e-5  # of batch normalisation


def load(workload: Workload) -> list[jax.Array]:
    """The initial parameters, weights as (inputs, outputs) and (height, width, inputs, outputs)."""
    return [jnp.asarray(p.transpose(2, 3, 1, 0) if p.ndim == 4 else p.T) for p in arrays.initial(workload)]


def load_statistics(workload: Workload) -> Statistics:
    """The running mean and variance of each batch normalisation."""
    return [(jnp.zeros(p.shape), jnp.ones(p.shape)) for p in workload.parameters() if p.middle]


def as_input(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x


def apply(
    workload: Workload, parameters: Sequence[jax.Array], statistics: Statistics, x: jax.Array, training: bool
) -> tuple[jax.Array, Statistics]:
    """The network's result, and the running statistics after it."""
    run = _Pass(parameters, statistics, training)
    for layer, _ in workload.shaped_layers():
        x = run.layer(layer, x)
    return x, run.after


class _Pass:
    """One pass through a network, which takes its parameters in order."""

    def __init__(self, parameters: Sequence[jax.Array], statistics: Statistics, training: bool) -> None:
        self.next, self.running = iter(parameters).__next__, iter(statistics)
        self.after: Statistics = []
        self.training = training

    def layer(self, layer: Layer, x: jax.Array) -> jax.Array:
        match layer:
            case ("linear", _):
                return x @ self.next() + self.next()
            case ("rnn" | "lstm" as kind, _):
                return recurrent(kind, x, [self.next() for _ in range(4)])
            case ("conv", _, _, padding, bias):
                return self.convolve(x, padding, bias=bias)
            case ("residual", _, stride):
                return self.residual(x, stride)
            case ("inception",):
                return self.inception(x)
            case ("norm",):
                return self.norm(x)
            case ("pool", size):
                return pool(x, size, size, 0)
        return PLAIN[layer[0]](x)

    def convolve(self, x: jax.Array, padding: int, stride: int = 1, bias: bool = True) -> jax.Array:
        around = [(padding, padding)] * 2
        y = lax.conv_general_dilated(x, self.next(), (stride, stride), around, dimension_numbers=LAYOUT)
        return y + self.next() if bias else y

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


def pool(x: jax.Array, size: int, stride: int, padding: int) -> jax.Array:
    around = (0, 0), (padding, padding), (padding, padding), (0, 0)
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, size, size, 1), (1, stride, stride, 1), around)


def _flatten(x: jax.Array) -> jax.Array:
    """Channels first, as the weights behind expect it."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


def recurrent(kind: str, x: jax.Array, parameters: list[jax.Array]) -> jax.Array:
    """The last state of a recurrent layer: the products with the inputs before the loop, ten steps of it at a time."""
    w_ih, w_hh, b_ih, b_hh = parameters
    z = jnp.swapaxes(x @ w_ih + (b_ih + b_hh), 0, 1)
    h = jnp.zeros((x.shape[0], w_hh.shape[0]))

    def rnn(h, z):
        return jnp.tanh(z + h @ w_hh), None

    def lstm(state, z):
        i, f, g, o = jnp.split(z + state[0] @ w_hh, 4, 1)
        c = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    if kind == "rnn":
        return lax.scan(rnn, h, z, unroll=10)[0]
    return lax.scan(lstm, (h, h), z, unroll=10)[0][0]


PLAIN = {"relu": relu, "tanh": jnp.tanh, "mean": lambda x: x.mean((1, 2)), "flatten": _flatten}
