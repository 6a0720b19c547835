"""Where every node of a program lies: in an argument, in a result, in the arena, or in place of an old value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.compile import memory, views
from subgrad.compile.checks import FLAGS
from subgrad.compile.emit import Located
from subgrad.compile.fuse import Kernel, read_as_memory
from subgrad.compile.hosting import Hosting
from subgrad.compile.lower import Role, role
from subgrad.compile.repeat import Region, Repeat, flat, loops, regions
from subgrad.compile.schedule import Schedule, schedule, through_views
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

    n_threads: int
    schedule: Schedule
    memory: memory.Memory

    def __init__(self, interface: Interface, kernels: Sequence[Kernel]) -> None:
        self.interface, self.kernels = interface, kernels
        self.writer = {n: k for k, kernel in enumerate(kernels) for n in _written_by(kernel)}
        self.regions = [(r, depth, k) for k, kernel in enumerate(kernels) for r, depth in _regions(kernel)]
        self.reads = [_read_by(kernel, self.stored) for kernel in kernels]
        self.last_reader = {n: k for k, read in enumerate(self.reads) for n in read}
        self.where: dict[Tensor, Located] = {FLAGS: Located(NOTED)}
        self.copies: list[tuple[Located, Located, int]] = []
        self.constants: dict[int, np.ndarray] = {}
        self._inputs()
        self._constants()
        self.first_output = FIRST + len(interface.inputs) + len(self.constants)
        self.home = self._shared()
        self._late = self._outputs()
        settled = {*self.where, *interface.outputs, *self._of_loops()}
        self.hosting = Hosting(kernels, settled, overwriting=self.home)

    def schedule_on(self, n_threads: int) -> None:
        """Choose how so many threads share the kernels."""
        self.n_threads = n_threads
        self.schedule = schedule(self.kernels, n_threads, self.stored, self.memory_of)

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
        node = self.hosting.home(node)
        while node in self.home:
            node, before = self.home[node]
            node, axis = through_views(node, None if axis is None else axis + before, self.stored)
            node = self.hosting.home(node)
        return node, axis

    def _shared(self) -> dict[Tensor, tuple[Tensor, int]]:
        """The nodes of loops that lie in another node's memory, and how many axes that has before theirs."""
        found = {p: (x, axes) for k, _ in loops(self.kernels) for p, x, axes in k.bindings()}
        for region, _, _ in self.regions:
            others = [n for n in (*region.places, *region.results) if n is not region.name]
            found |= {n: (region.name, region.axes_before(n)) for n in others}
        return found

    def locate(self, node: Tensor) -> Located:
        return self.where[node]

    def _of_loops(self) -> set[Tensor]:
        """What must lie in one piece because a loop reads it row by row, or makes it."""
        read = {n for kernel, _ in loops(self.kernels) for n in read_as_memory(kernel.seed)}
        return read.union(*((*region.places, *region.results) for region, _, _ in self.regions))

    def _inputs(self) -> None:
        for i, node in enumerate(self.interface.inputs):
            step = node.size * node.dtype.itemsize if i in self.interface.stepped else 0
            self.where[node] = Located(FIRST + i, 0, step)

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
                self.where[node] = Located(entry)

    def _outputs(self) -> list[tuple[Tensor, Located]]:
        """Give outputs their places; those that must be copied there at the end of a step come back."""
        late: list[tuple[Tensor, Located]] = []
        fixed = {n for region, _, _ in self.regions if not region.is_result for n in region.results}
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
                    self.home[node] = variable, 0
        return late

    def _target(self, k: int, node: Tensor) -> Located:
        if k in self.interface.variables:
            return self.where[self.interface.inputs[self.interface.variables[k]]]
        return Located(self.first_output + k, 0, node.size * node.dtype.itemsize if k in self.interface.measured else 0)

    def _in_place(self, node: Tensor, variable: Tensor) -> bool:
        """Whether ``node`` can overwrite ``variable``: nobody reads the old value later, or at another place."""
        at = self.writer[node]
        last = self.last_reader.get(variable, -1)
        kernel = self.kernels[at]
        if isinstance(kernel, Repeat):
            return last < at
        return last < at or (last == at and _reads_in_step(kernel, variable, self.stored))

    def _arena(self) -> memory.Memory:
        times = self.schedule.phases if self.n_threads > 1 else list(range(len(self.kernels)))
        end = max(times, default=0)
        own = {n for region, _, _ in self.regions for n in (*region.places, *region.results)}
        inside = [n for n in self.writer if n not in self.where and n not in self.hosting and n not in own]
        first = {n: times[self.writer[n]] for n in inside}
        last = dict(first)
        for n in self.hosting:
            home = self.hosting.home(n)
            if home in first:
                first[home] = min(first[home], times[self.writer[n]])
        for read, time in zip(self.reads, times, strict=True):
            for n in map(self.hosting.home, read):
                if n in last:
                    last[n] = max(last[n], time)
        wanted = set(self.interface.outputs)
        for n in inside:
            if n in wanted:
                last[n] = end
        regions = [(r, depth, times[k]) for r, depth, k in self.regions]
        kernels = [(k, t) for kernel, t in zip(self.kernels, times, strict=True) for k in flat([kernel])]
        contractions = [(k.seed, t) for k, t in kernels if k.role is Role.CONTRACT]
        sums = [(n, t) for n, t in contractions if n not in self.writer and _long(n)]
        spans = [memory.Interval(_title(n), n.size * n.dtype.itemsize, first[n], last[n]) for n in inside]
        spans += [memory.Interval(f"partial sums of {_title(n)}", n.size * n.dtype.itemsize, t, t) for n, t in sums]
        placed = [(r, depth, t) for r, depth, t in regions if r.name not in self.where]
        spans += [memory.Interval(_title(r.name), r.size, t, self._last(r, times, t, end)) for r, _, t in placed]
        found = memory.plan(spans)
        offsets = iter(found.offsets)
        for n in (*inside, *(n for n, _ in sums)):
            self.where[n] = Located(ARENA, next(offsets))
        for n in self.hosting:
            lying = self.hosting.view(n)
            self.where[n] = self.where[lying.source].moved(lying.offset * n.dtype.itemsize)
        for region, depth, _ in regions:
            given = region.name in self.where  # a result that lies in the array of an output
            self._bind(region, depth, self.where[region.name] if given else Located(ARENA, next(offsets)))
        return found

    def _last(self, region: Region, times: list[int], first: int, end: int) -> int:
        """When the last result in a region is read."""
        read = [t for n in region.results for reads, t in zip(self.reads, times, strict=True) if n in reads]
        return end if any(n in set(self.interface.outputs) for n in region.results) else max([first, *read])

    def _bind(self, region: Region, depth: int, base: Located) -> None:
        """Places for the nodes of a region that starts at ``base``, in a loop with ``depth`` loops around it."""
        for node, (offset, turn) in region.places.items():
            self.where[node] = base.moved(offset).turning(depth, turn)
        for node, offset in region.results.items():
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
                self.where[node] = at.turning(depth, (step, 0))


