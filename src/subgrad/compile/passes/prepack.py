"""Weight prepacking: a program of its own computes what depends on parameters alone, whenever one of them changes.

A weight that a matrix product would read across its rows is transposed there, once and not in each call.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from subgrad import ops
from subgrad.compile.kernels import views
from subgrad.compile.kernels.partition import loop_letters, operand_letters, swapped
from subgrad.compile.passes.simplify import rewrite
from subgrad.compile.pipeline import simplify
from subgrad.graph.op import Kind, apply
from subgrad.graph.order import toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder
from subgrad.ops.contract import contract
from subgrad.ops.shape import cast

FEW_ROWS = 16  # fewer rows read a transposed weight as fast as it lies (measured: one row 3.7 us, 3.6 transposed)


class Prepacked(NamedTuple):
    """``made``: nodes of parameters alone; ``places``: what stands for them in ``outputs``."""

    made: list[Tensor]
    places: list[Tensor]
    outputs: list[Tensor]


def prepack(outputs: Sequence[Tensor], parameters: Collection[Tensor]) -> Prepacked:
    """The outputs, with placeholders for what depends on ``parameters`` alone.

    >>> x, w = placeholder((20, 3), "float32"), placeholder((5, 3), "float32")
    >>> found = prepack([x @ (w * w).T], [w])
    >>> [(m.op.name, m.shape) for m in found.made], [o.op.name for o in found.outputs]
    ([('cast', (3, 5))], ['contract'])
    """
    outputs, parameters = simplify(outputs), set(parameters)
    constant = _of_parameters(outputs, parameters)
    outputs = rewrite(outputs, lambda node: _laid_out(node, constant))
    constant = _of_parameters(outputs, parameters)
    made = _border(outputs, constant)
    places = {n: placeholder(n.shape, n.dtype, f"prepared {n.op.name}") for n in made}
    return Prepacked(made, list(places.values()), substitute(outputs, places))


def _of_parameters(outputs: Sequence[Tensor], parameters: Collection[Tensor]) -> set[Tensor]:
    """The parameters, and the nodes that need them and nothing else that changes."""
    found, neutral = set(parameters), set()
    for node in toposort(outputs):
        if node in found or node.op is INPUT:
            continue
        if all(i in found or i in neutral for i in node.inputs):
            (found if any(i in found for i in node.inputs) else neutral).add(node)
    return found


def _laid_out(node: Tensor, constant: Collection[Tensor]) -> Tensor:
    """A contraction whose constant operand lies with the columns of the result as its last axis, copied if need be."""
    if node.op is not contract or any(n == 0 for n in node.shape):
        return node
    _, letters, _ = operand_letters(node)
    columns, at = loop_letters(node)[2], 0 if swapped(node) else 1
    weight, other = node.inputs[at], node.inputs[1 - at]
    if not columns or views.source(weight) not in constant or views.source(other) in constant:
        return node
    if node.size < FEW_ROWS * weight.shape[letters.index(columns[0])]:
        return node
    axis = letters.index(columns[0])
    if views.view(weight).strides[axis] == 1 or weight.shape[axis] == 1:
        return node
    order = [*(a for a in range(weight.ndim) if a != axis), axis]
    copied = apply(cast, (ops.transpose(weight, order),), {"dtype": weight.dtype})
    terms, out = node.attrs["spec"].split("->")
    given = terms.split(",")
    given[at] = "".join(letters[a] for a in order)
    inputs = (other, copied) if at else (copied, other)
    return apply(contract, inputs, {**node.attrs, "spec": f"{','.join(given)}->{out}"})


def _border(outputs: Sequence[Tensor], constant: Collection[Tensor]) -> list[Tensor]:
    """The constant nodes that others need, or the caller; of one that only rearranges, what it rearranges."""
    pending = [i for n in toposort(outputs) if n not in constant for i in n.inputs if i in constant]
    pending += [o for o in outputs if o in constant]
    found: dict[Tensor, None] = {}
    while pending:
        node = pending.pop()
        if node.op in (CONST, INPUT):
            continue
        if node.op.kind is Kind.VIEW or node.size > max(views.source(i).size for i in node.inputs):
            pending.extend(i for i in node.inputs if i in constant)
        else:
            found[node] = None
    return list(found)


__all__ = ["Prepacked", "prepack"]
