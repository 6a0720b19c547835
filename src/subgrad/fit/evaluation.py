"""A trained model at work: its outputs, and how good they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from subgrad.compile.rooms import filled
from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.fit import metrics as metric_table
from subgrad.fit import options
from subgrad.fit.arrays import Part, as_batch, as_inputs, is_scanned
from subgrad.fit.engine import is_worth_compiling, work
from subgrad.fit.kept import Table, kept
from subgrad.fit.measuring.all_rows import OfAllRows, apart, measured_whole
from subgrad.fit.measuring.measured import over_all
from subgrad.fit.several.batch_form import require_call
from subgrad.fit.several.several_outputs import looked_up, loss_for
from subgrad.fit.step import Step, check_values, trace_evaluation
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT
from subgrad.graph.tree import rebuild
from subgrad.graph.values import nodes_of
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module

if TYPE_CHECKING:
    from subgrad.fit.parallel.ranks import Ranks

BATCH = 1024  # rows at a time, at most
CACHED = 2**21  # elements of a result between two layers


def predict(model: Module, X: Any, batch_size: int = BATCH) -> Any:
    """The outputs of ``model`` in evaluation mode, for all samples.

    Args:
        model: any module.
        X: (n, ...) array, tensor or frame; floats become the dtype of the model's parameters. Several in a tuple are
            the arguments of ``forward`` by position, several in a dict those by name.
        batch_size: samples at a time.

    Returns:
        (n, ...) array: scores, not probabilities, if the model ends without a softmax. (members, n, ...) if the model
        is an ensemble. A tuple or dict of arrays if the model returns tensors so.

    Raises:
        ArgumentError: if ``forward`` does not take what is given.
        DataError: for NaN, inf or text in X.
        ShapeError: if several arrays differ in length.

    Example:
        >>> import subgrad as sg
        >>> sg.predict(sg.nn.ReLU(), [[-1.0], [2.0]]).tolist()
        [[0.0], [2.0]]
    """
    options.require_module("predict", model)
    batch_size = options.count("batch_size", batch_size)
    parts = _inputs(model, X)
    outputs = _Outputs(model)
    for data in parts:
        for step, rows, _ in _run(model, data, None, {}, batch_size):
            outputs.add(step, rows)
    return outputs.together()


def _inputs(model: Module, X: Any) -> Iterable[Part]:
    """What a model is to answer, in one part, or in several that are read from files."""
    if is_scanned(X):
        from subgrad.fit.stream import scanned_parts  # which few models are asked about

        require_call(model, None)
        return scanned_parts.inputs_of(model, X)
    data = as_inputs(model._dtype(), X)
    require_call(model, data.form.x)
    return [data]


def evaluate(
    model: Module,
    X: Any,
    y: Any = None,
    *,
    loss: Any,
    loss_weights: Any = None,
    metrics: Any = (),
    sample_weight: Any = None,
) -> dict[str, float]:
    """The mean loss and the metrics of ``model`` in evaluation mode: ``{"loss": ..., "accuracy": ...}``.

    The mean is that of all samples, a weighted loss has the weighted one. Args and errors are those of `fit`.

    Example:
        >>> import subgrad as sg
        >>> sg.evaluate(sg.nn.ReLU(), [[3.0]], [[1.0]], loss="squared", metrics=["mae"])
        {'loss': 4.0, 'mae': 2.0}
    """
    options.require_module("evaluate", model)
    if is_scanned(X):
        return _evaluate_rows(model, X, loss, loss_weights, metrics)
    data = as_batch(model._dtype(), X, y, sample_weight)
    require_call(model, data.form.x)
    chosen = loss_for(looked_up(loss), loss_weights, data.form.y)
    named = metric_table.resolve(metrics, data.form.y)
    options.require_weighted(chosen, sample_weight is not None)
    seen = check_values(model, chosen, data.arrays, data.form)
    return measure(model, data, chosen, metric_table.knowing(named, seen, [data], chosen))


def _evaluate_rows(model: Module, rows: Any, loss: Any, loss_weights: Any, metrics: Any) -> dict[str, float]:
    """As `evaluate`, of rows in files."""
    from subgrad.fit.stream import scanned_parts

    require_call(model, None)
    chosen, named = loss_for(looked_up(loss), loss_weights, None), metric_table.resolve(metrics, None)
    head = scanned_parts.first_rows(model, chosen, rows)
    seen = check_values(model, chosen, head.arrays, head.form)
    parts = scanned_parts.parts_of(model, chosen, rows)
    return measure_parts(model, parts, chosen, metric_table.knowing(named, seen, [head], chosen))


def measure(
    model: Module, data: Part, loss: Callable[..., Any], metrics: dict[str, metric_table.Metric],
    ranks: Ranks | None = None,
) -> dict[str, float]:  # fmt: skip
    """As `evaluate`, of data and functions that are checked already; each of several ``ranks`` looks at a part."""
    whole = apart(metrics)[1]
    mine, join = _shared(data, ranks)
    found, outputs = _measured(model, [mine], loss, metrics, join)
    return {**found, **measured_whole(whole, outputs.members(join), _targets(data))} if whole else found


def measure_parts(
    model: Module, parts: Iterable[Part], loss: Callable[..., Any], metrics: dict[str, metric_table.Metric],
    ranks: Ranks | None = None,
) -> dict[str, float]:  # fmt: skip
    """As `measure`, of data that come in parts, each with one array of targets; several ``ranks`` have others each."""
    whole, targets, join = apart(metrics)[1], list[np.ndarray](), _join(ranks)

    def each() -> Iterator[Part]:
        for part in parts:
            targets.extend([_targets(part)] if whole else [])
            yield part

    found, outputs = _measured(model, each(), loss, metrics, join)
    if not whole:
        return found
    return {**found, **measured_whole(whole, outputs.members(join), np.concatenate(join(targets)))}


def _measured(
    model: Module, parts: Iterable[Part], loss: Callable[..., Any], metrics: dict[str, metric_table.Metric], join: Join
) -> tuple[dict[str, float], _Outputs]:
    """The numbers that are means over batches, and what the model gave if there are others."""
    in_step, whole = apart(metrics)
    values, sizes, terms, outputs = [], [], [], _Outputs(model)
    for data in parts:
        for step, rows, n in _run(model, data, loss, in_step, BATCH):
            terms = step.terms
            values.append([float(v) for v in rows[: step.measured]])
            sizes.append(n)
            if whole:
                outputs.add(step, rows)
    return over_all(terms, np.array(join(values)), join(sizes)), outputs


def measure_whole(
    model: Module, data: Part, whole: dict[str, OfAllRows], ranks: Ranks | None = None
) -> dict[str, float]:
    """Metrics of all samples at once."""
    mine, join = _shared(data, ranks)
    outputs = _Outputs(model)
    for step, rows, _ in _run(model, mine, None, {}, BATCH) if whole else ():
        outputs.add(step, rows)
    return measured_whole(whole, outputs.members(join), _targets(data)) if whole else {}


Join = Callable[[list[Any]], list[Any]]
"""Lists of all ranks, one behind the other."""


def _as_it_is(own: list[Any]) -> list[Any]:
    return own


def _shared(data: Part, ranks: Ranks | None) -> tuple[Part, Join]:
    """What this process looks at, and how it hears of the rest."""
    if ranks is None or len(data) < ranks.size:  # there would be nothing for some
        return data, _as_it_is
    return replace(data, rows=ranks.share(data.rows)), _join(ranks)


def _join(ranks: Ranks | None) -> Join:
    return _as_it_is if ranks is None else lambda own: [item for one in ranks.all(own) for item in one]


def _targets(data: Part) -> Any:
    return data.form.targets([a[data.rows] for a in data.arrays])


class _Outputs:
    """What a model gives, batch after batch."""

    def __init__(self, model: Module) -> None:
        self._of_members = isinstance(model, Ensemble)
        self._batches: list[list[np.ndarray]] = []
        self._nested: Any = None

    def add(self, step: Step, rows: list[np.ndarray]) -> None:
        """The outputs of a batch."""
        self._batches.append(rows[step.measured :])
        self._nested = step.nested

    def together(self) -> Any:
        """As the model nests them, for all samples."""
        axis = 1 if self._of_members else 0
        return rebuild(self._nested, [np.concatenate(one, axis) for one in zip(*self._batches, strict=True)])

    def members(self, join: Join) -> list[Any]:
        """Of each member of an ensemble, or of the model alone; of what ``join`` makes of the batches."""
        self._batches = join(self._batches)
        if not self._of_members:
            return [self.together()]
        leaves = [np.concatenate(one, 1) for one in zip(*self._batches, strict=True)]
        return [rebuild(self._nested, [leaf[i] for leaf in leaves]) for i in range(len(leaves[0]))]


def _run(
    model: Module, data: Part, loss: Any, metrics: dict[str, Any], batch_size: int
) -> Iterator[tuple[Step, list[np.ndarray], int]]:
    """For each batch the traced evaluation, its outputs, and the length of the batch."""
    made = _Evaluations(model, loss, metrics, data)
    size = min(batch_size, made.one.rows_in_cache)
    variables = [n.numpy() for n in nodes_of([p for _, p in model.named_state()])]
    start, native = 0, len(data) > 0 and is_worth_compiling(len(data) * made.one.work)
    try:
        while start < max(len(data), 1):
            batch = data.batch(start, size)
            n = len(batch[0])
            way = made.way(n, _room(n, size) if native else 0)
            yield way.step, way(batch, variables), n
            start += size
    finally:
        made.rest()


def _room(n: int, size: int) -> int:
    """For how many rows the program is that n rows go through, of ``size`` at most: one of three numbers."""
    return min(room for share in (1, 4, 16) if (room := -(-size // share)) >= n)


class _One(NamedTuple):
    """What an evaluation of one row takes."""

    work: float
    rows_in_cache: int

    @classmethod
    def of(cls, step: Step) -> _One:
        """There may be so many rows at a time that results between layers do not fall out of the cache."""
        largest = max((n.size for n in toposort(step.outputs) if n.op not in (CONST, INPUT)), default=1)
        return cls(work(step), max(8, CACHED // max(largest, 1)))


class _Way(NamedTuple):
    """How a batch of some length is evaluated: in a program for ``rows`` rows, which is told how many count."""

    step: Step
    program: Any
    rows: int
    numbers: Sequence[np.ndarray]
    shapes: Sequence[tuple[int, ...]]

    def __call__(self, batch: Sequence[np.ndarray], variables: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs, for the rows that there are."""
        found = self.program([np.zeros(2, np.int64), *filled(batch, self.rows), *self.numbers, *variables])
        if len(batch[0]) == self.rows:
            return found
        return [a[tuple(map(slice, shape))] for a, shape in zip(found, self.shapes, strict=True)]


