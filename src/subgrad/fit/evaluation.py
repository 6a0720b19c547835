"""A trained model at work: its outputs, and how good they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.fit import metrics as metric_table
from subgrad.fit import options
from subgrad.fit.arrays import Part, as_array, as_batch
from subgrad.fit.engine import is_worth_compiling
from subgrad.fit.kept import kept
from subgrad.fit.measured import over_all
from subgrad.fit.step import Step, check_values, trace_evaluation
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT
from subgrad.graph.values import nodes_of
from subgrad.nn import loss as losses
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module

BATCH = 1024  # rows at a time, at most
CACHED = 2**21  # elements of a result between two layers


def predict(model: Module, X: Any, batch_size: int = BATCH) -> np.ndarray:
    """The outputs of ``model`` in evaluation mode, for all samples.

    Args:
        model: any module.
        X: (n, ...) array, tensor or frame; floats become the dtype of the model's parameters.
        batch_size: samples at a time.

    Returns:
        (n, ...) array: scores, not probabilities, if the model ends without a softmax. (members, n, ...) if the model
        is an ensemble.

    Raises:
        DataError: for NaN, inf or text in X.

    Example:
        >>> import subgrad as sg
        >>> sg.predict(sg.nn.ReLU(), [[-1.0], [2.0]]).tolist()
        [[0.0], [2.0]]
    """
    options.require_module("predict", model)
    batch_size = options.count("batch_size", batch_size)
    data = Part.all([as_array(X, "X", model._dtype())])
    outputs = [rows[-1] for _, rows, _ in _run(model, data, None, {}, batch_size)]
    return np.concatenate(outputs, axis=1 if isinstance(model, Ensemble) else 0)


def evaluate(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: str | Callable[..., Any],
    metrics: Iterable[str | metric_table.Metric] = (),
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
    named, chosen = metric_table.resolve(metrics), losses.get(loss)
    options.require_weighted(chosen, sample_weight is not None)
    data = as_batch(model._dtype(), X, y, sample_weight)
    shape, noted = check_values(model, chosen, data)
    return measure(model, Part.all(data), chosen, metric_table.knowing(named, shape, data[1:2], noted))


def measure(
    model: Module, data: Part, loss: Callable[..., Any], metrics: dict[str, metric_table.Metric]
) -> dict[str, float]:
    """As `evaluate`, of data and functions that are checked already."""
    values, sizes, terms = [], [], []
    for step, outputs, n in _run(model, data, loss, metrics, BATCH):
        terms = step.terms
        values.append([float(v) for v in outputs[: step.measured]])
        sizes.append(n)
    return over_all(terms, np.array(values), sizes)


def _run(
    model: Module, data: Part, loss: Any, metrics: dict[str, Any], batch_size: int
) -> Iterator[tuple[Step, list[np.ndarray], int]]:
    """For each batch the traced evaluation, its outputs, and the length of the batch."""
    made = _Evaluations(model, loss, metrics, data.arrays)
    size = min(batch_size, made.rows_in_cache)
    variables = [n.numpy() for n in nodes_of([p for _, p in model.named_state()])]
    start, native = 0, len(data) > 0 and is_worth_compiling(made.one, len(data))
    try:
        while start < max(len(data), 1):
            batch = data.batch(start, size)
            n = len(batch[0])
            yield *made.outputs(batch, _room(n, size) if native else 0, variables), n
            start += size
    finally:
        made.rest()


def _room(n: int, size: int) -> int:
    """For how many rows the program is that n rows go through, of ``size`` at most: one of three numbers."""
    return min(room for share in (1, 4, 16) if (room := -(-size // share)) >= n)


class _Evaluations:
    """The traced evaluations of a model. Programs for batches of some lengths are kept with it; they take shorter ones,
    if that can be shown to be right."""

    def __init__(self, model: Module, loss: Any, metrics: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
        self._parts = model, loss, metrics
        self._batch = [(a.shape[1:], a.dtype) for a in arrays]
        self._form = *self._batch, get_threads()
        self._kept, self._own, self._used = kept(model, loss, *metrics.items()), {}, set()

    def _trace(self, rows: int) -> Step:
        model, loss, metrics = self._parts
        return trace_evaluation(model, loss, [((rows, *shape), dtype) for shape, dtype in self._batch], metrics)

    def _keep(self, what: str, rows: int, make: Callable[[], Any]) -> Any:
        """What is kept of batches of so many rows, or made now."""
        key = what, rows, *self._form
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    @property
    def one(self) -> Step:
        """Of one row."""
        return self._keep("evaluation of one", 1, lambda: self._trace(1))

    @property
    def rows_in_cache(self) -> int:
        """How many samples there may be at a time, so that results between layers do not fall out of the cache."""
        largest = max((n.size for n in toposort(self.one.outputs) if n.op not in (CONST, INPUT)), default=1)
        return max(8, CACHED // max(largest, 1))

    def _for_shorter(self, rows: int) -> Step:
        """Of so many rows, and fewer if that can be shown to be right."""
        step = self._trace(rows)
        with contextlib.suppress(Exception):  # batches of one less may never come
            return step.for_shorter(self._trace(rows - 1))
        return step

    def _program(self, rows: int, step: Step) -> Any:
        program = self._keep("program of an evaluation", rows, lambda: runnable(step.inputs, step.outputs))
        self._used.add(program)
        return program

    def outputs(
        self, batch: Sequence[np.ndarray], room: int, variables: Sequence[np.ndarray]
    ) -> tuple[Step, list[np.ndarray]]:
        """The traced evaluation of a batch, and its outputs: by the program for ``room`` rows if that takes so few, by
        one of its own if not, and interpreted if ``room`` is 0."""
        seed, n = np.zeros(2, np.int64), len(batch[0])
        if room:
            step = self._keep("evaluation", room, lambda: self._for_shorter(room))
            short = step if n == room else self._trace(n)
            numbers = _numbers(step, short)
            if numbers is not None:
                filled = [np.concatenate([a, np.repeat(a[:1], room - n, axis=0)]) if n < room else a for a in batch]
                found = self._program(room, step)([seed, *filled, *numbers, *variables])
                return step, [a[tuple(map(slice, o.shape))] for a, o in zip(found, short.outputs, strict=True)]
        if n not in self._own:
            step = self._trace(n)
            self._own[n] = step, runnable(step.inputs, step.outputs) if room else step.interpreter()
        step, program = self._own[n]
        return step, program([seed, *batch, *variables])

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
