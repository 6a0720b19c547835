"""A traced graph as a native program: the passes in order, the arena, and the call."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.compile import guard, memory, threads
from subgrad.compile.bound import Bound
from subgrad.compile.checks import Checks
from subgrad.compile.cpu import Cpu, host
from subgrad.compile.emit import Emitter
from subgrad.compile.fuse import Kernel, fuse
from subgrad.compile.layout import relaid, transposed, undo
from subgrad.compile.native import load
from subgrad.compile.picture import to_dot
from subgrad.compile.placement import ARENA, CLOCK, NOTED, SCRATCH, Placement
from subgrad.compile.schedule import Schedule, work
from subgrad.compile.simplify import replaced, simplify
from subgrad.compile.verify_program import verify_program
from subgrad.errors import ShapeError
from subgrad.graph.check import is_wanted
from subgrad.graph.lock import lock
from subgrad.graph.op import apply
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops.shape import cast

if TYPE_CHECKING:
    from subgrad.compile.profile import Profile
    from subgrad.explain.picture import Drawing

WORK_PER_THREAD = 2e6  # multiplications a step below which another thread costs more than it brings
WORK_WITHOUT_UPDATE = 7e5  # where nothing is updated threads hardly meet: at 1.6e6 two are 1.4 times as fast


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
        self._variables, self._stepped, self._measured = dict(variables or {}), set(stepped), set(measured)
        self._traced = list(inputs), list(outputs)
        self.outputs = simplify(outputs)
        self.inputs, meaning, self._orders = relaid(inputs, self.outputs, self._variables)
        if meaning:
            turned = {k: undo(self._orders[i]) for k, i in self._variables.items() if i in self._orders}
            found = [transposed(o, turned[k]) if k in turned else o for k, o in enumerate(self.outputs)]
            self.outputs = replaced(found, meaning)
        changing = {self.inputs[i] for k, i in self._variables.items() if self.outputs[k] is not self.inputs[i]}
        self.outputs = [_copy(o) if o in changing else o for o in self.outputs]
        self.cpu = cpu or host()
        self.kernels = fuse([o for o in self.outputs if o.op not in (CONST, INPUT)])
        self.n_threads = n_threads or _worthwhile(self.kernels, WORK_PER_THREAD if variables else WORK_WITHOUT_UPDATE)
        self._placed = Placement(self)
        self.schedule: Schedule = self._placed.schedule
        self.memory: memory.Memory = self._placed.memory
        if is_wanted():
            verify_program(self)
        self.clock = np.zeros(len(self.schedule.flat()) + 1, np.int64)
        clock = CLOCK if timed else None
        placed = self._placed
        emitter = Emitter(
            self.cpu, self.schedule, self.n_threads, placed.locate, placed.stored, placed.hosting, clock
        )
        self.ir, scratch = emitter.emit(self._placed.copies)
        library = load(self.ir, self.cpu)
        self._noted = list(emitter.module.noted)
        self._library, self._scratch_size = library, scratch * self.n_threads
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
            if k in self._variables:
                found.append(arrays[self._variables[k]])
            else:
                shape = (steps, *node.shape) if k in self._measured else node.shape
                found.append(np.empty(shape, node.dtype))
        inner = [self._checked(i, a, steps) for i, a in enumerate(arrays)]
        for i, axes in self._orders.items():
            inner[i] = np.ascontiguousarray(arrays[i].transpose(undo(axes)))
        placed = [inner[self._variables[k]] if k in self._variables else a for k, a in enumerate(found)]
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
        node = self._traced[0][i]
        expected = (steps, *node.shape) if i in self._stepped else node.shape
        if array.shape != expected or array.dtype != node.dtype:
            raise ShapeError(f"expected {node.dtype}{expected}, got {array.dtype}{array.shape}")
        if i in self._variables.values():
            if not (array.flags.c_contiguous and array.flags.writeable):
                raise ShapeError("a variable that is updated in place needs a writeable contiguous array")
            return array
        return np.ascontiguousarray(array)

    def source(self) -> str:
        """The schedule, kernel by kernel, with the modules that the nodes come from."""
        return "\n".join(line for slot in self.schedule.slots for line in slot.lines(_scopes))

    def graph(self) -> Drawing:
        """The kernels as a picture: print it for DOT, ``.save("step.svg")``, or show it in a notebook."""
        from subgrad.explain.picture import Drawing

        return Drawing(to_dot(self.schedule))

    def profile(self, arrays: Sequence[np.ndarray], steps: int = 100) -> Profile:
        """Microseconds and GFLOP/s of each kernel, against this machine's measured limit.

        Runs a copy of the program with a clock around each kernel, on copies of ``arrays`` (as for a call of so many
        steps). What the first thread spends at barriers, and in copying results at the end of a step, is ``between``.
        """
        from subgrad.compile.profile import profile

        timed = Program(
            *self._traced, variables=self._variables, stepped=[*self._stepped],
            measured=[*self._measured], cpu=self.cpu, n_threads=self.n_threads, timed=True,
        )  # fmt: skip
        return profile(self, timed, arrays, steps)


def _worthwhile(kernels: Sequence[Kernel], share: float) -> int:
    """How many threads the work of a step can keep busy, each with at least its ``share``."""
    return max(1, min(threads.get_threads(), int(sum(map(work, kernels)) / share)))


def _scopes(kernel: Kernel) -> str:
    """The modules that a kernel's nodes come from, as a comment."""
    scopes = dict.fromkeys(n.scope for n in (kernel.seed, *kernel.body) if n.scope)
    return f"  # {', '.join(scopes)}" if scopes else ""


def _copy(variable: Tensor) -> Tensor:
    """A node of its own for the value that a variable has before it is overwritten."""
    return apply(cast, (variable,), {"dtype": variable.dtype})


def _aligned(size: int) -> np.ndarray:
    """Zeroed bytes that start at a cache line."""
    raw = np.zeros(size + memory.ALIGN, np.uint8)
    skip = -raw.ctypes.data % memory.ALIGN
    return raw[skip : skip + size]


__all__ = ["Program"]