class _Evaluations:
    """The traced evaluations of a model, kept with it: programs for batches of some lengths, which take shorter ones if
    that can be shown to be right, and how these do."""

    def __init__(self, model: Module, loss: Any, metrics: dict[str, Any], data: Part) -> None:
        self._parts = model, loss, metrics
        self._batch, self._nested = [(a.shape[1:], a.dtype) for a in data.arrays], data.form
        self._form = data.form, *self._batch, get_threads()
        self._kept, self._used = kept(model, loss, *metrics.items()), set()
        self.one: _One = self._keep("one", 1, lambda: _One.of(self._trace(1)))

    def _trace(self, rows: int) -> Step:
        model, loss, metrics = self._parts
        batch = [((rows, *shape), dtype) for shape, dtype in self._batch]
        return trace_evaluation(model, loss, batch, metrics, self._nested)

    def _keep(self, what: str, rows: int, make: Callable[[], Any]) -> Any:
        """What is kept of batches of so many rows, or made now."""
        key = what, rows, *self._form
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    def way(self, rows: int, room: int) -> _Way:
        """How so many rows are evaluated: by the program for ``room`` rows if that takes so few, by one of its own if
        not, and interpreted if ``room`` is 0."""
        ways: Table = self._keep("ways", 0, Table)
        found = ways.get((rows, room))
        if found is None:
            found = ways[rows, room] = (self._in_room(rows, room) if room else None) or self._alone(rows, room)
        if room:
            self._used.add(found.program)
        return found

    def _in_room(self, rows: int, room: int) -> _Way | None:
        step, program = self._keep("in room", room, lambda: self._for_shorter(room))
        short = step if rows == room else self._trace(rows)
        numbers = _numbers(step, short)
        return None if numbers is None else _Way(step, program, room, numbers, [o.shape for o in short.outputs])

    def _for_shorter(self, rows: int) -> tuple[Step, Any]:
        """Of so many rows, and fewer if that can be shown to be right."""
        step = self._trace(rows)
        with contextlib.suppress(Exception):  # batches of one less may never come
            step = step.for_shorter(self._trace(rows - 1))
        return step, runnable(step.inputs, step.outputs)

    def _alone(self, rows: int, room: int) -> _Way:
        step = self._trace(rows)
        program = runnable(step.inputs, step.outputs) if room else step.interpreter()
        return _Way(step, program, rows, [], [o.shape for o in step.outputs])

    def rest(self) -> None:
        """What the programs keep for the next time is small."""
        for program in self._used:
            program.rest()


def _numbers(step: Step, short: Step) -> list[np.ndarray] | None:
    """What a step is told of the length of a batch; None if it does not take that length."""
    if step.shorter is None:
        return [] if short is step else None
    found = step.shorter.of_long if short is step else step.shorter.of(short.graph)
    return None if found is None else [np.array(number) for number in found]
