"""The scale on which networks learn a numeric target."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from subgrad.data.kinds.column_kind import mean_and_std
from subgrad.errors import DataError
from subgrad.tabular.defaults import LARGEST, SKEWED


@dataclass(frozen=True)
class Scale:
    """A numeric target on the scale that networks learn: (t - mean) / std of the number, or of its logarithm.

    Answers are kept within ``low`` and ``high``, the ends of what was seen: RealMLP does so, too. A number whose
    logarithm is expected is not the expected number: ``factor`` makes up for it.
    """

    mean: float
    std: float
    low: float
    high: float
    log: bool = False
    factor: float = 1.0

    @classmethod
    def of(cls, y: np.ndarray, log: bool = False) -> Scale:
        """The scale for numbers (n,)."""
        t = np.log(y) if log else y
        return cls(*mean_and_std(t), float(y.min()), float(y.max()), log)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Float32, of mean 0 and deviation 1."""
        return (((np.log(y) if self.log else y) - self.mean) / self.std).astype(np.float32)

    def decode(self, z: Any, kit: Any = np) -> Any:
        """Numbers in their unit, float64; ``kit`` is `numpy`, or `subgrad.ops` for a tensor of float64."""
        t = (np.asarray(z, np.float64) if kit is np else z) * self.std + self.mean
        if self.log:
            t = kit.exp(kit.clip(t, math.log(self.low), math.log(self.high))) * self.factor
        return kit.clip(t, self.low, self.high)

    def corrected(self, y: np.ndarray, answers: np.ndarray, weights: np.ndarray | None = None) -> Scale:
        """With the factor for which the answers, decoded without one, have the least squared error; of logarithms."""
        if not self.log:
            return self
        w = np.ones_like(y) if weights is None else weights
        t, a = y / self.high, answers / self.high  # their squares are representable
        return replace(self, factor=float((w * t) @ a / ((w * a) @ a)))


def scales_for(y: np.ndarray) -> list[Scale]:
    """The scales that numbers (n,) may be learnt on: of their logarithms as well, if they are positive and skewed.

    Raises `DataError` for numbers so large that their differences may overflow.

    >>> [scale.log for scale in scales_for(np.array([1.0, 2.0, 3.0]))]
    [False]
    >>> [scale.log for scale in scales_for(np.array([1.0, 2.0, 3.0, 2.0, 100.0]))]
    [False, True]
    """
    if (largest := np.abs(y).max()) > LARGEST:
        raise DataError(f"numbers of up to {LARGEST:g} can be learnt, and the target has {largest:.4g}")
    mean, std = mean_and_std(y)
    skewed = (((y - mean) / std) ** 3).mean() > SKEWED
    return [Scale.of(y), Scale.of(y, log=True)] if skewed and y.min() > 0 else [Scale.of(y)]


__all__ = ["Scale", "scales_for"]
