"""Metrics by name: functions of outputs and targets that return the mean over a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from subgrad.errors import ArgumentError
from subgrad.graph.dtype import default_dtype
from subgrad.graph.tensor import Tensor

Metric = Callable[[Tensor, Tensor], Tensor]


def accuracy(f: Tensor, y: Tensor) -> Tensor:
    """The share of samples classified right.

    Args:
        f: scores: (n, classes) for integer or one-hot y, or one a sample for y in {-1, +1}.
        y: (n,) integers, (n, classes) probabilities, or targets in {-1, +1} of the shape of f.

    Example:
        >>> import subgrad as sg
        >>> float(accuracy(sg.tensor([[2.0, 1.0], [0.0, 3.0]]), sg.tensor([0, 0])))
        0.5
    """
    if f.shape == y.shape and y.dtype.kind == "f" and (f.ndim == 1 or f.shape[-1] == 1):
        right = (f > 0) == (y > 0)
    else:
        classes = y.argmax(-1) if y.ndim == f.ndim else y
        right = f.argmax(-1) == classes
    return right.astype(f.dtype if f.dtype.kind == "f" else default_dtype()).mean()


def mean_squared_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of (f - y)^2."""
    return ((f - y) ** 2).mean()


def mean_absolute_error(f: Tensor, y: Tensor) -> Tensor:
    """The mean of |f - y|."""
    return abs(f - y).mean()


METRICS: dict[str, Metric] = {
    "accuracy": accuracy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
}


def resolve(metrics: Iterable[str | Metric]) -> dict[str, Metric]:
    """Metrics by name; functions of your own keep theirs. `ArgumentError` lists the names if one is unknown."""
    found: dict[str, Metric] = {}
    for m in [metrics] if isinstance(metrics, str) or callable(metrics) else metrics:
        if isinstance(m, str) and m not in METRICS:
            raise ArgumentError(f"unknown metric {m!r}: expected a function or one of {', '.join(METRICS)}")
        found[m if isinstance(m, str) else getattr(m, "__name__", "metric")] = METRICS[m] if isinstance(m, str) else m
    return found
