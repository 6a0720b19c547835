"""Loop nests: the code of every kernel that is not a contraction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from subgrad import ops
from subgrad.compile.codegen.expressions import Ix, Pointers, Points, type_of
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, constant
from subgrad.compile.codegen.lower import Role, convert, emit, is_float, role
from subgrad.compile.codegen.nest import Share, nest, vectors
from subgrad.compile.codegen.reductions import Reduction
from subgrad.compile.codegen.sums import BLOCK
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.views import contiguous
from subgrad.graph.tensor import Tensor
from subgrad.ops.shape import cast


def finish(kernel: Kernel, points: Points, ixs: Sequence[Ix], pointers: Pointers) -> None:
    """What a kernel stores at ``ixs``: all values first, since a store may overwrite what another value reads.

    The nodes of the body are taken in order, so that what each is made of is there already.
    """
    for node in kernel.body:
        points.value(node, ixs)
    values = [points.wide(points.value(node, ixs)) for node in kernel.stores]
    for node, value in zip(kernel.stores, values, strict=True):
        pointer = pointers(node)
        assert pointer is not None
        points.store(node, value, ixs, pointer)


class LoopKernel:
    """Emits one kernel into a function whose pointers are given by ``pointers``.

    ``aliasing`` says how nodes lie in memory, and which are written where the kernel would copy them.
    """

    def __init__(
        self, b: Builder, kernel: Kernel, pointers: Pointers, share: Share, lanes: int, aliasing: Aliasing
    ) -> None:
        self.b, self.kernel, self.share, self.lanes = b, kernel, share, lanes
        self.target, self.aliasing, self.strides = pointers, aliasing, aliasing.strides
        made = set(kernel.nodes)
        self.pointers: Pointers = lambda node: None if node in made else pointers(node)

    def points(
        self, lanes: int, mask: Value | None = None, known: Mapping[Tensor, Value] | None = None, flat: bool = False
    ) -> Points:
        """Values for so many lanes."""
        return Points(self.b, lanes, self.pointers, mask, known, flat, self.strides)

    def emit(self) -> None:
        """The loops."""
        if 0 in self.kernel.domain:
            return
        kind = self.kernel.kind
        if kind == "map":
            self._map()
        elif self.kernel.role is Role.REDUCE:
            self._reduce()
        else:
            getattr(self, f"_{kind}")()

    def finish(self, points: Points, ixs: Sequence[Ix]) -> None:
        """The body's values from the seed's, stored."""
        finish(self.kernel, points, ixs, self.target)

    # Maps

    def _map(self) -> None:
        if self._lies_flat():
            return self._flat_map()

        def body(ixs: tuple[Ix, ...], lanes: int, mask: Value | None) -> None:
            self.finish(self.points(lanes, mask), ixs)

        return nest(self.b, self.kernel.domain, self.share, self.lanes, body)

    def _lies_flat(self) -> bool:
        """Whether everything that is read has the domain's shape, so that one loop can go through it."""
        if len(self.kernel.domain) < 2:
            return False
        pending, seen = [*self.kernel.stores], set()
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            in_memory = self.target(node) is not None
            if in_memory and self.strides(node) != contiguous(node.shape):
                return False
            if node.op.name == "full":
                continue
            if node.shape != self.kernel.domain:
                return False
            if self.pointers(node) is None:
                if role(node.op) is Role.INDEX and node.op is not cast:
                    return False
                pending.extend(node.inputs)
        return True

    def _flat_map(self) -> None:
        shape, share = self.kernel.domain, self.share
        if share.axis is None:
            begin, end = 0, math.prod(shape)
        else:
            inner = math.prod(shape[share.axis + 1 :])
            begin, end = self.b.mul(share.begin, inner), self.b.mul(share.end, inner)

        def body(ix: Ix, lanes: int, mask: Value | None) -> None:
            self.finish(self.points(lanes, mask, flat=True), (ix,))

        vectors(self.b, begin, end, self.lanes, body)

    # Reductions

    def _reduce(self) -> None:
        Reduction(self.b, self.kernel, self.share, self.lanes, self.points, self.finish).emit()

    # The rest: rare and simple, element by element

    def _cumsum(self) -> None:
        """Running totals, of blocks and inside of them: the longest sums of either have the root of all terms."""
        seed, b = self.kernel.seed, self.b
        axis, n = seed.attrs["axis"], seed.shape[seed.attrs["axis"]]
        others = tuple(1 if i == axis else m for i, m in enumerate(seed.shape))

        zero = constant(type_of(seed), 0)
        block = max(BLOCK, math.isqrt(n)) if seed.dtype.kind == "f" else n

        def body(ixs: tuple[Ix, ...], *_: object) -> None:
            with b.loop(0, n, block, carry=[zero]) as before:
                with b.loop(before.index, b.min(b.add(before.index, block), n), carry=[zero]) as turn:
                    at = b.sub(n - 1, turn.index) if seed.attrs["reverse"] else turn.index
                    here = [Ix(at) if i == axis else ix for i, ix in enumerate(ixs)]
                    term = convert(b, self.points(1).value(seed.inputs[0], here), type_of(seed))
                    turn.carry = (emit(ops.add, b, turn.carry[0], term),)
                    total = emit(ops.add, b, before.carry[0], turn.carry[0])
                    self.finish(self.points(1, None, {seed: total}), here)
                before.carry = (emit(ops.add, b, before.carry[0], turn.carry[0]),)

        nest(b, others, Share(None, 0, 0), 1, body)

    def _argmax(self) -> None:
        self._arg(lambda x, best: emit(ops.less, self.b, best, x))

    def _argmin(self) -> None:
        self._arg(lambda x, best: emit(ops.less, self.b, x, best))

    def _arg(self, beats: Callable[[Value, Value], Value]) -> None:
        """The first best element; the first NaN counts as better than all, as in NumPy."""
        seed, b = self.kernel.seed, self.b
        axis, source = seed.attrs["axis"], seed.inputs[0]

        def body(ixs: tuple[Ix, ...], *_: object) -> None:
            def at(i: Index) -> Value:
                return self.points(1).value(source, [*ixs[:axis], Ix(i), *ixs[axis:]])

            with b.loop(1, source.shape[axis], carry=[at(0), constant("i64", 0)]) as turn:
                x, (best, where) = at(turn.index), turn.carry
                better = beats(x, best)
                if is_float(x):
                    fresh = b.op("and", b.compare("uno", x, x), b.compare("ord", best, best))
                    better = b.op("or", better, fresh)
                turn.carry = (b.select(better, x, best), b.select(better, turn.index, where))
            self.finish(self.points(1, None, {seed: turn.carry[1]}), ixs)

        if source.shape[axis] == 1:
            known = self.points(1, None, {seed: constant("i64", 0)})
            return nest(b, seed.shape, self.share, 1, lambda ixs, *_: self.finish(known, ixs))
        return nest(b, seed.shape, self.share, 1, body)

    def _concatenate(self) -> None:
        self._copy_parts()

    def _pad(self) -> None:
        seed = self.kernel.seed
        whole = [(0, n) for n in seed.shape]
        for axis, ((before, _), n) in enumerate(zip(seed.attrs["widths"], seed.inputs[0].shape, strict=True)):
            for side in ((0, before), (before + n, seed.shape[axis])):
                self._fill(seed.attrs["value"], [*whole[:axis], side, *whole[axis + 1 :]])
            whole[axis] = (before, before + n)
        self._copy_parts()

    def _place(self) -> None:
        steps = self.kernel.seed.attrs["steps"]
        self._fill(0, [(0, n) for n in self.kernel.seed.shape])
        self._copy(self.kernel.seed.inputs[0], [(s[0], s[2]) for s in steps])

    def _copy_parts(self) -> None:
        """Those that are not there already."""
        for part, start in self.aliasing.copied(self.kernel.seed):
            self._copy(part, [(i, 1) for i in start])

    def _fill(self, value: float, sides: Sequence[tuple[int, int]]) -> None:
        """The same value from the first to the last index of each axis."""
        if any(first == last for first, last in sides):
            return
        seed, share = self.kernel.seed, self.share
        pointer, start = self.target(seed), share.axis or 0  # axes before that are of length 1
        assert pointer is not None
        axes = _in_pieces(sides[start:], seed.shape[start:], self.strides(seed)[start:], share.axis is not None)
        steps = tuple(step for _, _, step in axes)
        number = constant(type_of(seed), value)

        def body(ixs: tuple[Ix, ...], lanes: int, mask: Value | None) -> None:
            points = Points(self.b, lanes, self.pointers, mask, strides=lambda node: steps)
            there = [ix.moved(self.b, first, 1) for ix, (first, _, _) in zip(ixs, axes, strict=True)]
            points.store(seed, points.wide(number), there, pointer)

        shape = [last - first for first, last, _ in axes]
        nest(self.b, shape, share if share.axis is None else share._replace(axis=0), self.lanes, body)

    def _share_of(self, shape: Sequence[int]) -> Share:
        """This call's part of a piece of the domain: the axis that threads share is whole in every piece."""
        axis = self.share.axis
        assert axis is None or shape[axis] == self.kernel.domain[axis]
        return self.share

    def _copy(self, part: Tensor, moves: Sequence[tuple[int, int]]) -> None:
        """``part`` written to the seed's memory, each axis at ``start + step * i``."""
        seed, b = self.kernel.seed, self.b
        pointer = self.target(seed)
        assert pointer is not None
        if not part.size:
            return

        def body(ixs: tuple[Ix, ...], lanes: int, mask: Value | None) -> None:
            points = self.points(lanes, mask)
            there = [ix.moved(b, start, step) for ix, (start, step) in zip(ixs, moves, strict=True)]
            points.store(seed, points.wide(points.value(part, ixs)), there, pointer)

        nest(b, part.shape, self._share_of(part.shape), self.lanes, body)

    def _scatter_add(self) -> None:
        seed, b = self.kernel.seed, self.b
        pointer = self.target(seed)
        assert pointer is not None
        self._fill(0, [(0, n) for n in seed.shape])
        part, *indices = seed.inputs
        axes, many = seed.attrs["axes"], indices[0].ndim
        first = axes[0] if list(axes) == list(range(axes[0], axes[0] + len(axes))) else 0

        def body(ixs: tuple[Ix, ...], *_: object) -> None:
            points = self.points(1)
            chosen, rest = ixs[first : first + many], [*ixs[:first], *ixs[first + many :]]
            there = [
                points._looked_up(indices[axes.index(a)], chosen, seed.shape[a]) if a in axes else rest.pop(0)
                for a in range(seed.ndim)
            ]
            old = points._load(seed, pointer, there)
            points.store(seed, emit(ops.add, b, old, points.value(part, ixs)), there, pointer)

        nest(b, part.shape, Share(None, 0, 0), 1, body)


def _in_pieces(
    sides: Sequence[tuple[int, int]], shape: Sequence[int], strides: Sequence[int], apart: bool
) -> list[tuple[int, int, int]]:
    """From where to where each axis goes, and its stride; axes in one piece are one, but for a first that is ``apart``.

    >>> _in_pieces([(0, 9), (1, 2), (0, 4), (0, 8)], (9, 6, 4, 8), (192, 32, 8, 1), apart=True)
    [(0, 9, 192), (32, 64, 1)]
    """
    found: list[tuple[int, int, int]] = []
    for (first, last), n, step in zip(sides, shape, strides, strict=True):
        if len(found) > apart and (first, last) == (0, n) and found[-1][2] == n * step:
            before, after, _ = found.pop()
            first, last = before * n, after * n
        found.append((first, last, step))
    return found
