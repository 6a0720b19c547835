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
from subgrad.graph.op import apply
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder
from subgrad.ops.indexing import place, slice_
from subgrad.ops.shape import cast

_BY_AXIS = {ops.pad: "widths", slice_: "steps", place: "steps"}
"""Ops that do the same to each axis by itself, and the attribute that says what, axis by axis."""


def sink(node: Tensor) -> Tensor:
    """The node with a transpose of its inputs moved behind it, where that can be."""
    if node.op is ops.transpose:
        return transposed(node.inputs[0], node.attrs["axes"])
    axes = next((i.attrs["axes"] for i in node.inputs if _moves(i)), None)
    if axes is None:
        return node
    if node.op.elementwise or node.op is cast:
        return transposed(_elementwise(node, axes), axes)
    if node.op in (ops.sum, ops.max, ops.min):
        return _reduced(node, axes)
    if node.op is ops.broadcast_to and node.ndim == node.inputs[0].ndim:
        shape = _undone(node.shape, axes)
        return transposed(apply(node.op, _before(node, axes), {"shape": shape}), axes)
    if node.op in _BY_AXIS:
        name = _BY_AXIS[node.op]
        attrs = {**node.attrs, name: _undone(node.attrs[name], axes)}
        if "shape" in attrs:
            attrs["shape"] = _undone(attrs["shape"], axes)
        return transposed(apply(node.op, _before(node, axes), attrs), axes)
    if node.op is ops.concatenate:
        return transposed(apply(node.op, _before(node, axes), {"axis": axes[node.attrs["axis"]]}), axes)
    if node.op is ops.reshape and _order_of_long(node.inputs[0]) == sorted(_order_of_long(node.inputs[0])):
        return ops.reshape(node.inputs[0].inputs[0], node.shape)
    return node


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
    return x.op is ops.transpose and x.ndim > 2 and x.inputs[0].op not in (INPUT, CONST)


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
    inner = apply(node.op, (node.inputs[0].inputs[0],), {"axis": tuple(sorted(gone)), "keepdims": keepdims})
    if keepdims:
        return transposed(inner, axes)
    left = sorted(set(axes) - gone)
    return transposed(inner, [left.index(a) for a in axes if a not in gone])


def _order_of_long(x: Tensor) -> list[int]:
    """The axes of a transpose's input that are longer than 1, in the order in which they come out."""
    return [a for a in x.attrs["axes"] if x.inputs[0].shape[a] != 1]


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
            kept[i] = placeholder(new.inputs[0].shape, inputs[i].dtype, inputs[i].attrs.get("name"))
            meaning[inputs[i]] = transposed(kept[i], axes)
            orders[i] = axes
    return kept, meaning, orders


def undo(axes: Axes) -> Axes:
    """The transpose that brings ``axes`` back into order."""
    return _undone(range(len(axes)), axes)


__all__ = ["relaid", "sink", "transposed", "undo"]
