"""A trained model at work: its outputs, and how good they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from subgrad.fit import metrics as metric_table
from subgrad.fit import options
from subgrad.fit.arrays import Part, as_array, as_batch
from subgrad.fit.engine import evaluator
from subgrad.fit.measured import over_all
from subgrad.fit.step import Step, check_values, signature, trace_evaluation
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


def _run(model: Module, data: Part, loss: Any, metrics: dict[str, Any], batch_size: int):
    """For each batch the traced evaluation, its outputs, and the length of the batch."""

    def trace(batch: Sequence[np.ndarray]) -> Step:
        return trace_evaluation(model, loss, [signature(a) for a in batch], metrics)

    variables = [n.numpy() for n in nodes_of([p for _, p in model.named_state()])]
    programs: dict[int, tuple[Step, Any]] = {}
    size = min(batch_size, _rows_in_cache(trace(data.batch(0, 1))))
    for start in range(0, max(len(data), 1), size):
        batch = data.batch(start, size)
        n = len(batch[0])
        if n not in programs:
            step = trace(batch)
            programs[n] = step, evaluator(step, len(data) // max(n, 1))
        step, program = programs[n]
        yield step, program([np.zeros(2, np.int64), *batch, *variables]), n


def _rows_in_cache(one: Step) -> int:
    """How many samples there may be at a time, so that results between layers do not fall out of the cache."""
    largest = max((n.size for n in toposort(one.outputs) if n.op not in (CONST, INPUT)), default=1)
    return max(8, CACHED // max(largest, 1))
