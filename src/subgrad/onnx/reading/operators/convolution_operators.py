"""Convolutions."""

from __future__ import annotations

from typing import Any

from subgrad import ops
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.onnx.reading.operators.matrix_operators import rescaled, shifted
from subgrad.ops.window import span


def window(call: Call, sizes: tuple[int, ...], lengths: tuple[int, ...]) -> dict[str, Any]:
    """Strides, dilations and padding as pairs, with those that have names computed."""
    k = len(sizes)
    strides, dilations = (tuple(call.get(name) or [1] * k) for name in ("strides", "dilations"))
    auto, pads = call.get("auto_pad", "NOTSET"), call.get("pads") or [0] * (2 * k)
    pairs = [(pads[i], pads[i + k]) for i in range(k)]
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for n, m, s, d in zip(lengths, sizes, strides, dilations, strict=True):
            total = max(0, (-(-n // s) - 1) * s + span(m, d) - n)
            low = total // 2 if auto == "SAME_UPPER" else total - total // 2
            pairs.append((low, total - low))
    elif auto == "VALID":
        pairs = [(0, 0)] * k
    return {"stride": strides, "dilation": dilations, "padding": tuple(pairs)}


def biased(y: Tensor, b: Tensor | None) -> Tensor:
    """With a number added to each channel."""
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))


@operator("Conv", weights=(1, 2), spare=["kernel_shape"])
def conv(call: Call, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    return biased(ops.convolve(x, w, groups=call.get("group", 1), **window(call, w.shape[2:], x.shape[2:])), b)


@operator("ConvInteger", spare=["kernel_shape"])
def conv_integer(
    call: Call, x: Tensor, w: Tensor, zero_x: Tensor | None = None, zero_w: Tensor | None = None
) -> Tensor:
    return _whole_conv(call, x, w, zero_x, zero_w).astype("int32")


def _whole_conv(call: Call, x: Tensor, w: Tensor, zero_x: Tensor | None, zero_w: Tensor | None) -> Tensor:
    image, kernel = shifted(x, zero_x, 1), shifted(w, zero_w, 0)
    return ops.convolve(image, kernel, groups=call.get("group", 1), **window(call, w.shape[2:], x.shape[2:]))


@operator("QLinearConv", spare=["kernel_shape"])
def qlinear_conv(
    call: Call, x: Tensor, scale_x: Tensor, zero_x: Tensor, w: Tensor, scale_w: Tensor, zero_w: Tensor,
    scale_y: Tensor, zero_y: Tensor, b: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The bias is an integer of the product of both scales."""
    y = biased(_whole_conv(call, x, w, zero_x, zero_w), None if b is None else b.astype("float64"))
    if scale_w.size > 1:
        scale_w = scale_w.reshape(-1, *[1] * (x.ndim - 2))
    return rescaled(y, scale_x, scale_w, scale_y, zero_y)


@operator("ConvTranspose", weights=(1, 2), spare=["kernel_shape", "pads"])
def conv_transpose(call: Call, x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """What is missing to the size that is wanted is taken from the padding: more of it behind with SAME_UPPER, else in
    front."""
    k = x.ndim - 2
    how = window(call, w.shape[2:], x.shape[2:])
    strides, dilations, pads = how["stride"], how["dilation"], list(how["padding"])
    more, auto = call.get("output_padding") or [0] * k, call.get("auto_pad", "NOTSET")
    wanted = call.get("output_shape")
    if wanted is not None:
        wanted = wanted[-k:]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(x.shape[2:], strides, strict=True)]
    whole = [(n - 1) * s + span(m, d) for n, m, s, d in zip(x.shape[2:], w.shape[2:], strides, dilations, strict=True)]
    if wanted is not None:
        pads = []
        for n, extra, size in zip(whole, more, wanted, strict=True):
            total = n + extra - size
            low = total // 2 if auto == "SAME_UPPER" else total - total // 2
            pads.append((low, total - low))
    sizes = tuple(n + extra - sum(p) for n, extra, p in zip(whole, more, pads, strict=True))
    cut = [(max(0, low), max(0, high)) for low, high in pads]
    inner = tuple(n + extra - sum(p) for n, extra, p in zip(whole, more, cut, strict=True))
    attributes = {"sizes": inner, "stride": strides, "padding": tuple(cut), "dilation": dilations,
                  "groups": call.get("group", 1)}  # fmt: skip
    y = apply(ops.convolve_input, (x, w), attributes)
    if sizes != inner:
        y = ops.pad(y, [(0, 0), (0, 0), *((max(0, -low), max(0, -high)) for low, high in pads)])
    return biased(y, b)


@operator("CausalConvWithState", weights=(1, 2))
def causal_conv(
    call: Call, x: Tensor, w: Tensor, b: Tensor | None = None, past: Tensor | None = None
) -> list[Tensor]:
    """Each channel by itself, from the steps before alone, those of an earlier call among them."""
    reach = w.shape[-1] - 1
    before = past if past is not None else ops.zeros((*x.shape[:2], reach), x.dtype)
    whole = ops.concatenate([before, x], 2)
    y = biased(ops.convolve(whole, w, groups=x.shape[1]), b)
    y = y * ops.sigmoid(y) if call.get("activation", "none") in ("silu", "swish") else y
    return [y, whole[:, :, whole.shape[2] - reach :]]


__all__ = ["biased", "window"]
