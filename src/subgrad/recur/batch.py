"""The batching rule of loops, for `vmap`: one loop whose body is the batched body."""

from __future__ import annotations

from collections.abc import Sequence

from subgrad.diff.batching import BATCH, copies, moved
from subgrad.diff.vmap import for_all
from subgrad.graph.op import apply
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.tuples import part
from subgrad.recur.loop import Loop, loop


def _batched_loop(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    body = node.attrs["body"]
    many = _many(body, mapped)
    places = {p: placeholder((n, *p.shape), p.dtype, p.attrs["name"]) for p in body.places if p in many}
    moving = [a for h, a in zip(body.carry, body.after, strict=True) if h in many]
    made = iter(for_all([*moving, *body.ys], places, n))
    after = [next(made) if h in many else a for h, a in zip(body.carry, body.after, strict=True)]
    consts, carry, xs = body.parted([places.get(p, p) for p in body.places])
    wide = Loop(consts, carry, xs, after, [*made], body.length, body.reverse, body.saves)
    given = [x if m or p not in many else copies(x, n) for x, m, p in zip(inputs, mapped, body.places, strict=True)]
    rows = [moved(x, 0, 1) if p in many else x for x, p in zip(body.parted(given)[2], body.xs, strict=True)]
    return apply(loop, (*given[: len(given) - len(rows)], *rows), {"body": wide})


def _many(body: Loop, mapped: Sequence[bool]) -> set[Tensor]:
    """The placeholders that are batched: a carry also if the body makes it depend on a batched one."""
    found = {p for p, m in zip(body.places, mapped, strict=True) if m}
    order = toposort(body.outputs)
    while True:
        differ = dependents(order, found)
        more = {h for h, a in zip(body.carry, body.after, strict=True) if a in differ} - found
        if not more:
            return found
        found |= more


def _batched_part(node: Tensor, inputs: Sequence[Tensor], mapped: Sequence[bool], n: int) -> Tensor:
    index, body = node.attrs["index"], inputs[0].attrs["body"]
    found = part(inputs[0], index)
    if index >= len(body.carry):
        return moved(found, 1, 0)
    return found if found.ndim > node.ndim else copies(found, n)


BATCH.register(loop)(_batched_loop)
BATCH.register(part)(_batched_part)
