"""A training step that asks other ranks for sums: native programs, and one all-reduce of a flat buffer between two.

The graph is cut at its nodes `all_reduce`. All sums that can be taken at the same time lie in one buffer (one for each
dtype), into which the program before the cut writes and from which the one behind it reads: nothing is copied. A step
whose gradients alone are summed has one cut. Batch normalisation over all ranks adds two for each of its layers.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from subgrad.compile.runtime.fallback import Interpreted, runnable
from subgrad.fit.parallel.all_reduce import all_reduce
from subgrad.fit.step import Step
from subgrad.graph.op import Kind
from subgrad.graph.order import toposort
from subgrad.graph.substitute import substitute
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder

ALIGN = 64  # bytes: each sum begins at a cache line


class Sums(Protocol):
    """Where sums over ranks are taken.

    Attributes:
        own: bytes of this rank, in which what is to be summed lies.
    """

    own: np.ndarray

    def add(self, buffer: np.ndarray) -> None:
        """Put the sum over all ranks in the place of a flat array within `own`."""
        ...


class Segments:
    """The programs of a step, with a program's way of taking many steps.

    Args:
        step: as `trace_step` makes it with ``across``.
        stepped: how many of the first inputs have a value for each step.

    Attributes:
        bytes: that the sums of a step take.
        sums: where they are taken; who runs the step sets it.
    """

    sums: Sums | None = None

    def __init__(self, step: Step, stepped: int) -> None:
        self._step, self._stepped = step, stepped
        self._levels = _by_level(step.outputs)
        self._segments = _cut(step, self._levels)
        arrays = [(level, dtype) for level in self._levels for dtype in _dtypes(level)]
        self.bytes = sum(_places(level, dtype)[-1] * dtype.itemsize for level, dtype in arrays)
        self._ready: tuple[Sequence[np.ndarray], _Ready] | None = None

    def twin(self) -> Segments:
        """As of a program: the same code with memory of its own."""
        other = copy.copy(self)
        other._segments, other._ready = [s.twin() for s in self._segments], None
        return other

    def rest(self) -> None:
        """As of a program."""
        self._ready = self.sums = None
        for segment in self._segments:
            segment.program.rest()

    def __call__(self, arrays: Sequence[np.ndarray], steps: int = 1, empty: bool = False) -> list[np.ndarray]:
        """What is measured in each step, and the variables, which are overwritten: as of a program.

        With ``empty`` this rank has no part of the batches: it adds nothing to the sums, and measures zeros.
        """
        assert self.sums is not None
        sums, ready = self.sums, self._ready_for(arrays, self.sums.own)
        found = [np.zeros((steps, *m.shape), m.dtype) for m in ready.measured]
        for s in range(steps):
            for place, a in zip(ready.given, arrays, strict=False):
                place[...] = a[s]
            for program, buffers in zip(ready.programs, ready.buffers, strict=False):
                if empty:
                    for buffer in buffers:
                        buffer[...] = 0
                else:
                    program.once()
                for buffer in buffers:
                    sums.add(buffer)
            ready.programs[-1].once()
            for whole, m in zip(found, () if empty else ready.measured, strict=False):
                whole[s] = m
        return [*found, *arrays[self._step.first_variable :]]

    def _ready_for(self, arrays: Sequence[np.ndarray], area: np.ndarray) -> _Ready:
        """What a call needs; that of the last call, if it was on the same arrays."""
        fixed = [*arrays[self._stepped :], area]
        if self._ready is None or any(a is not b for a, b in zip(fixed, self._ready[0], strict=True)):
            given = [*(np.empty_like(a[0]) for a in arrays[: self._stepped]), *arrays[self._stepped :]]
            self._ready = fixed, self._bound(given, area)
        return self._ready[1]

    def _bound(self, arrays: Sequence[np.ndarray], area: np.ndarray) -> _Ready:
        places: dict[Tensor, np.ndarray] = dict(zip(self._step.inputs, arrays, strict=True))
        buffers = []
        for level in self._levels:
            made, views, area = _buffers(level, area)
            buffers.append(made)
            places |= views
        for segment in self._segments:
            places |= {n: np.empty(n.shape, n.dtype) for n in segment.crossing}
        measured = [np.zeros((), n.dtype) for n in self._step.outputs[: self._step.measured]]
        results = {**dict(enumerate(measured)), **{k: arrays[i] for k, i in self._step.variables.items()}}
        return _Ready(arrays[: self._stepped], buffers, measured, [s.bound(places, results) for s in self._segments])


class _Ready(NamedTuple):
    """The places of what each step is given, the buffers of each cut, what a step measures, and the programs."""

    given: Sequence[np.ndarray]
    buffers: Sequence[Sequence[np.ndarray]]
    measured: Sequence[np.ndarray]
    programs: Sequence[Any]


class _Segment:
    """The program between two cuts.

    ``sources`` are the nodes that its inputs stand for. Its outputs are what is ``summed`` behind it, the ``crossing``
    nodes that later programs read as they are, and the outputs of the step that are ``given``, by their numbers.
    """

    def __init__(
        self, step: Step, sources: Sequence[Tensor], summed: Sequence[Tensor], crossing: Sequence[Tensor],
        given: Sequence[int],
    ) -> None:  # fmt: skip
        self.sources, self.summed, self.crossing, self.given = sources, summed, crossing, given
        inputs = [n if n.op is INPUT else placeholder(n.shape, n.dtype, "of other ranks") for n in sources]
        wanted = [*(n.inputs[0] for n in summed), *crossing, *(step.outputs[k] for k in given)]
        outputs = substitute(wanted, dict(zip(sources, inputs, strict=True)))
        places = {n: i for i, n in enumerate(sources)}
        first = len(summed) + len(crossing)
        variables = {first + j: places[step.inputs[step.variables[k]]] for j, k in enumerate(given)
                     if k in step.variables and step.inputs[step.variables[k]] in places}  # fmt: skip
        self.program = runnable(inputs, outputs, variables)

    def twin(self) -> _Segment:
        other = copy.copy(self)
        if hasattr(self.program, "twin"):
            other.program = self.program.twin()
        return other

    def bound(self, places: dict[Tensor, np.ndarray], results: dict[int, np.ndarray]) -> Any:
        """The program on arrays by the nodes that they are of, and by the numbers of outputs."""
        program, arrays = self.program, [places[n] for n in self.sources]
        kept = [*(places[n] for n in (*self.summed, *self.crossing)), *(results[k] for k in self.given)]
        if isinstance(program, Interpreted) or program.executable.orders:
            return _Called(program, arrays, kept)
        return program.bind(arrays, kept)


class _Called:
    """A program with its arrays, where it cannot be bound to them."""

    def __init__(self, program: Any, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
        self._program, self._arrays, self._results = program, arrays, results

    def once(self) -> None:
        found = [np.array(value) for value in self._program(self._arrays)]
        for place, value in zip(self._results, found, strict=True):
            place[...] = value


def _cut(step: Step, sums: Sequence[Sequence[Tensor]]) -> list[_Segment]:
    """The programs, one more than there are cuts. Each computes what is needed then and was not before; but the last
    one, whose results are the same in all ranks, reads nothing that one of them has computed alone."""
    level, last = _levels(step.outputs), len(sums)
    wanted = [[n.inputs[0] for n in of_level] for of_level in sums] + [[]]
    given: list[list[int]] = [[] for _ in wanted]
    for k, out in enumerate(step.outputs):
        if k in step.variables and out is step.inputs[step.variables[k]]:
            continue  # a parameter that stays as it is
        at = last if k in step.variables else level[out]
        given[at].append(k)
        wanted[at].append(out)
    home: dict[Tensor, int] = {}
    sources: list[list[Tensor]] = []
    crossing: list[dict[Tensor, None]] = [{} for _ in wanted]
    for i, nodes in enumerate(wanted):
        there = {n for n in home if n.op.kind is not Kind.VIEW} if i < last else set()
        order = toposort(nodes, is_leaf=lambda n, there=there: n.op is all_reduce or n in there)
        sources.append([n for n in order if n.op in (INPUT, all_reduce) or n in there])
        for n in sources[-1]:
            if n in there:
                crossing[home[n]][n] = None
        for n in order:
            if n.op not in (INPUT, CONST, all_reduce):
                home.setdefault(n, i)
    parts = zip(sources, [*sums, []], map(list, crossing), given, strict=True)
    return [_Segment(step, *part) for part in parts]


def _levels(outputs: Sequence[Tensor]) -> dict[Tensor, int]:
    """How many sums come one after the other before a node can be computed."""
    level: dict[Tensor, int] = {}
    for n in toposort(outputs):
        level[n] = max((level[i] + (i.op is all_reduce) for i in n.inputs), default=0)
    return level


def _by_level(outputs: Sequence[Tensor]) -> list[list[Tensor]]:
    """The sums that can be taken at the same time."""
    level = _levels(outputs)
    nodes = [n for n in toposort(outputs) if n.op is all_reduce]
    return [[n for n in nodes if level[n] == i] for i in range(1 + max((level[n] for n in nodes), default=-1))]


def _buffers(
    nodes: Sequence[Tensor], area: np.ndarray
) -> tuple[list[np.ndarray], dict[Tensor, np.ndarray], np.ndarray]:
    """A flat array for each dtype at the start of the area, where in it each node lies, and the rest of the area."""
    made, views = [], {}
    for dtype in _dtypes(nodes):
        *starts, end = _places(nodes, dtype)
        flat, area = area[: end * dtype.itemsize].view(dtype), area[end * dtype.itemsize :]
        mine = [n for n in nodes if n.dtype == dtype]
        views |= {n: flat[i : i + n.size].reshape(n.shape) for n, i in zip(mine, starts, strict=True)}
        made.append(flat)
    return made, views, area


def _dtypes(nodes: Sequence[Tensor]) -> dict[np.dtype, None]:
    return {n.dtype: None for n in nodes}


def _places(nodes: Sequence[Tensor], dtype: np.dtype) -> list[int]:
    """Where those of a dtype begin in their flat array, and where it ends."""
    step = ALIGN // dtype.itemsize
    return np.cumsum([0, *(-(-n.size // step) * step for n in nodes if n.dtype == dtype)]).tolist()


__all__ = ["Segments"]
