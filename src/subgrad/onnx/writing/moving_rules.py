"""How ops that make or move elements are written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.graph.op import TABLE
from subgrad.onnx.writing.at import At
from subgrad.onnx.writing.constants import number, places
from subgrad.onnx.writing.lengths import Unlike, Vector, is_same
from subgrad.onnx.writing.onnx_graph import element_type
from subgrad.onnx.writing.onnx_transform import ONNX, when_read
from subgrad.ops import indexing, shape
from subgrad.ops.window import positions

END = np.iinfo(np.int64).min  # of a slice that goes backwards to the first element


@ONNX.register(ops.stop_gradient)
@ONNX.register(indexing.in_range)
def _as_it_is(at: At) -> str:
    return at.input(0)


@ONNX.register(ops.full)
@when_read
def _full(at: At) -> str:
    value = number([n.attrs["value"] for n in at.nodes], at.node.dtype, at.graph)
    return at.add("Expand", [value, at.own_shape()]) if at.node.ndim else value


@ONNX.register(shape.arange)
def _arange(at: At) -> str:
    made = places(at.graph, tuple(n.attrs["n"] for n in at.nodes))
    return made if at.node.dtype == np.int64 else at.add("Cast", [made], to=element_type(at.node.dtype))


@ONNX.register(ops.broadcast_to)
@when_read
def _broadcast_to(at: At) -> str:
    return at.add("Expand", [at.input(0), at.own_shape()])


@ONNX.register(ops.reshape)
@when_read
def _reshape(at: At) -> str:
    return at.reshaped(at.input(0), at.shape(0), at.numbers(lambda n: n.shape))


@ONNX.register(ops.transpose)
def _transpose(at: At) -> str:
    return at.add("Transpose", [at.input(0)], perm=at.same("axes"))


@ONNX.register(ops.concatenate)
def _concatenate(at: At) -> str:
    return at.add("Concat", at.all_inputs(), axis=at.same("axis"))


@ONNX.register(ops.pad)
@when_read
def _pad(at: At) -> str:
    widths = [at.numbers(lambda n, end=end: [w[end] for w in n.attrs["widths"]]) for end in (0, 1)]
    if not at.node.ndim:
        return at.input(0)
    return at.add("Pad", [at.input(0), at.integers([*widths[0], *widths[1]]), at.constant(at.same("value"))])


@ONNX.register(indexing.slice_)
def _slice(at: At) -> str:
    """Only along the axes that are cut."""
    starts, ends, steps = (at.numbers(lambda n, k=k: [_bound(s[k]) for s in n.attrs["steps"]]) for k in range(3))
    lengths = at.shape(0)
    cut = [a for a in range(at.node.ndim) if not (_is(starts[a], 0) and _is(steps[a], 1) and ends[a] == lengths[a])]
    if not cut:
        return at.input(0)
    bounds = [at.integers([numbers[a] for a in cut]) for numbers in (starts, ends)]
    return at.add("Slice", [at.input(0), *bounds, at.axes(cut), at.integers([steps[a] for a in cut])])


def _bound(number: int | None) -> int:
    return END if number is None else number


def _is(numbers: Vector, number: int) -> bool:
    return set(numbers) == {number}


@ONNX.register(indexing.place)
def _place(at: At) -> str:
    """Axis by axis: zeros behind each element, then zeros before and behind all. An axis of any length stays."""
    made, lengths, shape = at.input(0), at.shape(0), at.numbers(lambda n: n.attrs["shape"])
    starts, steps = (at.numbers(lambda n, k=k: [s[k] for s in n.attrs["steps"]]) for k in (0, 2))
    around: list[tuple[int, int]] = []
    for axis, (n, whole) in enumerate(zip(lengths, shape, strict=True)):
        if n == whole and _is(starts[axis], 0) and _is(steps[axis], 1):
            around.append((0, 0))
            continue
        if not all(map(is_same, (n, whole, starts[axis], steps[axis]))):
            raise Unlike("what is written at places")
        count, start, step = n[0], starts[axis][0], steps[axis][0]
        if step < 0:
            made = at.add("Slice", [made, *(at.axes([v]) for v in (-1, END, axis, -1))])
            start, step = start + (count - 1) * step, -step
        if step > 1:
            made = _spread(at, made, lengths, axis, step)
        used = (count - 1) * step + 1
        lengths[axis] = (used,) * len(n)
        around.append((start, whole[0] - start - used))
    widths = [w[0] for w in around] + [w[1] for w in around]
    return at.add("Pad", [made, at.axes(widths), at.constant(0)])


def _spread(at: At, name: str, lengths: Sequence[Vector], axis: int, step: int) -> str:
    """Elements of an axis ``step`` apart, with zeros between them."""
    same, count = [(1,) * len(lengths[axis])], lengths[axis][0]
    apart = at.add("Reshape", [name, at.integers([*lengths[: axis + 1], *same, *lengths[axis + 1 :]])])
    behind = [0] * (2 * len(lengths) + 2)
    behind[len(lengths) + 1 + axis + 1] = step - 1
    apart = at.add("Pad", [apart, at.axes(behind), at.constant(0)])
    longer = (count * step,) * len(lengths[axis])
    joined = at.add("Reshape", [apart, at.integers([*lengths[:axis], longer, *lengths[axis + 1 :]])])
    return at.add("Slice", [joined, at.axes([0]), at.axes([(count - 1) * step + 1]), at.axes([axis])])


@ONNX.register(ops.windows)
@when_read
def _windows(at: At) -> str:
    """Windows are slid over the axes; then those inside of windows go to the end."""
    k, lead = len(at.same("sizes")), at.inputs(0)[0].ndim - len(at.same("sizes"))
    order = [*range(lead), *range(lead, lead + 2 * k, 2), *range(lead + 1, lead + 2 * k, 2)]
    return at.add("Transpose", [_slid(at, range(lead, lead + k))], perm=order)


@ONNX.register(TABLE["slide"])
def _slide(at: At) -> str:
    return _slid(at, at.same("axes"))


def _slid(at: At, axes: Sequence[int]) -> str:
    """Each axis is read at the places of all windows, so that it becomes two."""
    sizes, strides, dilations = (at.same(name) for name in ("sizes", "strides", "dilations"))
    made = at.input(0)
    for i, (axis, size, stride, dilation) in enumerate(zip(axes, sizes, strides, dilations, strict=True)):
        lengths = (n.inputs[0].shape[axis] for n in at.nodes)
        count = tuple(positions(n, size, stride, dilation) for n in lengths)
        inside = np.arange(size) * dilation
        if is_same(count):
            where = at.constant(np.arange(count[0])[:, None] * stride + inside, np.int64)
        else:
            starts = at.add("Mul", [places(at.graph, count), at.constant(stride, np.int64)])
            where = at.add("Add", [at.add("Unsqueeze", [starts, at.axes([1])]), at.constant(inside, np.int64)])
        made = at.add("Gather", [made, where], axis=axis + i)
    return made


@ONNX.register(indexing.gather)
def _gather(at: At) -> str:
    axes, ndim = at.same("axes"), at.node.inputs[0].ndim
    if len(axes) == 1:
        return at.add("Gather", at.all_inputs(), axis=axes[0])
    k = at.node.inputs[1].ndim
    made = at.add("GatherND", [_to_front(at, at.input(0), axes, ndim), _stacked(at)])
    if list(axes) != [*range(axes[0], axes[0] + len(axes))] or axes[0] == 0:
        return made
    order = [*range(k, k + axes[0]), *range(k), *range(k + axes[0], k + ndim - len(axes))]
    return at.add("Transpose", [made], perm=order)


def _to_front(at: At, name: str, axes: Sequence[int], ndim: int) -> str:
    order = [*axes, *(a for a in range(ndim) if a not in axes)]
    return name if order == [*range(ndim)] else at.add("Transpose", [name], perm=order)


def _stacked(at: At) -> str:
    """The integer arrays as one, with a last axis of as many as there are arrays."""
    parts = [at.add("Unsqueeze", [name, at.axes([-1])]) for name in at.all_inputs()[1:]]
    joined = at.add("Concat", parts, axis=-1) if len(parts) > 1 else parts[0]
    return joined if at.node.inputs[1].dtype == np.int64 else at.add("Cast", [joined], to=element_type(np.dtype("i8")))


@ONNX.register(indexing.scatter_add)
def _scatter_add(at: At) -> str:
    """The axes that are indexed come first, and go back at the end."""
    axes, shape, ndim = at.same("axes"), at.numbers(lambda n: n.attrs["shape"]), at.node.ndim
    k, rest = at.node.inputs[1].ndim, [a for a in range(ndim) if a not in axes]
    x = at.input(0)
    if list(axes) == [*range(axes[0], axes[0] + len(axes))] and axes[0]:
        order = [*range(axes[0], axes[0] + k), *range(axes[0]), *range(axes[0] + k, at.node.inputs[0].ndim)]
        x = at.add("Transpose", [x], perm=order)
    zeros = at.add("Expand", [at.constant(0), at.integers([shape[a] for a in (*axes, *rest)])])
    made = at.add("ScatterND", [zeros, _stacked(at), x], reduction="add")
    back = [[*axes, *rest].index(a) for a in range(ndim)]
    return made if back == [*range(ndim)] else at.add("Transpose", [made], perm=back)


__all__: list[str] = []
