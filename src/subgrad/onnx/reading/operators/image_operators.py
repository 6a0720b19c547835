"""Images of other sizes, or read at other places."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from subgrad import ops
from subgrad.graph.tensor import Tensor, constant
from subgrad.onnx.reading.operator_table import Call, operator


@operator("Upsample")
def upsample(call: Call, x: Tensor, scales: Tensor | None = None) -> Tensor:
    return _enlarged(call, x, scales)


def _enlarged(call: Call, x: Tensor, scales: Tensor | None) -> Tensor:
    """Repeated or interpolated, with the coordinates of the first versions of ``Resize``."""
    factors = [float(v) for v in call.values(scales)] if scales is not None else call.get("scales")
    sizes = [math.floor(n * f) for n, f in zip(x.shape, factors, strict=True)]
    for axis, (n, m, f) in enumerate(zip(x.shape, sizes, factors, strict=True)):
        if n != m:
            at = np.arange(m) / f
            weights = _nearest(at, n, "floor") if call.get("mode", "nearest") == "nearest" else _linear(at, n)
            x = _applied(x, axis, weights)
    return x


@operator(
    "Resize",
    spare=[
        "antialias", "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy",
        "nearest_mode",
    ],
)
def resize(
    call: Call, x: Tensor, roi: Tensor | None = None, scales: Tensor | None = None, sizes: Tensor | None = None
) -> Tensor:
    """Each axis by a matrix of weights."""
    if call.version < 11:
        return _enlarged(call, x, roi)
    axes = [a % x.ndim for a in call.get("axes") or range(x.ndim)]
    factors, lengths = _scales(call, [x.shape[a] for a in axes], scales, sizes)
    whole = [0.0] * len(axes) + [1.0] * len(axes)
    region = [float(v) for v in call.values(roi)] if roi is not None and roi.size else whole
    mode, transformed = call.get("mode", "nearest"), call.get("coordinate_transformation_mode", "half_pixel")
    for i, (axis, f, m) in enumerate(zip(axes, factors, lengths, strict=True)):
        n = x.shape[axis]
        if n == m and f == 1 and transformed != "tf_crop_and_resize":
            continue
        ends = region[i], region[i + len(axes)]
        at = _coordinates(transformed, n, m, f, ends)
        weights = _weights(call, mode, at, n, f)
        x = _applied(x, axis, weights)
        if transformed == "tf_crop_and_resize":
            outside = (at < 0) | (at > n - 1)
            shape = [-1 if a == axis else 1 for a in range(x.ndim)]
            fill = call.get("extrapolation_value", 0.0)
            x = ops.where(constant(outside.reshape(shape)), ops.full((), fill, x.dtype), x)
    return x


def _scales(
    call: Call, lengths: Sequence[int], scales: Tensor | None, sizes: Tensor | None
) -> tuple[list[float], list[int]]:
    """Factors and new lengths."""
    if sizes is not None and sizes.size:
        wanted = [int(v) for v in call.values(sizes)]
        factors = [m / n for m, n in zip(wanted, lengths, strict=True)]
        keep = call.get("keep_aspect_ratio_policy", "stretch")
        if keep == "stretch":
            return factors, wanted
        f = min(factors) if keep == "not_larger" else max(factors)
        return [f] * len(lengths), [math.floor(n * f + 0.5) for n in lengths]
    if scales is None:
        raise call.refuse("it has neither scales nor sizes")
    factors = [float(v) for v in call.values(scales)]
    return factors, [math.floor(n * f) for n, f in zip(lengths, factors, strict=True)]


def _coordinates(mode: str, n: int, m: int, f: float, ends: tuple[float, float]) -> np.ndarray:
    """Where the centres of new pixels lie among the old ones."""
    i = np.arange(m, dtype=float)
    if mode == "asymmetric":
        return i / f
    if mode == "align_corners":
        return i * (n - 1) / (f * n - 1) if f * n != 1 else np.zeros(m)
    if mode == "pytorch_half_pixel":
        return (i + 0.5) / f - 0.5 if m > 1 else np.zeros(1)
    if mode == "half_pixel_symmetric":
        adjustment = m / (f * n)
        return n / 2 * (1 - adjustment) + (i + 0.5) / f - 0.5
    if mode == "tf_crop_and_resize":
        start, end = ends
        if f * n != 1:
            return start * (n - 1) + i * (end - start) * (n - 1) / (f * n - 1)
        return np.full(1, 0.5 * (start + end) * (n - 1))
    return (i + 0.5) / f - 0.5


def _weights(call: Call, mode: str, at: np.ndarray, n: int, f: float) -> np.ndarray:
    if mode == "nearest":
        return _nearest(at, n, call.get("nearest_mode", "round_prefer_floor"))
    wider = min(f, 1.0) if call.get("antialias") else 1.0
    a = call.get("cubic_coeff_a", -0.75)
    kernel = (lambda d: np.maximum(1 - d, 0)) if mode == "linear" else (lambda d: _cubic(d, a))
    reach = (1 if mode == "linear" else 2) / wider
    return _spread(at, n, kernel, reach, wider, bool(call.get("exclude_outside")))


def _nearest(at: np.ndarray, n: int, mode: str) -> np.ndarray:
    rounded = {
        "round_prefer_floor": lambda v: np.ceil(v - 0.5), "round_prefer_ceil": lambda v: np.floor(v + 0.5),
        "floor": np.floor, "ceil": np.ceil,
    }[mode](at)  # fmt: skip
    return np.eye(n)[np.clip(rounded, 0, n - 1).astype(int)]


def _linear(at: np.ndarray, n: int) -> np.ndarray:
    return _spread(at, n, lambda d: np.maximum(1 - d, 0), 1, 1.0, False)


def _cubic(d: np.ndarray, a: float) -> np.ndarray:
    """The kernel of Keys (1981)."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = a * (((d - 5) * d + 8) * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _spread(
    at: np.ndarray, n: int, kernel: Callable[[np.ndarray], np.ndarray], reach: float, wider: float, inside: bool
) -> np.ndarray:
    """(m, n): the weights of the old pixels; those beyond the ends count for the last ones, or for none."""
    steps = np.arange(-math.ceil(reach) - 1, math.ceil(reach) + 2)
    places = np.floor(at)[:, None] + steps
    weights = kernel(np.abs(places - at[:, None]) * wider)
    if inside:
        weights = np.where((places >= 0) & (places < n), weights, 0)
    weights = weights / weights.sum(1, keepdims=True)
    found = np.zeros((len(at), n))
    rows = np.broadcast_to(np.arange(len(at))[:, None], places.shape)
    np.add.at(found, (rows, np.clip(places, 0, n - 1).astype(int)), weights)
    return found


