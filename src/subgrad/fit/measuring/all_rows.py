"""Metrics of all samples at once, such as ROC AUC, of what a model gives and what it should have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.errors import ShapeError
from subgrad.fit.measuring.labels import Labels
from subgrad.metrics import Metric, get


@dataclass(frozen=True)
class OfAllRows:
    """A metric of `subgrad.metrics`, of the outputs of a model.

    Attributes:
        name: in that table.
        key: of the output, if there are several.
        labels: what targets mean that are classes.
        log_odds: how many times a score is the log-odds of the second class, or infinity if scores are those of a
            softmax; None if they are what they are.
    """

    name: str
    key: Any = None
    labels: Labels | None = None
    log_odds: float | None = None

    @property
    def metric(self) -> Metric:
        """The metric itself."""
        return get(self.name)

    def __call__(self, out: Any, y: Any) -> float:
        """The number for outputs (n, ...) and targets of all samples."""
        f, t = (out, y) if self.key is None else (out[self.key], y[self.key])
        if self.metric.takes == "numbers":
            if f.size != t.size or f.size != len(f):
                raise ShapeError(f"{self.name} takes a number for each sample, got outputs {f.shape} and {t.shape}")
            return self.metric(t.reshape(-1), f.reshape(-1))
        truth, scores, counts = self._rows(f, t)
        answers = self._answers(scores) if self.metric.takes == "classes" else self._chances(scores)
        return self.metric(truth[counts], answers[counts])

    def _rows(self, f: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The place of the right class of each row; scores (n, classes), or (n,); and which rows count."""
        assert self.labels is not None
        if self.labels.kind == "classes":
            scores, columns = f.reshape(-1, f.shape[-1]), t.shape == f.shape
            truth = t.reshape(scores.shape).argmax(1) if columns else t.reshape(-1)
        else:
            scores, truth, columns = f.reshape(-1), t.reshape(-1), False
        counts = np.ones(len(truth), bool) if columns else ~np.isin(truth, [*self.labels.ignored])
        if self.labels.kind != "classes":
            truth = truth > (0 if self.labels.kind == "signs" else 0.5)
        return np.where(counts, truth, 0).astype(np.int64), scores, counts

    def _answers(self, scores: np.ndarray) -> np.ndarray:
        assert self.labels is not None
        return scores.argmax(1) if scores.ndim == 2 else (scores > self.labels.limit).astype(np.int64)

    def _chances(self, scores: np.ndarray) -> np.ndarray:
        if self.log_odds is None:
            return scores
        scores = scores.astype(np.float64)
        if scores.ndim == 2:
            powers = np.exp(scores - scores.max(1, keepdims=True))
            return powers / powers.sum(1, keepdims=True)
        return 0.5 * (1 + np.tanh(0.5 * self.log_odds * scores))


def apart(metrics: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, OfAllRows]]:
    """The metrics that are means over batches, and those of all samples."""
    whole = {name: metric for name, metric in metrics.items() if isinstance(metric, OfAllRows)}
    return {name: metric for name, metric in metrics.items() if name not in whole}, whole


def measured_whole(whole: Mapping[str, OfAllRows], members: Sequence[Any], y: Any) -> dict[str, float]:
    """Each metric of the outputs of all ``members``, one for a model alone, on the average."""
    return {name: float(np.mean([metric(out, y) for out in members])) for name, metric in whole.items()}
