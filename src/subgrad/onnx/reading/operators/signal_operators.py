"""Fourier transforms, windows of signals, and numbers of few bits."""

from __future__ import annotations

import math

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.onnx_file import dtype_named
from subgrad.onnx.reading.operator_table import Call, operator


@operator("HannWindow", "HammingWindow", "BlackmanWindow")
def signal_window(call: Call, size: Tensor) -> Tensor:
    n = int(call.values(size).item())
    turns = 2 * np.pi * np.arange(n) / (n if call.get("periodic", 1) else n - 1)
    parts = {
        "HannWindow": [0.5, -0.5], "HammingWindow": [25 / 46, -21 / 46], "BlackmanWindow": [0.42, -0.5, 0.08],
    }[call.kind]  # fmt: skip
    found = sum(a * np.cos(k * turns) for k, a in enumerate(parts))
    return constant(np.asarray(found, dtype_named(call.get("output_datatype", 1))))


def _matrices(n: int, rows: int, inverse: bool) -> tuple[Tensor, Tensor]:
    """The real and the imaginary part of the transform, (rows, n)."""
    turns = 2 * np.pi * (np.outer(np.arange(rows), np.arange(n)) % n) / n
    scale = 1 / n if inverse else 1.0
    sign = 1 if inverse else -1
    return constant(scale * np.cos(turns)), constant(sign * scale * np.sin(turns))


@operator("DFT")
def dft(call: Call, x: Tensor, length: Tensor | None = None, axis: Tensor | None = None) -> Tensor:
    """By the matrix of the transform; complex numbers are pairs along the last axis."""
    at = int(call.values(axis).item()) if axis is not None else call.get("axis", 1 if call.version < 20 else -2)
    at, inverse = at % x.ndim, bool(call.get("inverse"))
    one_sided = bool(call.get("onesided"))
    if one_sided and inverse:
        return _real_signal(call, x, length, at)
    n = x.shape[at] if length is None else int(call.values(length).item())
    y = ops.moveaxis(x, at, -2).astype("float64")
    kept = min(n, y.shape[-2])
    y = y[..., :kept, :]
    y = ops.pad(y, [*[(0, 0)] * (y.ndim - 2), (0, n - kept), (0, 0)]) if kept < n else y
    real, imaginary = _matrices(n, n // 2 + 1 if one_sided else n, inverse)
    a = y[..., 0]
    b = y[..., 1] if y.shape[-1] > 1 else ops.zeros_like(a)
    first = ops.einsum("...n,mn->...m", a, real) - ops.einsum("...n,mn->...m", b, imaginary)
    second = ops.einsum("...n,mn->...m", a, imaginary) + ops.einsum("...n,mn->...m", b, real)
    return ops.moveaxis(ops.stack([first, second], -1), -2, at).astype(x.dtype)


def _real_signal(call: Call, x: Tensor, length: Tensor | None, at: int) -> Tensor:
    """The real signal of which this is half a transform: the other half is its mirror."""
    n = 2 * (x.shape[at] - 1) if length is None else int(call.values(length).item())
    y = ops.moveaxis(x, at, -2).astype("float64")
    rows = n // 2 + 1
    y = y[..., : min(rows, y.shape[-2]), :]
    y = ops.pad(y, [*[(0, 0)] * (y.ndim - 2), (0, rows - y.shape[-2]), (0, 0)])
    k = np.arange(rows)
    twice = np.where((k == 0) | (2 * k == n), 1, 2) / n
    turns = 2 * np.pi * (np.outer(np.arange(n), k) % n) / n
    parts = [twice * np.cos(turns), -twice * np.sin(turns)]
    made = [ops.einsum("...k,nk->...n", y[..., i], constant(m)) for i, m in enumerate(parts)]
    return ops.moveaxis((made[0] + made[1])[..., None], -2, at).astype(x.dtype)


@operator("STFT")
def stft(call: Call, x: Tensor, step: Tensor, window: Tensor | None = None, length: Tensor | None = None) -> Tensor:
    """Transforms of frames, one ``step`` behind the other."""
    size = int(call.values(length).item()) if length is not None else window.shape[0]  # pyright: ignore[reportOptionalMemberAccess]
    frames = ops.windows(x[..., 0], size, int(call.values(step).item()))
    frames = frames if window is None else frames * window
    real, imaginary = _matrices(size, size // 2 + 1 if call.get("onesided", 1) else size, False)
    parts = [ops.einsum("...n,mn->...m", frames.astype("float64"), m) for m in (real, imaginary)]
    return ops.stack(parts, -1).astype(x.dtype)


@operator("MelWeightMatrix")
def mel_weights(call: Call, *numbers: Tensor) -> Tensor:
    bins, size, rate, low, high = (call.values(x).item() for x in numbers)
    ends = [2595 * math.log10(1 + edge / 700) for edge in (low, high)]
    steps = ends[0] + np.arange(bins + 2) * (ends[1] - ends[0]) / (bins + 2)
    places = np.floor((size + 1) * 700 * (10 ** (steps / 2595) - 1) / rate).astype(int)
    i = np.arange(size // 2 + 1)[:, None]
    first, middle, last = places[:-2], places[1:-1], places[2:]
    up = np.where(middle > first, (i - first) / np.maximum(middle - first, 1), i >= middle)
    down = np.where(last > middle, (last - i) / np.maximum(last - middle, 1), i <= middle)
    return constant(np.clip(np.minimum(up, down), 0, 1).astype(dtype_named(call.get("output_datatype", 1))))


@operator("QuantizeLinear")
def quantize(call: Call, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    """To uint8, the one type of so few bits here."""
    if (zero is None and call.get("output_dtype", 2) != 2) or (zero is not None and zero.dtype != np.uint8):
        raise call.refuse("only uint8 has few bits here")
    scale = _along(call, scale, x)
    found = ops.round(x / scale.astype(x.dtype)) + (0 if zero is None else _along(call, zero, x).astype(x.dtype))
    return ops.clip(found, 0, 255).astype("uint8")


@operator("DequantizeLinear")
def dequantize(call: Call, x: Tensor, scale: Tensor, zero: Tensor | None = None) -> Tensor:
    scale = _along(call, scale, x)
    found = x.astype(scale.dtype)
    return (found if zero is None else found - _along(call, zero, x).astype(scale.dtype)) * scale


def _along(call: Call, v: Tensor, x: Tensor) -> Tensor:
    """A number for all, for each place of an axis, or for each block along it."""
    if v.size == 1:
        return v.reshape(())
    axis = call.get("axis", 1) % x.ndim
    if call.get("block_size"):
        return ops.repeat(v, call.get("block_size"), axis)[(*[slice(None)] * axis, slice(0, x.shape[axis]))]
    return v.reshape(-1, *[1] * (x.ndim - 1 - axis))


@operator("DynamicQuantizeLinear")
def dynamic_quantize(call: Call, x: Tensor) -> list[Tensor]:
    low, high = ops.minimum(ops.min(x), 0), ops.maximum(ops.max(x), 0)
    scale = (high - low) / 255
    zero = ops.clip(ops.round(-low / scale), 0, 255)
    found = ops.clip(ops.round(x / scale) + zero, 0, 255)
    return [found.astype("uint8"), scale, zero.astype("uint8")]


__all__: list[str] = []
