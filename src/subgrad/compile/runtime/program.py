"""A traced graph as a native program: the passes in order, the arena, and the call."""

from __future__ import annotations

import copy
import functools
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.checks import Checks
from subgrad.compile.dump import Dump
from subgrad.compile.executable import STORE, Executable
from subgrad.compile.fingerprint import fingerprint
from subgrad.compile.garbage import uncollected
from subgrad.compile.kernels import arena
from subgrad.compile.kernels.graphviz import to_dot
from subgrad.compile.kernels.placement import ARENA, CLOCK, FIRST, NOTED, SCRATCH
from subgrad.compile.native import load, object_key
from subgrad.compile.passes.layout import undo
from subgrad.compile.pipeline import PASSES, run_passes
from subgrad.compile.runtime import guard, helper, threads
from subgrad.compile.runtime.bound import Bound
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.interpret import takes
from subgrad.compile.runtime.peak import peak_gflops
from subgrad.compile.runtime.profile import Profile, profile
from subgrad.compile.unit import Interface, Unit
from subgrad.display.html_table import shown, table_of_some
from subgrad.errors import ShapeError
from subgrad.graph.lock import lock
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.graph.verify_graph import is_wanted

if TYPE_CHECKING:
    from subgrad.compile.kernels.arena import Memory
    from subgrad.compile.kernels.kernel import Kernel
    from subgrad.compile.kernels.placement import Placement
    from subgrad.compile.kernels.schedule import Schedule
    from subgrad.explain.picture import Drawing


KEPT_ROOM = 1 << 24
"""Bytes of memory that a program keeps while it is not called. What the system gives anew costs 0.1 to 0.3 ms a MB, the
time of ``np.zeros(n, np.uint8)[::4096] = 1``."""


