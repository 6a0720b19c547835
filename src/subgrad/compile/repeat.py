"""A kernel that holds kernels: the steps of a loop, and where in memory each step finds and leaves its values.

Addresses move with the step. What a step gives lies row by row in the memory of the loop's result. A carry whose
values in all steps are a result as well lies there too, with one row more for the first: then nothing is copied. Any
other carry has two places, and each step reads the one that the step before has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from subgrad.compile.fuse import Kernel, fuse
from subgrad.graph.op import apply
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.shape import cast
from subgrad.recur.loop import Loop

Turn = tuple[int, int]
"""Bytes that an address moves with every step of a loop, and bytes that it moves with every other one."""


@dataclass(eq=False)
class Repeat(Kernel):
    """A loop: ``start`` puts the first carry in its place, ``inner`` is one step."""

    start: list[Kernel] = field(default_factory=list)
    inner: list[Kernel] = field(default_factory=list)

    @property
    def loop(self) -> Loop:
        return self.seed.attrs["body"]

    def bindings(self) -> Iterator[tuple[Tensor, Tensor, int]]:
        """The placeholders that are outer values, or rows of them: (placeholder, outer node, axes for the steps)."""
        consts, _, xs = self.loop.parted(self.seed.inputs)
        yield from ((p, x, 0) for p, x in zip(self.loop.consts, consts, strict=True))
        yield from ((p, x, 1) for p, x in zip(self.loop.xs, xs, strict=True))

    def parts(self, index: int) -> list[Tensor]:
        """The node for result ``index``; none if nobody reads it."""
        return [p for p in self.stores if p.attrs["index"] == index]

    def __str__(self) -> str:
        return f"loop of {self.loop.length} steps{', last row first' if self.loop.reverse else ''}"


def repeat(node: Tensor, parts: Sequence[Tensor]) -> Repeat:
    """The kernel of a loop node."""
    body = node.attrs["body"]
    first = body.parted(node.inputs)[1]
    copies = [apply(cast, (x,), {"dtype": x.dtype}) for x in first]
    inner = fuse([o for o in dict.fromkeys(body.outputs) if o.op not in (CONST, INPUT)])
    return Repeat(node, [], list(parts), [Kernel(c, [], [c]) for c in copies], inner)


def flat(kernels: Iterable[Kernel]) -> Iterator[Kernel]:
    """All kernels, those of loops in place of the loops."""
    for kernel in kernels:
        if isinstance(kernel, Repeat):
            yield from flat([*kernel.start, *kernel.inner])
        else:
            yield kernel


def loops(kernels: Iterable[Kernel]) -> Iterator[tuple[Repeat, int]]:
    """All loops, outer ones first, with the number of loops around them."""
    pending = [(k, 0) for k in kernels]
    while pending:
        kernel, depth = pending.pop(0)
        if isinstance(kernel, Repeat):
            yield kernel, depth
            pending += [(k, depth + 1) for k in kernel.inner]


@dataclass
class Region:
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
    places: dict[Tensor, tuple[int, Turn]]
    results: dict[Tensor, int]
    rows: bool

    @property
    def is_result(self) -> bool:
        """Whether it is one result of the loop and nothing else, which may then lie wherever it is wanted."""
        return list(self.results) == [self.name] and self.size == _bytes(self.name)

    def axes_before(self, node: Tensor) -> int:
        """How many axes come before those of one of its nodes."""
        return int(self.rows and (node in self.places or node.attrs["index"] < _carries(node)))


def regions(kernel: Repeat) -> list[Region]:
    """The memory of a loop's own: carries, results, and what kernels of a step leave for one another."""
    body = kernel.loop
    found = [_carry(kernel, k) for k in range(len(body.carry))]
    inside = {n for r in found for n in r.places}
    for j, y in enumerate(body.ys):
        if y not in inside:
            row = _bytes(y)
            at, step = ((body.length - 1) * row, -row) if body.reverse else (0, row)
            results = dict.fromkeys(kernel.parts(len(body.carry) + j), 0)
            found.append(Region([*results, y][0], row * body.length, {y: (at, (step, 0))}, results, True))
            inside.add(y)
    made = [n for k in kernel.inner if not isinstance(k, Repeat) for n in k.stores if n not in inside]
    return [*found, *(Region(n, _bytes(n), {n: (0, (0, 0))}, {}, False) for n in made)]


def _carry(kernel: Repeat, k: int) -> Region:
    """The memory of a carry: two places in turn, or a row for each step if somebody reads those."""
    body = kernel.loop
    before, after, first = body.carry[k], body.after[k], kernel.start[k].seed
    row, last, n = _bytes(before), kernel.parts(k), body.length
    results = {}
    for j, y in enumerate(body.ys):
        if y is before or y is after:
            results |= dict.fromkeys(kernel.parts(len(body.carry) + j), row if (y is after) != body.reverse else 0)
    if not results:
        places = {before: (0, (0, row)), after: (row, (0, -row)), first: (0, (0, 0))}
        return Region([*last, after][0], 2 * row, places, dict.fromkeys(last, n % 2 * row), False)
    start, step = (n * row, -row) if body.reverse else (0, row)
    places = {before: (start, (step, 0)), after: (start + step, (step, 0)), first: (start, (0, 0))}
    name = next(iter(results))
    return Region(name, (n + 1) * row, places, results | dict.fromkeys(last, start + n * step), True)


def _carries(node: Tensor) -> int:
    """How many carries the loop has that a node is a part of."""
    return len(node.inputs[0].attrs["body"].carry)


def _bytes(node: Tensor) -> int:
    return node.size * node.dtype.itemsize


__all__ = ["Region", "Repeat", "Turn", "flat", "loops", "regions", "repeat"]
