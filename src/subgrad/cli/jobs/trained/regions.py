"""How sure answers are: intervals and quantiles of numbers, sets of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from subgrad.data.target import Label


@dataclass(frozen=True)
class Spans:
    """Where numbers lie, besides the answers.

    Attributes:
        level: the share of the truth that is to lie between the ends.
        ends: lower and upper ends, (n,) each; None if there are none.
        quantiles: by their shares, (n,) each.
    """

    level: float = 0.0
    ends: tuple[np.ndarray, np.ndarray] | None = None
    quantiles: Mapping[float, np.ndarray] = field(default_factory=dict)

    def columns(self) -> dict[str, np.ndarray]:
        """As columns by their names."""
        found = {f"quantile {q:g}": values for q, values in self.quantiles.items()}
        if self.ends is not None:
            found |= {
                f"{end} end of {100 * self.level:g}%": v for end, v in zip(("lower", "upper"), self.ends, strict=True)
            }
        return found

    def numbers(self, truth: np.ndarray) -> dict[str, float]:
        """How much of the truth (n,) is where it should be."""
        found = {f"below_quantile_{q:g}": float(np.mean(truth <= values)) for q, values in self.quantiles.items()}
        if self.ends is not None:
            low, high = self.ends
            found["coverage"] = float(np.mean((low <= truth) & (truth <= high)))
            found["mean_interval"] = float(np.mean(high - low))
        return found

    def sentences(self, truth: np.ndarray, target: str) -> list[str]:
        """The same in words."""
        found = self.numbers(truth)
        parts = [f"{found[f'below_quantile_{q:g}']:.1%} below that of {q:g}" for q in self.quantiles]
        told = [f"Quantiles: of '{target}' lie {', '.join(parts)}."] if parts else []
        if self.ends is not None:
            told.append(
                f"Intervals of {100 * self.level:g}% hold {found['coverage']:.1%} of '{target}'; "
                f"their mean length is {found['mean_interval']:.4g}."
            )
        return told


NO_SPANS = Spans()


@dataclass(frozen=True)
class Sets:
    """Classes that may be right.

    Attributes:
        level: the share of rows whose class is to be among them.
        members: truth values (n, classes).
    """

    level: float
    members: np.ndarray

    def column(self, classes: Sequence[Label]) -> dict[str, np.ndarray]:
        """As a column by its name: the labels of each row, with bars between them."""
        names = [str(label) for label in classes]
        texts = [" | ".join(names[i] for i in np.flatnonzero(row)) for row in self.members]
        return {f"set of {100 * self.level:g}%": np.array(texts, dtype=object)}

    def numbers(self, truth: np.ndarray) -> dict[str, float]:
        """The share of rows whose class (n,) is among them, and how many there are."""
        held = self.members[np.arange(len(truth)), truth]
        return {"set_coverage": float(np.mean(held)), "mean_set": float(np.mean(self.members.sum(axis=1)))}

    def sentences(self, truth: np.ndarray) -> list[str]:
        """The same in words."""
        found, sizes = self.numbers(truth), self.members.sum(axis=1)
        return [
            f"Sets of {100 * self.level:g}% hold the right class of {found['set_coverage']:.1%} of the rows; they have "
            f"{found['mean_set']:.3g} of {self.members.shape[1]} classes on the average, and one alone in "
            f"{np.mean(sizes == 1):.1%} of the rows."
        ]


__all__ = ["NO_SPANS", "Sets", "Spans"]
