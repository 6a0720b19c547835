"""Runs training steps on arrays: interpreted, or as one native program that takes many steps a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.kernels.arena import aligned_copy
from subgrad.compile.runtime import fallback
from subgrad.compile.runtime.fallback import can_compile, runnable
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.threads import get_threads
from subgrad.errors import ArgumentError, CheckError
from subgrad.fit.diagnose import find_source
from subgrad.fit.measuring.measured import Term
from subgrad.fit.step import Forward, Signature, Step
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops.contract import contract, multiplications
from subgrad.ops.convolution import CONVOLUTIONS, products

Last = np.ndarray | None

WORTH_COMPILING = 1e10  # of `work`: a second or more in NumPy
SNAPSHOT_SHARE = 0.01  # of a run's time may go into copies of the variables, for finding out where a NaN came from

TraceFor = Callable[..., Step]
"""``trace(batch, gathers, shorter)``: the step for the shapes and dtypes of a batch, as `fit.step.trace_step`."""

ForwardFor = Callable[[Sequence[Signature]], Forward]
"""As `fit.step.trace_forward`."""


class NonFiniteLoss(Exception):
    """Inside of a run: the batch whose loss was not finite, and where that came from."""

    def __init__(self, batch: int, source: str) -> None:
        super().__init__(source)
        self.batch, self.source = batch, source


class Interpreted:
    """Training steps on the NumPy interpreter, one program for each batch size that occurs.

    After a step, ``terms`` says what its measured numbers are.

    Args:
        trace: gives the step for the shapes of a batch.
        data: arrays with an axis of samples, such as (X, y).
        variables: parameters and optimiser state at the start.
    """

    def __init__(self, trace: TraceFor, data: Sequence[np.ndarray], variables: Sequence[np.ndarray]) -> None:
        self.data, self.variables = data, list(variables)
        self.terms: list[Term] = []
        self._trace = trace
        self._steps: dict[int, tuple[Step, Interpreter]] = {}
        self._before: tuple[int, list[np.ndarray]] | None = None
        self._factor = 1.0

    def run(
        self, batches: Sequence[np.ndarray], seed: int, first_step: int, first_batch: int = 0, last: Last = None
    ) -> np.ndarray:
        """Take one step for each array of sample numbers; what each measures, first the loss, before its update.

        ``last`` is for steps that accumulate: 1 for each batch with which the optimiser takes its step, else 0.

        Raises `NonFiniteLoss` at the first loss that is NaN or inf; the variables are then those from before it.
        """
        flags = _flags(last, len(batches))
        rows = [self._one(rows, seed, first_step + i, first_batch + i, flags[i]) for i, rows in enumerate(batches)]
        return np.asarray(rows, np.float64)

    def prepare(self, rows: int) -> None:
        """Know what steps of so many rows measure before one is taken: an epoch may be resumed behind its last."""
        self._program(rows)

    def scale_sizes(self, factor: float) -> None:
        """As of `Compiled`."""
        self._factor = _factor(factor, self._program(next(iter(self._steps)))[0])

    def forget(self) -> None:
        """As of `Compiled`."""
        self._before = None

    def rest(self) -> None:
        """As of `Compiled`: nothing is kept."""

    def _one(self, rows: np.ndarray, seed: int, number: int, batch: int, flags: np.ndarray) -> list[float]:
        step, program = self._program(len(rows))
        sizes = _times(step.sizes, self._factor)
        arrays = [np.array([seed, number]), *flags, *(a[rows] for a in self.data), *sizes, *self.variables]
        outputs = program(arrays)
        measured = [float(v) for v in outputs[: step.measured]]
        if not np.isfinite(measured[0]):
            raise NonFiniteLoss(batch, self._explain(step, arrays))
        self._before, self.variables = (len(rows), arrays), outputs[step.measured :]
        return measured

    def _explain(self, step: Step, arrays: Sequence[np.ndarray]) -> str:
        """Where the NaN or inf came from: this step, or the update before it if that spoiled a parameter."""
        spoiled = any(v.dtype.kind == "f" and not np.isfinite(v).all() for v in self.variables)
        if spoiled and self._before is not None:
            rows, before = self._before
            earlier = find_source(self._program(rows)[0], before)
            if earlier:
                return f"{earlier}, in the step before"
        return find_source(step, arrays) or "every number of the step is finite when it is repeated"

    def _program(self, rows: int) -> tuple[Step, Interpreter]:
        if rows not in self._steps:
            step = self._trace(_signatures(self.data, rows))
            self.terms = step.terms
            self._steps[rows] = step, step.interpreter()
        return self._steps[rows]


class _Call(NamedTuple):
    """Steps that were taken: on which data, the batches, the flags of each, the first one's number in the run, and in
    its epoch."""

    data: Sequence[np.ndarray]
    batches: Sequence[np.ndarray]
    flags: np.ndarray
    step: int
    batch: int


class Taken(NamedTuple):
    """One of these steps."""

    data: Sequence[np.ndarray]
    rows: np.ndarray
    flags: np.ndarray
    step: int
    batch: int


class _Past:
    """From where a run can be repeated: the variables at the start of some call, and the batches since.

    Two such points are kept, so that the step before a bad one is always among what is repeated. A copy of the
    variables is taken as rarely as makes it cost less than `SNAPSHOT_SHARE` of the run.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.points: list[tuple[list[np.ndarray], list[_Call]]] = []
        self._due, self._clock = 0.0, clock

    def note(self, variables: Sequence[np.ndarray], call: _Call) -> None:
        """Called before the steps are taken."""
        start = self._clock()
        if start >= self._due:
            self.points = [*self.points[-1:], ([v.copy() for v in variables], [])]
            end = self._clock()
            self._due = end + (end - start) / SNAPSHOT_SHARE
        self.points[-1][1].append(call)

    def forget(self) -> None:
        """Drop both points, and the data that the calls since have."""
        self.points, self._due = [], 0.0

    def until(self, last: int) -> tuple[list[np.ndarray], list[Taken]]:
        """The variables at the older point, and the batches from there up to step ``last``."""
        since = [
            Taken(call.data, rows, call.flags[i : i + 1], call.step + i, call.batch + i)
            for _, calls in self.points
            for call in calls
            for i, rows in enumerate(call.batches)
            if call.step + i <= last
        ]
        return self.points[0][0], since


