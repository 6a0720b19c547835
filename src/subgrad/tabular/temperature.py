"""Probabilities of scores, and the temperature that makes them fit."""

from __future__ import annotations

import numpy as np

from subgrad.tabular.defaults import FEW, PRIOR, SAMPLE, TEMPERED

NARROWED = 18  # times that the interval shrinks by 0.618: to 0.05% of a temperature


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
    some = slice(None, None, max(1, len(y) // SAMPLE))
    scores, y, weights = np.asarray(scores[some], np.float64), y[some], None if weights is None else weights[some]
    behind = scores - scores.max(1, keepdims=True)
    right = np.average(behind[np.arange(len(y)), y], weights=weights)
    mean, deviation = PRIOR

    def loss(t: float) -> float:
        all_classes = np.average(np.log(np.exp(behind * np.exp(-t)).sum(1)), weights=weights)
        return float(all_classes - right * np.exp(-t) + ((t - mean) / deviation) ** 2 / (2 * len(y)))

    low, high, ratio = np.log(0.25), np.log(4.0), (5**0.5 - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    at_a, at_b = loss(a), loss(b)
    for _ in range(NARROWED):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = loss(b)
    return float(np.exp((low + high) / 2))


def of_all_members(temperature: float, rows: int) -> float:
    """The temperature for the mean of the members' scores, from that which suits each member alone."""
    return temperature ** (TEMPERED + (1 - TEMPERED) * FEW / (FEW + rows))


__all__ = ["of_all_members", "softmax", "temperature_for"]
