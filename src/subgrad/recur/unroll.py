"""Loop unrolling, for code that needs every node of every step, as that of kinks does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from subgrad import ops
from subgrad.graph import source_location
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import INPUT, Tensor
from subgrad.ops.tuples import part
from subgrad.recur.loop import loop


def unrolled(outputs: Sequence[Tensor]) -> list[Tensor]:
    """``outputs`` with the nodes of each step in the place of each loop, those inside of other loops too.

    >>> import subgrad as sg
    >>> total, _ = sg.scan(lambda c, x: (c + x, None), 0.0, [1.0, 2.0, 3.0])
    >>> [n.op.name for n in toposort(unrolled([total]))].count("add")
    3
    """
    order = toposort(outputs)
    if not any(n.op is loop for n in order):
        return list(outputs)
    new: dict[Tensor, Tensor] = {}
    results: dict[Tensor, list[Tensor]] = {}
    for node in order:
        inputs = tuple(new[i] for i in node.inputs if i in new)
        with source_location.inherit(node.site, node.scope):
            if node.op is loop:
                results[node] = _written_out(node, inputs)
            elif node.op is part:
                new[node] = results[node.inputs[0]][node.attrs["index"]]
            else:
                same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
                new[node] = node if same else apply(node.op, inputs, node.attrs)
    return [new[o] for o in outputs]


def written_out_size(outputs: Sequence[Tensor], matters: Callable[[Tensor], bool]) -> int:
    """How many nodes `unrolled` puts in the place of loops; 0 if none of them ``matters``.

    >>> import subgrad as sg
    >>> total, _ = sg.scan(lambda c, x: (c + x * x, None), 0.0, [1.0, 2.0, 3.0])
    >>> written_out_size([total], lambda node: node.op is ops.add), written_out_size([total], lambda node: False)
    (6, 0)
    """
    size, any_matters = _size(outputs, matters)
    return size if any_matters else 0


def _size(outputs: Sequence[Tensor], matters: Callable[[Tensor], bool]) -> tuple[int, bool]:
    size, found = 0, False
    for body in (node.attrs["body"] for node in toposort(outputs) if node.op is loop):
        steps = [node for node in toposort(body.outputs) if node.op is not INPUT]
        inner, inside = _size(body.outputs, matters)
        size += body.length * (len(steps) + inner)
        found = found or inside or any(map(matters, steps))
    return size, found


def _written_out(node: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The results of a loop, made by the nodes of its steps."""
    body = node.attrs["body"]
    consts, carry, xs = body.parted(inputs)
    rows: list[list[Tensor]] = [[] for _ in body.ys]
    for t in body.turns():
        values = dict(zip(body.places, [*consts, *carry, *(x[t] for x in xs)], strict=True))
        made = unrolled(substitute(body.outputs, values))
        carry = made[: len(carry)]
        for row, y in zip(rows, made[len(carry) :], strict=True):
            row.append(y)
    return [*carry, *(_stacked(row[::-1] if body.reverse else row, y) for row, y in zip(rows, body.ys, strict=True))]


def _stacked(row: Sequence[Tensor], y: Tensor) -> Tensor:
    return ops.stack(row) if row else ops.full((0, *y.shape), 0, y.dtype)


__all__ = ["unrolled", "written_out_size"]
