"""In which order the axes of results lie in memory: transposes move down the graph, past what does not mind them.

A convolution computes its channels last, because vectors then run along channels, and is a transpose of that. The relu
behind it, the sums of a normalisation, the padding for the next convolution can all work on the result as it lies; then
the transpose comes after them, meets its inverse at the next convolution, and both go.

Only transposes of what the program computes, of three axes or more, move: those of inputs are read in place. But a
variable, whose new value is computed in another order than it was given in, is kept in that order (`relaid`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from subgrad import ops
from subgrad.compile.codegen.lower import Role, role
from subgrad.compile.kernels.views import only_unit_axes
from subgrad.graph.op import Kind, apply
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.indexing import slice_
from subgrad.ops.shape import cast
from subgrad.ops.window import slide

_BY_AXIS = ("widths", "steps")
"""Attributes that say, axis by axis, what an op does to each axis by itself."""


def sink(node: Tensor) -> Tensor:
    """The node with a transpose of its inputs moved behind it, where that can be."""
    if node.op is ops.transpose:
        return joined(node)
    moving = next((i for i in node.inputs if _moves(i)), None)
    if moving is None or any(i.op is not ops.transpose and _is_work(i) for i in node.inputs):
        return node  # another input lies in the order of its axes: to move this transpose would add one to that input
    axes = moving.attrs["axes"]
    if node.op.elementwise or role(node.op) is Role.ELEMENT or (node.op is cast and not is_copy(node)):
        return transposed(_elementwise(node, axes), axes)
    if role(node.op) is Role.REDUCE:
        return _reduced(node, axes)
    if node.op is ops.broadcast_to and node.ndim == node.inputs[0].ndim:
        shape = _undone(node.shape, axes)
        return transposed(apply(node.op, _before(node, axes), {"shape": shape}), axes)
    name = next((name for name in _BY_AXIS if name in node.attrs), None)
    if name is not None:
        attrs = {**node.attrs, name: _undone(node.attrs[name], axes)}
        if "shape" in attrs:
            attrs["shape"] = _undone(attrs["shape"], axes)
        return transposed(apply(node.op, _before(node, axes), attrs), axes)
    if node.op is ops.concatenate:
        return transposed(apply(node.op, _before(node, axes), {"axis": axes[node.attrs["axis"]]}), axes)
    if node.op is slide:
        return _slid(node, axes)
    if node.op is ops.reshape:
        return _reshaped(node, axes)
    return node


def joined(node: Tensor) -> Tensor:
    """The node; transposes in a row as one, or none."""
    return transposed(node.inputs[0], node.attrs["axes"]) if node.op is ops.transpose else node


def is_copy(node: Tensor) -> bool:
    """Whether a node is a cast to the dtype that its input has: that copies the input into memory, axes in order."""
    return node.op is cast and node.dtype == node.inputs[0].dtype


def transposed(x: Tensor, axes: Sequence[int]) -> Tensor:
    """``x`` with its axes in another order; transposes in a row become one, or none."""
    if x.op is ops.transpose:
        return transposed(x.inputs[0], [x.attrs["axes"][a] for a in axes])
    if list(axes) == sorted(axes):
        return x
    if x.op is ops.full:
        return ops.full([x.shape[a] for a in axes], x.attrs["value"], x.dtype)
    return apply(ops.transpose, (x,), {"axes": tuple(axes)})


def _moves(x: Tensor) -> bool:
    if x.op is not ops.transpose or not (_is_work(x.inputs[0]) or x.inputs[0].op is ops.reshape):
        return False
    return x.ndim > 2 or _first_computed(x.inputs[0]).op is ops.sum


def _first_computed(x: Tensor) -> Tensor:
    """What elementwise work on one result began with."""
    while x.inputs and (x.op.elementwise or x.op is ops.reshape):
        x = max(x.inputs, key=lambda i: (i.size == x.size, i.op is ops.sum or i.op is ops.reshape or i.op.elementwise))
    return x


def _is_work(x: Tensor) -> bool:
    """Whether a node is computed at its own shape; others are read in any order of axes just as well."""
    pending, seen = [x], set()
    while pending:
        node = pending.pop()
        same = node.op is slice_ or (node.op is ops.reshape and only_unit_axes(node))
        if node in seen or (_is_read(node) and not same):
            continue
        seen.add(node)
        if not (same or node.op.elementwise or role(node.op) is Role.ELEMENT or node.op is cast):
            return True
        pending.extend(node.inputs)
    return False


def _is_read(node: Tensor) -> bool:
    """Whether a result is read where it is needed, whatever the order of axes. Windows overlap, and are work."""
    return not node.inputs or (node.op.kind is Kind.VIEW and node.op is not slide)


def _undone(items: Sequence, axes: Sequence[int]) -> tuple:
    """What belongs to each axis of a transposed tensor, in the order of the axes before."""
    found = list(items)
    for at, axis in enumerate(axes):
        found[axis] = items[at]
    return tuple(found)


def _before(node: Tensor, axes: Sequence[int]) -> tuple[Tensor, ...]:
    """The inputs of a node as they were before the transpose ``axes``."""
    return tuple(transposed(i, undo(tuple(axes))) for i in node.inputs)


def _elementwise(node: Tensor, axes: Sequence[int]) -> Tensor:
    return apply(node.op, _before(node, axes), node.attrs)


def _reduced(node: Tensor, axes: Sequence[int]) -> Tensor:
    """A reduction of the untransposed input; then the axes that are left come into order."""
    gone = {axes[a] for a in node.attrs["axis"]}
    keepdims = node.attrs["keepdims"]
    inner = apply(node.op, (node.inputs[0].inputs[0],), {**node.attrs, "axis": tuple(sorted(gone))})
    if keepdims:
        return transposed(inner, axes)
    left = sorted(set(axes) - gone)
    return transposed(inner, [left.index(a) for a in axes if a not in gone])


def _slid(node: Tensor, axes: Sequence[int]) -> Tensor:
    """Windows over the untransposed input; then their axes come into order."""
    how = ("sizes", "strides", "dilations")
    by_axis = sorted((axes[a], *(node.attrs[h][i] for h in how)) for i, a in enumerate(node.attrs["axes"]))
    over, *rest = (tuple(column) for column in zip(*by_axis, strict=True))
    inner = apply(slide, _before(node, axes), {"axes": over, **dict(zip(how, rest, strict=True))})
    places = _places_after_slide(len(axes), over)
    return transposed(inner, [p for a in axes for p in places[a]])


def _places_after_slide(ndim: int, over: Sequence[int]) -> list[tuple[int, ...]]:
    """Where each axis is after those in ``over`` became two."""
    found: list[tuple[int, ...]] = []
    at = 0
    for a in range(ndim):
        found.append((at, at + 1) if a in over else (at,))
        at += len(found[-1])
    return found


def _reshaped(node: Tensor, axes: Sequence[int]) -> Tensor:
    """A reshape of the untransposed input, where that has the axes that are joined side by side, too."""
    x = node.inputs[0].inputs[0]
    groups = groups_of_axes(node.inputs[0].shape, node.shape)
    first: dict[int, list[int]] = {}
    for old, new in groups:
        long = [axes[a] for a in old if node.inputs[0].shape[a] != 1]
        if long and [a for a in range(long[0], long[-1] + 1) if x.shape[a] != 1] != long:
            return node
        first.setdefault(long[0] if long else axes[old[0]] if old else x.ndim, []).extend(new)
    order = [axis for at in sorted(first) for axis in first[at]]
    shape = tuple(node.shape[a] for a in order)
    inner = x if x.shape == shape else ops.reshape(x, shape)
    return transposed(inner, [order.index(a) for a in range(node.ndim)])


def groups_of_axes(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Which axes of one shape become which of another, in groups that are as small as can be.

    >>> groups_of_axes((2, 3, 4), (6, 2, 2))
    [([0, 1], [0]), ([2], [1, 2])]
    """
    if 0 in old:
        return [(list(range(len(old))), list(range(len(new))))]
    found: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:  # also a 1 with a 1
            found.append(([i], [j]))
            i, j = i + 1, j + 1
            continue
        left, right, a, b = [], [], 1, 1
        while not (left or right) or a != b:
            if (a <= b and i < len(old)) or j == len(new):
                left, a, i = [*left, i], a * old[i], i + 1
            else:
                right, b, j = [*right, j], b * new[j], j + 1
        found.append((left, right))
    return found


Axes = tuple[int, ...]


def relaid(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], variables: Mapping[int, int]
) -> tuple[list[Tensor], dict[Tensor, Tensor], dict[int, Axes]]:
    """Variables in the order in which their new values are computed.

    ``variables`` are the outputs that are the new value of an input, with that input's number. Returns the inputs with
    others in the place of such variables, what each old one is in terms of its new one, and the order of axes by which
    the old one is the transpose of the new one, by the input's number.
    """
    kept, meaning, orders = list(inputs), {}, {}
    for k, i in variables.items():
        new = outputs[k]
        if _moves(new) and inputs[i] not in meaning:
            axes = new.attrs["axes"]
            kept[i] = placeholder(new.inputs[0].shape, inputs[i].dtype, inputs[i].attrs["name"])
            meaning[inputs[i]] = transposed(kept[i], axes)
            orders[i] = axes
    return kept, meaning, orders


def undo(axes: Axes) -> Axes:
    """The transpose that brings ``axes`` back into order."""
    return _undone(range(len(axes)), axes)


__all__ = ["is_copy", "joined", "relaid", "sink", "transposed", "undo"]
