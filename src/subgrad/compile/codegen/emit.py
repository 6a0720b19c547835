"""LLVM text for a schedule: the functions of its kernels, and one that runs them, step after step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.barrier import barrier
from subgrad.compile.codegen.kernel_functions import Emitted, KernelFunctions, Locate
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, vector
from subgrad.compile.codegen.vecmath.engine_module import EngineModule
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.buffer_slice import BufferSlice
from subgrad.compile.kernels.placement import SCRATCH
from subgrad.compile.kernels.schedule import Schedule, Slot
from subgrad.compile.module_parts import LONG
from subgrad.compile.runtime.team import clock
from subgrad.graph.tensor import Tensor

TOGETHER = 24
"""Kernels that one function calls one after the other."""

Copies = Sequence[tuple[BufferSlice, BufferSlice, int]]
"""From where to where, and how many bytes."""

RUN = (("ptr", "table"), ("i64", "thread"), ("i64", "steps"), ("ptr", "sync"))
"""Type and name of what `run` is given; a part of it has the number of the step in the place of their count."""


class _Run(NamedTuple):
    """The values of the function that runs the kernels: its arguments, and what it has loaded."""

    table: Value
    sync: Value
    thread: Value
    room: Value
    places: dict[int, Value]


class Emitter:
    """Writes the functions of all kernels, and the one that calls them.

    Args:
        cpu: to generate for.
        plan: the schedule.
        threads: how many run it.
        locate: where nodes lie in memory.
        stored: which nodes lie in memory.
        aliasing: which nodes lie inside of others.
        clock: the entry of the table with a counter of cycles for each kernel, and one for all barriers and copies,
            if the run is to be timed.
        ahead: takes functions whose code may be made while others are written.
    """

    def __init__(
        self, cpu: Target, plan: Schedule, threads: int, locate: Locate, stored: Callable[[Tensor], bool],
        aliasing: Aliasing, clock: int | None = None, ahead: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self.cpu, self.plan, self.threads = cpu, plan, threads
        self.locate, self.clock, self.ahead = locate, clock, ahead
        self.module = EngineModule(cpu)
        self._kernels = KernelFunctions(self.module, threads, locate, stored, aliasing)
        self._emitted: dict[Slot, Emitted] = {}
        self._clocks: dict[Slot, int] = {}

    def emit(self, copies: Copies = ()) -> tuple[str, int]:
        """The text, and the bytes of scratch that each thread needs. ``copies`` are done at the end of each step."""
        for i, (slot, _) in enumerate(self.plan.flat()):
            self._emitted[slot] = self._kernels.shared(f"k{i}", slot)
            self._clocks[slot] = i
            if self.ahead is not None and (text := self.module.take(LONG)):
                self.ahead(text)
        scratch = max((e.scratch for e in self._emitted.values()), default=0)
        self._run(scratch, copies)
        return str(self.module), scratch

    def _run(self, scratch: int, copies: Copies) -> None:
        """``run(table, thread, steps, sync)``: each slot once in every step; many slots are functions of some each."""
        table, thread, steps, sync = (Value(t, f"%{n}") for t, n in RUN)
        slots = self.plan.slots
        parts = [slots[i : i + TOGETHER] for i in range(0, len(slots), TOGETHER)] if len(slots) > TOGETHER else []
        for i, part in enumerate(parts):
            self._part(f"part{i}", part, scratch)
        own = [] if parts else slots
        with self.module.function("run", [table, thread, steps, sync], exported=True) as b:
            run = self._opened(b, table, thread, sync, own, copies, scratch)
            with b.loop(0, steps) as turn:
                for i in range(len(parts)):
                    b.run(f"part{i}", [table, thread, b.value(turn.index), sync])
                for slot in own:
                    self._do(b, slot, run, (turn.index,))
                with self._between(b, run):
                    self._end_step(b, run, copies, turn.index, steps)
        if copies:
            self._copy_function()
        if self.threads > 1:
            self.module.add(barrier(self.threads, self.cpu.triple))

    def _part(self, name: str, slots: Sequence[Slot], scratch: int) -> None:
        """A function for some slots: in one for hundreds LLVM takes long to find registers for their addresses."""
        table, thread, step, sync = (Value(t, f"%{n}") for t, n in RUN)
        with self.module.function(name, [table, thread, step, sync]) as b:
            run = self._opened(b, table, thread, sync, slots, (), scratch)
            for slot in slots:
                self._do(b, slot, run, (step,))

    def _opened(
        self, b: Builder, table: Value, thread: Value, sync: Value, slots: Sequence[Slot], copies: Copies, scratch: int
    ) -> _Run:  # fmt: skip
        """What the function that runs these slots, or makes these copies, begins with."""
        room = b.at(self._entry(b, table, SCRATCH), b.mul(thread, scratch), "i8")
        return _Run(table, sync, thread, room, self._pointers(b, table, slots, copies))

    def _do(self, b: Builder, slot: Slot, run: _Run, at: tuple[Index, ...]) -> None:
        """A slot's turn; ``at`` are the training step and the steps of the loops around it."""
        if slot.barrier:
            with self._between(b, run):
                self._barrier(b, run.sync)
        if not slot.inner:
            with self._timed(b, run, self._clocks[slot]):
                return self._call(b, slot, run, at)
        for s in slot.start:
            self._do(b, s, run, (*at, 0))
        with b.loop(0, slot.kernel.seed.attrs["body"].length) as turn:
            for s in slot.inner:
                self._do(b, s, run, (*at, turn.index))
        return None

    def _between(self, b: Builder, run: _Run) -> AbstractContextManager[None]:
        """Times what is no kernel, in the last counter."""
        return self._timed(b, run, len(self._clocks))

    @contextmanager
    def _timed(self, b: Builder, run: _Run, i: int) -> Iterator[None]:
        """Adds the first thread's cycles to counter ``i``, if there is a clock."""
        if self.clock is None:
            yield
            return
        name = clock(self.cpu.triple)
        start = b.call("i64", name)
        yield
        took = b.op("sub", b.call("i64", name), start)
        with b.when(b.compare("eq", run.thread, 0)):
            place = b.at(self._entry(b, run.table, self.clock), i, "i64")
            b.store(b.op("add", b.load("i64", place), took), place)

    def _pointers(self, b: Builder, table: Value, slots: Sequence[Slot], copies: Copies) -> dict[int, Value]:
        emitted = [self._emitted[s] for slot in slots for s, _ in slot.flat()]
        entries = {self.locate(n).entry for e in emitted for n in e.nodes}
        entries |= {where.entry for source, target, _ in copies for where in (source, target)}
        return {i: self._entry(b, table, i) for i in sorted(entries)}

    def _entry(self, b: Builder, table: Value, i: int) -> Value:
        place = b.at(table, i, "ptr")
        return b.emit("ptr", f"load ptr, ptr {place}, align {self.cpu.pointer_bytes}")

    def _address(self, b: Builder, where: BufferSlice, at: tuple[Index, ...], places: dict[int, Value]) -> Value:
        offset = b.add(b.mul(at[0], where.step), where.offset)
        for index, (each, other) in zip(at[1:], where.loop_strides, strict=False):
            odd = index & 1 if isinstance(index, int) else b.op("and", index, 1) if other else 0
            offset = b.add(offset, b.add(b.mul(index, each), b.mul(odd, other)))
        return b.at(places[where.entry], offset, "i8")

    def _call(self, b: Builder, slot: Slot, run: _Run, at: tuple[Index, ...]) -> None:
        e, thread = self._emitted[slot], run.thread

        def call(begin: Index, end: Index) -> None:
            given = [self._address(b, self.locate(n), at, run.places) for n in e.nodes]
            given += [run.room] if e.contraction else []
            b.run(e.name, [*given, b.value(begin), b.value(end)])

        if slot.axis is not None:
            n = slot.extent
            begin = b.divmod(b.mul(thread, n), self.threads)[0]
            end = b.divmod(b.mul(b.add(thread, 1), n), self.threads)[0]
            return call(b.mul(begin, e.rows), b.mul(end, e.rows))
        if self.threads == 1:
            return call(0, e.rows)
        with b.when(b.compare("eq", thread, 0)):
            call(0, e.rows)
        return None

    def _end_step(self, b: Builder, run: _Run, copies: Copies, step: Index, steps: Value) -> None:
        """The copies, and the wait for whoever is late; at the end of the run the caller waits."""
        if copies:
            if self.threads > 1:
                self._barrier(b, run.sync)
            with b.when(b.compare("eq", run.thread, 0)):
                for source, target, size in copies:
                    x, y = (self._address(b, where, (step,), run.places) for where in (source, target))
                    b.run("copy", [x, y, b.value(size)])
        if self.threads > 1:
            with b.when(b.compare("slt", b.add(step, 1), steps)):
                self._barrier(b, run.sync)

    def _copy_function(self) -> None:
        """``copy(from, to, bytes)``: by vectors, where there are some, and what is left byte by byte."""
        source, target, size = Value("ptr", "%from"), Value("ptr", "%to"), Value("i64", "%size")
        with self.module.function("copy", [source, target, size]) as b:
            done: Index = 0
            wide = self.cpu.vector_bits // 8
            for width, kind in ((wide, vector("i8", wide)), (1, "i8")) if wide > 8 else ((1, "i8"),):
                with b.loop(done, b.sub(size, width - 1), width) as turn:
                    b.store(b.load(kind, b.at(source, turn.index, "i8")), b.at(target, turn.index, "i8"))
                done = turn.index

    def _barrier(self, b: Builder, sync: Value) -> None:
        b.run("barrier", [sync])