def _applied(x: Tensor, axis: int, weights: np.ndarray) -> Tensor:
    """A matrix applied along an axis; one that only chooses reads places."""
    if set(np.unique(weights)) <= {0.0, 1.0}:
        return ops.gather(x, constant(weights.argmax(1)), axes=axis)
    matrix = constant(weights.astype(x.dtype if x.dtype.kind == "f" else np.float32))
    return ops.moveaxis(ops.einsum("...n,mn->...m", ops.moveaxis(x, axis, -1), matrix), -1, axis)


@operator("AffineGrid")
def affine_grid(call: Call, theta: Tensor, size: Tensor) -> Tensor:
    """Places of pixels between -1 and 1, moved by an affine map."""
    lengths = [int(n) for n in call.values(size)][2:]
    ends = [np.linspace(-1, 1, n) if call.get("align_corners") else (np.arange(n) + 0.5) * 2 / n - 1 for n in lengths]
    axes = np.meshgrid(*ends, indexing="ij")
    points = np.stack([*axes[::-1], np.ones(lengths)], -1).astype(theta.dtype)
    flat = constant(points.reshape(-1, points.shape[-1]))
    found = ops.einsum("pj,nij->npi", flat, theta)
    return found.reshape(theta.shape[0], *points.shape[:-1], theta.shape[1])


@operator("GridSample")
def grid_sample(call: Call, x: Tensor, grid: Tensor) -> Tensor:
    """Images read between their pixels, at places from -1 to 1."""
    corners, mode = bool(call.get("align_corners")), call.get("mode", "linear")
    k = x.ndim - 2
    taps = []
    for axis in range(k):
        n, g = x.shape[2 + axis], grid[..., k - 1 - axis]
        at = (g + 1) / 2 * (n - 1) if corners else ((g + 1) * n - 1) / 2
        taps.append(_taps(call, at, n, mode, corners))
    batch = ops.arange(x.shape[0]).reshape(-1, *[1] * k)
    total = None
    for index in np.ndindex(*(len(t) for t in taps)):
        chosen = [t[i] for t, i in zip(taps, index, strict=True)]
        seen = ops.moveaxis(ops.moveaxis(x, 1, -1)[(batch, *(place for place, _ in chosen))], -1, 1)
        weight = math.prod((w for _, w in chosen[1:]), start=chosen[0][1])
        part = seen * ops.expand_dims(weight, 1)
        total = part if total is None else total + part
    assert total is not None
    return total


def _taps(call: Call, at: Tensor, n: int, mode: str, corners: bool) -> list[tuple[Tensor, Tensor]]:
    """Places along an axis, and the weight of each."""
    padding = call.get("padding_mode", "zeros")
    if mode != "cubic" and mode != "bicubic":
        at = _brought_inside(at, n, padding, corners)
    base = ops.round(at) if mode == "nearest" else ops.floor(at)
    share, a = at - base, -0.75
    if mode == "nearest":
        weights = [(0, ops.ones_like(at))]
    elif mode in ("cubic", "bicubic"):
        weights = [(i, _cubic_weight(ops.abs(share - i), a)) for i in (-1, 0, 1, 2)]
    else:
        weights = [(0, 1 - share), (1, share)]
    found = []
    for step, weight in weights:
        place = base + step
        if padding != "zeros":
            place = _brought_inside(place, n, padding, corners)
        inside = (place >= 0) & (place <= n - 1)
        safe = ops.round(ops.clip(place, 0, n - 1)).astype("int64")
        found.append((safe, ops.where(inside, weight, 0)))
    return found


def _cubic_weight(d: Tensor, a: float) -> Tensor:
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    return ops.where(d <= 1, near, a * (((d - 5) * d + 8) * d - 4))


def _brought_inside(at: Tensor, n: int, padding: str, corners: bool) -> Tensor:
    if padding == "border":
        return ops.clip(at, 0, n - 1)
    if padding == "zeros":
        return at
    low, high = (0.0, n - 1.0) if corners else (-0.5, n - 0.5)
    width = high - low
    if width == 0:
        return ops.zeros_like(at)
    distance = ops.abs(at - low)
    turns = ops.floor(distance / width)
    left = distance - turns * width
    even = ops.remainder(turns, 2) == 0
    return ops.where(even, left + low, high - left)


__all__: list[str] = []
