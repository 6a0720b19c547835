"""How good answers are: what decides which moment of a training run is kept, and what is reported of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.tabular.target import log_loss

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
"""``metric(y, answers, weights)``: y are places of classes (n,) and answers probabilities (n, k), or both numbers (n,).
"""


def accuracy(y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of rows whose most probable class is the right one."""
    return float(np.average(answers.argmax(1) == y, weights=weights))


def brier(y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean squared distance of probabilities from 1 for the right class and 0 for others (Brier 1950)."""
    return float(np.average(((answers - np.eye(answers.shape[1])[y]) ** 2).sum(1), weights=weights))


def rmse(y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The root of the mean squared error, in the unit of the numbers."""
    return float(np.sqrt(np.average((answers - y) ** 2, weights=weights)))


def mae(y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean absolute error, in the unit of the numbers."""
    return float(np.average(np.abs(answers - y), weights=weights))


def r2(y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The share of the variance that is explained."""
    centre = np.average(y, weights=weights)
    total = np.average((y - centre) ** 2, weights=weights)
    return float(1 - rmse(y, answers, weights) ** 2 / total) if total else float("nan")


METRICS: dict[str, dict[str, tuple[Metric, float]]] = {
    "classification": {
        "log_loss": (lambda y, p, w: log_loss(p, y, w), 1.0), "accuracy": (accuracy, -1.0), "brier": (brier, 1.0),
    },
    "regression": {"rmse": (rmse, 1.0), "mae": (mae, 1.0), "r2": (r2, -1.0)},
}  # fmt: skip
"""By task and name, the first the usual one; with 1 where less is better, else -1."""


def loss_of(task: str, name: str | None) -> tuple[str, Metric]:
    """The name of a metric, and the metric as a loss, of which less is better. None stands for the usual one."""
    known = METRICS[task]
    name = name or next(iter(known))
    if name not in known:
        raise ArgumentError(f"a metric for {task} is one of {', '.join(known)}, got {name!r}")
    metric, sign = known[name]
    return name, lambda y, answers, weights=None: sign * metric(y, answers, weights)


__all__ = ["METRICS", "Metric", "accuracy", "brier", "loss_of", "mae", "r2", "rmse"]
