"""Activations, those that go along an axis among them."""

from __future__ import annotations

import math

from subgrad import ops
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.onnx.reading.operators.arithmetic_operators import one

for _name, _f in {
    "HardSwish": lambda x: x * ops.clip(x / 6 + 0.5, 0, 1), "Mish": lambda x: x * ops.tanh(ops.softplus(x)),
    "Relu": ops.relu, "Sigmoid": ops.sigmoid, "Softplus": ops.softplus, "Softsign": lambda x: x / (1 + ops.abs(x)),
    "Tanh": ops.tanh,
}.items():  # fmt: skip
    one(_f, _name)


@operator("LeakyRelu")
def leaky_relu(call: Call, x: Tensor) -> Tensor:
    return ops.leaky_relu(x, call.get("alpha", 0.01))


@operator("Elu")
def elu(call: Call, x: Tensor) -> Tensor:
    return ops.elu(x, call.get("alpha", 1.0))


@operator("Celu")
def celu(call: Call, x: Tensor) -> Tensor:
    a = call.get("alpha", 1.0)
    return ops.relu(x) + ops.minimum(a * ops.expm1(ops.minimum(x, 0) / a), 0)


@operator("Selu")
def selu(call: Call, x: Tensor) -> Tensor:
    alpha, gamma = call.get("alpha", 1.67326319217681884765625), call.get("gamma", 1.05070102214813232421875)
    return gamma * ops.elu(x, alpha)


@operator("HardSigmoid")
def hard_sigmoid(call: Call, x: Tensor) -> Tensor:
    return ops.clip(call.get("alpha", 0.2) * x + call.get("beta", 0.5), 0, 1)


@operator("Gelu")
def gelu(call: Call, x: Tensor) -> Tensor:
    if call.get("approximate", "none") == "none":
        return ops.gelu(x)
    return 0.5 * x * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


@operator("Swish")
def swish(call: Call, x: Tensor) -> Tensor:
    return x * ops.sigmoid(call.get("alpha", 1.0) * x)


@operator("PRelu", weights=(1,))
def prelu(call: Call, x: Tensor, slope: Tensor) -> Tensor:
    """Before version 7 the slope goes along the channels."""
    if call.version < 7 and slope.ndim == 1 and slope.size > 1:
        slope = slope.reshape(-1, *[1] * (x.ndim - 2))
    return ops.where(x < 0, slope * x, x)


@operator("ThresholdedRelu")
def thresholded_relu(call: Call, x: Tensor) -> Tensor:
    return ops.where(x > call.get("alpha", 1.0), x, 0)


@operator("Shrink")
def shrink(call: Call, x: Tensor) -> Tensor:
    bias, edge = call.get("bias", 0.0), call.get("lambd", 0.5)
    return ops.where(x < -edge, x + bias, ops.where(x > edge, x - bias, 0))


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmax(call: Call, x: Tensor) -> Tensor:
    """Before version 13 over all axes from one on."""
    axis = call.get("axis", -1 if call.version >= 13 else 1)
    f = {"Softmax": ops.softmax, "LogSoftmax": ops.log_softmax, "Hardmax": _hardmax}[call.kind]
    if call.version >= 13:
        return f(x, axis)
    lead = math.prod(x.shape[: axis % x.ndim if axis < 0 else axis])
    return f(x.reshape(lead, math.prod(x.shape) // max(lead, 1)), 1).reshape(x.shape)


def _hardmax(x: Tensor, axis: int) -> Tensor:
    """1 at the first largest element."""
    at = axis % x.ndim
    found = ops.one_hot(ops.argmax(x, at), x.shape[at], x.dtype)
    order = [*range(at), x.ndim - 1, *range(at, x.ndim - 1)]
    return ops.transpose(found, order)


@operator("SwiGLU")
def swiglu(call: Call, gate: Tensor, value: Tensor) -> Tensor:
    return gate * ops.sigmoid(call.get("alpha", 1.0) * gate) * value


__all__: list[str] = []
