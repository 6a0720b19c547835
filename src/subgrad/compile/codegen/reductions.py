"""Sums, maxima and minima: the lanes of vectors are elements of the result, or terms of one of its elements."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence

from subgrad.compile.codegen.expressions import Ix, Points, type_of
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, constant, first_lanes, lanes_of, like, vector
from subgrad.compile.codegen.lower import LOWER, convert, emit
from subgrad.compile.codegen.nest import Share, nest
from subgrad.compile.codegen.sums import BLOCK, Totals, in_blocks, outermost
from subgrad.compile.kernels.kernel import Kernel

CHAINS = 4
"""Sums side by side: an addition of floats takes about four cycles, and one can begin in each. Integers have one sum,
of four terms a turn: it takes a register only."""

Step = Callable[[dict[int, Ix], Totals], Totals]
"""From indices along reduced axes, and totals so far, to totals."""


class Reduction:
    """Emits the loops of one reduction.

    ``points`` gives values for so many lanes, under a mask and with some known, as `loops.LoopKernel.points`;
    ``finish`` stores what the kernel makes of the result at some indices.
    """

    def __init__(
        self, b: Builder, kernel: Kernel, share: Share, lanes: int, points: Callable[..., Points],
        finish: Callable[[Points, Sequence[Ix]], None],
    ) -> None:  # fmt: skip
        self.b, self.kernel, self.share, self.lanes = b, kernel, share, lanes
        self.points, self.finish = points, finish

    def emit(self) -> None:
        """The loops."""
        seed = self.kernel.seed
        source, axes = seed.inputs[0], seed.attrs["axis"]
        longer = [i for i, n in enumerate(source.shape) if n > 1]
        if longer and longer[-1] in axes:
            nest(self.b, self.kernel.domain, self.share, 1, lambda ixs, *_: self._along_lanes(ixs, longer[-1]))
        else:
            nest(self.b, self.kernel.domain, self.share, self.lanes, self._across_lanes)

    def _inner(self, ixs: Sequence[Ix], reduced: dict[int, Ix]) -> list[Ix]:
        """The indices into the reduction's input."""
        seed = self.kernel.seed
        pending, found = list(ixs), []
        for axis in range(seed.inputs[0].ndim):
            if axis in seed.attrs["axis"]:
                found.append(reduced[axis])
                if seed.attrs["keepdims"]:
                    pending.pop(0)
            else:
                found.append(pending.pop(0))
        return found

    def _across_lanes(self, ixs: tuple[Ix, ...], lanes: int, mask: Value | None) -> None:
        """Each lane is an element of the result."""
        seed = self.kernel.seed
        kind = self._wide(lanes)

        def term(reduced: dict[int, Ix]) -> Value:
            points = self.points(lanes, mask)
            x = points.value(seed.inputs[0], self._inner(ixs, reduced))
            return points.wide(convert(self.b, x, type_of(seed)))

        total = self._in_chains(list(seed.attrs["axis"]), self._neutral(kind), term)
        self.finish(self.points(lanes, mask, {seed: total}), ixs)

    def _in_chains(self, axes: list[int], neutral: Value, term: Callable[[dict[int, Ix]], Value]) -> Value:
        """All terms combined. Several sums run side by side along the last axis: each waits for its last addition."""
        b, shape = self.b, self.kernel.seed.inputs[0].shape
        *outer, last = axes or [-1]
        floats = self.kernel.seed.dtype.kind == "f"
        short = 1 if floats or not axes else max(1, shape[last])
        chains = CHAINS if axes and shape[last] >= 2 * CHAINS else short
        whole = shape[last] // chains * chains if axes else 0

        fresh = (neutral,) * (chains if floats else 1)

        def step(at: dict[int, Ix], totals: Totals) -> Totals:
            if not axes:
                return (self._combine(totals[0], term(at)),)

            def turn(index: Index, totals: Totals) -> Totals:
                terms = [term({**at, last: Ix(b.add(index, i))}) for i in range(chains)]
                return tuple(functools.reduce(self._combine, terms[i :: len(totals)], t) for i, t in enumerate(totals))

            totals = in_blocks(b, 0, whole, chains, self._block(), totals, fresh, self._combine, turn)
            rest = [term({**at, last: Ix(i)}) for i in range(whole, shape[last])]
            return tuple(functools.reduce(self._combine, rest[i :: len(totals)], t) for i, t in enumerate(totals))

        totals = self._nested(outer, {}, fresh, fresh, -(-shape[last] // chains) if axes else 1, step)
        while len(totals) > 1:
            totals = tuple(map(self._combine, totals[::2], totals[1::2]))
        return totals[0]

    def _along_lanes(self, ixs: tuple[Ix, ...], last: int) -> None:
        """The lanes are elements of one sum, added up at the end."""
        seed, b = self.kernel.seed, self.b
        source = seed.inputs[0]
        wide = self._wide(self.lanes)
        outer = [a for a in seed.attrs["axis"] if a != last]
        fresh, n = (self._neutral(wide),), source.shape[last]
        whole = n // self.lanes * self.lanes

        def row(reduced: dict[int, Ix], totals: Totals) -> Totals:
            def turn(index: Index, totals: Totals) -> Totals:
                return (self._combine(totals[0], self._term(ixs, {**reduced, last: Ix(index, 1)}, self.lanes, None)),)

            if whole:
                totals = in_blocks(b, 0, whole, self.lanes, self._block(), totals, fresh, self._combine, turn)
            if whole < n:
                totals = (self._combine(totals[0], self._rest(ixs, reduced, last, whole, n)),)
            return totals

        (total,) = self._nested(outer, {}, fresh, fresh, -(-n // self.lanes), row)
        self.finish(self.points(1, None, {seed: self._fold(total)}), ixs)

    def _rest(self, ixs: Sequence[Ix], reduced: dict[int, Ix], last: int, begin: int, end: int) -> Value:
        """The terms that do not fill a vector, with neutral elements for the rest."""
        b, wide = self.b, vector(type_of(self.kernel.seed), self.lanes)
        if b.module.cpu.vector_bits < 256:
            x = self._neutral(wide)
            for i in range(begin, end):
                one = self._term(ixs, {**reduced, last: Ix(i)}, 1, None)
                x = b.emit(wide, f"insertelement {wide} {x}, {one.type} {one}, i64 {i - begin}")
            return x
        mask = first_lanes(self.lanes, end - begin)
        assert mask is not None
        x = self._term(ixs, {**reduced, last: Ix(begin, 1)}, self.lanes, mask)
        return b.select(mask, x, self._neutral(wide))

    def _term(self, ixs: Sequence[Ix], reduced: dict[int, Ix], lanes: int, mask: Value | None) -> Value:
        seed = self.kernel.seed
        points = self.points(lanes, mask)
        return points.wide(convert(self.b, points.value(seed.inputs[0], self._inner(ixs, reduced)), type_of(seed)))

    def _nested(
        self, axes: list[int], fixed: dict[int, Ix], totals: Totals, fresh: Totals, terms: int, step: Step
    ) -> Totals:
        """``step``, which brings so many ``terms`` for each total, for all indices along ``axes``, in blocks."""
        if not axes:
            return step(fixed, totals)
        shape = self.kernel.seed.inputs[0].shape

        def turn(index: Index, totals: Totals) -> Totals:
            return self._nested(axes[1:], {**fixed, axes[0]: Ix(index)}, totals, fresh, terms, step)

        sizes = [shape[a] for a in axes]
        return outermost(self.b, sizes, terms, self._block(), totals, fresh, self._combine, turn)

    def _wide(self, lanes: int) -> str:
        """The type of so many terms side by side."""
        kind = type_of(self.kernel.seed)
        return kind if lanes == 1 else vector(kind, lanes)

    def _block(self) -> int:
        """How many terms a total may take one after the other: any number, where nothing is rounded."""
        return BLOCK if self.kernel.seed.op.name == "sum" and self.kernel.seed.dtype.kind == "f" else sys.maxsize

    def _neutral(self, kind: str) -> Value:
        name = self.kernel.seed.op.name
        if name == "sum":
            return constant(kind, 0)
        if "float" in kind or "double" in kind:
            return constant(kind, float("-inf") if name == "max" else float("inf"))
        bits = {"i8": 8, "i32": 32, "i64": 64, "i1": 1}[type_of(self.kernel.seed)]
        unsigned = bits in (1, 8)
        low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return constant(kind, low if name == "max" else high)

    def _combine(self, x: Value, y: Value) -> Value:
        combine = LOWER[self.kernel.seed.op].combine
        assert combine is not None
        return emit(combine, self.b, x, y)

    def _fold(self, x: Value) -> Value:
        """All lanes combined, halves with halves."""
        lanes = lanes_of(x.type)
        if lanes == 1:
            return x
        while lanes > 1:
            lanes //= 2
            low = self.b.shuffle(x, x, range(lanes))
            high = self.b.shuffle(x, x, range(lanes, 2 * lanes))
            x = self._combine(low, high)
        return self.b.emit(like("", type_of(self.kernel.seed)), f"extractelement {x.type} {x}, i64 0")


__all__ = ["Reduction"]
