"""Loop nests: the code of every kernel that is not a contraction."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from subgrad.compile.fuse import POINTWISE, Kernel
from subgrad.compile.hosting import Hosting
from subgrad.compile.ir import Builder, Index, Value, constant, first_lanes, lanes_of, like, vector
from subgrad.compile.lower import LOWERED, convert, iota, is_float
from subgrad.compile.sums import BLOCK, Totals, in_blocks, outermost
from subgrad.compile.values import Ix, Pointers, Points, type_of
from subgrad.compile.views import contiguous
from subgrad.graph.tensor import Tensor

CHAINS = 4
"""Sums side by side: an addition takes about four cycles, and one can begin in each."""

Step = Callable[[dict[int, Ix], Totals], Totals]
"""From indices along reduced axes, and totals so far, to totals."""

Body = Callable[[tuple[Ix, ...], int, Value | None], None]
"""Emits the code at some indices, for so many lanes, of which the mask (None: all) may be touched."""


class Share(NamedTuple):
    """The part of a kernel's domain that one call computes: ``begin`` to ``end`` along ``axis`` (None: all of it)."""

    axis: int | None
    begin: Index
    end: Index


def split_axis(shape: Sequence[int]) -> int | None:
    """The axis along which threads share a domain: the first that has more than one element."""
    return next((i for i, n in enumerate(shape) if n > 1), None)


def nest(b: Builder, shape: Sequence[int], share: Share, lanes: int, body: Body) -> None:
    """Loops over ``shape``, with vectors along the last axis that is longer than 1."""
    if 0 in shape:
        return
    longer = [i for i, n in enumerate(shape) if n > 1]
    along = longer[-1] if longer and lanes > 1 else None
    _nest(b, list(shape), share, lanes, along, body, ())


def _nest(
    b: Builder, shape: list[int], share: Share, lanes: int, along: int | None, body: Body, ixs: tuple[Ix, ...]
) -> None:
    axis = len(ixs)
    if axis == len(shape):
        return body(ixs, 1, None)
    begin, end = (share.begin, share.end) if axis == share.axis else (0, shape[axis])
    if axis == along:
        rest = (Ix(0),) * (len(shape) - axis - 1)
        return vectors(b, begin, end, lanes, lambda ix, n, mask: body((*ixs, ix, *rest), n, mask))
    with b.loop(begin, end) as turn:
        _nest(b, shape, share, lanes, along, body, (*ixs, Ix(turn.index)))
    return None


def vectors(b: Builder, begin: Index, end: Index, lanes: int, body: Callable[[Ix, int, Value | None], None]) -> None:
    """A loop in steps of ``lanes``, and what is left over: under a mask, or one by one where masks are slow."""
    whole = b.sub(end, b.divmod(b.sub(end, begin), lanes)[1])
    at: Index = begin
    if not (isinstance(whole, int) and isinstance(begin, int) and whole <= begin):
        with b.loop(begin, whole, lanes) as turn:
            body(Ix(turn.index, 1), lanes, None)
        at = whole
    if isinstance(end, int) and isinstance(at, int) and at >= end:
        return
    if b.module.cpu.vector_bits < 256:  # no masked loads and stores
        with b.loop(at, end) as turn:
            body(Ix(turn.index), 1, None)
        return
    if isinstance(end, int) and isinstance(at, int):
        body(Ix(at, 1), lanes, first_lanes(lanes, end - at))
        return
    left = b.sub(end, at)
    count = left if isinstance(left, Value) else constant("i64", left)
    with b.when(b.compare("sgt", count, 0)):
        mask = b.compare("slt", iota(lanes, "i64"), b.splat(count, lanes))
        body(Ix(at, 1), lanes, mask)


def finish(kernel: Kernel, points: Points, ixs: Sequence[Ix], pointers: Pointers) -> None:
    """What a kernel stores at ``ixs``: all values first, since a store may overwrite what another value reads.

    The body's nodes that it needs are taken in order, so that what each is made of is there already.
    """
    for node in _needed(kernel):
        points.value(node, ixs)
    values = [points.wide(points.value(node, ixs)) for node in kernel.stores]
    for node, value in zip(kernel.stores, values, strict=True):
        pointer = pointers(node)
        assert pointer is not None
        points.store(node, value, ixs, pointer)


def _needed(kernel: Kernel) -> list[Tensor]:
    """The nodes of the body that the stored ones are made of; others are computed again where they are read."""
    wanted, found = set(kernel.stores), []
    for node in reversed(kernel.body):
        if node in wanted:
            wanted.update(node.inputs)
            found.append(node)
    return found[::-1]


