"""What the networks of a model for tables are trained on, and the way back to probabilities and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """A numeric target on the scale that networks learn: (t - mean) / std of the number, or of its logarithm.

    Answers are kept within ``low`` and ``high``, the ends of what was seen: RealMLP does so, too.
    """

    mean: float
    std: float
    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, y: np.ndarray, log: bool = False) -> Scale:
        """The scale for numbers (n,)."""
        t = np.log(y) if log else y
        return cls(float(t.mean()), float(t.std()) or 1.0, float(y.min()), float(y.max()), log)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Float32, of mean 0 and deviation 1."""
        return (((np.log(y) if self.log else y) - self.mean) / self.std).astype(np.float32)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Numbers in their unit, float64."""
        t = np.asarray(z, np.float64) * self.std + self.mean
        if self.log:
            t = np.exp(np.clip(t, np.log(self.low), np.log(self.high)))
        return np.clip(t, self.low, self.high)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis, float64."""
    scores = np.asarray(scores, np.float64)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def temperature_for(scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The number by which scores (n, k) are divided for the least log loss (Guo et al. 2017, arXiv 1706.04599).

    The loss is convex in its inverse: golden-section search between 1/4 and 4 for it, on a log scale.
    """
    low, high, ratio = np.log(0.25), np.log(4.0), (5**0.5 - 1) / 2
    scores = np.asarray(scores, np.float64)
    for _ in range(30):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if log_loss(softmax(scores * np.exp(a)), y, weights) < log_loss(softmax(scores * np.exp(b)), y, weights):
            high = b
        else:
            low = a
    return float(np.exp(-(low + high) / 2))


def log_loss(probabilities: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean of -log of the probability of the right class, at least 1e-7 as elsewhere."""
    right = probabilities[np.arange(len(y)), y]
    return float(np.average(-np.log(np.maximum(right, 1e-7)), weights=weights))


__all__ = ["Scale", "log_loss", "softmax", "temperature_for"]
