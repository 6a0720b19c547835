"""Pooling: windows, regions or whole images to one number for each channel."""

from __future__ import annotations

import itertools
import math

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator
from subgrad.onnx.reading.operators.convolution_operators import window
from subgrad.onnx.reading.operators.index_operators import scattered
from subgrad.ops.window import span

Pairs = list[tuple[int, int]]


def _how(call: Call, x: Tensor) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Pairs, Pairs]:
    """Sizes, strides, dilations, the padding, and as much more behind as last windows stick out in ceil mode."""
    sizes = tuple(call.get("kernel_shape"))
    how = window(call, sizes, x.shape[2:])
    strides, dilations, pads = how["stride"], how["dilation"], list(how["padding"])
    reach = []
    for n, m, s, d, (low, high) in zip(x.shape[2:], sizes, strides, dilations, pads, strict=True):
        left = n + low + high - span(m, d)
        count = -(-left // s) if call.get("ceil_mode") else left // s
        if call.get("ceil_mode") and count * s >= n + low:  # a window begins inside, or in the padding before
            count -= 1
        reach.append((low, max(high, count * s + span(m, d) - n - low)))
    return sizes, strides, dilations, pads, reach


def _windows(x: Tensor, around: float, sizes, strides, dilations, reach: Pairs) -> Tensor:
    y = ops.pad(x, [(0, 0), (0, 0), *reach], around) if any(w for pair in reach for w in pair) else x
    return ops.windows(y, sizes, strides, dilations)


@operator("MaxPool", spare=["storage_order"])
def max_pool(call: Call, x: Tensor) -> list[Tensor]:
    """With a second result: where in its image, or in all of x, each largest element lies."""
    sizes, strides, dilations, _, reach = _how(call, x)
    k = len(sizes)
    least = -math.inf if x.dtype.kind == "f" else int(np.iinfo(x.dtype).min)
    seen = _windows(x, least, sizes, strides, dilations, reach)
    inside = tuple(range(seen.ndim - k, seen.ndim))
    found = [ops.max(seen, inside)]
    if call.outputs > 1:
        order = [*range(k)] if not call.get("storage_order") else [*range(k - 1, -1, -1)]
        lengths = [x.shape[2 + a] for a in order]
        own = np.arange(math.prod(lengths)).reshape(lengths).transpose(np.argsort(order))
        images = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * k) * own.size
        places = _windows(constant(images + own), -1, sizes, strides, dilations, reach)
        flat = (*seen.shape[: seen.ndim - k], math.prod(sizes))
        largest = ops.argmax(seen.reshape(flat), -1)
        found.append(ops.pick(places.reshape(flat).astype("float64"), largest).astype("int64"))
    return found


@operator("AveragePool")
def average_pool(call: Call, x: Tensor) -> Tensor:
    return _mean_of_powers(call, x, 1)


@operator("LpPool")
def lp_pool(call: Call, x: Tensor) -> Tensor:
    p = call.get("p", 2)
    sizes, strides, dilations, _, reach = _how(call, x)
    seen = _windows(ops.abs(x) ** p, 0.0, sizes, strides, dilations, reach)
    return ops.sum(seen, tuple(range(seen.ndim - len(sizes), seen.ndim))) ** (1 / p)


def _mean_of_powers(call: Call, x: Tensor, p: int) -> Tensor:
    sizes, strides, dilations, pads, reach = _how(call, x)
    k = len(sizes)
    seen = _windows(x, 0.0, sizes, strides, dilations, reach)
    total = ops.sum(seen, tuple(range(seen.ndim - k, seen.ndim)))
    counts = np.ones(())
    for n, o, m, s, d, (low, high) in zip(x.shape[2:], total.shape[2:], sizes, strides, dilations, pads, strict=True):
        places = np.arange(o)[:, None] * s - low + np.arange(m) * d
        first, last = (-low, n + high) if call.get("count_include_pad") else (0, n)
        counts = np.multiply.outer(counts, ((places >= first) & (places < last)).sum(1))
    return total / constant(counts.astype(x.dtype))


