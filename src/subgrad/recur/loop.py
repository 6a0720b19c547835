"""The loop op: a graph of one step, the body, runs for every row of its inputs and passes a carry to the next step.

A loop is one node of the graph around it. Its value is a tuple: the carry after the last step, and what each
step has given, stacked; `subgrad.ops.tuples.part` takes one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.errors import ShapeError
from subgrad.graph.evaluate import reference
from subgrad.graph.op import Kind, Signature, apply, defop
from subgrad.graph.order import dependents, toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder
from subgrad.ops import rules
from subgrad.ops.tuples import TUPLE, array_of, part


class Loop:
    """The body of a loop: its placeholders and its outputs, and the number and direction of the steps.

    Attributes:
        consts: placeholders for values that are the same in each step.
        carry: placeholders for what the step before has left.
        xs: placeholders for the rows of the loop's inputs.
        after: the carry that a step leaves.
        ys: what a step gives besides.
        length: the number of steps.
        reverse: whether the last row comes first. Results lie where their row lay in either case.
        saves: whether backpropagation saves what the steps compute; if not, it computes that again.
    """

    def __init__(
        self, consts: Sequence[Tensor], carry: Sequence[Tensor], xs: Sequence[Tensor], after: Sequence[Tensor],
        ys: Sequence[Tensor], length: int, reverse: bool, saves: bool = True,
    ) -> None:  # fmt: skip
        self.consts, self.carry, self.xs = tuple(consts), tuple(carry), tuple(xs)
        self.after, self.ys = tuple(after), tuple(ys)
        self.length, self.reverse, self.saves = length, reverse, saves

    @property
    def places(self) -> tuple[Tensor, ...]:
        """The placeholders, in the order of the loop's inputs."""
        return (*self.consts, *self.carry, *self.xs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """What the body makes."""
        return (*self.after, *self.ys)

    @property
    def results(self) -> list[Signature]:
        """Shape and dtype of each tensor that the loop stands for: the last carry, and the rows of each y."""
        return [*((a.shape, a.dtype) for a in self.after), *(((self.length, *y.shape), y.dtype) for y in self.ys)]

    def parted(self, inputs: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
        """The loop's inputs, or what belongs to each of them, as those for consts, carry and xs."""
        a, b = len(self.consts), len(self.consts) + len(self.carry)
        return inputs[:a], inputs[a:b], inputs[b:]

    def turns(self) -> Iterator[int]:
        """The numbers of the rows in the order of the steps."""
        return iter(range(self.length - 1, -1, -1) if self.reverse else range(self.length))

    def __repr__(self) -> str:
        return f"<loop of {self.length} steps at {id(self):#x}>"


def _shape(*inputs: Tensor, body: Loop) -> Signature:
    consts, carry, xs = body.parted(inputs)
    expected = [*((p.shape, p.dtype) for p in (*body.consts, *body.carry))]
    expected += [((body.length, *p.shape), p.dtype) for p in body.xs]
    found = [(x.shape, x.dtype) for x in (*consts, *carry, *xs)]
    if found != expected:
        raise ShapeError(f"a loop takes {expected}, got {found}")
    return (len(body.outputs),), TUPLE


def _vjp(g: Tensor, y: Tensor, *inputs: Tensor, body: Loop) -> Sequence[Tensor | None]:
    from subgrad.recur.backward import backward

    return backward(g, y, inputs, body)


def _push(rule: Any, node: Tensor, tangents: Sequence[Tensor | None]) -> Tensor:
    from subgrad.recur.forward import forward

    return forward(rule, node, tangents)


@defop(
    kind=Kind.CONTROL, prepare=lambda *xs, body: (xs, {"body": body}), shape=_shape, vjp=_vjp, push=_push, text="loop"
)
def loop(*inputs, body):
    """The body's steps, one after the other."""
    consts, carry, xs = body.parted(inputs)
    rows: list[list[np.ndarray]] = [[] for _ in body.ys]
    steps = _steps(body)
    for t in body.turns():
        values = dict(zip(body.places, [*consts, *carry, *(x[t] for x in xs)], strict=True))
        for node in steps:
            values[node] = reference(node, [values[i] for i in node.inputs])
        carry = [values[a] for a in body.after]
        for row, y in zip(rows, body.ys, strict=True):
            row.append(values[y])
    return array_of([*carry, *(_stacked(row, y, body) for row, y in zip(rows, body.ys, strict=True))])


def _steps(body: Loop) -> list[Tensor]:
    return [n for n in toposort(body.outputs) if n not in set(body.places)]


def _stacked(row: list[np.ndarray], y: Tensor, body: Loop) -> np.ndarray:
    return np.stack(row[::-1] if body.reverse else row) if row else np.empty((0, *y.shape), y.dtype)


def make_loop(
    carry: Mapping[Tensor, Tensor],
    xs: Mapping[Tensor, Tensor],
    after: Sequence[Tensor],
    ys: Sequence[Tensor],
    length: int,
    reverse: bool,
    saves: bool = True,
) -> list[Tensor]:
    """The tensors that a loop stands for, given its body as a graph.

    What does not change from step to step is computed once, outside: the body gets it as a const.

    Args:
        carry: the first carry, by placeholder.
        xs: the rows of inputs, by placeholder; those that the body does not use are left out.
        after: the carry that a step leaves.
        ys: what a step gives besides.
        length: the number of steps.
        reverse: whether the last row comes first.
        saves: whether backpropagation saves what the steps compute.
    """
    outputs = [o.node for o in (*after, *ys)]
    order = toposort(outputs)
    consts = _constant(order, outputs, [*carry, *xs])
    used = {x: rows for x, rows in xs.items() if x in set(order)}
    new = {c: placeholder(c.shape, c.dtype, "a value from outside of the loop") for c in consts}
    made, n = substitute(outputs, new), len(after)
    body = Loop(list(new.values()), list(carry), list(used), made[:n], made[n:], length, reverse, saves)
    node = apply(loop, (*consts, *carry.values(), *used.values()), {"body": body})
    return [part(node, i) for i in range(len(outputs))]


def _constant(order: Sequence[Tensor], outputs: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
    """The largest nodes whose values come from outside of the loop and change in no step.

    Nodes that are made of numbers alone stay in the body: to compute them again costs less than to read them.
    """
    varying = dependents(order, places)
    own = set(places)
    outside = dependents(order, [n for n in order if n.op in (CONST, INPUT) and n not in own])
    read = [*outputs, *(i for node in order if node in varying for i in node.inputs)]
    return list(dict.fromkeys(_unrepeated(n) for n in read if n not in varying and n in outside))


def _unrepeated(node: Tensor) -> Tensor:
    """What a repeated tensor, such as a bias for each example, is made of: it is repeated in the body, for nothing."""
    while node.op is ops.broadcast_to:
        (node,) = node.inputs
    return node


def zeros_like(x: Tensor) -> Tensor:
    """Zeros of the shape and dtype of ``x``."""
    return rules.full(x.shape, 0, x.dtype)


__all__ = ["Loop", "loop", "make_loop", "zeros_like"]
