"""Metrics by name: functions of outputs and targets that return the mean over a batch.

What a run reports is the mean over all samples, however they are batched. `accuracy` leaves out the labels that the
loss ignores. Weights of samples and classes belong to the loss; metrics count every sample once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit.labels import Labels, compared, labels_of, unknown
from subgrad.graph.dtype import default_dtype
from subgrad.graph.tensor import Tensor
from subgrad.nn import loss_reduction
from subgrad.nn.noted import Noted

Metric = Callable[..., Tensor]


def accuracy(f: Tensor, y: Tensor, labels: Labels | None = None) -> Tensor:
    """The share of samples classified right; of labels, if a sample has several.

    What y means follows from all of y:

    - a number from 0 on for each row of C > 1 scores: right if that score is the largest;
    - as many columns as scores, of which one is 1 and the others 0 or -1, or probabilities: right if score and target
      are largest in the same column;
    - -1 and +1 for each score: right if the sign is;
    - 0 and 1, or truth values, for each score: right if the score is nearer to that label than to the other, so if it
      lies on the same side of 1/2.

    Args:
        f: scores: (n, C), (n, 1) or (n,).
        y: (n,), (n, 1) or (n, C) of any dtype.
        labels: what y means, if that is known already.

    Raises:
        ShapeError: if f and y do not fit together.
        DataError: if y holds other numbers, or if 1 is all it holds: that may be one of 0 and 1 or of -1 and +1. (With
            a loss of labels -1 and +1 a training run knows.)
        NotTraceableError: if the values of y decide, and it has none yet.

    Example:
        >>> import subgrad as sg
        >>> float(accuracy(sg.tensor([[2.0, 1.0], [0.0, 3.0]]), sg.tensor([0, 0])))
        0.5
        >>> float(accuracy(sg.tensor([0.3, -0.2]), sg.tensor([-1, -1])))
        0.5
        >>> float(accuracy(sg.tensor([0.3, 0.2]), sg.tensor([0, 1])))
        0.5
    """
    if labels is None:
        values = loss_reduction.known(y)
        labels = unknown(f, y) if values is None else labels_of(f.shape, [values], signs=False, ignored=())
    right, counts = compared(f, y, labels)
    right = right.astype(f.dtype if f.dtype.kind == "f" else default_dtype())
    return right.mean() if counts is None else loss_reduction.reduced(right, counts, None, "mean")


def mean_squared_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of (f - y)^2; `ShapeError` unless both have one shape."""
    f, y = loss_reduction.numbers("mean_squared_error", f, y)
    return ((f - y) ** 2).mean()


def mean_absolute_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of |f - y|; `ShapeError` unless both have one shape."""
    f, y = loss_reduction.numbers("mean_absolute_error", f, y)
    return abs(f - y).mean()


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}


def resolve(metrics: str | Metric | Iterable[str | Metric]) -> dict[str, Metric]:
    """Metrics by name; functions of your own keep theirs.

    Raises `ArgumentError` for what is no metric, lists the names if one is unknown, and refuses two of one name.
    """
    found: dict[str, Metric] = {}
    for metric in _each(metrics):
        name, f = (metric, METRICS.get(metric)) if isinstance(metric, str) else (_name_of(metric), metric)
        if not callable(f):
            raise ArgumentError(f"unknown metric {metric!r}: expected a function or one of {', '.join(METRICS)}")
        if name in ("loss", "seconds") or name.startswith("validation_"):
            raise ArgumentError(f"a metric cannot be called {name!r}, as the history means something else by it")
        if found.get(name, f) is not f:
            raise ArgumentError(f"two metrics are called {name!r}: give them names of their own, with def")
        found[name] = f
    return found


def _each(metrics: str | Metric | Iterable[str | Metric]) -> Iterable[str | Metric]:
    if isinstance(metrics, str) or callable(metrics):
        return [metrics]
    if not isinstance(metrics, Iterable):
        raise ArgumentError(f"metrics are names and functions, got {metrics!r}")
    return metrics


def _name_of(metric: Metric) -> str:
    while isinstance(metric, functools.partial):
        metric = metric.func
    return getattr(metric, "__name__", "metric")


def knowing(
    metrics: dict[str, Metric], f: tuple[int, ...], targets: Sequence[np.ndarray], noted: Noted
) -> dict[str, Metric]:
    """The metrics, of which `accuracy` knows what labels mean: from all targets, and from what the loss said."""
    if accuracy not in metrics.values():
        return metrics
    informed = functools.partial(accuracy, labels=labels_of(f, targets, noted.signs, noted.ignored))
    return {name: informed if metric is accuracy else metric for name, metric in metrics.items()}