class _Native(NamedTuple):
    """How batches of some length run: the program, for how many rows that is, and the numbers that it asks for."""

    step: Step
    program: Any
    rows: int
    numbers: np.ndarray


class Compiled:
    """As `Interpreted`, with native programs that gather their batches and take many steps a call.

    Batches of several ``lengths`` run in the program of the longest, if ``forward`` (the part of the step before
    gradients) can be shown to allow it: rows are put behind those of a shorter one, and do not count. A program is for
    data of any number of samples. ``programs`` is where programs are found that were made before for the same step, and
    are left for later.
    """

    def __init__(
        self, trace: TraceFor, data: Sequence[np.ndarray], variables: Sequence[np.ndarray],
        lengths: Sequence[int] = (), forward: ForwardFor | None = None, programs: dict[Any, Any] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        self.data = [np.ascontiguousarray(a) for a in data]
        self.variables = [aligned_copy(v) for v in variables]
        self.terms: list[Term] = []
        self._trace, self._forward = trace, forward
        self._longest = max(lengths, default=0)
        self._shorter = max((n for n in lengths if n < self._longest), default=self._longest - 1)
        self._programs = {} if programs is None else programs
        self._form = *_signatures(self.data, 0), get_threads()
        self._used: dict[int, _Native] = {}
        self._past, self._factor = _Past(clock), 1.0

    def run(
        self, batches: Sequence[np.ndarray], seed: int, first_step: int, first_batch: int = 0, last: Last = None
    ) -> np.ndarray:
        """As `Interpreted.run`."""
        flags = _flags(last, len(batches))
        self._past.note(self.variables, _Call(self.data, batches, flags, first_step, first_batch))
        measured = self._measured(batches, seed, first_step, flags)
        bad = np.flatnonzero(~np.isfinite(measured[:, 0]))
        if bad.size:
            self._explain(seed, first_step + int(bad[0]))
        return measured

    def _measured(self, batches: Sequence[np.ndarray], seed: int, first: int, flags: np.ndarray) -> np.ndarray:
        """What the batches measure, each before its step."""
        found, done = [], 0
        for part in self._parts(batches):
            found.append(self._steps(part, seed, first + done, flags[done : done + len(part)]))
            done += len(part)
        return np.concatenate(found, dtype=np.float64)

    def _parts(self, batches: Sequence[np.ndarray]) -> list[Sequence[np.ndarray]]:
        """The batches, in order, by the programs that they run in.

        Where one is for all, nothing is done for each: a step may take less time than that.
        """
        programs = {n: id(self._native(n).program) for n in {*map(len, batches)}}
        if len({*programs.values()}) == 1:
            return [batches]
        return [list(part) for _, part in groupby(batches, key=lambda rows: programs[len(rows)])]

    def scale_sizes(self, factor: float) -> None:
        """Constant step sizes are from now on ``factor`` times what the optimiser says."""
        self._factor = _factor(factor, self._native(self._longest or next(iter(self._used))).step)

    def forget(self) -> None:
        """Keep nothing of the data so far: from here on what went wrong is found by repeating later steps only."""
        self._past.forget()

    def rest(self) -> None:
        """The run is over: what its programs keep for the next one is small."""
        for native in self._used.values():
            native.program.rest()

    def is_native(self, rows: int) -> bool:
        """Whether batches of so many rows have machine code."""
        return not isinstance(self._native(rows).program, fallback.Interpreted)

    def _steps(self, batches: Sequence[np.ndarray], seed: int, first: int, flags: np.ndarray) -> np.ndarray:
        """Steps of one program."""
        natives = {n: self._native(n) for n in {*map(len, batches)}}
        step, program, length, numbers = next(iter(natives.values()))
        steps = np.arange(first, first + len(batches))
        seeds = np.stack([np.full_like(steps, seed), steps], axis=1)
        if [*natives] == [length]:
            order = np.concatenate(batches).reshape(len(batches), length)
            numbers = np.repeat(numbers[:, None], len(batches), axis=1)
        else:
            order = np.stack([_filled_up(rows, length) for rows in batches])
            numbers = np.stack([natives[len(rows)].numbers for rows in batches], axis=1)
        if order.view(np.uint64).max() >= len(self.data[0]):  # a negative one is very large
            raise CheckError(f"there are {len(self.data[0])} samples, got the numbers {order.min()} to {order.max()}")
        told = np.ascontiguousarray(np.concatenate([flags.T, numbers]))
        outputs = program([seeds, *told, order, *self.data, *self._sizes(step), *self.variables], len(batches))
        return np.stack(outputs[: step.measured], axis=1)

    def _sizes(self, step: Step) -> Sequence[np.ndarray]:
        return _times(step.sizes, self._factor)

    def _explain(self, seed: int, bad: int) -> None:
        """Repeat what led to step ``bad``, the last two steps in a way that finds the op."""
        self.variables, since = self._past.until(bad)
        for call in since[:-2]:
            self.data = call.data
            self._measured([call.rows], seed, call.step, call.flags)
        self._find_op(seed, since[-2:])

    def _find_op(self, seed: int, last: Sequence[Taken]) -> None:
        """Interprets these steps, of which one makes a NaN or inf: raises `NonFiniteLoss`."""
        again = Interpreted(self._trace, self.data, [v.copy() for v in self.variables])
        again._factor = self._factor
        for call in last:
            again.data = call.data
            again.run([call.rows], seed, call.step, call.batch, call.flags[:, 0] if call.flags.size else None)
        raise NonFiniteLoss(last[-1].batch, "every number is finite when the batch is interpreted")

    def _native(self, rows: int) -> _Native:
        key = rows, self._longest, *self._form
        if key not in self._programs:
            self._programs[key] = self._in_the_longest(rows) or self._alone(rows)
        found = self._used[rows] = self._programs[key]
        self.terms = found.step.terms
        return found

    def _in_the_longest(self, rows: int) -> _Native | None:
        """A batch in the program of the longest one, if it is shorter and that can be."""
        if rows >= self._longest:
            return None
        native = self._native(self._longest)
        numbers = None if native.step.shorter is None else native.step.numbers_for(self._forward_of(rows))
        return None if numbers is None else native._replace(numbers=numbers)

    def _forward_of(self, rows: int) -> Forward | None:
        """None also if it fails: batches of so many rows may never come, and if they do, their own trace says why."""
        try:
            return None if self._forward is None else self._forward(_signatures(self.data, rows))
        except Exception:
            return None

    def _alone(self, rows: int) -> _Native:
        """The program for so many rows; that of the longest batch is for others as well, also if there are none now:
        that costs next to nothing, and the next run may have other data."""
        batch, short = _signatures(self.data, rows), None
        if rows == self._longest and self._shorter > 0:
            short = self._forward_of(self._shorter)
        step = self._trace(batch, True) if short is None else self._trace(batch, True, short)
        numbers = step.numbers
        stepped = range(2 + step.accumulates + len(numbers))
        return _Native(step, self._program_of(step, stepped), rows, numbers)

    def _program_of(self, step: Step, stepped: range) -> Any:
        """The program of a step, whose inputs of these numbers have a value for each step."""
        return runnable(step.inputs, step.outputs, step.variables, stepped=stepped, measured=range(step.measured))


def _flags(last: Last, n: int) -> np.ndarray:
    """What n steps are told besides: (n, 1), or (n, 0) if they do not accumulate."""
    return np.empty((n, 0)) if last is None else np.asarray(last, np.float64)[:, None]


def _times(sizes: Sequence[np.ndarray], factor: float) -> Sequence[np.ndarray]:
    return sizes if factor == 1 else [(factor * s).astype(s.dtype) for s in sizes]


def _factor(factor: float, step: Step) -> float:
    if not len(step.sizes):
        raise ArgumentError("the step size of this optimiser follows a rule: only a constant one can be reduced on the "
                            "way")  # fmt: skip
    return factor


def _filled_up(rows: np.ndarray, length: int) -> np.ndarray:
    """The numbers of a batch's samples, and its first one again until there are so many."""
    more = length - len(rows)
    return np.concatenate([rows, np.full(more, rows[0])]) if more else rows


def engine_for(
    trace: TraceFor, forward: ForwardFor, data: Sequence[np.ndarray], variables: Sequence[np.ndarray],
    lengths: Sequence[int], programs: dict[Any, Any],
) -> Any:  # fmt: skip
    """The native engine where it can run the step on batches of these ``lengths``, else the interpreter."""
    if can_compile():
        engine = Compiled(trace, data, variables, lengths, forward, programs)
        if engine.is_native(max(lengths)):
            return engine
    interpreted = Interpreted(trace, data, variables)
    interpreted.prepare(max(lengths))
    return interpreted


def is_worth_compiling(products: float) -> bool:
    """Whether what takes so much `work`, and has no variables, should be machine code."""
    return products >= WORTH_COMPILING and can_compile()


def work(step: Step) -> int:
    """Multiplications of a step, and results of other ops."""
    return sum(map(_work, toposort(step.outputs)))


def _work(node: Tensor) -> int:
    if node.op is contract:
        return multiplications(node.attrs["spec"], *node.inputs)
    return products(node) if node.op in CONVOLUTIONS else node.size


def _signatures(data: Sequence[np.ndarray], rows: int) -> list[Signature]:
    return [((rows, *a.shape[1:]), a.dtype) for a in data]
