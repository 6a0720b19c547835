"""Where the steps of a loop find and leave their values.

Addresses move with the step. What a step gives lies row by row in the memory of the loop's result. A carry whose
values in all steps are a result as well lies there too, with one row more for the first: then nothing is copied. Any
other carry has a double buffer: each step reads the half that the step before has written.
"""

from __future__ import annotations

from dataclasses import dataclass

from subgrad.compile.kernels.buffer_slice import LoopStride
from subgrad.compile.kernels.kernel import Repeat
from subgrad.graph.tensor import Tensor


@dataclass
class LoopBuffer:
    """A piece of memory that belongs to a loop.

    Attributes:
        name: the node in it that it is shown as.
        size: in bytes.
        places: for each node in it, how far from the start it lies in the first step, and how that moves.
        results: the loop's results in it, and how far from the start they lie.
        rows: whether it has an axis of steps.
    """

    name: Tensor
    size: int
    places: dict[Tensor, tuple[int, LoopStride]]
    results: dict[Tensor, int]
    rows: bool

    @property
    def is_result(self) -> bool:
        """Whether it is one result of the loop and nothing else, which may then lie wherever it is wanted."""
        return list(self.results) == [self.name] and self.size == _bytes(self.name)

    def axes_before(self, node: Tensor) -> int:
        """How many axes come before those of one of its nodes."""
        return int(self.rows and (node in self.places or node.attrs["index"] < _carries(node)))


def loop_buffers(kernel: Repeat) -> list[LoopBuffer]:
    """The memory of a loop's own: carries, results, and what kernels of a step leave for one another."""
    body = kernel.loop
    found = [_carry(kernel, k) for k in range(len(body.carry))]
    inside = {n for r in found for n in r.places}
    for j, y in enumerate(body.ys):
        if y not in inside:
            row = _bytes(y)
            at, step = ((body.length - 1) * row, -row) if body.reverse else (0, row)
            results = dict.fromkeys(kernel.parts(len(body.carry) + j), 0)
            found.append(LoopBuffer([*results, y][0], row * body.length, {y: (at, (step, 0))}, results, True))
            inside.add(y)
    made = [n for k in kernel.inner if not isinstance(k, Repeat) for n in k.stores if n not in inside]
    return [*found, *(LoopBuffer(n, _bytes(n), {n: (0, (0, 0))}, {}, False) for n in made)]


def _carry(kernel: Repeat, k: int) -> LoopBuffer:
    """The memory of a carry: a double buffer, or a row for each step if somebody reads those."""
    body = kernel.loop
    before, after, first = body.carry[k], body.after[k], kernel.start[k].seed
    row, last, n = _bytes(before), kernel.parts(k), body.length
    results = {}
    for j, y in enumerate(body.ys):
        if y is before or y is after:
            results |= dict.fromkeys(kernel.parts(len(body.carry) + j), row if (y is after) != body.reverse else 0)
    if not results:
        places = {before: (0, (0, row)), after: (row, (0, -row)), first: (0, (0, 0))}
        return LoopBuffer([*last, after][0], 2 * row, places, dict.fromkeys(last, n % 2 * row), False)
    start, step = (n * row, -row) if body.reverse else (0, row)
    places = {before: (start, (step, 0)), after: (start + step, (step, 0)), first: (start, (0, 0))}
    name = next(iter(results))
    return LoopBuffer(name, (n + 1) * row, places, results | dict.fromkeys(last, start + n * step), True)


def _carries(node: Tensor) -> int:
    """How many carries the loop has that a node is a part of."""
    return len(node.inputs[0].attrs["body"].carry)


def _bytes(node: Tensor) -> int:
    return node.size * node.dtype.itemsize


__all__ = ["LoopBuffer", "loop_buffers"]
