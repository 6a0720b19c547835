"""A traced call as a program that is bound to its places, and called again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.kernels.arena import aligned, aligned_copy
from subgrad.compile.runtime.fallback import attempt
from subgrad.errors import ShapeError
from subgrad.graph.lock import lock
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Parameter, Tensor, constant
from subgrad.graph.tree import Tree, rebuild
from subgrad.graph.values import bind_all, nodes_of
from subgrad.ops import random

SMALL = 4096  # bytes of an array that is copied rather than moved: a copy of 4 KB takes as long as an address, 0.2 us

Build = Callable[..., Any]
"""``build(inputs, outputs, **options)``: a program of a graph, as `subgrad.compile.runtime.program.Program`."""


class Trace(NamedTuple):
    """A traced call: the program's inputs and outputs, and what they belong to."""

    seed: Tensor
    arguments: list[Tensor]
    read: list[Parameter]
    places: list[Tensor]
    outputs: list[Tensor]
    result: Tree
    results: int
    written: list[Parameter]

    @property
    def inputs(self) -> list[Tensor]:
        return [self.seed, *self.arguments, *self.places]


class Variant:
    """A program for one combination of shapes.

    Small arguments and results are copied to and from places that never move: to ask NumPy for an address costs more
    than to copy a sample.
    """

    def __init__(self, trace: Trace, build: Build, native: bool) -> None:
        self.trace = trace
        self._prepacked = _Prepacked(trace, build, native)
        self.program = build([*trace.inputs, *self._prepacked.places], self._prepacked.outputs)
        self._lock = lock()
        self._draws = trace.seed in set(toposort(trace.outputs))
        self._seed = np.zeros(2, np.int64)
        self._arguments = [np.empty(a.shape, a.dtype) for a in trace.arguments]
        self._small = [a.nbytes <= SMALL for a in self._arguments]
        self._large_outputs = [k for k, o in enumerate(trace.outputs) if o.size * o.dtype.itemsize > SMALL]
        shapes = [(0,) if k in self._large_outputs else o.shape for k, o in enumerate(trace.outputs)]
        self._outputs = [np.empty(shape, o.dtype) for shape, o in zip(shapes, trace.outputs, strict=True)]
        self._seen, self._nodes = 0, nodes_of(trace.read)
        self._held = [np.ascontiguousarray(n.numpy()) for n in self._nodes]
        self._prepacked.bind(self._held)
        given = [self._seed, *self._arguments, *self._held, *self._prepacked.results]
        self._bound = self.program.bind(given, self._outputs)
        plain = all(self._small) and isinstance(trace.result, Tensor) and not (trace.written or self._draws)
        self.call = self._quick() if plain and not self._large_outputs else self._call

    def _quick(self) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        """`_call` where there is nothing to do but copying small arrays; an attribute or a frame less is 50 ns less."""
        lock, places, output = self._lock, self._arguments, self._outputs[0]
        once, refresh = self._bound.once, self._refresh

        def call(arrays: Sequence[np.ndarray]) -> np.ndarray:
            with lock:
                for place, array in zip(places, arrays, strict=False):
                    place[...] = array
                if self._seen != Parameter.changes:
                    refresh()
                once()
                return output.copy()

        return call

    def _call(self, arrays: Sequence[np.ndarray]) -> Any:
        """The results for arrays of the right form."""
        found, result = self.values(arrays), self.trace.result
        return found[0] if isinstance(result, Tensor) else rebuild(result, found)

    def values(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The arrays in the results for arrays of the right form.

        Ctrl-C or a fork may come between any two lines. So nothing that a call leaves is needed by the next one: large
        arrays get their addresses before each run.
        """
        trace, kept = self.trace, []
        with self._lock:
            for i, array in enumerate(arrays):
                if self._small[i]:
                    self._arguments[i][...] = array
                else:
                    kept.append(np.ascontiguousarray(array, self._arguments[i].dtype))
                    self._bound.move(1 + i, kept[-1])
            if self._seen != Parameter.changes:
                self._refresh()
            if self._draws:
                self._seed[:] = random.next_seed()
            large = {k: np.empty(trace.outputs[k].shape, trace.outputs[k].dtype) for k in self._large_outputs}
            for k, array in large.items():
                self._bound.move_result(k, array)
            self._bound.once()
            found = [large[k] if k in large else o.copy() for k, o in enumerate(self._outputs)]
        if trace.written:
            bind_all(trace.written, map(constant, found[trace.results :]))
        return found[: trace.results]

    def _refresh(self) -> None:
        """Some parameter, perhaps one of ours, has a new value since the last call."""
        now = Parameter.changes
        for i, node in enumerate(nodes_of(self.trace.read)):
            if node is not self._nodes[i]:
                self._held[i] = np.ascontiguousarray(node.numpy())
                self._bound.move(1 + len(self._arguments) + i, self._held[i])
                self._prepacked.move(i, self._held[i])
                self._nodes[i] = node
        self._prepacked.run()
        self._seen = now  # last: a refresh that was interrupted is done again


class _Prepacked:
    """The part of a trace that depends on parameters alone, if there is any: a program of its own."""

    def __init__(self, trace: Trace, build: Build, native: bool) -> None:
        written = {id(p) for p in trace.written}
        kept = [n for n, p in zip(trace.places, trace.read, strict=True) if id(p) not in written]
        self._program, self.places, self.outputs = None, [], trace.outputs
        self.results: list[np.ndarray] = []
        if not kept or not native:
            return
        from subgrad.compile.passes.prepack import prepack

        found = attempt(lambda: prepack(trace.outputs, kept))
        if found is not None and found.made:
            self._program, self.places, self.outputs = build(trace.places, found.made), found.places, found.outputs

    def bind(self, held: Sequence[np.ndarray]) -> None:
        """Compute it for these values of the parameters; ``results`` are where it will always be."""
        self.results = [aligned(p.shape, p.dtype) for p in self.places]
        self._bound = self._program.bind(held, self.results) if self._program else None
        self.run()

    def move(self, i: int, array: np.ndarray) -> None:
        """Parameter i has another value, in another array."""
        if self._bound:
            self._bound.move(i, array)

    def run(self) -> None:
        """Compute it again."""
        if self._bound:
            self._bound.once()


class ScanVariant:
    """As `Variant`, with the carry and the assigned parameters as variables of the program."""

    def __init__(self, trace: Trace, build: Build, carried: int) -> None:
        self.trace, self.carried = trace, carried
        self._lock = lock()
        rows = len(trace.arguments) - carried
        self._check(trace, carried)
        variables = {i: 1 + i for i in range(carried)}
        for k, p in enumerate(trace.written):
            at = next(i for i, r in enumerate(trace.read) if r is p)
            variables[trace.results + k] = 1 + len(trace.arguments) + at
        self.program = build(
            trace.inputs, trace.outputs, variables=variables, stepped=[0, *range(1 + carried, 1 + carried + rows)],
            measured=range(carried, trace.results),
        )  # fmt: skip

    @staticmethod
    def _check(trace: Trace, carried: int) -> None:
        outputs = [(o.shape, o.dtype) for o in trace.outputs[:carried]]
        inputs = [(a.shape, a.dtype) for a in trace.arguments[:carried]]
        if not isinstance(trace.result, tuple) or len(trace.result) != 2 or outputs != inputs:
            raise ShapeError(f"a function to scan returns (carry, results), the carry like {inputs}, got {outputs}")

    def run(self, state: Sequence[np.ndarray], rows: Sequence[np.ndarray], steps: int) -> tuple[Tree, Tree]:
        trace = self.trace
        seed, first = random.next_seed()
        numbers = np.arange(steps)
        seeds = np.stack([np.full_like(numbers, seed), numbers + (first << 32)], axis=1)
        held = [aligned_copy(n.numpy()) for n in nodes_of(trace.read)]
        with self._lock:
            found = self.program([seeds, *map(aligned_copy, state), *rows, *held], steps)
        bind_all(trace.written, map(constant, found[trace.results :]))
        return rebuild(trace.result, found[: trace.results])


