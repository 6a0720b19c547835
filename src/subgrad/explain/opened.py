"""Loops as what happens in one of their steps, for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from subgrad import ops
from subgrad.graph import source_location
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.tuples import TUPLE, part

STEP = "each of "
"""What the name begins with of the module that the nodes of a step belong to."""


class Opened(NamedTuple):
    """A graph with a step in the place of loops.

    Attributes:
        outputs: of the graph, then the first states of the loops.
        starts: the first state, and the place of the state in the step.
        returns: what a step leaves, and the same place, where the next step finds it.
    """

    outputs: list[Tensor]
    starts: list[tuple[Tensor, Tensor]]
    returns: list[tuple[Tensor, Tensor]]


def opened(outputs: Sequence[Tensor], depth: int | None) -> Opened:
    """``outputs`` with one step in the place of each loop that belongs to a module above the nesting level ``depth``.

    Without a depth all loops stay closed. The nodes of a step belong to a module within the loop's, named after the
    number of steps.
    """
    new: dict[Tensor, Tensor] = {}
    results: dict[Tensor, list[Tensor]] = {}
    found = Opened([], [], [])
    for node in toposort(outputs) if depth is not None else ():
        inputs = tuple(new[i] for i in node.inputs if i in new)
        with source_location.inherit(node.site, node.scope):
            if node.dtype == TUPLE and depth is not None and _level(node) < depth:
                results[node] = _step(node, inputs, found)
            elif node.op is part and node.inputs[0] in results:
                new[node] = results[node.inputs[0]][node.attrs["index"]]
            else:
                new[node] = _remade(node, inputs)
    roots = [first.node for first, _ in found.starts]
    return found._replace(outputs=[*(new.get(o, o) for o in outputs), *roots])


def _level(node: Tensor) -> int:
    return node.scope.count(".") + 1 if node.scope else 0


def _step(node: Tensor, inputs: Sequence[Tensor], found: Opened) -> list[Tensor]:
    """The results of a loop, made by the nodes of one step."""
    body = node.attrs["body"]
    inside = ".".join(filter(None, [node.scope, f"{STEP}{body.length} steps"]))
    consts, carry, xs = body.parted(inputs)
    states = [placeholder(p.shape, p.dtype, f"state {i + 1}") for i, p in enumerate(body.carry)]
    rows = [x[0] for x in xs]
    made = dict(zip(body.places, [*consts, *states, *(r.node for r in rows)], strict=True))
    for n in toposort(body.outputs):
        if n not in made:
            with source_location.inherit(n.site, inside + n.scope.removeprefix(node.scope)):
                made[n] = _remade(n, tuple(made[i] for i in n.inputs))
    found.starts.extend(zip(carry, states, strict=True))
    found.returns.extend(zip((made[after] for after in body.after), states, strict=True))
    return [*(made[a] for a in body.after), *(_all_steps(made[y], body.length) for y in body.ys)]


def _all_steps(y: Tensor, steps: int) -> Tensor:
    return ops.broadcast_to(ops.expand_dims(y, 0), (steps, *y.shape)).node


def _remade(node: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
    return node if same else apply(node.op, tuple(inputs), node.attrs)


__all__ = ["STEP", "Opened", "opened"]
