"""The scale on which networks learn a numeric target."""

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


__all__ = ["Scale"]
