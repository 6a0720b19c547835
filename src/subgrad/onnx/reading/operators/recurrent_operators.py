"""RNN, LSTM and GRU: each a loop over the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.recur import scan

Function = Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, tuple[Callable[..., Tensor], tuple[float, ...]]] = {
    "Relu": (ops.relu, ()),
    "Tanh": (ops.tanh, ()),
    "Sigmoid": (ops.sigmoid, ()),
    "Softsign": (lambda x: x / (1 + ops.abs(x)), ()),
    "Softplus": (ops.softplus, ()),
    "LeakyRelu": (ops.leaky_relu, (0.01,)),
    "ThresholdedRelu": (lambda x, a: ops.where(x > a, x, 0), (1.0,)),
    "Elu": (ops.elu, (1.0,)),
    "Affine": (lambda x, a, b: a * x + b, (1.0, 0.0)),
    "ScaledTanh": (lambda x, a, b: a * ops.tanh(b * x), (1.0, 1.0)),
    "HardSigmoid": (lambda x, a, b: ops.clip(a * x + b, 0, 1), (0.2, 0.5)),
}
"""By name: the function, and what alpha and beta are if the file does not say it, for those that have them."""


def _functions(call: Call, usual: Sequence[str], directions: int) -> list[list[Function]]:
    """Those of each direction; the alphas go in order to the functions that have one, and so do the betas."""
    names = call.get("activations") or [*usual] * directions
    given = [iter(call.get(f"activation_{kind}") or []) for kind in ("alpha", "beta")]
    clip = call.get("clip")
    found: list[Function] = []
    for name in names:
        f, own = next((v for known, v in ACTIVATIONS.items() if known.lower() == name.lower()), (None, ()))
        if f is None:
            raise call.refuse(f"{name[:40]} is no activation")
        numbers = [next(values, default) for values, default in zip(given, own, strict=False)]
        found.append(lambda x, f=f, n=numbers: f(x if clip is None else ops.clip(x, -clip, clip), *n))
    each = len(usual)
    return [found[d * each : (d + 1) * each] for d in range(directions)]


def _run(
    call: Call, usual: Sequence[str], x: Tensor, w: Tensor, r: Tensor, b: Tensor | None, lengths: Tensor | None,
    first: Sequence[Tensor | None], step: Callable[..., Any],
) -> list[Tensor]:  # fmt: skip
    """All directions: the outputs of each step, and the last tensors of the state."""
    if call.get("layout"):
        x = x.transpose(1, 0, 2)
        first = [None if s is None else s.transpose(1, 0, 2) for s in first]
    hidden, batch, directions = r.shape[-1], x.shape[1], w.shape[0]
    functions = _functions(call, usual, directions)
    valid = None
    if lengths is not None:
        valid = (ops.arange(x.shape[0])[:, None] < lengths.astype("int64"))[:, :, None]
    sequences, lasts = [], []
    for d in range(directions):
        bias = ops.zeros((2 * w.shape[1],), x.dtype) if b is None else b[d]
        start = [ops.zeros((batch, hidden), x.dtype) if s is None else s[d] for s in first]
        z = ops.einsum("tbi,gi->tbg", x, w[d]) + bias[: w.shape[1]]
        backwards = d == 1 or call.get("direction", "forward") == "reverse"
        last, ys = _looped(z, r[d], bias[w.shape[1] :], start, valid, backwards, functions[d], d, step)
        sequences.append(ys)
        lasts.append(last)
    outputs = [ops.stack(sequences, 1), *(ops.stack([last[k] for last in lasts]) for k in range(len(first)))]
    if call.get("layout"):
        return [outputs[0].transpose(2, 0, 1, 3), *(o.transpose(1, 0, 2) for o in outputs[1:])]
    return outputs


def _looped(z, r, bias, start, valid, backwards, functions, direction, step) -> tuple[list[Tensor], Tensor]:
    def one(state: list[Tensor], row: Any) -> tuple[list[Tensor], Tensor]:
        z, here = row
        new = step(z, r, bias, state, functions, direction)
        if here is None:
            return new, new[0]
        new = [ops.where(here, a, b) for a, b in zip(new, state, strict=True)]
        return new, ops.where(here, new[0], 0)

    return scan(one, start, (z, valid), reverse=backwards)


@operator("RNN", weights=(1, 2, 3), spare=["hidden_size", "output_sequence"])
def rnn(
    call: Call, x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    first: Tensor | None = None,
) -> list[Tensor]:  # fmt: skip
    def step(z, r, bias, state, functions, direction):
        return [functions[0](z + ops.einsum("bh,gh->bg", state[0], r) + bias)]

    return _run(call, ["Tanh"], x, w, r, b, lengths, [first], step)


@operator("GRU", weights=(1, 2, 3), spare=["hidden_size", "output_sequence"])
def gru(
    call: Call, x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    first: Tensor | None = None,
) -> list[Tensor]:  # fmt: skip
    """Gates z, r and h; with ``linear_before_reset`` the reset gate stands behind the product."""
    n = r.shape[-1]

    def step(z, r, bias, state, functions, direction):
        f, g = functions
        (h,) = state
        gates = z[:, : 2 * n] + ops.einsum("bh,gh->bg", h, r[: 2 * n]) + bias[: 2 * n]
        update, reset = f(gates[:, :n]), f(gates[:, n:])
        if call.get("linear_before_reset"):
            inner = reset * (ops.einsum("bh,gh->bg", h, r[2 * n :]) + bias[2 * n :])
        else:
            inner = ops.einsum("bh,gh->bg", reset * h, r[2 * n :]) + bias[2 * n :]
        return [(1 - update) * g(z[:, 2 * n :] + inner) + update * h]

    return _run(call, ["Sigmoid", "Tanh"], x, w, r, b, lengths, [first], step)


@operator("LSTM", weights=(1, 2, 3, 7), spare=["hidden_size", "output_sequence"])
def lstm(
    call: Call, x: Tensor, w: Tensor, r: Tensor, b: Tensor | None = None, lengths: Tensor | None = None,
    first: Tensor | None = None, cell: Tensor | None = None, peepholes: Tensor | None = None,
) -> list[Tensor]:  # fmt: skip
    """Gates i, o, f and c; peepholes i, o and f see the cell."""
    n = r.shape[-1]

    def step(z, r, bias, state, functions, direction):
        f, g, last = functions
        h, c = state
        gates = z + ops.einsum("bh,gh->bg", h, r) + bias
        i, o, forget, new = (gates[:, k * n : (k + 1) * n] for k in range(4))
        if peepholes is not None:
            p = peepholes[direction]
            i, forget = i + p[:n] * c, forget + p[2 * n :] * c
        keep = 1 - f(i) if call.get("input_forget") else f(forget)
        c = keep * c + f(i) * g(new)
        o = o if peepholes is None else o + peepholes[direction][n : 2 * n] * c
        return [f(o) * last(c), c]

    return _run(call, ["Sigmoid", "Tanh", "Tanh"], x, w, r, b, lengths, [first, cell], step)


__all__: list[str] = []