class LoopKernel:
    """Emits one kernel into a function whose pointers are given by ``pointers``.

    ``hosting`` says how nodes lie in memory, and which are written where the kernel would copy them.
    """

    def __init__(
        self, b: Builder, kernel: Kernel, pointers: Pointers, share: Share, lanes: int, hosting: Hosting
    ) -> None:
        self.b, self.kernel, self.share, self.lanes = b, kernel, share, lanes
        self.target, self.hosting, self.strides = pointers, hosting, hosting.strides
        made = {kernel.seed, *kernel.body}
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
        elif kind in ("sum", "max", "min"):
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
                if node.op.name in POINTWISE - {"cast"}:
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
        kind = type_of(seed) if lanes == 1 else vector(type_of(seed), lanes)

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
        chains = CHAINS if axes and shape[last] >= 2 * CHAINS else 1
        whole = shape[last] // chains * chains if axes else 0

        fresh = (neutral,) * chains

        def step(at: dict[int, Ix], totals: Totals) -> Totals:
            if not axes:
                return (self._combine(totals[0], term(at)),)

            def turn(index: Index, totals: Totals) -> Totals:
                terms = [term({**at, last: Ix(b.add(index, i))}) for i in range(chains)]
                return tuple(map(self._combine, totals, terms))

            totals = in_blocks(b, 0, whole, chains, self._block(), totals, fresh, self._combine, turn)
            rest = range(whole, shape[last])
            return tuple(
                self._combine(total, term({**at, last: Ix(rest[i])})) if i < len(rest) else total
                for i, total in enumerate(totals)
            )

        totals = self._nested(outer, {}, fresh, fresh, -(-shape[last] // chains) if axes else 1, step)
        while len(totals) > 1:
            totals = tuple(map(self._combine, totals[::2], totals[1::2]))
        return totals[0]

    def _along_lanes(self, ixs: tuple[Ix, ...], last: int) -> None:
        """The lanes are elements of one sum, added up at the end."""
        seed, b = self.kernel.seed, self.b
        source = seed.inputs[0]
        wide = vector(type_of(seed), self.lanes)
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
        name = {"sum": "add", "max": "maximum", "min": "minimum"}[self.kernel.seed.op.name]
        return LOWERED[name](self.b, x, y)

    def _fold(self, x: Value) -> Value:
        """All lanes combined, halves with halves."""
        lanes = lanes_of(x.type)
        while lanes > 1:
            lanes //= 2
            low = self.b.shuffle(x, x, range(lanes))
            high = self.b.shuffle(x, x, range(lanes, 2 * lanes))
            x = self._combine(low, high)
        return self.b.emit(like("", type_of(self.kernel.seed)), f"extractelement {x.type} {x}, i64 0")

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
                    turn.carry = (LOWERED["add"](b, turn.carry[0], term),)
                    total = LOWERED["add"](b, before.carry[0], turn.carry[0])
                    self.finish(self.points(1, None, {seed: total}), here)
                before.carry = (LOWERED["add"](b, before.carry[0], turn.carry[0]),)

        nest(b, others, Share(None, 0, 0), 1, body)

    def _argmax(self) -> None:
        self._arg(lambda x, best: LOWERED["less"](self.b, best, x))

    def _argmin(self) -> None:
        self._arg(lambda x, best: LOWERED["less"](self.b, x, best))

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
                here = turn.index if isinstance(turn.index, Value) else constant("i64", turn.index)
                turn.carry = (b.select(better, x, best), b.select(better, here, where))
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
        for part, start in self.hosting.copied(self.kernel.seed):
            self._copy(part, [(i, 1) for i in start])

    def _fill(self, value: float, sides: Sequence[tuple[int, int]]) -> None:
        """The same value from the first to the last index of each axis."""
        seed = self.kernel.seed
        known = {seed: constant(type_of(seed), value)}

        def body(ixs: tuple[Ix, ...], lanes: int, mask: Value | None) -> None:
            there = [ix.moved(self.b, first, 1) for ix, (first, _) in zip(ixs, sides, strict=True)]
            self.finish(self.points(lanes, mask, known), there)

        shape = [last - first for first, last in sides]
        if all(shape):
            nest(self.b, shape, self._share_of(shape), self.lanes, body)

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
            points.store(seed, LOWERED["add"](b, old, points.value(part, ixs)), there, pointer)

        nest(b, part.shape, Share(None, 0, 0), 1, body)
