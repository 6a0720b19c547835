"""LLVM text for a schedule: one function for each kernel, and one that runs them, step after step."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from subgrad.compile.blame import blame
from subgrad.compile.code_target import BYTES, Target
from subgrad.compile.codegen.expressions import Points
from subgrad.compile.codegen.gemm.contraction import Given, emit_contraction, plan_contraction
from subgrad.compile.codegen.gemm.tile import Place, Touches
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, lanes_of, scalar_of, vector
from subgrad.compile.codegen.loops import LoopKernel, finish
from subgrad.compile.codegen.lower import Role
from subgrad.compile.codegen.nest import Share
from subgrad.compile.codegen.product_nest import Nest
from subgrad.compile.codegen.vecmath.engine_module import EngineModule
from subgrad.compile.kernels import views
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.buffer_slice import BufferSlice
from subgrad.compile.kernels.dedupe import kernel_key
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.partition import column_axis, shares, swapped
from subgrad.compile.kernels.placement import SCRATCH
from subgrad.compile.kernels.schedule import Schedule, Slot
from subgrad.compile.module_parts import LONG
from subgrad.compile.runtime.team import clock, pause, spins
from subgrad.graph.tensor import CONST, INPUT, Tensor

TOGETHER = 24
"""Kernels that one function calls one after the other."""

Locate = Callable[[Tensor], BufferSlice]


class Emitted(NamedTuple):
    """A kernel's function: its name, the nodes whose addresses it takes, rows of work for one index of the split (where
    that is a column: 1)."""

    name: str
    nodes: list[Tensor]
    rows: int
    scratch: int
    contraction: bool


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
        self.locate, self.stored, self.aliasing, self.clock, self.ahead = locate, stored, aliasing, clock, ahead
        self.module = EngineModule(cpu)
        self._by_key: dict[Hashable, tuple[Emitted, list[int]]] = {}
        self._emitted: dict[Slot, Emitted] = {}
        self._clocks: dict[Slot, int] = {}

    def emit(self, copies: Sequence[tuple[BufferSlice, BufferSlice, int]] = ()) -> tuple[str, int]:
        """The text, and the bytes of scratch that each thread needs. ``copies`` are done at the end of each step."""
        for i, (slot, _) in enumerate(self.plan.flat()):
            self._emitted[slot] = self._shared(f"k{i}", slot)
            self._clocks[slot] = i
            if self.ahead is not None and (text := self.module.take(LONG)):
                self.ahead(text)
        scratch = max((e.scratch for e in self._emitted.values()), default=0)
        self._run(scratch, copies)
        return str(self.module), scratch

    # Kernels

    def _shared(self, name: str, slot: Slot) -> Emitted:
        """A kernel, by the function of an earlier one if that has the same form: so layers that repeat cost once."""
        found, numbers = kernel_key(slot, self.stored, self.aliasing, self.locate)
        if found in self._by_key:
            emitted, places = self._by_key[found]
            nodes = list(numbers)
            return emitted._replace(nodes=[nodes[i] for i in places])
        try:
            emitted = self._kernel(name, slot)
        except Exception as error:
            blame(error, slot.kernel.seed)
            raise
        self._by_key[found] = emitted, [numbers[n] for n in emitted.nodes]
        return emitted

    def _kernel(self, name: str, slot: Slot) -> Emitted:
        if slot.kernel.role is Role.CONTRACT:
            return self._contraction(name, slot)
        kernel = slot.kernel
        nodes = self._in_memory(kernel, kernel.nodes)
        parameters = {n: Value("ptr", f"%p{i}") for i, n in enumerate(nodes)}
        begin, end = Value("i64", "%begin"), Value("i64", "%end")
        whole = slot.axis is None
        share = Share(None, 0, 0) if whole else Share(slot.axis, begin, end)
        given, apart = [*parameters.values(), begin, end], self._apart(parameters)
        with self.module.function(name, given, noalias=apart) as b:
            LoopKernel(b, kernel, parameters.get, share, self._lanes(kernel), self.aliasing).emit()
        return Emitted(self.module.called(name), nodes, 1, 0, False)

    def _apart(self, parameters: dict[Tensor, Value]) -> list[Value]:
        """The parameters that no other one overlaps: all but a variable's old and new value."""
        places = [self.locate(n) for n in parameters]
        return [v for n, v in parameters.items() if places.count(self.locate(n)) == 1]

    def _lanes(self, kernel: Kernel) -> int:
        floats = [n.dtype.name for n in (*kernel.stores, kernel.seed, *kernel.seed.inputs) if n.dtype.kind == "f"]
        return self.cpu.lanes(floats[0] if floats else "float32")

    def _in_memory(self, kernel: Kernel, computed: Sequence[Tensor]) -> list[Tensor]:
        """The nodes in memory that a kernel writes, or reads for those that are ``computed``, each once."""
        seen, found = set(kernel.nodes), dict.fromkeys(kernel.stores)
        pending = [i for n in computed for i in views.read_by(n)]
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if self.stored(node) or node.op in (CONST, INPUT):
                found[node] = None
            else:
                pending.extend(views.read_by(node))
        return list(found)

    def _contraction(self, name: str, slot: Slot) -> Emitted:
        kernel, node = slot.kernel, slot.kernel.seed
        inputs = reversed(node.inputs) if swapped(node) else node.inputs
        sources = [views.view(i, self.aliasing.strides) for i in inputs]
        nest = Nest(node, sources, self.aliasing.strides(node))
        by_columns = slot.axis is not None and slot.axis == column_axis(node)
        contraction = nest.contraction.of_columns(self.threads) if by_columns else nest.contraction
        whole = slot.axis is None or by_columns
        ranges = [contraction.rows] if whole else shares(contraction.rows, slot.extent, self.threads)
        plan = plan_contraction(contraction, self.cpu, ranges=ranges, exactly=True)
        blocks = plan.k_block < math.prod(x.size for x in contraction.k)
        partial = [node] if blocks else []  # sums that wait in memory for their next block
        extra = self._in_memory(kernel, kernel.body)
        nodes = list(dict.fromkeys([*(v.source for v in sources), *extra, *partial]))
        parameters = {n: Value("ptr", f"%p{i}") for i, n in enumerate(nodes)}
        touched = {n: parameters[n] for n in extra}
        touches = self._touches(kernel, nest, touched) if contraction.n[-1].size > plan.width else None
        room, begin, end = Value("ptr", "%scratch"), Value("i64", "%begin"), Value("i64", "%end")
        apart = [*self._apart(parameters), room]
        with self.module.function(name, [*parameters.values(), room, begin, end], noalias=apart) as b:
            left, right = (b.at(parameters[v.source], v.offset, _element(v.source)) for v in sources)
            c = parameters[node] if partial else Value("ptr", "null")
            emit_contraction(
                b, contraction, plan, Given(left, right, c, room, begin, end), by_columns=by_columns,
                epilogue=self._epilogue(kernel, nest, parameters), touches=touches,
            )  # fmt: skip
        rows = 1 if by_columns else contraction.rows // slot.extent  # of a kernel that is not split the extent is 1
        scratch = plan.scratch(contraction) * BYTES[node.dtype.name]
        return Emitted(self.module.called(name), nodes, rows, scratch, True)

    def _epilogue(self, kernel: Kernel, nest: Nest, parameters: dict[Tensor, Value]):
        made = set(kernel.nodes)

        def pointers(node: Tensor) -> Value | None:
            return None if node in made else parameters.get(node)

        def epilogue(b: Builder, sums: Value, place: Place) -> None:
            if not nest.columns or sums.type.startswith("<1 x"):  # a result with no axis along the lanes
                sums = b.emit(scalar_of(sums.type), f"extractelement {sums.type} {sums}, i64 0")
            lanes, known = lanes_of(sums.type), {kernel.seed: sums}
            points = Points(b, lanes, pointers, place.mask, known, strides=self.aliasing.strides)
            finish(kernel, points, nest.indices(b, place), parameters.get)

        return epilogue

    def _touches(self, kernel: Kernel, nest: Nest, parameters: dict[Tensor, Value]) -> Touches | None:
        """What the epilogue reads and writes of arrays like the result, if these are too large to be near already.

        Only tiles beside each other need it: rows that are as wide as a tile lie one behind the other.
        """
        lying = {self.locate(n): n for n in parameters if n.shape == kernel.domain}
        lying |= {self.locate(n): n for n in kernel.stores}
        if sum(n.size * n.dtype.itemsize for n in lying.values()) <= self.cpu.l2_bytes:
            return None
        nodes = {n: parameters[n] for n in lying.values()}
        return nest.touches(nodes, set(kernel.stores), self.aliasing.strides)

    # The run

    def _run(self, scratch: int, copies: Sequence[tuple[BufferSlice, BufferSlice, int]]) -> None:
        table, sync = Value("ptr", "%table"), Value("ptr", "%sync")
        thread, steps = Value("i64", "%thread"), Value("i64", "%steps")
        slots, n = self.plan.slots, TOGETHER
        parts, slots = ([slots[i : i + n] for i in range(0, len(slots), n)], []) if len(slots) > n else ([], slots)
        for i, part in enumerate(parts):
            self._part(f"part{i}", part, scratch)
        with self.module.function("run", [table, thread, steps, sync], exported=True) as b:
            run = self._opened(b, table, thread, sync, slots, copies, scratch)
            with b.loop(0, steps) as turn:
                for i in range(len(parts)):
                    b.run(f"part{i}", [table, thread, b.value(turn.index), sync])
                for slot in slots:
                    self._do(b, slot, run, (turn.index,))
                with self._between(b, run):
                    self._copy(b, copies, thread, turn.index, run.places, sync)
                    if self.threads > 1:  # who comes last to the end of the run is waited for by the caller
                        with b.when(b.compare("slt", b.add(turn.index, 1), steps)):
                            self._barrier(b, sync)
        if copies:
            self._copy_function()
        if self.threads > 1:
            self._barrier_function()

    def _part(self, name: str, slots: Sequence[Slot], scratch: int) -> None:
        """A function for some slots: in one for hundreds LLVM takes long to find registers for their addresses."""
        table, sync = Value("ptr", "%table"), Value("ptr", "%sync")
        thread, step = Value("i64", "%thread"), Value("i64", "%step")
        with self.module.function(name, [table, thread, step, sync]) as b:
            run = self._opened(b, table, thread, sync, slots, (), scratch)
            for slot in slots:
                self._do(b, slot, run, (step,))

    def _opened(
        self, b: Builder, table: Value, thread: Value, sync: Value, slots: Sequence[Slot],
        copies: Sequence[tuple[BufferSlice, BufferSlice, int]], scratch: int,
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

    def _pointers(self, b: Builder, table: Value, slots: Sequence[Slot], copies) -> dict[int, Value]:
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

    def _copy(self, b: Builder, copies, thread: Value, step: Index, places: dict[int, Value], sync: Value) -> None:
        if not copies:
            return
        if self.threads > 1:
            self._barrier(b, sync)
        with b.when(b.compare("eq", thread, 0)):
            for source, target, size in copies:
                x, y = (self._address(b, where, (step,), places) for where in (source, target))
                b.run("copy", [x, y, b.value(size)])

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

    def _barrier_function(self) -> None:
        """All threads wait until the last has come: it resets the count and moves the round on.

        Waiting spins at first, since the wait is mostly short. Then the thread sleeps, since the machine may be shared:
        who spins while the system runs somebody else in the place of the thread it waits for loses its own turn too.
        Nobody sleeps through the last: either it sees that somebody is about to sleep, or who is sees the new round.
        """
        self.module._functions.append(f"""define internal void @barrier(ptr %sync) nounwind noinline {{
entry:
  %roundp = getelementptr i8, ptr %sync, i64 64
  %sleepersp = getelementptr i8, ptr %sync, i64 72
  %round = load atomic i64, ptr %roundp acquire, align 8
  %came = atomicrmw add ptr %sync, i64 1 acq_rel
  %last = icmp eq i64 %came, {self.threads - 1}
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %sync monotonic, align 8
  %next = add i64 %round, 1
  store atomic i64 %next, ptr %roundp seq_cst, align 8
  %sleepers = load atomic i64, ptr %sleepersp seq_cst, align 8
  %awake = icmp eq i64 %sleepers, 0
  br i1 %awake, label %done, label %wake
wake:
  %wakep = getelementptr i8, ptr %sync, i64 136
  %g = load ptr, ptr %wakep, align 8
  call void %g(ptr %roundp)
  ret void
wait:
  %spins = phi i64 [ 0, %entry ], [ %more, %again ]
  %now = load atomic i64, ptr %roundp acquire, align 8
  %moved = icmp ne i64 %now, %round
  br i1 %moved, label %done, label %spin
spin:
  {pause(self.cpu.triple)}
  %more = add i64 %spins, 1
  %long = icmp sgt i64 %spins, {spins(self.cpu.triple)}
  br i1 %long, label %sleep, label %again
sleep:
  %sleepp = getelementptr i8, ptr %sync, i64 128
  %f = load ptr, ptr %sleepp, align 8
  %before = atomicrmw add ptr %sleepersp, i64 1 seq_cst
  call void %f(ptr %roundp, i64 %round)
  %after = atomicrmw sub ptr %sleepersp, i64 1 seq_cst
  br label %again
again:
  br label %wait
done:
  ret void
}}""")


def _element(node: Tensor) -> str:
    return {"float32": "float", "float64": "double"}[node.dtype.name]
