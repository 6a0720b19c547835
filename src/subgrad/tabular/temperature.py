"""Probabilities of scores, and the temperature that makes them fit."""

from __future__ import annotations

import numpy as np

from subgrad.metrics import log_loss
from subgrad.tabular.defaults import FEW, PRIOR, SAMPLE, TEMPERED


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, float64."""
    scores = np.asarray(scores, np.float64)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def temperature_for(scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The number by which scores (n, k) are divided for the least log loss (Guo et al. 2017, arXiv 1706.04599).

    Few rows say little: to their loss comes that of a normal prior on its logarithm, `PRIOR`, as if it were one row
    more. Golden-section search between 1/4 and 4, on a log scale, on 100,000 rows or a few more, evenly taken.
    """
    low, high, ratio = np.log(0.25), np.log(4.0), (5**0.5 - 1) / 2
    some = slice(None, None, max(1, len(y) // SAMPLE))
    scores, y, weights = np.asarray(scores[some], np.float64), y[some], None if weights is None else weights[some]

    def loss(t: float) -> float:
        return log_loss(y, softmax(scores * np.exp(-t)), weights) + ((t - mean) / deviation) ** 2 / (2 * len(y))

    mean, deviation = PRIOR
    for _ in range(30):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if loss(a) < loss(b):
            high = b
        else:
            low = a
    return float(np.exp((low + high) / 2))


def of_all_members(temperature: float, rows: int) -> float:
    """The temperature for the mean of the members' scores, from that which suits each member alone."""
    return temperature ** (TEMPERED + (1 - TEMPERED) * FEW / (FEW + rows))


__all__ = ["of_all_members", "softmax", "temperature_for"]
