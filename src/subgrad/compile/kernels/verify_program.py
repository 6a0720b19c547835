"""Proves of a scheduled program, element by element, that its kernels find what they read.

The kernels run on memory that holds, in each cell, the number of the value that was written there. So a read finds
whether its value has been written and still lies there, a write whether it leaves its array, writes twice, or destroys
an argument; and between barriers no thread touches what another one writes. Loops are gone through step by step. A cell
is a byte, or several where all that lies in memory begins and ends between such.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from subgrad.compile.codegen.lower import Role
from subgrad.compile.kernels.kernel import Kernel, Repeat
from subgrad.compile.kernels.placement import ARENA, FIRST, Placement
from subgrad.compile.kernels.touches import NOWHERE, Touch, Touches, placed_parts
from subgrad.errors import CheckError
from subgrad.graph.op import Kind
from subgrad.graph.tensor import CONST, Tensor
from subgrad.ops.shape import cast

if TYPE_CHECKING:
    from subgrad.compile.kernels.buffer_slice import BufferSlice
    from subgrad.compile.kernels.schedule import Schedule, Slot

LARGEST = 1_000_000
"""Elements that the kernels of a program may touch in all: larger programs are not looked at."""

STEPS = 24
"""Steps of a loop that are gone through; what is read of later ones counts as written."""

At = tuple[int, ...]
"""The training step, and the steps of the loops around a kernel."""


def verify_program(placed: Placement) -> None:
    """Raise `CheckError` if a kernel of a program reads or writes where it must not."""
    if _touched(placed.schedule) <= LARGEST:
        _Simulation(placed).run()


def _touched(schedule: Schedule) -> float:
    """About how many elements the kernels touch."""
    total = 0.0
    for slot, times in schedule.flat():
        kernel = slot.kernel
        sizes = [i.size for n in kernel.nodes for i in n.inputs]
        total += min(times, STEPS) * (sum(sizes) + kernel.seed.size * (1 + len(kernel.stores)))
    return total


class _Memory:
    """For each cell of an array the number of the value there (0: none), and who wrote and read since a barrier."""

    def __init__(self, title: str, size: int, cell: int, fixed: bool) -> None:
        self.title, self.size, self.fixed = title, size, fixed
        self.cells = size // cell
        self.holds = np.zeros(self.cells, np.int64)
        self.writer = np.full(self.cells, NOWHERE, np.int8)
        self.readers = np.zeros(self.cells, np.uint64)
        self.written_at = np.full(self.cells, NOWHERE)
        """By the kernel that writes just now: for which element of its domain."""

    def barrier(self) -> None:
        self.writer[:] = NOWHERE
        self.readers[:] = 0


class _Simulation:
    def __init__(self, placed: Placement) -> None:
        self.interface, self.placed, self.threads = placed.interface, placed, placed.n_threads
        self.aliasing = self.placed.aliasing
        self.touches = Touches(self.placed.stored, self.aliasing)
        self.roots = {self.aliasing.root(n) for n in self.aliasing}
        self.written: dict[Tensor, np.ndarray] = {}
        self.values: dict[Tensor, np.ndarray] = {}
        self.count = 0
        self.offsets: dict[Tensor, np.ndarray] = {}
        self.cell = self._cell()
        self.memory = self._memory()

    def _cell(self) -> int:
        """The largest number of bytes that divides all addresses and all sizes."""
        arena, interface = self.placed.memory.size, self.interface
        found = math.gcd(arena, *map(_bytes, (*interface.inputs, *interface.outputs)))
        for node, where in self.placed.where.items():
            strides = itertools.chain(*where.loop_strides)
            found = math.gcd(found, node.dtype.itemsize, where.offset, where.step, *strides)
        for source, target, size in self.placed.copies:
            found = math.gcd(found, source.offset, target.offset, size)
        return found or 1

    def _memory(self) -> dict[int, _Memory]:
        found = {ARENA: _Memory("the arena", self.placed.memory.size, self.cell, False)}
        changing = set(self.interface.variables.values())
        for i, node in enumerate(self.interface.inputs):
            found[FIRST + i] = _Memory(f"input {i}", _bytes(node), self.cell, i not in changing)
        for entry, array in self.placed.constants.items():
            found[entry] = _Memory("a constant", array.nbytes, self.cell, True)
        for k, node in enumerate(self.interface.outputs):
            found[self.placed.first_output + k] = _Memory(f"result {k}", _bytes(node), self.cell, False)
        return found

    def run(self) -> None:
        """One training step."""
        constants = [n for n in self.placed.where if n.op is CONST]
        for node in (*self.interface.inputs, *constants):
            self.values[node] = self._fresh(node)
            places = self._cells(node, np.arange(node.size), (0,))
            self._memory_of(node).holds[places] = self.values[node].reshape(-1, 1)
        for slot in self.placed.schedule.slots:
            self._slot(slot, (0,))
        if self.placed.copies and self.threads > 1:
            self._barrier()
        for source, target, size in self.placed.copies:
            self._copy(source, target, size)
        self._results()

    # What values there are

    def _fresh(self, node: Tensor) -> np.ndarray:
        """Numbers for new values of a node."""
        first, self.count = self.count + 1, self.count + node.size
        return np.arange(first, first + node.size).reshape(node.shape)

    def _value(self, node: Tensor) -> np.ndarray:
        """The numbers of a node's values, which must be there by now."""
        found = self._known(node)
        if found is None:
            raise CheckError(f"{_title(node)} is read before it is computed")
        return found

    def _known(self, node: Tensor) -> np.ndarray | None:
        """The numbers of a node's values: of those in memory, and of what only rearranges them."""
        if node in self.values or node.op.kind is not Kind.VIEW:
            return self.values.get(node)
        inner = self._known(node.inputs[0])
        return None if inner is None else node.op.ref(inner, **node.attrs)

    def _computed(self, node: Tensor) -> np.ndarray:
        """Numbers for what a kernel writes: new ones, but copies of values have theirs."""
        if node.op.kind is Kind.VIEW or (node.op is cast and node.dtype == node.inputs[0].dtype):
            inner = self._known(node.inputs[0])
            if inner is not None:
                return inner if node.op is cast else node.op.ref(inner, **node.attrs)
        found = self._fresh(node)
        for part, place in placed_parts(node):
            inner = self._known(part)
            if inner is not None:
                found[place] = inner
        return found

    # Where they lie

    def _memory_of(self, node: Tensor) -> _Memory:
        return self.memory[self.placed.where[node].entry]

    def _cells(self, node: Tensor, elements: np.ndarray, at: At) -> np.ndarray:
        """The cells of elements of a node in memory, which must lie inside of its array."""
        where, memory = self.placed.where[node], self._memory_of(node)
        first = self._offsets(node)[elements] + _offset(where, at) // self.cell
        found = first[:, None] + np.arange(node.dtype.itemsize // self.cell)
        if found.size and not 0 <= found.min() <= found.max() < memory.cells:
            raise CheckError(f"{_title(node)} leaves {memory.title}, which has {memory.size} bytes")
        return found

    def _offsets(self, node: Tensor) -> np.ndarray:
        """How many cells behind the first element of a node each of its elements lies."""
        if node not in self.offsets:
            found, size = np.zeros((), np.int64), node.dtype.itemsize // self.cell
            for n, s in zip(node.shape, self.aliasing.strides(node), strict=True):
                found = found[..., None] + np.arange(n) * (s * size)
            self.offsets[node] = found.reshape(-1)
        return self.offsets[node]

    # Kernels

    def _slot(self, slot: Slot, at: At) -> None:
        if slot.barrier:
            self._barrier()
        if isinstance(slot.kernel, Repeat):
            return self._loop(slot, slot.kernel, at)
        reads = list(self.touches.reads(slot.kernel, slot.axis))
        places = [self._read(touch, slot, at) for touch in reads]
        self._write(slot, at, reads, places)
        return None

    def _barrier(self) -> None:
        if self.threads > 1:
            for memory in self.memory.values():
                memory.barrier()

    def _threads(self, touch: Touch, slot: Slot) -> np.ndarray:
        """Which thread touches each element; NOWHERE if all of them do."""
        if slot.axis is None:
            return np.zeros(touch.pieces.shape, np.int8)
        ends = [t * slot.extent // self.threads for t in range(1, self.threads + 1)]
        return np.where(touch.pieces == NOWHERE, NOWHERE, np.searchsorted(ends, touch.pieces, "right"))

    def _read(self, touch: Touch, slot: Slot, at: At) -> np.ndarray:
        node, memory = touch.node, self._memory_of(touch.node)
        places = self._cells(node, touch.elements, at)
        expected = self._value(node).reshape(-1)[touch.elements][:, None]
        found = memory.holds[places]
        if (found != expected).any():
            how = "before it is written" if (found == 0)[found != expected].any() else "where something else lies"
            raise CheckError(f"{slot.kernel} reads {_title(node)} {how}, in {memory.title}")
        if self.threads > 1:
            self._race(touch, slot, memory, places, False)
        return places

    def _write(self, slot: Slot, at: At, reads: list[Touch], read: list[np.ndarray]) -> None:
        kernel = slot.kernel
        seed = kernel.seed
        if kernel.role is Role.CONTRACT and seed in self.placed.where and not self.placed.stored(seed):
            self.values[seed] = self._fresh(seed)  # sums that wait in memory for their next block
            memory = self._memory_of(seed)
            memory.holds[self._cells(seed, np.arange(seed.size), at)] = self.values[seed].reshape(-1, 1)
        for touch in self.touches.writes(kernel, slot.axis):
            node, memory = touch.node, self._memory_of(touch.node)
            self.values[node] = self._computed(node)
            places = self._cells(node, touch.elements, at)
            if memory.fixed and places.size:
                raise CheckError(f"{kernel} writes {_title(node)} into {memory.title}")
            own = self._value(node).reshape(-1)[touch.elements]
            self._once(kernel, node, places)
            self._overwrites(slot, touch, places, reads, read)
            if self.threads > 1:
                self._race(touch, slot, memory, places, True)
            memory.holds[places] = own[:, None]

    def _once(self, kernel: Kernel, node: Tensor, places: np.ndarray) -> None:
        """No element is written twice, be it by the kernel of an array or by that of a part of it."""
        root, memory = self.aliasing.root(node), self._memory_of(node)
        here = np.zeros(memory.cells, bool)
        here[places] = True
        twice = bool(np.count_nonzero(here) < places.size)
        if root in self.roots:
            written = self.written.setdefault(root, np.zeros(memory.cells, bool))
            twice |= bool(written[places].any())
            written[places] = True
        if twice:
            raise CheckError(f"{kernel} writes an element of {_title(node)} twice, in {memory.title}")

    def _overwrites(
        self, slot: Slot, write: Touch, places: np.ndarray, reads: list[Touch], read: list[np.ndarray]
    ) -> None:
        """A kernel may overwrite what it reads only where it has read that for the same element."""
        memory = self._memory_of(write.node)
        memory.written_at[places] = write.at[:, None]
        for touch, where in zip(reads, read, strict=True):
            if self._memory_of(touch.node) is memory:
                at = memory.written_at[where]
                if ((at != NOWHERE) & (at != touch.at[:, None])).any():
                    raise CheckError(f"{slot.kernel} overwrites {_title(touch.node)}, which it still reads elsewhere")
        memory.written_at[places] = NOWHERE

    def _race(self, touch: Touch, slot: Slot, memory: _Memory, places: np.ndarray, writes: bool) -> None:
        """No thread may touch between two barriers what another one writes."""
        threads = self._threads(touch, slot)
        for t in range(self.threads):
            own = places[(threads == t) | (threads == NOWHERE)]
            met = memory.writer[own]
            others = memory.readers[own] & ~np.uint64(1 << t)
            if ((met != NOWHERE) & (met != t)).any() or (writes and others.any()):
                what = "writes" if writes else "reads"
                raise CheckError(f"{slot.kernel} {what} {_title(touch.node)} while another thread uses it")
            memory.readers[own] |= np.uint64(1 << t)
        if writes:
            memory.writer[places] = threads[:, None]

    # Loops

    def _loop(self, slot: Slot, kernel: Repeat, at: At) -> None:
        body, values = kernel.loop, self.values
        outer = {p: (self._value(x), axes) for p, x, axes in kernel.bindings()}
        for s in slot.start:
            self._slot(s, (*at, 0))
        carry = [values[k.seed] for k in kernel.start]
        rows: list[dict[int, np.ndarray]] = [{} for _ in body.ys]
        length = min(body.length, STEPS)
        for t in range(length):
            row = body.length - 1 - t if body.reverse else t
            values.update({p: x[row] if axes else x for p, (x, axes) in outer.items()})
            values.update(zip(body.carry, carry, strict=True))
            for s in slot.inner:
                self._slot(s, (*at, t))
            carry = [self._value(a) for a in body.after]
            for found, y in zip(rows, body.ys, strict=True):
                found[row] = self._value(y)
        self._given(kernel, carry, rows, at)

    def _given(self, kernel: Repeat, carry: list[np.ndarray], rows: list[dict[int, np.ndarray]], at: At) -> None:
        """The results of a loop; those of steps that were not gone through count as written."""
        body = kernel.loop
        whole = body.length <= STEPS
        for k, value in enumerate(carry):
            for part in kernel.parts(k):
                self.values[part] = value if whole else self._assumed(part, np.zeros(part.shape, bool), value, at)
        for j, found in enumerate(rows):
            for part in kernel.parts(len(carry) + j):
                value, known = self._fresh(part), np.zeros(part.shape, bool)
                for row, numbers in found.items():
                    value[row], known[row] = numbers, True
                self.values[part] = value if whole else self._assumed(part, known, value, at)

    def _assumed(self, part: Tensor, known: np.ndarray, value: np.ndarray, at: At) -> np.ndarray:
        elements, value = np.flatnonzero(~known), value.reshape(-1)
        places, holds = self._cells(part, elements, at), self._memory_of(part).holds
        there = holds[places[:, 0]]
        value[elements] = np.where(there > 0, there, value[elements])
        holds[places] = value[elements, None]
        return value.reshape(part.shape)

    # The end of a step

    def _copy(self, source: BufferSlice, target: BufferSlice, size: int) -> None:
        (a, x), (b, y) = ((self.memory[w.entry], _offset(w, (0,)) // self.cell) for w in (source, target))
        n = size // self.cell
        if min(x, y) < 0 or x + n > a.cells or y + n > b.cells:
            raise CheckError(f"a copy of {size} bytes leaves {a.title} or {b.title}")
        b.holds[y : y + n] = a.holds[x : x + n]

    def _results(self) -> None:
        for k, node in enumerate(self.interface.outputs):
            target = self.placed._target(k, node)
            memory = self.memory[target.entry]
            expected = np.repeat(self._value(node).reshape(-1), node.dtype.itemsize // self.cell)
            if not np.array_equal(memory.holds[: expected.size], expected):
                raise CheckError(f"result {k}, {_title(node)}, is not in its place when a step ends")


def _offset(where: BufferSlice, at: At) -> int:
    found = where.offset + at[0] * where.step
    for index, (each, other) in zip(at[1:], where.loop_strides, strict=False):
        found += index * each + (index & 1) * other
    return found


def _bytes(node: Tensor) -> int:
    return math.prod(node.shape) * node.dtype.itemsize


def _title(node: Tensor) -> str:
    return f"{node.scope}.{node.op.name}" if node.scope else node.op.name


__all__ = ["verify_program"]