def _over_space(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


@operator("GlobalAveragePool")
def global_average_pool(call: Call, x: Tensor) -> Tensor:
    return ops.mean(x, _over_space(x), True)


@operator("GlobalMaxPool")
def global_max_pool(call: Call, x: Tensor) -> Tensor:
    return ops.max(x, _over_space(x), True)


@operator("GlobalLpPool")
def global_lp_pool(call: Call, x: Tensor) -> Tensor:
    p = call.get("p", 2)
    return ops.sum(ops.abs(x) ** p, _over_space(x), True) ** (1 / p)


@operator("MaxUnpool")
def max_unpool(call: Call, x: Tensor, places: Tensor, shape: Tensor | None = None) -> Tensor:
    """Elements where a pooling found them; of a larger result, the places are those of the smaller one in it."""
    sizes = tuple(call.get("kernel_shape"))
    k = len(sizes)
    strides, pads = call.get("strides") or [1] * k, call.get("pads") or [0] * (2 * k)
    own = [(n - 1) * s - pads[i] - pads[i + k] + m
           for i, (n, s, m) in enumerate(zip(x.shape[2:], strides, sizes, strict=True))]  # fmt: skip
    small = (*x.shape[:2], *own)
    wanted = small if shape is None else tuple(int(n) for n in call.values(shape))
    where = np.unravel_index(call.values(places), small)
    zeros = ops.zeros(wanted, x.dtype)
    return scattered(zeros, np.ravel_multi_index(where, wanted).ravel(), x, "none")


@operator("RoiAlign")
def roi_align(call: Call, x: Tensor, rois: Tensor, batch: Tensor) -> Tensor:
    """Means (or the largest) of samples inside of each bin of a region, between the pixels around them."""
    rows, columns = call.get("output_height", 1), call.get("output_width", 1)
    ratio, scale = call.get("sampling_ratio", 0), call.get("spatial_scale", 1.0)
    half = call.get("coordinate_transformation_mode", "half_pixel" if call.version >= 16 else "output_half_pixel")
    shift = 0.5 if half == "half_pixel" else 0.0
    regions = []
    for box, image in zip(call.values(rois).astype(np.float64), call.values(batch), strict=True):
        left, top, right, bottom = box * scale - shift
        width, height = right - left, bottom - top
        if not shift:
            width, height = max(width, 1.0), max(height, 1.0)
        axes = []
        for start, length, bins in ((top, height, rows), (left, width, columns)):
            samples = ratio or max(1, math.ceil(length / bins))
            axes.append(start + (np.arange(bins)[:, None] + (np.arange(samples) + 0.5) / samples) * length / bins)
        regions.append(_sampled(x[int(image)], axes, call.get("mode", "avg")))
    return ops.stack(regions)


def _sampled(image: Tensor, axes: list[np.ndarray], mode: str) -> Tensor:
    """(C, H, W) at all rows and columns, brought together in each bin."""
    (h, i), (w, j) = axes[0].shape, axes[1].shape
    parts = []
    for corner in itertools.product((0, 1), (0, 1)):
        places, weights = [], []
        for side, at, n in zip(corner, axes, image.shape[1:], strict=True):
            inside = (at >= -1) & (at <= n)
            at = np.clip(at, 0, n - 1)
            low = np.minimum(np.floor(at), n - 1).astype(np.int64)
            share = at - low
            places.append(np.minimum(low + side, n - 1))
            weights.append(np.where(inside, share if side else 1 - share, 0))
        seen = image[:, places[0].reshape(-1, 1), places[1].reshape(1, -1)]
        product = weights[0].reshape(-1, 1) * weights[1].reshape(1, -1)
        parts.append(seen * constant(product.astype(image.dtype)))
    if mode == "max":
        found = parts[0]
        for p in parts[1:]:
            found = ops.maximum(found, p)
        return ops.max(found.reshape(-1, h, i, w, j), (2, 4))
    return ops.mean((parts[0] + parts[1] + parts[2] + parts[3]).reshape(-1, h, i, w, j), (2, 4))


__all__: list[str] = []
