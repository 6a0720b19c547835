"""Calibration: whether what a model gives a probability of 70% happens in 70% of the cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Calibration:
    """Rows in groups of similar probability.

    Attributes:
        predicted: the mean probability in each group, (g,), ascending.
        observed: the share of its rows in which the event happened, (g,).
        low, high: Wilson's 95% interval of that share, (g,).
        counts: the rows of each group, (g,).
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    counts: np.ndarray


def calibration_curve(chances: np.ndarray, happened: np.ndarray, bins: int = BINS) -> Calibration:
    """What was predicted against what was observed.

    The groups are of about equal size, by quantiles of the probabilities; rows of equal probability share a group, so
    there may be fewer.

    Args:
        chances: the predicted probabilities of an event, (n,).
        happened: truth values, (n,).
        bins: how many groups, at most.

    Source: Niculescu-Mizil and Caruana, Predicting good probabilities with supervised learning, ICML 2005; Wilson,
    Journal of the American Statistical Association 22, 1927.

    >>> found = calibration_curve(np.array([0.1, 0.1, 0.8, 0.8]), np.array([False, False, True, False]), bins=2)
    >>> found.predicted, found.observed, found.counts
    (array([0.1, 0.8]), array([0. , 0.5]), array([2, 2]))
    """
    edges = np.unique(np.quantile(chances, np.linspace(0, 1, bins + 1)))
    group = np.clip(np.searchsorted(edges[1:-1], chances, side="left"), 0, bins)
    counts = np.bincount(group)
    there = counts > 0
    n = counts[there]
    predicted = np.bincount(group, weights=chances)[there] / n
    observed = np.bincount(group, weights=np.asarray(happened, float))[there] / n
    return Calibration(predicted, observed, *wilson_interval(observed, n), n)


def wilson_interval(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of a probability, from the share of n cases."""
    z2 = _NORMAL**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _NORMAL * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


__all__ = ["Calibration", "calibration_curve"]