def _long(node: Tensor) -> bool:
    """Whether a contraction may be summed in several blocks, with partial sums in memory in between."""
    inner = multiplications(node.attrs["spec"], *node.inputs) // max(1, node.size)
    return inner > 512


def _title(node: Tensor) -> str:
    return f"{node.scope}.{node.op.name}" if node.scope else node.op.name


def _written_by(kernel: Kernel) -> list[Tensor]:
    """The nodes in memory that a kernel writes, its kernels if it is a loop."""
    inner = [*kernel.start, *kernel.inner] if isinstance(kernel, Repeat) else []
    return [*kernel.stores, *(n for k in inner for n in _written_by(k))]


def _regions(kernel: Kernel) -> list[tuple[Region, int]]:
    """The pieces of memory of the loops in a kernel, with the number of loops around them."""
    return [(region, depth) for k, depth in loops([kernel]) for region in regions(k)]


def _read_by(kernel: Kernel, stored) -> set[Tensor]:
    """The nodes in memory that a kernel reads."""
    if isinstance(kernel, Repeat):
        inner = [_read_by(k, stored) for k in (*kernel.start, *kernel.inner)]
        return set(read_as_memory(kernel.seed)).union(*inner)
    made = {kernel.seed, *kernel.body}
    pending, found, seen = [kernel.seed, *kernel.body], set(), set()
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


def _reads_in_step(kernel: Kernel, variable: Tensor, stored) -> bool:
    """Whether a kernel reads ``variable`` only where it writes, element by element."""
    if variable.shape != kernel.domain:
        return variable not in _read_by(kernel, stored)
    made = {kernel.seed, *kernel.body}
    pending = [kernel.seed, *kernel.body]
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
