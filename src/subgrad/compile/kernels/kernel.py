"""What is computed in one pass: a kernel, and a kernel that holds the kernels of a loop's step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from subgrad.compile.codegen.lower import Role, role
from subgrad.compile.kernels import views
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.recur.loop import Loop

ALONE = frozenset({Role.CONTRACT, Role.REDUCE, Role.ALONE, Role.LOOP})
"""Roles of ops that begin a kernel."""


@dataclass(eq=False)
class Kernel:
    """Nodes that are computed in one pass over ``domain``, the shape of the seed's result."""

    seed: Tensor
    body: list[Tensor] = field(default_factory=list)
    stores: list[Tensor] = field(default_factory=list)

    @property
    def role(self) -> Role | None:
        return role(self.seed.op)

    @property
    def kind(self) -> str:
        name = self.seed.op.name
        return name if self.role in ALONE else "map"

    @property
    def domain(self) -> tuple[int, ...]:
        return self.seed.shape

    @property
    def nodes(self) -> list[Tensor]:
        """What it computes: the seed, and the body in order."""
        return [self.seed, *self.body]

    def written(self) -> list[Tensor]:
        """The nodes in memory that it writes."""
        return list(self.stores)

    def read(self, stored: Callable[[Tensor], bool]) -> set[Tensor]:
        """The nodes in memory that it reads; ``stored`` nodes lie there, as constants and inputs do."""
        made = set(self.nodes)
        pending, found, seen = self.nodes, set(), set()
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if node not in made and (stored(node) or node.op in (CONST, INPUT)):
                found.add(node)
            else:
                pending.extend(views.read_by(node))
        return found

    def __str__(self) -> str:
        made = ", ".join(n.op.name for n in self.nodes)
        return f"{self.kind} {list(self.domain)}: {made} -> {len(self.stores)} stored"


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

    def written(self) -> list[Tensor]:
        """As of any kernel, with what its kernels write."""
        return [*self.stores, *(n for k in (*self.start, *self.inner) for n in k.written())]

    def read(self, stored: Callable[[Tensor], bool]) -> set[Tensor]:
        """As of any kernel, with what its kernels read."""
        inner = [k.read(stored) for k in (*self.start, *self.inner)]
        return set(read_as_memory(self.seed)).union(*inner)

    def parts(self, index: int) -> list[Tensor]:
        """The node for result ``index``; none if nobody reads it."""
        return [p for p in self.stores if p.attrs["index"] == index]

    def __str__(self) -> str:
        return f"loop of {self.loop.length} steps{', last row first' if self.loop.reverse else ''}"


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


def read_as_memory(node: Tensor) -> list[Tensor]:
    """What a loop reads in memory: its constants and the rows of its xs, where they lie if that is one piece."""
    consts, _, xs = node.attrs["body"].parted(node.inputs)
    pieces = ((x, views.even(x)) for x in (*consts, *xs))
    return [x if piece is None else piece[0] for x, piece in pieces]


__all__ = ["ALONE", "Kernel", "Repeat", "flat", "loops", "read_as_memory"]
