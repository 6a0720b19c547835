"""Parts of networks in JAX, as functions of their inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import lax

from bench.work.layers import VISCOSITY

EPSILON = 1e-5  # of normalisations
UNROLL = 10  # steps of a loop over a sequence at a time


def pool(x: jax.Array, size: int, stride: int, padding: int) -> jax.Array:
    """The maximum over windows in all axes of space of (N, ..., channels)."""
    space = x.ndim - 2
    around = (0, 0), *[(padding, padding)] * space, (0, 0)
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, *[size] * space, 1), (1, *[stride] * space, 1), around)


def depthwise(x: jax.Array, weight: jax.Array, stride: int) -> jax.Array:
    """A 3x3 convolution of each channel by itself, zeros around it, as nine products: XLA's own convolution of so many
    groups takes some hundred times as long on a CPU."""
    n, height, width, channels = x.shape
    x, (h, w) = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), (-(-height // stride), -(-width // stride))
    parts = [
        lax.slice(x, (0, i, j, 0), (n, i + (h - 1) * stride + 1, j + (w - 1) * stride + 1, channels),
                  (1, stride, stride, 1)) * weight[i, j, 0]
        for i in range(3) for j in range(3)
    ]  # fmt: skip
    return sum(parts[1:], parts[0])


def recurrent(kind: str, x: jax.Array, parameters: Sequence[jax.Array]) -> jax.Array:
    """The last state of a recurrent layer: the products with the inputs before the loop."""
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
        return lax.scan(rnn, h, z, unroll=UNROLL)[0]
    return lax.scan(lstm, (h, h), z, unroll=UNROLL)[0][0]


def both_ways(x: jax.Array, layers: Sequence[Sequence[Sequence[jax.Array]]]) -> jax.Array:
    """The last states of the last of several layers of GRU, each with the parameters of its two directions."""
    x, last = jnp.swapaxes(x, 0, 1), []
    for directions in layers:
        runs = [gru(x, parameters, reverse) for parameters, reverse in zip(directions, (False, True), strict=True)]
        last, outputs = zip(*runs, strict=True)
        x = jnp.concatenate(outputs, 2)
    return jnp.concatenate(last, 1)


def gru(x: jax.Array, parameters: Sequence[jax.Array], reverse: bool) -> tuple[jax.Array, jax.Array]:
    """The last state and the outputs of one direction of a layer, for steps first."""
    w_ih, w_hh, b_ih, b_hh = parameters

    def step(h, z):
        (a, b, c), (d, e, f) = jnp.split(z, 3, 1), jnp.split(h @ w_hh + b_hh, 3, 1)
        update = jax.nn.sigmoid(b + e)
        h = (1 - update) * jnp.tanh(c + jax.nn.sigmoid(a + d) * f) + update * h
        return h, h

    start = jnp.zeros((x.shape[1], w_hh.shape[0]))
    return lax.scan(step, start, x @ w_ih + b_ih, reverse=reverse, unroll=UNROLL)


def layer_norm(x: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + EPSILON) * scale + bias


def transformer(x: jax.Array, parameters: Sequence[jax.Array], heads: int) -> jax.Array:
    """A block that normalises first, with causal attention."""
    w_in, b_in, w_out, b_out, w_1, b_1, w_2, b_2, *norms = parameters
    split = *x.shape[:-1], heads, x.shape[-1] // heads
    q, k, v = (part.reshape(split) for part in jnp.split(layer_norm(x, *norms[:2]) @ w_in + b_in, 3, -1))
    found = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    x = x + found.reshape(x.shape) @ w_out + b_out
    return x + jax.nn.gelu(layer_norm(x, *norms[2:]) @ w_1 + b_1, approximate=False) @ w_2 + b_2


def autoencoder(x: jax.Array, parameters: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scores of the pixels, means and logarithms of variances, from pixels and noise side by side."""
    w_1, b_1, w_2, b_2, w_3, b_3, w_4, b_4 = parameters
    pixels, noise = x[:, : len(w_1)], x[:, len(w_1) :]
    mean, logvar = jnp.split(jax.nn.relu(pixels @ w_1 + b_1) @ w_2 + b_2, 2, 1)
    latent = mean + noise * jnp.exp(logvar / 2)
    return jax.nn.relu(latent @ w_3 + b_3) @ w_4 + b_4, mean, logvar


def burgers(u: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """u and what Burgers' equation leaves of it, at points (t, x), by gradients of gradients."""

    def slopes(x):
        value, pull = jax.vjp(u, x)
        return pull(jnp.ones_like(value))[0], value

    first, pull, value = jax.vjp(slopes, x, has_aux=True)
    second = pull(jnp.broadcast_to(jnp.array([0.0, 1.0]), x.shape))[0]
    u_t, u_x = jnp.split(first, 2, 1)
    return jnp.concatenate([value, u_t + value * u_x - VISCOSITY * second[:, 1:]], 1)
