"""Where every node of a program lies: in an argument, in a result, in the arena, or in place of an old value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.compile.codegen.checks import FLAGS
from subgrad.compile.codegen.gemm.plan import UNBROKEN
from subgrad.compile.codegen.lower import Role, role
from subgrad.compile.kernels import arena, views
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.buffer_slice import BufferSlice
from subgrad.compile.kernels.kernel import Kernel, Repeat, flat, loops, read_as_memory
from subgrad.compile.kernels.loop_buffers import LoopBuffer, loop_buffers
from subgrad.compile.kernels.schedule import Schedule, schedule, through_views
from subgrad.compile.unit import Interface
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.contract import multiplications
from subgrad.ops.shape import cast

# Entries of the table of pointers; from FIRST on stand the arguments, the constants and the results.
ARENA, SCRATCH, CLOCK, NOTED, FIRST = 0, 1, 2, 3, 4


class Placement:
    """Where every node lies: which entry of the table, and how far into the arena.

    Made in three steps: what has its place by itself and what lies inside of other results; the schedule; the arena.
    """

    def __init__(self, interface: Interface, kernels: Sequence[Kernel]) -> None:
        self.interface, self.kernels = interface, kernels
        self.n_threads, self.schedule, self.memory = 1, Schedule(), arena.Memory((), 0, ())
        self.writer = {n: k for k, kernel in enumerate(kernels) for n in kernel.written()}
        self.loop_buffers = [(r, depth, k) for k, kernel in enumerate(kernels) for r, depth in _loop_buffers(kernel)]
        self.reads = [kernel.read(self.stored) for kernel in kernels]
        self.last_reader = {n: k for k, read in enumerate(self.reads) for n in read}
        self.where: dict[Tensor, BufferSlice] = {FLAGS: BufferSlice(NOTED)}
        self.copies: list[tuple[BufferSlice, BufferSlice, int]] = []
        self.constants: dict[int, np.ndarray] = {}
        self._inputs()
        self._constants()
        self.first_output = FIRST + len(interface.inputs) + len(self.constants)
        self.alias_of = self._shared()
        self._late = self._outputs()
        settled = {*self.where, *interface.outputs, *self._of_loops()}
        self.aliasing = Aliasing(kernels, settled, overwriting=self.alias_of)

    def schedule_on(self, n_threads: int, own_cache: int) -> None:
        """Choose how so many threads share the kernels, each of which has a cache of so many bytes."""
        self.n_threads = n_threads
        self.schedule = schedule(self.kernels, n_threads, self.stored, self.memory_of, own_cache)

    def lay_out(self) -> None:
        """Choose where in the arena lies what has no place yet; the schedule says what is alive at once."""
        self.memory = self._arena()
        self._bind_rows()
        for node, target in self._late:
            self.copies.append((self.where[node], target, node.size * node.dtype.itemsize))

    def stored(self, node: Tensor) -> bool:
        return node in self.writer

    def memory_of(self, node: Tensor, axis: int | None) -> tuple[Tensor, int | None]:
        """The node whose memory a node lies in, and which axis of that is the node's ``axis``."""
        node = self.aliasing.root(node)
        while node in self.alias_of:
            node, before = self.alias_of[node]
            node, axis = through_views(node, None if axis is None else axis + before, self.stored)
            node = self.aliasing.root(node)
        return node, axis

    def _shared(self) -> dict[Tensor, tuple[Tensor, int]]:
        """The nodes of loops that lie in another node's memory, and how many axes that has before theirs."""
        found = {p: (x, axes) for k, _ in loops(self.kernels) for p, x, axes in k.bindings()}
        for buffer, _, _ in self.loop_buffers:
            others = [n for n in (*buffer.places, *buffer.results) if n is not buffer.name]
            found |= {n: (buffer.name, buffer.axes_before(n)) for n in others}
        return found

    def locate(self, node: Tensor) -> BufferSlice:
        return self.where[node]

    def _of_loops(self) -> set[Tensor]:
        """What must lie in one piece because a loop reads it row by row, or makes it."""
        read = {n for kernel, _ in loops(self.kernels) for n in read_as_memory(kernel.seed)}
        return read.union(*((*buffer.places, *buffer.results) for buffer, _, _ in self.loop_buffers))

    def _inputs(self) -> None:
        for i, node in enumerate(self.interface.inputs):
            step = node.size * node.dtype.itemsize if i in self.interface.stepped else 0
            self.where[node] = BufferSlice(FIRST + i, 0, step)

    def _constants(self) -> None:
        pending, seen = [*self.interface.outputs], set()
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            pending.extend(node.inputs)
            if node.op is CONST and node not in self.where:
                entry = FIRST + len(self.interface.inputs) + len(self.constants)
                self.constants[entry] = np.ascontiguousarray(node.numpy())
                self.where[node] = BufferSlice(entry)

    def _outputs(self) -> list[tuple[Tensor, BufferSlice]]:
        """Give outputs their places; those that must be copied there at the end of a step come back."""
        late: list[tuple[Tensor, BufferSlice]] = []
        fixed = {n for buffer, _, _ in self.loop_buffers if not buffer.is_result for n in buffer.results}
        for k, node in enumerate(self.interface.outputs):
            target = self._target(k, node)
            variable = self.interface.inputs[self.interface.variables[k]] if k in self.interface.variables else None
            if node is variable:
                continue
            if node in self.where or node in fixed or (variable is not None and not self._in_place(node, variable)):
                late.append((node, target))
            else:
                self.where[node] = target
                if variable is not None:
                    self.alias_of[node] = variable, 0
        return late

    def _target(self, k: int, node: Tensor) -> BufferSlice:
        if k in self.interface.variables:
            return self.where[self.interface.inputs[self.interface.variables[k]]]
        step = node.size * node.dtype.itemsize if k in self.interface.measured else 0
        return BufferSlice(self.first_output + k, 0, step)

    def _in_place(self, node: Tensor, variable: Tensor) -> bool:
        """Whether ``node`` can overwrite ``variable``: nobody reads the old value later, or at another place."""
        at = self.writer[node]
        last = self.last_reader.get(variable, -1)
        kernel = self.kernels[at]
        if isinstance(kernel, Repeat):
            return last < at
        return last < at or (last == at and _reads_in_step(kernel, variable, self.stored))

    def _arena(self) -> arena.Memory:
        times = self.schedule.phases if self.n_threads > 1 else list(range(len(self.kernels)))
        end = max(times, default=0)
        own = {n for buffer, _, _ in self.loop_buffers for n in (*buffer.places, *buffer.results)}
        inside = [n for n in self.writer if n not in self.where and n not in self.aliasing and n not in own]
        first = {n: times[self.writer[n]] for n in inside}
        last = dict(first)
        for n in self.aliasing:
            root = self.aliasing.root(n)
            if root in first:
                first[root] = min(first[root], times[self.writer[n]])
        for read, time in zip(self.reads, times, strict=True):
            for n in map(self.aliasing.root, read):
                if n in last:
                    last[n] = max(last[n], time)
        wanted = set(self.interface.outputs)
        for n in inside:
            if n in wanted:
                last[n] = end
        buffers = [(r, depth, times[k]) for r, depth, k in self.loop_buffers]
        kernels = [(k, t) for kernel, t in zip(self.kernels, times, strict=True) for k in flat([kernel])]
        contractions = [(k.seed, t) for k, t in kernels if k.role is Role.CONTRACT]
        sums = [(n, t) for n, t in contractions if n not in self.writer and _long(n)]
        spans = [arena.LiveRange(_title(n), n.size * n.dtype.itemsize, first[n], last[n]) for n in inside]
        spans += [arena.LiveRange(f"partial sums of {_title(n)}", n.size * n.dtype.itemsize, t, t) for n, t in sums]
        placed = [(r, depth, t) for r, depth, t in buffers if r.name not in self.where]
        spans += [arena.LiveRange(_title(r.name), r.size, t, self._last(r, times, t, end)) for r, _, t in placed]
        found = arena.plan(spans)
        offsets = iter(found.offsets)
        for n in (*inside, *(n for n, _ in sums)):
            self.where[n] = BufferSlice(ARENA, next(offsets))
        for n in self.aliasing:
            lying = self.aliasing.view(n)
            self.where[n] = self.where[lying.source].moved(lying.offset * n.dtype.itemsize)
        for buffer, depth, _ in buffers:
            given = buffer.name in self.where  # a result that lies in the array of an output
            self._bind(buffer, depth, self.where[buffer.name] if given else BufferSlice(ARENA, next(offsets)))
        return found

    def _last(self, buffer: LoopBuffer, times: list[int], first: int, end: int) -> int:
        """When the last result in a buffer is read."""
        read = [t for n in buffer.results for reads, t in zip(self.reads, times, strict=True) if n in reads]
        return end if any(n in set(self.interface.outputs) for n in buffer.results) else max([first, *read])

    def _bind(self, buffer: LoopBuffer, depth: int, base: BufferSlice) -> None:
        """Places for the nodes of a buffer that starts at ``base``, in a loop with ``depth`` loops around it."""
        for node, (offset, stride) in buffer.places.items():
            self.where[node] = base.moved(offset).in_loop(depth, stride)
        for node, offset in buffer.results.items():
            self.where[node] = base.moved(offset)

    def _bind_rows(self) -> None:
        """Places for what the steps of loops read from outside."""
        for kernel, depth in loops(self.kernels):
            body = kernel.loop
            for node, outer, axes in kernel.bindings():
                source, elements = views.even(outer) or (outer, 0)
                row = node.size * node.dtype.itemsize if axes else 0
                first, step = ((body.length - 1) * row, -row) if body.reverse else (0, row)
                at = self.where[source].moved(elements * node.dtype.itemsize + first)
                self.where[node] = at.in_loop(depth, (step, 0))