class Program:
    """Machine code for a graph: takes arrays, gives arrays.

    Args:
        inputs: the placeholders, in the order of the arguments.
        outputs: the nodes whose values are wanted.
        variables: for outputs that are the new value of an input, that input's number, by the output's: they are
            updated in place, and a call of many steps goes on from each step's new values.
        stepped: numbers of the inputs that have an axis of steps before their own axes.
        measured: numbers of the outputs that get such an axis.
        cpu: what to generate for; None for this machine.
        n_threads: None lets a cost model choose, up to `threads.get_threads`.
        timed: count the cycles of each kernel; `profile` makes such a program of itself.

    Raises:
        ArgumentError: if the graph has an op that the compiler does not know.
        ImportError: if llvmlite is not installed.

    Example:
        >>> import numpy as np
        >>> from subgrad.graph.tensor import placeholder
        >>> x = placeholder((3,), "float32")
        >>> Program([x], [x * 2 + 1])([np.arange(3, dtype=np.float32)])
        [array([1., 3., 5.], dtype=float32)]
    """

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        *,
        variables: Mapping[int, int] | None = None,
        stepped: Sequence[int] = (),
        measured: Sequence[int] = (),
        cpu: Target | None = None,
        n_threads: int | None = None,
        timed: bool = False,
    ) -> None:
        self.interface = Interface(
            list(inputs), list(outputs), dict(variables or {}), frozenset(stepped), frozenset(measured)
        )
        self.inputs, self.outputs, self.cpu = self.interface.inputs, self.interface.outputs, cpu or host()
        self._wanted_threads, self._timed = n_threads, timed
        self.executable = self._executable()
        self.n_threads = self.executable.n_threads
        self.first_output = FIRST + len(self.inputs) + len(self.executable.constants)
        self.clock = np.zeros(self.executable.slots + 1, np.int64)
        self.room: tuple[np.ndarray, np.ndarray] | None = None
        self._bound_type = guard.GuardedBound if is_wanted() else Bound
        self._own_memory()

    @uncollected
    def _executable(self) -> Executable:
        """Kept since the graph was compiled before, or made by the passes and LLVM now."""
        dump = Dump.wanted()
        seen = dump or is_wanted() or self._timed  # somebody looks at the passes, or at what they leave out otherwise
        name = None if seen else fingerprint(self.interface, self.cpu, self._wanted_threads or threads.get_threads())
        found = STORE.get(name, self.cpu)
        if found is None:
            large = threads.get_threads() > 1 and len(toposort(self.outputs)) > helper.LARGE
            with helper.ahead(self.cpu, large) as parts:
                self.unit = self._passed(dump, ahead=parts)
                found = Executable.of(self.unit, load(self.unit.ir, self.cpu, parts))
            STORE.put(name, found, object_key(self.unit.ir, self.cpu))
            if dump:
                dump.finish(self.unit.ir, self.cpu)
        return found

    def _passed(
        self, dump: Dump | None = None, n_threads: int | None = None, ahead: helper.Parts | None = None
    ) -> Unit:  # fmt: skip
        unit = Unit(self.interface, self.cpu, n_threads or self._wanted_threads, self._timed)
        unit.ahead = None if ahead is None else ahead.begin
        if dump:
            dump.add("traced", unit, "the graph as it was traced")
        run_passes(PASSES, unit, dump)
        return unit

    @functools.cached_property
    def unit(self) -> Unit:
        """What the passes make of the graph: made again where the machine code was there without it."""
        return self._passed(n_threads=self.n_threads)

    @property
    def placed(self) -> Placement:
        assert self.unit.placed is not None
        return self.unit.placed

    @property
    def kernels(self) -> list[Kernel]:
        return self.unit.kernels

    @property
    def schedule(self) -> Schedule:
        return self.placed.schedule

    @property
    def memory(self) -> Memory:
        """Where each result lies in the arena."""
        return self.placed.memory

    @property
    def ir(self) -> str:
        """The LLVM text."""
        return self.unit.ir

    def _own_memory(self) -> None:
        """The addresses of all that is not an argument; room for results is taken by the first call."""
        self._lock = lock()
        self._sync = _aligned(threads.BARRIER + 64)
        self._sync[threads.BARRIER : threads.BARRIER + 16].view(np.uint64)[:] = threads.waiting()
        first = FIRST + len(self.inputs)
        self._fixed = {first + i: a.ctypes.data for i, a in enumerate(self.executable.constants)}
        self.checks = Checks(self.executable.checks, functools.partial(_noted, weakref.ref(self)))
        self._fixed |= {CLOCK: self.clock.ctypes.data, NOTED: self.checks.flags.ctypes.data}
        self.room = None

    def _take_room(self) -> None:
        self.room = _aligned(self.executable.arena), _aligned(self.executable.scratch)
        self._fixed |= {ARENA: self.room[0].ctypes.data, SCRATCH: self.room[1].ctypes.data}

    def rest(self) -> None:
        """Give large memory back to the system until the next call; whoever is bound to it keeps it for himself."""
        with self._lock:
            if self.executable.arena + self.executable.scratch > KEPT_ROOM:
                self.room = None

    def twin(self) -> Program:
        """The same machine code with memory of its own, for another thread of Python."""
        other = copy.copy(self)
        other._own_memory()
        return other

    def __call__(self, arrays: Sequence[np.ndarray], steps: int = 1) -> list[np.ndarray]:
        """The outputs for ``arrays``; variables are overwritten, and come back as the arrays that were given."""
        found: list[np.ndarray] = []
        for k, node in enumerate(self.outputs):
            if k in self.interface.variables:
                found.append(arrays[self.interface.variables[k]])
            else:
                shape = (steps, *node.shape) if k in self.interface.measured else node.shape
                found.append(np.empty(shape, node.dtype))
        inner = [self._checked(i, a, steps) for i, a in enumerate(arrays)]
        for i, axes in self.executable.orders.items():
            inner[i] = arena.aligned_copy(arrays[i].transpose(undo(axes)))
        variables = self.interface.variables
        placed = [inner[variables[k]] if k in variables else a for k, a in enumerate(found)]
        self.run(inner, placed, steps)
        for i, axes in self.executable.orders.items():
            arrays[i][...] = inner[i].transpose(axes)
        return found

    def run(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray], steps: int = 1) -> None:
        """As a call, with arrays that are known to be right, into arrays that are there."""
        with self._lock:
            bound = self.bind(arrays, results)
            bound.once() if steps == 1 else bound.run(steps)

    def bind(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> Bound:
        """The program on these arrays, to be run many times."""
        if self.room is None:
            self._take_room()
        return self._bound_type(self, arrays, results)

    def _checked(self, i: int, array: np.ndarray, steps: int) -> np.ndarray:
        node = self.inputs[i]
        many = (steps,) if i in self.interface.stepped else ()
        if not takes(node, array, many):
            raise ShapeError(f"expected {node.dtype}{(*many, *node.shape)}, got {array.dtype}{array.shape}")
        if i in self.interface.variables.values():
            if not (array.flags.c_contiguous and array.flags.writeable):
                raise ShapeError("a variable that is updated in place needs a writeable contiguous array")
            return array
        return np.ascontiguousarray(array)

    def _repr_html_(self) -> str:
        rows = [[t.attrs["name"], str(t.dtype), str(t.shape)] for t in self.inputs]
        rows += [[f"result {k}", str(t.dtype), str(t.shape)] for k, t in enumerate(self.outputs)]
        size = self.executable
        about = f"kernels: {size.slots:,}; threads: {self.n_threads}; bytes of memory: {size.arena + size.scratch:,}"
        return shown(table_of_some(["", "dtype", "shape"], rows, "Program"), about)

    def source(self) -> str:
        """The schedule, kernel by kernel, with the modules that the nodes come from."""
        return self.schedule.text()

    def graph(self) -> Drawing:
        """The kernels as a picture: print it for DOT, ``.save("step.svg")``, or show it in a notebook."""
        from subgrad.explain.picture import Drawing

        return Drawing(to_dot(self.schedule))

    def profile(self, arrays: Sequence[np.ndarray], steps: int = 100) -> Profile:
        """Microseconds and GFLOP/s of each kernel, against this machine's measured limit.

        Runs a copy of the program with a clock around each kernel, on copies of ``arrays`` (as for a call of so many
        steps). What the first thread spends at barriers, and in copying results at the end of a step, is ``between``.
        """
        timed = self._again(timed=True)
        limit = peak_gflops(self.cpu) * self.n_threads
        return profile(timed, timed.clock, timed.schedule.flat(), limit, arrays, steps)

    def dump(self, folder: str | os.PathLike[str] | None = None) -> dict[str, str]:
        """What each pass makes of the graph, as text, by the names of files; with ``folder``, these are written there.

        First the nodes as they were traced and after each pass over the graph, then kernels, schedule and places in
        memory, LLVM text, the same with small functions inlined, and assembly. The passes run once more for it.

        Raises:
            FileError: if the files cannot be written there.
        """
        dump = Dump(folder)
        dump.finish(self._passed(dump, self.n_threads).ir, self.cpu)
        return dump.texts

    def _again(self, timed: bool) -> Program:
        """A program for the same graph."""
        inputs, outputs, variables, stepped, measured = self.interface
        return Program(
            inputs, outputs, variables=variables, stepped=sorted(stepped), measured=sorted(measured), cpu=self.cpu,
            n_threads=self.n_threads, timed=timed,
        )  # fmt: skip


def _noted(program: weakref.ref[Program]) -> Sequence[Tensor]:
    """What the checks of a program are about, for those whom it has: it is there as long as they are asked."""
    return program().unit.noted  # pyright: ignore[reportOptionalMemberAccess]


def _aligned(size: int) -> np.ndarray:
    """Zeroed bytes that start at a cache line."""
    return arena.aligned((size,), np.dtype(np.uint8), np.zeros)


__all__ = ["Program"]
