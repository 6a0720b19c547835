"""Every default of the model for tables, with its reason. `docs/guide/tabular.md` has the measurements.

Papers by short names: RealMLP is Holzmueller, Grinsztajn and Steinwart 2024 (arXiv 2407.04491), TabM is Gorishniy,
Kotelnikov and Babenko 2025 (arXiv 2410.24210), Embeddings is Gorishniy, Rubachev and Babenko 2022 (arXiv 2203.05556).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from subgrad import validators
from subgrad.errors import ArgumentError

# The table

CLIP = 3.0
"""Numbers stay within so many distances of the quartiles from the median, softly (RealMLP)."""
KNOTS = 64
"""Quantiles by which numbers are ranked. The rank beside the scaled number was better on held-out rows of four tables,
by 8% where many values are zero; in its place it was worse on prices of houses."""
SAMPLE = 100_000
"""Values of a column, or rows, evenly taken, of which quantiles and temperatures are found: more say nothing new."""
ONE_HOT = 8
"""Columns of at most so many categories become features of 0 and 1; of more, vectors that are learnt (RealMLP)."""
RARE = 3
"""Categories that occur less often share one vector, which is also that of unknown ones."""
MOST_CATEGORIES = 2000
"""The most frequent ones of a column have vectors of their own."""

SKEWED = 1.0
"""A positive target of at least this skewness is tried as its logarithm as well, and the held-out rows decide."""

LARGEST = 1e300
"""The largest target: differences of such numbers are representable."""

TEMPERED = 0.7
"""The power of the temperature that suits all members together, where 1 suits each alone: their mean is less sure of
itself than they are. Beside a half it was better in 17 of 24 runs on eight tables, by 0.8% in
the mean, most on `segment`. The moment of the least loss with a temperature that suits is kept: see `fit_tabular`."""
FEW = 500
"""Of so many rows the power is halfway between that and 1, which was better by 2% on five tables of 24 to 150 rows."""
PRIOR = (0.4, 0.3)
"""Mean and deviation of the temperature's logarithm before a row is seen. Without it 24 rows that are all right made it
1/4, and new rows a loss beyond measure; a mean of 0 was worse by 2% on these five tables, of 0.2 by 1%."""

Effort = Literal["quick", "normal", "best"]


@dataclass(frozen=True)
class Settings:
    """How the networks of a model for tables are made and trained.

    Attributes:
        folds: parts of the rows; each network is trained without one of them, and tested on it.
        copies: networks for each part.
        hidden: units of each hidden layer.
        activation: by name, see `subgrad.nn.layers.activation`.
        waves: frequencies of the periodic embedding of a number; 0 for none.
        wave_features: features that are made of them for each number.
        bins: of the piecewise linear embedding of a number, each with like many rows; 0 for none.
        bin_features: features that are made of them for each number.
        dropout: the share of hidden units that a step leaves out.
        lr: the largest step size of a weight with one input; others have lr / sqrt(inputs).
        weight_decay: times the step size.
        label_smoothing: the probability that is taken from the right class and given to all.
        batch_size: rows a step for each network; None for what suits the number of rows.
        passes: over the rows, at most.
        budget: rows that each network sees, at most; a large table gets fewer passes.
    """

    folds: int = 8  # each network sees 7 of 8 rows, and 8 of them are enough of an ensemble (TabM has 32)
    copies: int = 1  # more networks cost as much more time
    hidden: tuple[int, ...] = (128, 128)  # half the units were worse by 1%, three layers no better
    activation: str = "relu"  # 0.3% better than silu, and half the time: it has no exponential
    waves: int = 8  # 1.4% better than none, 7% on a smooth table; 16 were no better (PBLD of RealMLP, Embeddings)
    wave_features: int = 3  # as in RealMLP
    bins: int = 16  # 0.8% better than none on 13 tables, 3% on held-out rows (PLE of Embeddings); 32 were no better
    bin_features: int = 3  # as many as of waves
    dropout: float = 0.1  # 0.25 and none were worse where there is much to learn
    lr: float = 0.03  # 0.02 and 0.04 made little difference (RealMLP: 0.04 and 0.07 for wider networks)
    weight_decay: float = 0.02  # 0.2 was worse by 1.3%
    label_smoothing: float = 0.0  # it helps accuracy (RealMLP), and hurts probabilities, which are judged here
    batch_size: int | None = None
    passes: int = 100  # a run ends earlier where a wave of the step size was of no use
    budget: int = 1_000_000  # half of it was worse by 17% on a precise table, and no worse on nine noisy ones

    def __post_init__(self) -> None:
        v = validators
        v.validate(
            self, copies=v.count, waves=v.whole, wave_features=v.count, bins=v.whole, bin_features=v.count,
            dropout=v.decay, lr=v.positive, weight_decay=v.not_negative, label_smoothing=v.share,
            batch_size=v.optional(v.count), passes=v.count, budget=v.count,
        )  # fmt: skip
        if not isinstance(self.hidden, (tuple, list)):
            raise ArgumentError(f"hidden of Settings is a tuple of widths, got {self.hidden!r}"[:300])
        object.__setattr__(self, "hidden", tuple(v.count("a width in hidden of Settings", n) for n in self.hidden))
        if v.count("folds of Settings", self.folds) < 2:
            raise ArgumentError("folds of Settings is 2 or more: each network is trained without one of them, got 1")

    def but(self, **changes: Any) -> Settings:
        """These settings with changes.

        >>> Settings().but(hidden=(64,)).hidden
        (64,)
        """
        return dataclasses.replace(self, **changes)

    def batch_for(self, rows: int) -> int:
        """A power of two near a fortieth of the rows, between 32 and 256.

        >>> [Settings().batch_for(rows) for rows in (500, 5000, 1_000_000)]
        [32, 128, 256]
        """
        return self.batch_size or 2 ** round(math.log2(min(max(rows / 40, 32), 256)))

    def passes_for(self, rows: int) -> int:
        """Passes over the rows: at least one.

        >>> Settings(passes=60, budget=300_000).passes_for(10_000)
        30
        """
        return max(1, min(self.passes, self.budget // rows))


EFFORTS: dict[str, Settings] = {
    "quick": Settings(folds=4, passes=40, budget=200_000),
    "normal": Settings(),
    "best": Settings(copies=4, passes=200, budget=1_500_000),
}


def settings_for(effort: str) -> Settings:
    """The settings of an effort. Raises `ArgumentError` for an unknown name."""
    if not isinstance(effort, str) or effort not in EFFORTS:
        raise ArgumentError(f"effort is one of {', '.join(EFFORTS)}, got {effort!r}")
    return EFFORTS[effort]