def _long(node: Tensor) -> bool:
    """Whether a contraction may be summed in several blocks, with partial sums in memory in between."""
    inner = multiplications(node.attrs["spec"], *node.inputs) // max(1, node.size)
    return inner > UNBROKEN


def _title(node: Tensor) -> str:
    return f"{node.scope}.{node.op.name}" if node.scope else node.op.name


def _loop_buffers(kernel: Kernel) -> list[tuple[LoopBuffer, int]]:
    """The pieces of memory of the loops in a kernel, with the number of loops around them."""
    return [(buffer, depth) for k, depth in loops([kernel]) for buffer in loop_buffers(k)]


def _reads_in_step(kernel: Kernel, variable: Tensor, stored) -> bool:
    """Whether a kernel reads ``variable`` only where it writes, element by element."""
    if variable.shape != kernel.domain:
        return variable not in kernel.read(stored)
    made = set(kernel.nodes)
    pending = kernel.nodes
    seen: set[Tensor] = set()
    while pending:
        node = pending.pop()
        if node in seen or (node not in made and (stored(node) or node.op in (CONST, INPUT))):
            continue
        seen.add(node)
        together = role(node.op) is Role.ELEMENT or node.op is cast
        if not together and any(variable in _upstream(i, stored) for i in views.read_by(node)):
            return False
        pending.extend(views.read_by(node))
    return True


def _upstream(node: Tensor, stored) -> set[Tensor]:
    """The nodes in memory that the value of ``node`` is computed from."""
    found, pending = set(), [node]
    while pending:
        n = pending.pop()
        if stored(n) or n.op in (CONST, INPUT):
            found.add(n)
        else:
            pending.extend(views.read_by(n))
    return found


__all__ = ["ARENA", "CLOCK", "FIRST", "NOTED", "SCRATCH", "Placement"]
