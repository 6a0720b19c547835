"""Answers beside the truth: all metrics that suit them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.metrics.bootstrap import Estimate, estimates, of_every_class
from subgrad.metrics.table import Metric


@dataclass(frozen=True)
class Answered:
    """The answers to some rows.

    Attributes:
        truth: (n,), places among classes or numbers.
        answers: the same.
        chances: the probability of each class, (n, classes), if there are any.
        classes: how many there are; None for numbers.

    Example:
        >>> from subgrad.metrics import for_task
        >>> rows = Answered(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), 2)
        >>> {name: round(value, 3) for name, value in rows.measure(for_task("classification", ["f1", "brier"])).items()}
        {'f1': 0.667, 'brier': 0.137}
    """

    truth: np.ndarray
    answers: np.ndarray
    chances: np.ndarray | None = None
    classes: int | None = None

    def measure(self, metrics: Iterable[Metric]) -> dict[str, float]:
        """Each of the metrics by its name; those of probabilities are left out if there are none."""
        return {name: number(None) for name, number in self._numbers(metrics).items()}

    def estimate(self, metrics: Iterable[Metric], *, seed: int = 0) -> dict[str, Estimate]:
        """As `measure`, with intervals."""
        chosen = list(metrics)
        alike = {metric.name for metric in chosen if metric.over_classes}
        numbers = self._numbers(chosen)
        judged = {name: of_every_class(f, self.truth) if name in alike else f for name, f in numbers.items()}
        return estimates(judged, len(self.truth), seed=seed)

    def _numbers(self, metrics: Iterable[Metric]) -> dict[str, Callable[[Any], Any]]:
        """The metrics as functions of the weights of rows."""
        found: dict[str, Callable[[Any], Any]] = {}
        for metric in metrics:
            if metric.takes != "chances":
                more = {"classes": self.classes} if metric.takes == "classes" else {}
                found[metric.name] = functools.partial(metric, self.truth, self.answers, **more)
            elif self.chances is not None:
                found[metric.name] = functools.partial(metric, self.truth, self.chances)
        return found


__all__ = ["Answered"]
