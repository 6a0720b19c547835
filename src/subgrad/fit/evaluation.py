"""A trained model at work: its outputs, and how good they are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from subgrad.compile.runtime.fallback import runnable
from subgrad.compile.runtime.threads import get_threads
from subgrad.diff.shorter import Shorter
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
    shorter = made.shorter(size) if native else None
    for room in repeat(size) if shorter is None else _rooms(len(data), size, not shorter.numbers):
        batch = data.batch(start, room)
        yield *made.outputs(batch, room, variables, native), len(batch[0])
        start += room
        if start >= len(data):
            return


def _rooms(n: int, size: int, alone: bool) -> Iterator[int]:
    """For how many rows the programs are that n rows go through, ``size`` at a time: of three lengths at most.

    Where each row is ``alone``, those that are left are parted so that no program but the smallest is half empty.
    """
    lengths = [max(1, size // share) for share in (1, 8, 64)]
    while n > 0:
        if alone:
            room = next((length for length in lengths if n > length // 2), lengths[-1])
        else:
            room = min((length for length in lengths if length >= n), default=size)
        yield room
        n -= room


class _Evaluations:
    """The traced evaluations of a model. Programs for batches of some lengths are kept with it; they take shorter ones,
    if that can be shown to be right."""

    def __init__(self, model: Module, loss: Any, metrics: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
        self._parts = model, loss, metrics
        self._batch = [(a.shape[1:], a.dtype) for a in arrays]
        self._form = *self._batch, get_threads()
        self._kept, self._own = kept(model, loss, *metrics.items()), {}

    def _trace(self, rows: int) -> Step:
        model, loss, metrics = self._parts
        return trace_evaluation(model, loss, [((rows, *shape), dtype) for shape, dtype in self._batch], metrics)

    @property
    def one(self) -> Step:
        """Of one row."""
        key = "evaluation", *self._form
        if key not in self._kept:
            self._kept[key] = self._trace(1)
        return self._kept[key]

    @property
    def rows_in_cache(self) -> int:
        """How many samples there may be at a time, so that results between layers do not fall out of the cache."""
        largest = max((n.size for n in toposort(self.one.outputs) if n.op not in (CONST, INPUT)), default=1)
        return max(8, CACHED // max(largest, 1))

    def shorter(self, rows: int) -> Shorter | None:
        """How the program for so many rows takes fewer, if it does."""
        return self._program(rows)[0].shorter

    def _program(self, rows: int) -> tuple[Step, Any]:
        key = "evaluation", rows, *self._form
        if key not in self._kept:
            step = self._trace(rows)
            with contextlib.suppress(Exception):  # batches of one less may never come
                step = step.for_shorter(self._trace(rows - 1))
            self._kept[key] = step, runnable(step.inputs, step.outputs)
        return self._kept[key]

    def outputs(
        self, batch: Sequence[np.ndarray], room: int, variables: Sequence[np.ndarray], native: bool
    ) -> tuple[Step, list[np.ndarray]]:
        """The traced evaluation and its outputs for a batch, in the program for ``room`` rows if that can be."""
        seed, n = np.zeros(2, np.int64), len(batch[0])
        if native:
            step, program = self._program(room)
            short = step if n == room else self._trace(n)
            numbers = _numbers(step, short)
            if numbers is not None:
                filled = [np.concatenate([a, np.repeat(a[:1], room - n, axis=0)]) if n < room else a for a in batch]
                found = program([seed, *filled, *numbers, *variables])
                return step, [a[tuple(map(slice, o.shape))] for a, o in zip(found, short.outputs, strict=True)]
        if n not in self._own:
            step = self._trace(n)
            self._own[n] = step, runnable(step.inputs, step.outputs) if native else step.interpreter()
        step, program = self._own[n]
        return step, program([seed, *batch, *variables])


def _numbers(step: Step, short: Step) -> list[np.ndarray] | None:
    """What a step is told of the length of a batch; None if it does not take that length."""
    if step.shorter is None:
        return [] if short is step else None
    found = step.shorter.of(None if short is step else short.graph)
    return None if found is None else [np.array(number) for number in found]
