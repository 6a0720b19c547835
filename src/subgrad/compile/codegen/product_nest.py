"""A contraction of the graph as the nested loops of `gemm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from subgrad.compile.codegen.expressions import Ix, memory_type
from subgrad.compile.codegen.gemm.spec import Contraction, Loop
from subgrad.compile.codegen.gemm.tile import Place, Touches
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Value
from subgrad.compile.kernels.partition import loop_letters, operand_letters, swapped
from subgrad.compile.kernels.views import Strides, View
from subgrad.graph.tensor import Tensor


class Nest:
    """A contraction node as nested loops, and the way from its rows and columns to the axes of the result."""

    def __init__(self, node: Tensor, sources: Sequence[View], strides: tuple[int, ...]) -> None:
        left, right, self.out = operand_letters(node)
        size = dict(zip(self.out, node.shape, strict=True))
        inputs = list(reversed(node.inputs)) if swapped(node) else list(node.inputs)
        for term, x in zip((left, right), inputs, strict=True):
            size |= dict(zip(term, x.shape, strict=True))
        a = dict(zip(left, sources[0].strides, strict=True))
        b = dict(zip(right, sources[1].strides, strict=True))
        c = dict(zip(self.out, strides, strict=True))
        self.batch, self.rows, self.columns = loop_letters(node)
        inner = sorted((x for x in left if x in right and x not in self.out), key=lambda x: -b[x])
        self.size = size

        def loops(letters: Sequence[str]) -> tuple[Loop, ...]:
            return tuple(Loop(size[x], a.get(x, 0), b.get(x, 0), c.get(x, 0)) for x in letters)

        one = (Loop(1),)
        self.contraction = Contraction(
            node.dtype.name, m=loops(self.rows) or one, n=loops(self.columns) or (Loop(1, 0, 0, 1),),
            k=loops(inner) or one, batch=loops(self.batch),
        )  # fmt: skip

    def indices(self, b: Builder, place: Place) -> list[Ix]:
        """The index along each axis of the result for the vector at ``place``."""
        found: dict[str, Ix] = {}
        index, rest = place.m, place.length  # the innermost letters are those of a line
        for letter in reversed(self.batch + self.rows):
            if rest == 1:
                index, rest = place.line, 0
            size = self.size[letter]
            rest //= size
            outermost = rest == 1 or letter == (self.batch + self.rows)[0]
            index, at = (0, index) if outermost else b.divmod(index, size)
            found[letter] = Ix(at)
        if self.columns:
            found[self.columns[-1]] = Ix(place.n, 1)
        return [found[letter] for letter in self.out]

    def touches(self, nodes: Mapping[Tensor, Value], written: Set[Tensor], strides: Strides) -> Touches:
        """Where ``nodes`` of the result's shape have their elements at a place, and which of them are written."""

        def found(b: Builder, place: Place) -> list[tuple[Value, bool]]:
            ixs = self.indices(b, place)
            offsets = {n: b.total([ix.base for ix in ixs], strides(n)) for n in nodes}
            return [(b.at(start, offsets[n], memory_type(n)), n in written) for n, start in nodes.items()]

        return found


__all__ = ["Nest"]
