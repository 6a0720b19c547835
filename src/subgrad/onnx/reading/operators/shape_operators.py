"""Operators that make, move or repeat elements."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.errors import ShapeError
from subgrad.graph.tensor import Tensor, constant, tensor
from subgrad.onnx.reading.operator_table import Call, operator

MOST = 2**28  # numbers of a range, which are made before anything runs


@operator("Constant")
def make_constant(call: Call) -> Tensor:
    for name, dtype in (("value_int", "int64"), ("value_ints", "int64"), ("value_float", "float32"),
                        ("value_floats", "float32")):  # fmt: skip
        if name in call.attributes:
            return tensor(call.get(name), dtype)
    if "value" not in call.attributes:
        raise call.refuse("its value is a text, or sparse")
    return call.get("value")


@operator("ConstantOfShape")
def constant_of_shape(call: Call, shape: Tensor) -> Tensor:
    value = call.get("value")
    lengths = [int(n) for n in call.values(shape)]
    return ops.zeros(lengths, "float32") if value is None else ops.full(lengths, value.item(), value.dtype)


@operator("Range")
def count_up(call: Call, start: Tensor, limit: Tensor, delta: Tensor) -> Tensor:
    first, end, step = (call.values(x).item() for x in (start, limit, delta))
    if abs(end - first) > MOST * abs(step):
        raise call.refuse(f"it has more than {MOST:,} numbers")
    return constant(np.arange(first, end, step).astype(start.dtype))


@operator("EyeLike")
def eye_like(call: Call, x: Tensor) -> Tensor:
    from subgrad.onnx.reading.onnx_file import dtype_named

    dtype = dtype_named(call.get("dtype")) if "dtype" in call.attributes else x.dtype
    return constant(np.eye(x.shape[0], x.shape[1], call.get("k", 0), dtype=dtype))


@operator("Shape")
def shape_of(call: Call, x: Tensor) -> Tensor:
    lengths = x.shape[slice(call.get("start", 0), call.get("end"))]
    return constant(np.array(lengths, np.int64))


@operator("Size")
def size_of(call: Call, x: Tensor) -> Tensor:
    return constant(np.asarray(x.size, np.int64))


@operator("Reshape")
def reshape(call: Call, x: Tensor, shape: Tensor | None = None) -> Tensor:
    wanted = call.integers(shape, "shape")
    if not call.get("allowzero"):
        wanted = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    return x.reshape(wanted)


@operator("Flatten")
def flatten(call: Call, x: Tensor) -> Tensor:
    axis = call.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@operator("Squeeze")
def squeeze(call: Call, x: Tensor, axes: Tensor | None = None) -> Tensor:
    named = call.integers(axes, "axes")
    return ops.squeeze(x, None if named is None else tuple(named))


@operator("Unsqueeze")
def unsqueeze(call: Call, x: Tensor, axes: Tensor | None = None) -> Tensor:
    named = call.integers(axes, "axes")
    for axis in sorted(a % (x.ndim + len(named)) for a in named):
        x = ops.expand_dims(x, axis)
    return x


@operator("Transpose")
def transpose(call: Call, x: Tensor) -> Tensor:
    return ops.transpose(x, call.get("perm") or [*range(x.ndim - 1, -1, -1)])


@operator("Expand")
def expand(call: Call, x: Tensor, shape: Tensor) -> Tensor:
    return ops.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(int(n) for n in call.values(shape))))


@operator("Tile")
def tile(call: Call, x: Tensor, repeats: Tensor) -> Tensor:
    return ops.tile(x, [int(n) for n in call.values(repeats)])


@operator("Concat")
def concat(call: Call, *xs: Tensor) -> Tensor:
    return ops.concatenate(xs, call.get("axis", 1))


@operator("Split", spare=["num_outputs"])
def split(call: Call, x: Tensor, lengths: Tensor | None = None) -> Sequence[Tensor]:
    axis, parts = call.get("axis", 0) % x.ndim, call.integers(lengths, "split")
    if parts is None:
        each = -(-x.shape[axis] // call.outputs)
        parts = [min(each, x.shape[axis] - i * each) for i in range(call.outputs)]
    ends = [*itertools.accumulate(parts)]
    if ends and ends[-1] != x.shape[axis]:
        raise ShapeError(f"parts of {parts} do not make an axis of {x.shape[axis]}")
    whole = (slice(None),) * axis
    return [x[(*whole, slice(end - n, end))] for n, end in zip(parts, ends, strict=True)]


@operator("Slice")
def slice_(
    call: Call, x: Tensor, starts: Tensor | None = None, ends: Tensor | None = None, axes: Tensor | None = None,
    steps: Tensor | None = None,
) -> Tensor:  # fmt: skip
    first, last = call.integers(starts, "starts"), call.integers(ends, "ends")
    where, by = call.integers(axes, "axes"), call.integers(steps, "steps")
    key = [slice(None)] * x.ndim
    for i, axis in enumerate(where if where is not None else range(len(first))):
        step = by[i] if by is not None else 1
        end = None if step < 0 and last[i] < -x.shape[axis] else last[i]
        key[axis] = slice(first[i], end, step)
    return x[tuple(key)]


@operator("Pad", spare=["value"])
def pad(
    call: Call, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None, axes: Tensor | None = None
) -> Tensor:
    """Negative widths cut off, before anything is put around."""
    given = call.integers(pads, "pads") or call.get("paddings")
    named = call.integers(axes, "axes") or [*range(x.ndim)]
    widths = [(0, 0)] * x.ndim
    for i, axis in enumerate(named):
        widths[axis] = (given[i], given[i + len(named)])
    cut = tuple(slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(widths, x.shape, strict=True))
    x = x[cut] if any(w < 0 for pair in widths for w in pair) else x
    around = [(max(0, a), max(0, b)) for a, b in widths]
    mode = call.get("mode", "constant")
    if mode != "constant":
        return padded(x, around, mode)
    fill = call.values(value).item() if value is not None else call.get("value", 0.0)
    return ops.pad(x, around, fill) if x.ndim else x


def padded(x: Tensor, widths: Sequence[tuple[int, int]], mode: str) -> Tensor:
    """Elements of x around it: ``reflect``, ``edge`` or ``wrap``."""
    for axis, ((before, behind), n) in enumerate(zip(widths, x.shape, strict=True)):
        if before or behind:
            places = np.pad(np.arange(n), (before, behind), mode)  # pyright: ignore[reportCallIssue, reportArgumentType]
            x = ops.gather(x, constant(places), axes=axis)
    return x


@operator("Trilu")
def trilu(call: Call, x: Tensor, k: Tensor | None = None) -> Tensor:
    by = 0 if k is None else int(call.values(k).item())
    rows, columns = x.shape[-2:]
    upper = bool(call.get("upper", 1))
    kept = np.tri(rows, columns, by - upper, dtype=bool) ^ upper
    return ops.where(constant(kept), x, ops.full((), 0, x.dtype))


@operator("DepthToSpace")
def depth_to_space(call: Call, x: Tensor) -> Tensor:
    b = call.get("blocksize")
    n, c, h, w = x.shape
    if call.get("mode", "DCR") == "DCR":
        y = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        y = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // b**2, h * b, w * b)


@operator("SpaceToDepth")
def space_to_depth(call: Call, x: Tensor) -> Tensor:
    b = call.get("blocksize")
    n, c, h, w = x.shape
    order = (0, 3, 5, 1, 2, 4) if call.get("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return x.reshape(n, c, h // b, b, w // b, b).transpose(order).reshape(n, c * b**2, h // b, w // b)


@operator("CenterCropPad")
def center_crop_pad(call: Call, x: Tensor, shape: Tensor) -> Tensor:
    """Cut off, or put around, as much on both sides; one more behind."""
    wanted = [int(n) for n in call.values(shape)]
    for axis, n in zip(call.get("axes", range(x.ndim)), wanted, strict=True):
        m = x.shape[axis]
        whole = (slice(None),) * (axis % x.ndim)
        if m > n:
            start = (m - n) // 2
            x = x[(*whole, slice(start, start + n))]
        elif m < n:
            widths = [(0, 0)] * x.ndim
            widths[axis] = ((n - m) // 2, n - m - (n - m) // 2)
            x = ops.pad(x, widths)
    return x


@operator("ReverseSequence")
def reverse_sequence(call: Call, x: Tensor, lengths: Tensor) -> Tensor:
    """The first steps of each example backwards."""
    batch, time = call.get("batch_axis", 1), call.get("time_axis", 0)
    steps, count = np.arange(x.shape[time])[:, None], call.values(lengths)[None, :]
    places = np.where(steps < count, count - 1 - steps, steps)
    y = ops.moveaxis(x, (time, batch), (0, 1))
    return ops.moveaxis(y[places, np.arange(x.shape[batch])[None, :]], (0, 1), (time, batch))


@operator("Col2Im")
def col2im(call: Call, x: Tensor, image: Tensor, block: Tensor) -> Tensor:
    """Windows added up where they were seen."""
    sizes, kernel = [int(v) for v in call.values(image)], [int(v) for v in call.values(block)]
    k = len(sizes)
    strides, dilations = call.get("strides", [1] * k), call.get("dilations", [1] * k)
    pads = call.get("pads", [0] * 2 * k)
    whole = [n + pads[i] + pads[i + k] for i, n in enumerate(sizes)]
    count = [(n - (m - 1) * d - 1) // s + 1 for n, m, s, d in zip(whole, kernel, strides, dilations, strict=True)]
    channels = x.shape[1] // math.prod(kernel)
    y = x.reshape(x.shape[0], channels, *kernel, *count)
    y = y.transpose(0, 1, *range(2 + k, 2 + 2 * k), *range(2, 2 + k))
    folded = ops.fold(y, whole, strides, dilations)
    return folded[(..., *(slice(pads[i], pads[i] + n) for i, n in enumerate(sizes)))]


__all__ = ["padded"]
