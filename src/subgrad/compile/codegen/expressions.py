"""Values at places: emits what an element of a node is, going back through nodes that are not in memory."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.compile.codegen.checks import FLAGS, emit_check
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, constant, like, scalar_of, vector
from subgrad.compile.codegen.lower import Role, convert, emit, iota, role
from subgrad.compile.kernels.views import Strides, View, dense, reads_memory, view
from subgrad.errors import CheckError
from subgrad.graph.tensor import Tensor
from subgrad.ops.indexing import gather, in_range, slice_
from subgrad.ops.random import uniform
from subgrad.ops.shape import arange, cast
from subgrad.ops.window import slide

TYPES = {"float32": "float", "float64": "double", "int32": "i32", "int64": "i64", "uint8": "i8", "bool": "i1"}


def type_of(node: Tensor) -> str:
    """The LLVM type of an element in a register."""
    return _type_of(node.dtype)


def memory_type(node: Tensor) -> str:
    """The LLVM type of an element in memory: a bool is a byte there."""
    found = type_of(node)
    return "i8" if found == "i1" else found


@functools.cache  # NumPy puts the name of a dtype together each time, which takes longer than all else here
def _type_of(dtype: np.dtype) -> str:
    return TYPES[dtype.name]


class Ix(NamedTuple):
    """The index along one axis: ``base`` in lane 0 (or a vector for all lanes), ``step`` more in each next lane."""

    base: Index
    step: int = 0

    def moved(self, b: Builder, start: int, step: int) -> Ix:
        """start + step * self."""
        return Ix(b.add(b.mul(self.base, step), start), self.step * step)


Pointers = Callable[[Tensor], Value | None]
"""Where a node lies in memory, or None if it does not."""


class Points:
    """Emits the values of nodes for the lanes of one vector.

    A value that is the same in every lane is a scalar until it meets one that is not.

    Args:
        b: where instructions go.
        lanes: how many elements at a time.
        pointers: which nodes are in memory, and where.
        mask: the lanes that may be touched; None for all.
        known: nodes whose values are in registers already.
        flat: all nodes have one shape and lie alike in memory: one index counts through it.
        strides: how nodes lie in memory.
    """

    def __init__(
        self, b: Builder, lanes: int, pointers: Pointers, mask: Value | None = None,
        known: Mapping[Tensor, Value] | None = None, flat: bool = False, strides: Strides = dense,
    ) -> None:  # fmt: skip
        self.b, self.lanes, self.pointers, self.mask, self.flat = b, lanes, pointers, mask, flat
        self.strides = strides
        self.known = dict(known or {})
        self._seen: dict[tuple[Tensor, tuple[Ix, ...]], Value] = {}

    def value(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        """The value at ``ixs``; a scalar if it is the same in all lanes."""
        if node in self.known:
            return self.known[node]
        key = (node, tuple(ixs))
        if key not in self._seen:
            pointer = self.pointers(node)
            self._seen[key] = self._made(node, ixs) if pointer is None else self._load(node, pointer, ixs)
        return self._seen[key]

    def wide(self, x: Value) -> Value:
        """A scalar in every lane."""
        if self.lanes == 1 or x.type.startswith("<"):
            return x
        if x.name.startswith("%"):
            return self.b.splat(x, self.lanes)
        return Value(vector(x.type, self.lanes), f"splat ({x.type} {x.name})")

    def store(self, node: Tensor, x: Value, ixs: Sequence[Ix], pointer: Value) -> None:
        """Write the values of a node to its memory."""
        scalar = memory_type(node)
        if scalar_of(x.type) != type_of(node):
            raise CheckError(f"a store of {x.type} into {node.dtype}, {node.op.name}")
        if scalar != scalar_of(x.type):
            kind = like(x.type, scalar)
            x = self.b.pure(kind, f"zext {x.type} {x} to {kind}")
        offset, step = self._offset(node, ixs)
        if isinstance(offset, Value) and offset.type != "i64":
            raise AssertionError("stores go to places that are known")
        if self.lanes == 1 or step == 0:
            self.b.store(x, self.b.at(pointer, offset, scalar))
        elif step == 1:
            self.b.store(self.wide(x), self.b.at(pointer, offset, scalar), self.mask)
        else:
            self._scatter(self.wide(x), pointer, self._spread(offset, step), scalar)

    # Nodes that are not in memory

    def _made(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        op, inputs, attrs = node.op, node.inputs, node.attrs
        if role(op) is Role.ELEMENT:
            return self.apply(node, [self.value(i, ixs) for i in inputs])
        if op is ops.full:
            return _literal(type_of(node), attrs["value"])
        if op is cast:
            return convert(self.b, self.value(inputs[0], ixs), type_of(node))
        if op is ops.broadcast_to:
            return self.value(inputs[0], self._unrepeated(inputs[0].shape, ixs))
        if op is ops.transpose:
            inner: list[Ix] = [Ix(0)] * node.ndim
            for at, axis in enumerate(attrs["axes"]):
                inner[axis] = ixs[at]
            return self.value(inputs[0], inner)
        if op is slice_:
            moved = [ix.moved(self.b, s[0], s[2]) for ix, s in zip(ixs, attrs["steps"], strict=True)]
            return self.value(inputs[0], moved)
        if op is slide:
            return self.value(inputs[0], self._slid(node, ixs))
        if op is ops.reshape:
            return self._reshaped(node, ixs)
        if op is arange:
            return convert(self.b, self.index(ixs[0]), type_of(node))
        if op is ops.one_hot:
            return self._one_hot(node, ixs)
        if op is gather:
            return self._gathered(node, ixs)
        if op is in_range:
            return self._in_range(node, ixs)
        if op is uniform:
            return self._uniform(node, ixs)
        raise AssertionError(f"{op.name} is computed in memory only")

    def apply(self, node: Tensor, xs: Sequence[Value]) -> Value:
        """An elementwise op on the values of its inputs."""
        if len({x.type.startswith("<") for x in xs}) > 1:
            xs = [self.wide(x) for x in xs]
        return emit(node.op, self.b, *xs)

    def index(self, ix: Ix) -> Value:
        """An index as a value."""
        base = self.b.value(ix.base)
        if ix.step == 0 or self.lanes == 1:
            return base
        return self._spread(base, ix.step)

    def _spread(self, base: Index, step: int) -> Value:
        """base, base + step, base + 2 step, ... in the lanes."""
        start = self.b.value(base)
        lane = iota(self.lanes, "i64")
        if step != 1:
            lane = Value(lane.type, "<" + ", ".join(f"i64 {i * step}" for i in range(self.lanes)) + ">")
        return self.b.op("add", self.wide(start), lane) if step else self.wide(start)

    def _unrepeated(self, shape: tuple[int, ...], ixs: Sequence[Ix]) -> list[Ix]:
        own = ixs[len(ixs) - len(shape) :]
        return [Ix(0) if n == 1 else ix for n, ix in zip(shape, own, strict=True)]

    def _slid(self, node: Tensor, ixs: Sequence[Ix]) -> list[Ix]:
        """The indices of an element of a window: stride times the window's place plus dilation times its own."""
        attrs, pending, found = node.attrs, list(ixs), []
        for axis in range(node.inputs[0].ndim):
            ix = pending.pop(0)
            if axis in attrs["axes"]:
                i = attrs["axes"].index(axis)
                inside = pending.pop(0).moved(self.b, 0, attrs["dilations"][i])
                ix = self._plus(ix.moved(self.b, 0, attrs["strides"][i]), inside)
            found.append(ix)
        return found

    def _plus(self, p: Ix, q: Ix) -> Ix:
        kinds = {x.base.type if isinstance(x.base, Value) else "i64" for x in (p, q) if not isinstance(x.base, int)}
        if len(kinds) > 1:  # one of them was looked up
            p, q = (Ix(self._spread(x.base, x.step)) for x in (p, q))
        return Ix(self.b.add(p.base, q.base), p.step + q.step)

    def _reshaped(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        if reads_memory(node):
            found = view(node, self.strides)
            pointer = self.pointers(found.source)
            assert pointer is not None
            return self._load(found.source, pointer, ixs, found)
        inner = node.inputs[0]
        pending = [ix for n, ix in zip(node.shape, ixs, strict=True) if n != 1]
        return self.value(inner, [Ix(0) if n == 1 else pending.pop(0) for n in inner.shape])

    def _one_hot(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        label = convert(self.b, self.value(node.inputs[0], ixs[:-1]), "i64")
        place = self.index(ixs[-1])
        if label.type.startswith("<") or place.type.startswith("<"):
            label, place = self.wide(label), self.wide(place)
        return convert(self.b, self.b.compare("eq", label, place), type_of(node))

    def _gathered(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        data, *indices = node.inputs
        axes, many = node.attrs["axes"], indices[0].ndim
        first = axes[0] if list(axes) == list(range(axes[0], axes[0] + len(axes))) else 0
        chosen, rest = ixs[first : first + many], [*ixs[:first], *ixs[first + many :]]
        inner: list[Ix] = []
        for axis in range(data.ndim):
            if axis in axes:
                length = None if axis == 0 and data.attrs.get("open") else data.shape[axis]
                inner.append(self._looked_up(indices[axes.index(axis)], chosen, length))
            else:
                inner.append(rest.pop(0))
        return self.value(data, inner)

    def _in_range(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        x, flags = self.value(node.inputs[0], ixs), self.pointers(FLAGS)
        assert flags is not None
        emit_check(self.b, node, x, flags, self.mask)
        return x

    def _looked_up(self, indices: Tensor, ixs: Sequence[Ix], length: int | None) -> Ix:
        """An index read from memory: negative ones count from the end, and none leads outside.

        Without a length it was seen to already, see `subgrad.graph.tensor.placeholder`.
        """
        b = self.b
        i = convert(b, self.value(indices, ixs), "i64")
        if length is None:
            return Ix(i)
        i = b.select(b.compare("slt", i, 0), b.op("add", i, length), i)
        i = b.intrinsic("llvm.smax", i, constant(i.type, 0))
        return Ix(b.intrinsic("llvm.smin", i, constant(i.type, length - 1)))

    # Random numbers: Philox4x32-10, as subgrad.ops.random has it

    def _uniform(self, node: Tensor, ixs: Sequence[Ix]) -> Value:
        b = self.b
        seed = node.inputs[0]
        key, step = (self.value(seed, [Ix(k)]) for k in (0, 1))
        offset, lane_step = self._offset(
            node, ixs, View(node, 0, dense(node))
        )  # the number of the element, not its place
        flat = self._spread(offset, lane_step) if self.lanes > 1 else self.index(Ix(offset))

        def low(x: Value) -> Value:
            return b.op("and", x, 0xFFFFFFFF)

        def high(x: Value) -> Value:
            return b.op("lshr", x, 32)

        word = [low(flat), b.op("xor", high(flat), self.wide(high(step))), self.wide(low(step)),
                self.wide(constant("i64", node.attrs["stream"]))]  # fmt: skip
        k0, k1 = low(key), high(key)
        for _ in range(10):
            p0, p1 = b.op("mul", word[0], 0xD2511F53), b.op("mul", word[2], 0xCD9E8D57)
            word = [b.op("xor", b.op("xor", high(p1), word[1]), self.wide(k0)), low(p1),
                    b.op("xor", b.op("xor", high(p0), word[3]), self.wide(k1)), low(p0)]  # fmt: skip
            k0, k1 = low(b.op("add", k0, 0x9E3779B9)), low(b.op("add", k1, 0xBB67AE85))
        if node.dtype.name == "float32":
            return b.fmul(convert(b, b.op("lshr", word[0], 8), "float"), 2.0**-24)
        bits = b.op("xor", b.op("shl", word[0], 21), b.op("lshr", word[1], 11))
        return b.fmul(convert(b, b.op("and", bits, 2**53 - 1), "double"), 2.0**-53)

    # Memory

    def _offset(self, node: Tensor, ixs: Sequence[Ix], seen: View | None = None) -> tuple[Index, int]:
        """Elements from the start of a node's memory to its element in lane 0, and from one lane to the next."""
        steps = (1,) if self.flat else self.strides(node) if seen is None else seen.strides
        scattered: Value | None = None
        even: list[Index] = []
        lane = 0
        for ix, s in zip(ixs, steps, strict=True):
            lane += ix.step * s
            looked_up = isinstance(ix.base, Value) and ix.base.type != "i64"
            even.append(0 if looked_up else ix.base)
            if looked_up:
                part = self.b.op("mul", ix.base, s)
                scattered = part if scattered is None else self.b.op("add", scattered, part)
        offset = self.b.total(even, steps, 0 if seen is None else seen.offset)
        if scattered is None:
            return offset, lane
        return self.b.op("add", scattered, self._spread(offset, lane)), 0

    def _load(self, node: Tensor, pointer: Value, ixs: Sequence[Ix], seen: View | None = None) -> Value:
        b, scalar = self.b, memory_type(node)
        offset, step = self._offset(node, ixs, seen)
        if isinstance(offset, Value) and offset.type != "i64":
            x = self._gather_from(pointer, offset, scalar)
        elif step == 0 or self.lanes == 1:
            x = b.load(scalar, b.at(pointer, offset, scalar))
        elif step == 1:
            x = b.load(vector(scalar, self.lanes), b.at(pointer, offset, scalar), self.mask)
        else:
            x = self._gather_from(pointer, self._spread(offset, step), scalar)
        return convert(b, x, "i1") if type_of(node) == "i1" else x

    def _gather_from(self, pointer: Value, offsets: Value, scalar: str) -> Value:
        b, lanes = self.b, self.lanes
        places = b.pure(vector("ptr", lanes), f"getelementptr {scalar}, ptr {pointer}, {offsets.type} {offsets}")
        kind = vector(scalar, lanes)
        mask = self.mask or constant(vector("i1", lanes), 1)
        name = f"llvm.masked.gather.v{lanes}{_short(scalar)}.v{lanes}p0"
        b.module.declare(name, f"declare {kind} @{name}({places.type}, i32, {mask.type}, {kind})")
        given = f"{places.type} {places}, i32 1, {mask.type} {mask}, {kind} zeroinitializer"
        return b.emit(kind, f"call {kind} @{name}({given})")

    def _scatter(self, x: Value, pointer: Value, offsets: Value, scalar: str) -> None:
        b, lanes = self.b, self.lanes
        places = b.pure(vector("ptr", lanes), f"getelementptr {scalar}, ptr {pointer}, {offsets.type} {offsets}")
        mask = self.mask or constant(vector("i1", lanes), 1)
        name = f"llvm.masked.scatter.v{lanes}{_short(scalar)}.v{lanes}p0"
        b.module.declare(name, f"declare void @{name}({x.type}, {places.type}, i32, {mask.type})")
        b.lines.append(f"  call void @{name}({x.type} {x}, {places.type} {places}, i32 1, {mask.type} {mask})")


def _short(scalar: str) -> str:
    return {"float": "f32", "double": "f64"}.get(scalar, scalar)


def _literal(kind: str, value: float) -> Value:
    if kind in ("float", "double"):
        return constant(kind, value if not math.isnan(value) else float("nan"))
    return constant(kind, int(value))


__all__ = ["Ix", "Points", "memory_type", "type_of"]
