"""A traced graph as a native program: the passes in order, the arena, and the call."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.compile.codegen.checks import Checks
from subgrad.compile.dump import Dump
from subgrad.compile.kernels import arena
from subgrad.compile.kernels.graphviz import to_dot
from subgrad.compile.kernels.placement import ARENA, CLOCK, NOTED, SCRATCH
from subgrad.compile.native import load
from subgrad.compile.passes.layout import undo
from subgrad.compile.pipeline import PASSES, run_passes
from subgrad.compile.runtime import guard, threads
from subgrad.compile.runtime.bound import Bound
from subgrad.compile.runtime.cpu import Cpu, host
from subgrad.compile.runtime.peak import peak_gflops
from subgrad.compile.runtime.profile import Profile, profile
from subgrad.compile.unit import Interface, Unit
from subgrad.errors import ShapeError
from subgrad.graph.lock import lock
from subgrad.graph.tensor import Tensor
from subgrad.graph.verify_graph import is_wanted

if TYPE_CHECKING:
    from subgrad.explain.picture import Drawing


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
        cpu: Cpu | None = None,
        n_threads: int | None = None,
        timed: bool = False,
    ) -> None:
        given = Interface(list(inputs), list(outputs), dict(variables or {}), frozenset(stepped), frozenset(measured))
        unit = Unit(given, cpu or host(), n_threads, timed)
        run_passes(PASSES, unit, dump := Dump.wanted())
        library = load(unit.ir, unit.cpu)
        if dump:
            dump.finish(library)
        assert unit.placed is not None
        assert unit.cpu is not None
        assert unit.n_threads is not None
        self._traced, self.interface, self._orders = given, unit.interface, unit.orders
        self.inputs, self.outputs, self.kernels = unit.interface.inputs, unit.interface.outputs, unit.kernels
        self.cpu, self.n_threads, self.ir = unit.cpu, unit.n_threads, unit.ir
        self._placed, self.schedule, self.memory = unit.placed, unit.placed.schedule, unit.placed.memory
        self.clock = np.zeros(len(self.schedule.flat()) + 1, np.int64)
        self._library, self._scratch_size, self._noted = library, unit.scratch, unit.noted
        self._bound_type = guard.GuardedBound if is_wanted() else Bound
        self._own_memory()

    def _own_memory(self) -> None:
        """Room for results, and the addresses of all that is not an argument."""
        self._lock = lock()
        self._arena, self._scratch = _aligned(self.memory.size), _aligned(self._scratch_size)
        self._sync = _aligned(threads.BARRIER + 64)
        self._sync[threads.BARRIER : threads.BARRIER + 8].view(np.uint64)[0] = threads.yield_address()
        self._fixed = {e: a.ctypes.data for e, a in self._placed.constants.items()}
        self._fixed |= {ARENA: self._arena.ctypes.data, SCRATCH: self._scratch.ctypes.data}
        self.checks = Checks(self._noted)
        self._fixed |= {CLOCK: self.clock.ctypes.data, NOTED: self.checks.flags.ctypes.data}

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
        for i, axes in self._orders.items():
            inner[i] = np.ascontiguousarray(arrays[i].transpose(undo(axes)))
        variables = self.interface.variables
        placed = [inner[variables[k]] if k in variables else a for k, a in enumerate(found)]
        self.run(inner, placed, steps)
        for i, axes in self._orders.items():
            arrays[i][...] = inner[i].transpose(axes)
        return found

    def run(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray], steps: int = 1) -> None:
        """As a call, with arrays that are known to be right, into arrays that are there."""
        with self._lock:
            bound = self.bind(arrays, results)
            bound.once() if steps == 1 else bound.run(steps)

    def bind(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> Bound:
        """The program on these arrays, to be run many times."""
        return self._bound_type(self, arrays, results)

    def _checked(self, i: int, array: np.ndarray, steps: int) -> np.ndarray:
        node = self._traced.inputs[i]
        expected = (steps, *node.shape) if i in self.interface.stepped else node.shape
        if array.shape != expected or array.dtype != node.dtype:
            raise ShapeError(f"expected {node.dtype}{expected}, got {array.dtype}{array.shape}")
        if i in self.interface.variables.values():
            if not (array.flags.c_contiguous and array.flags.writeable):
                raise ShapeError("a variable that is updated in place needs a writeable contiguous array")
            return array
        return np.ascontiguousarray(array)

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
        memory, LLVM text, LLVM text after LLVM's optimiser, and assembly. The passes run once more for it.

        Raises:
            FileError: if the files cannot be written there.
        """
        dump = Dump(folder)
        unit = Unit(self._traced, self.cpu, self.n_threads)
        dump.add("traced", unit, "the graph as it was traced")
        run_passes(PASSES, unit, dump)
        dump.finish(load(unit.ir, self.cpu))
        return dump.texts

    def _again(self, timed: bool) -> Program:
        """A program for the same graph."""
        inputs, outputs, variables, stepped, measured = self._traced
        return Program(
            inputs, outputs, variables=variables, stepped=sorted(stepped), measured=sorted(measured), cpu=self.cpu,
            n_threads=self.n_threads, timed=timed,
        )  # fmt: skip


def _aligned(size: int) -> np.ndarray:
    """Zeroed bytes that start at a cache line."""
    raw = np.zeros(size + arena.ALIGN, np.uint8)
    skip = -raw.ctypes.data % arena.ALIGN
    return raw[skip : skip + size]


__all__ = ["Program"]
