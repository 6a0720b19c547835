"""Normalisations."""

from __future__ import annotations

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator


def _channels(v: Tensor, x: Tensor) -> Tensor:
    return v.reshape(-1, *[1] * (x.ndim - 2))


@operator("BatchNormalization", weights=(1, 2), state=(3, 4), spare=["momentum", "is_test"])
def batch_normalization(
    call: Call, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> list[Tensor]:
    """With ``training_mode`` by the batch itself; then the running statistics are further results."""
    eps, results = call.get("epsilon", 1e-5), []
    if call.get("training_mode"):
        over = (0, *range(2, x.ndim))
        m, v, keep = ops.mean(x, over), ops.var(x, over), call.get("momentum", 0.9)
        results = [mean * keep + m * (1 - keep), variance * keep + v * (1 - keep)]
        mean, variance = m, v
    y = (x - _channels(mean.astype(x.dtype), x)) / ops.sqrt(_channels(variance.astype(x.dtype), x) + eps)
    return [y * _channels(scale.astype(x.dtype), x) + _channels(bias.astype(x.dtype), x), *results]


@operator("InstanceNormalization", weights=(1, 2))
def instance_normalization(call: Call, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    y = ops.standardize(x, tuple(range(2, x.ndim)), call.get("epsilon", 1e-5))
    return y * _channels(scale, x) + _channels(bias, x)


@operator("LayerNormalization", weights=(1, 2))
def layer_normalization(call: Call, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> list[Tensor]:
    axes, eps = tuple(range(call.get("axis", -1) % x.ndim, x.ndim)), call.get("epsilon", 1e-5)
    y = ops.standardize(x, axes, eps) * scale
    found = [y if bias is None else y + bias]
    if call.outputs > 1:
        found += [ops.mean(x, axes, True), 1 / ops.sqrt(ops.var(x, axes, True) + eps)]
    return found


@operator("GroupNormalization", weights=(1, 2))
def group_normalization(call: Call, x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Before version 21 scale and bias are of groups, then of channels."""
    groups = call.get("num_groups")
    apart = x.reshape(x.shape[0], groups, -1)
    y = ops.standardize(apart, -1, call.get("epsilon", 1e-5))
    if scale.size == groups != x.shape[1]:
        return (y * scale[:, None] + bias[:, None]).reshape(x.shape)
    return y.reshape(x.shape) * _channels(scale, x) + _channels(bias, x)


@operator("RMSNormalization", weights=(1,))
def rms_normalization(call: Call, x: Tensor, scale: Tensor) -> Tensor:
    axes = tuple(range(call.get("axis", -1) % x.ndim, x.ndim))
    return x / ops.sqrt(ops.mean(x * x, axes, True) + call.get("epsilon", 1e-5)) * scale


@operator("LpNormalization")
def lp_normalization(call: Call, x: Tensor) -> Tensor:
    """Zeros stay zeros."""
    axis = call.get("axis", -1)
    length = ops.norm(x, axis, True) if call.get("p", 2) == 2 else ops.sum(ops.abs(x), axis, True)
    return x / ops.where(length == 0, 1, length)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(call: Call, x: Tensor) -> Tensor:
    axes = tuple(call.get("axes", (0, 2, 3)))
    return (x - ops.mean(x, axes, True)) / (ops.std(x, axes, True) + 1e-9)


@operator("LRN")
def local_response_normalization(call: Call, x: Tensor) -> Tensor:
    size = call.get("size")
    before = (size - 1) // 2
    squares = ops.pad(x * x, [(0, 0), (before, size - 1 - before), *[(0, 0)] * (x.ndim - 2)])
    seen = ops.windows(ops.moveaxis(squares, 1, -1), size)
    total = ops.moveaxis(ops.sum(seen, -1), -1, 1)
    alpha, beta, bias = call.get("alpha", 0.0001), call.get("beta", 0.75), call.get("bias", 1.0)
    return x / (bias + alpha / size * total) ** beta


__all__: list[str] = []
