"""Forward mode through a loop: a loop that carries the tangents beside the carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops.tuples import make_tuple
from subgrad.recur.loop import make_loop, zeros_like

Push = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor | None]]


def forward(push: Push, node: Tensor, tangents: Sequence[Tensor | None]) -> Tensor:
    """The tangents of what a loop gives, as a tuple, along those of its inputs.

    ``push(outputs, wrt, tangents)`` carries tangents through the body: linearly, or one-sidedly at kinks.
    """
    body = node.attrs["body"]
    filled = [zeros_like(x) if t is None else t for x, t in zip(node.inputs, tangents, strict=True)]
    places = {p: placeholder(p.shape, p.dtype, "a tangent") for p in body.places if p.dtype.kind == "f"}
    along = {places[p]: t for p, t in zip(body.places, filled, strict=True) if p in places}
    pushed = push(body.outputs, list(places), list(places.values()))
    slopes = [zeros_like(o) if t is None else t for o, t in zip(body.outputs, pushed, strict=True)]
    consts, carry, xs = body.parted(body.places)
    first = dict(zip(carry, body.parted(node.inputs)[1], strict=True))
    rows = dict(zip(xs, body.parted(node.inputs)[2], strict=True))
    outer = dict(zip(consts, node.inputs, strict=False))
    outer |= {places[c]: along[places[c]] for c in consts if c in places}
    float_carry = [k for k, c in enumerate(carry) if c in places]
    first |= {places[carry[k]]: along[places[carry[k]]] for k in float_carry}
    rows |= {places[x]: along[places[x]] for x in xs if x in places}
    n = len(carry)
    after = [*body.after, *(slopes[k] for k in float_carry)]
    ys = [s for s, y in zip(slopes[n:], body.ys, strict=True) if y.dtype.kind == "f"]
    made = substitute([*after, *ys], outer)
    found = make_loop(first, rows, made[: len(after)], made[len(after) :], body.length, body.reverse, body.saves)
    numbers = [*float_carry, *(n + k for k, y in enumerate(body.ys) if y.dtype.kind == "f")]
    return make_tuple(len(body.outputs), dict(zip(numbers, found[n:], strict=True)))


__all__ = ["forward"]
