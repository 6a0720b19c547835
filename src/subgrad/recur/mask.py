"""A loop over time on a batch of which only the first rows count: the same loop, whose body is such a graph."""

from __future__ import annotations

from subgrad.diff.masking import MASK, At
from subgrad.graph.op import apply
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor
from subgrad.ops.tuples import part
from subgrad.recur.loop import Loop, loop, make_loop


def _masked_loop(at: At) -> Tensor:
    long, short = at.long.attrs["body"], at.short.attrs["body"]
    at.need(_form(long) == _form(short))
    made = at.walk.inside(long.places, short.places).through(long.outputs, short.outputs)
    if all(m is o for m, o in zip(made, long.outputs, strict=True)):
        return apply(loop, at.inputs, {"body": long})
    consts, carry, xs = long.parted(at.inputs)
    made = substitute(made, dict(zip(long.consts, consts, strict=True)))
    n, first = len(long.after), dict(zip(long.carry, carry, strict=True))
    rows = dict(zip(long.xs, xs, strict=True))
    found = make_loop(first, rows, made[:n], made[n:], long.length, long.reverse, long.saves)
    return found[0].inputs[0]


def _form(body: Loop) -> tuple[int | bool, ...]:
    counts = map(len, (body.consts, body.carry, body.xs, body.after, body.ys))
    return (*counts, body.length, body.reverse, body.saves)


def _masked_part(at: At) -> Tensor:
    at.same()
    return part(at.inputs[0], at.attrs["index"])


MASK.register(loop)(_masked_loop)
MASK.register(part)(_masked_part)
