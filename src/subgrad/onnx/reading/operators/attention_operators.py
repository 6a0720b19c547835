"""Attention, and the rotation of queries and keys by their places."""

from __future__ import annotations

import functools
import math
import operator as operator_

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator


def _heads(x: Tensor, heads: int) -> Tensor:
    """(N, T, H E) as (N, H, T, E)."""
    n, t, width = x.shape
    return x.reshape(n, t, heads, width // heads).transpose(0, 2, 1, 3)


@operator("Attention", spare=["softmax_precision"])
def attention(
    call: Call, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, past_k: Tensor | None = None,
    past_v: Tensor | None = None, count: Tensor | None = None,
) -> list[Tensor]:  # fmt: skip
    flat = q.ndim == 3
    if flat:
        own, other = call.get("q_num_heads"), call.get("kv_num_heads")
        q, k, v = _heads(q, own), _heads(k, other), _heads(v, other)
    k = k if past_k is None else ops.concatenate([past_k, k], 2)
    v = v if past_v is None else ops.concatenate([past_v, v], 2)
    present, each = [k, v], q.shape[1] // k.shape[1]
    if each > 1:
        k, v = (ops.repeat(x, each, 1) for x in (k, v))
    scale = math.sqrt(call.get("scale", 1 / math.sqrt(q.shape[-1])))
    scores = ops.einsum("nhte,nhse->nhts", q * scale, k * scale)
    cap = call.get("softcap", 0.0)
    capped = cap * ops.tanh(scores / cap) if cap else scores
    bias = _bias(call, mask, count, scores, 0 if past_k is None else past_k.shape[2])
    masked = capped if bias is None else capped + bias
    weights = _softmax(masked)
    seen = scores, capped, masked, weights
    y = ops.einsum("nhts,nhse->nhte", weights, v)
    if flat:
        y = y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], y.shape[1] * y.shape[3])
    return [y, *present, seen[call.get("qk_matmul_output_mode", 0)]]


def _softmax(scores: Tensor) -> Tensor:
    """Zeros where a query may look at nothing."""
    nothing = ops.max(scores, -1, True) == -np.inf
    return ops.where(nothing, 0, ops.softmax(ops.where(nothing, 0, scores), -1))


def _bias(call: Call, mask: Tensor | None, count: Tensor | None, scores: Tensor, past: int) -> Tensor | None:
    """What is added to the scores: -inf where a query may not look."""
    t, s = scores.shape[-2:]
    parts = []
    if mask is not None:
        bias = ops.where(mask, 0.0, -np.inf).astype(scores.dtype) if mask.dtype == bool else mask
        missing = s - bias.shape[-1]
        parts.append(ops.pad(bias, [*[(0, 0)] * (bias.ndim - 1), (0, missing)], -np.inf) if missing else bias)
    start = constant(np.asarray(past)) if count is None else count.astype("int64").reshape(-1, 1, 1, 1) - t
    distance = ops.arange(t)[:, None] + start - ops.arange(s)
    left, right = call.get("left_window_size", -1), call.get("right_window_size", -1)
    seen = [distance >= 0] * bool(call.get("is_causal"))
    seen += [distance <= left] * (left >= 0) + [distance >= -right] * (right >= 0)
    if count is not None:
        seen.append(ops.arange(s) < count.reshape(-1, 1, 1, 1))
    parts += [ops.where(allowed, 0.0, -np.inf).astype(scores.dtype) for allowed in seen]
    return functools.reduce(operator_.add, parts) if parts else None


@operator("RotaryEmbedding", weights=())
def rotary_embedding(
    call: Call, x: Tensor, cosines: Tensor, sines: Tensor, places: Tensor | None = None
) -> Tensor:
    """Pairs of features are turned by an angle that grows with the place."""
    flat = x.ndim == 3
    y = _heads(x, call.get("num_heads")) if flat else x
    width = call.get("rotary_embedding_dim", 0) or y.shape[-1]
    if places is not None:
        cosines, sines = (ops.gather(table, places, axes=0) for table in (cosines, sines))
    c, s = (ops.expand_dims(table[..., : width // 2], 1) for table in (cosines, sines))
    turned, rest = y[..., :width], y[..., width:]
    if call.get("interleaved"):
        a, b = turned[..., 0::2], turned[..., 1::2]
        made = ops.stack([a * c - b * s, a * s + b * c], -1).reshape(turned.shape)
    else:
        a, b = turned[..., : width // 2], turned[..., width // 2 :]
        made = ops.concatenate([a * c - b * s, a * s + b * c], -1)
    made = ops.concatenate([made, rest], -1) if rest.shape[-1] else made
    return made.transpose(0, 2, 1, 3).reshape(x.shape) if flat else made


__all__: list[str] = []
