"""A trained model at work: its outputs, and how good they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from subgrad.fit import metrics as metric_table
from subgrad.fit.arrays import Part, as_array, as_batch
from subgrad.fit.engine import evaluator
from subgrad.fit.step import Step, check_values, signature, trace_evaluation
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT
from subgrad.nn import loss as losses
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module

BATCH = 1024  # rows at a time, at most
CACHED = 2**21  # elements of a result between two layers


def predict(model: Module, X: Any, batch_size: int = BATCH) -> np.ndarray:
    """The outputs of ``model`` in evaluation mode, for all samples.

    Args:
        model: any module.
        X: (n, ...) array, tensor or frame; floats become the default dtype.
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
    outputs = [rows[-1] for rows, _ in _run(model, Part.all([as_array(X, "X")]), None, {}, batch_size)]
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

    Args and errors are those of `fit`.

    Example:
        >>> import subgrad as sg
        >>> sg.evaluate(sg.nn.ReLU(), [[3.0]], [[1.0]], loss="squared", metrics=["mae"])
        {'loss': 4.0, 'mae': 2.0}
    """
    data, chosen = as_batch(X, y, sample_weight), losses.get(loss)
    check_values(model, chosen, data)
    return measure(model, Part.all(data), chosen, metric_table.resolve(metrics))


def measure(
    model: Module, data: Part, loss: Callable[..., Any], metrics: dict[str, metric_table.Metric]
) -> dict[str, float]:
    """As `evaluate`, of data and functions that are checked already."""
    rows, sizes = [], []
    for outputs, n in _run(model, data, loss, metrics, BATCH):
        rows.append([float(v) for v in outputs[:-1]])
        sizes.append(n)
    means = np.average(rows, axis=0, weights=sizes)
    return dict(zip(["loss", *metrics], map(float, means), strict=True))


def _run(model: Module, data: Part, loss: Any, metrics: dict[str, Any], batch_size: int):
    """The outputs of the traced evaluation for each batch, and its length."""

    def trace(batch: Sequence[np.ndarray]) -> Step:
        return trace_evaluation(model, loss, [signature(a) for a in batch], metrics)

    variables = [p.numpy() for _, p in model.named_state()]
    programs: dict[int, Any] = {}
    size = min(batch_size, _rows_in_cache(trace(data.batch(0, 1))))
    for start in range(0, max(len(data), 1), size):
        batch = data.batch(start, size)
        n = len(batch[0])
        if n not in programs:
            programs[n] = evaluator(trace(batch), len(data) // max(n, 1))
        yield programs[n]([np.zeros(2, np.int64), *batch, *variables]), n


def _rows_in_cache(one: Step) -> int:
    """How many samples there may be at a time, so that results between layers do not fall out of the cache."""
    largest = max((n.size for n in toposort(one.outputs) if n.op not in (CONST, INPUT)), default=1)
    return max(8, CACHED // max(largest, 1))
