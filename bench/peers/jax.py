"""JAX. Training variants: step (one jitted step, its state donated); scan (all steps of a run in one jitted scan).
Inference variants: jit (parameters are arguments), jit-constant (parameters are constants of the program).
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from bench.peers import Call, Run
from bench.peers.jax_layers import apply, as_input, load, load_statistics
from bench.work import arrays
from bench.work.workloads import BETAS, EPSILON, MOMENTUM, Workload


def train(workload: Workload, variant: str) -> Run:
    X, Y = _data(workload)
    parameters = load(workload)
    zeros = [jnp.zeros_like(p) for p in parameters]
    state = parameters, zeros, [jnp.copy(z) for z in zeros], jnp.zeros(()), load_statistics(workload)
    return (_scanned if variant == "scan" else _stepped)(workload, state, X, Y)


def _data(workload: Workload) -> tuple[jax.Array, jax.Array]:
    X, Y = arrays.data(workload)
    return jnp.asarray(as_input(workload, X)), jnp.asarray(Y.astype(np.int32) if workload.loss == "ce" else Y)


def _stepped(workload: Workload, state, X: jax.Array, Y: jax.Array) -> Run:
    one, order = jax.jit(functools.partial(step, workload), donate_argnums=0), {}

    def run(steps: int) -> float:
        nonlocal state
        if steps not in order:
            order[steps] = list(_order(workload, steps))
        losses = []
        for rows in order[steps]:
            state, loss = one(state, X, Y, rows)
            losses.append(loss)
        jax.block_until_ready(state)
        return float(np.mean([float(loss) for loss in losses])) / workload.members

    return run


def _scanned(workload: Workload, state, X: jax.Array, Y: jax.Array) -> Run:
    @functools.partial(jax.jit, donate_argnums=0)
    def many(state, X, Y, order):
        state, losses = lax.scan(lambda s, rows: step(workload, s, X, Y, rows), state, order)
        return state, losses.mean()

    order = {}

    def run(steps: int) -> float:
        nonlocal state
        if steps not in order:
            order[steps] = _order(workload, steps)
        state, loss = many(state, X, Y, order[steps])
        return float(loss) / workload.members

    return run


def _order(workload: Workload, steps: int) -> jax.Array:
    return jnp.asarray(arrays.batches(workload, steps).astype(np.int32))


def step(workload: Workload, state, X: jax.Array, Y: jax.Array, rows: jax.Array):
    """The state after one step, and the loss before it."""
    parameters, first, second, count, statistics = state
    x, y = (X, Y) if workload.full_batch else (X[rows], Y[rows])

    def loss_of(parameters):
        scores, after = apply(workload, parameters, statistics, x, training=True)
        return measure(workload, scores, y), after

    (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters)
    name, rate = workload.optimizer
    moved = UPDATES[name](parameters, gradients, first, second, count + 1, rate)
    return (*moved, count + 1, statistics), loss


def measure(workload: Workload, f: Any, y: jax.Array) -> jax.Array:
    """The loss; for an ensemble the sum over its members, each of which learns from its own."""
    if workload.loss == "mse":
        return jnp.mean((f - y) ** 2) * workload.members
    if workload.loss == "bce":
        return jnp.mean(jnp.maximum(f, 0) - y * f + jnp.log1p(jnp.exp(-jnp.abs(f))))
    if workload.loss == "elbo":
        scores, mean, logvar = f
        unlike = jnp.sum(jnp.maximum(scores, 0) - y * scores + jnp.log1p(jnp.exp(-jnp.abs(scores))))
        return (unlike + jnp.sum(mean * mean + jnp.exp(logvar) - logvar - 1) / 2) / len(y)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(f), y[..., None], -1))


def _sgd(ps, gs, first, second, count, rate):
    return [p - rate * g for p, g in zip(ps, gs, strict=True)], first, second


def _momentum(ps, gs, first, second, count, rate):
    first = [MOMENTUM * m + g for m, g in zip(first, gs, strict=True)]
    return [p - rate * m for p, m in zip(ps, first, strict=True)], first, second


def _adam(ps, gs, first, second, count, rate):
    first = [BETAS[0] * m + (1 - BETAS[0]) * g for m, g in zip(first, gs, strict=True)]
    second = [BETAS[1] * v + (1 - BETAS[1]) * g * g for v, g in zip(second, gs, strict=True)]
    means = [m / (1 - BETAS[0] ** count) for m in first]
    scales = [jnp.sqrt(v / (1 - BETAS[1] ** count)) + EPSILON for v in second]
    return [p - rate * m / s for p, m, s in zip(ps, means, scales, strict=True)], first, second


UPDATES = {"sgd": _sgd, "momentum": _momentum, "adam": _adam}


def infer(workload: Workload, variant: str) -> Call:
    parameters, statistics = load(workload), load_statistics(workload)
    if variant == "jit-constant":
        constant = jax.jit(lambda x: apply(workload, parameters, statistics, x, training=False)[0])
        return lambda x: np.asarray(constant(as_input(workload, x)))
    given = jax.jit(lambda ps, ss, x: apply(workload, ps, ss, x, training=False)[0])
    return lambda x: np.asarray(given(parameters, statistics, as_input(workload, x)))
