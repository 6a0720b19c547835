"""What a search has tried, and what it ends with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from subgrad.tabular.defaults import Settings
from subgrad.tabular.search.search_space import SPACE
from subgrad.tabular.tabular_model import TabularModel


class Trial(NamedTuple):
    """Settings that were tried: in which round (from 1), and the metric of the rows that were held out."""

    settings: Settings
    round: int
    score: float
    larger_is_better: bool = False

    @property
    def loss(self) -> float:
        """The score as a number of which less is better; a score that has no meaning is worst."""
        return np.inf if np.isnan(self.score) else -self.score if self.larger_is_better else self.score

    def changes(self, usual: Settings) -> dict[str, Any]:
        """In what the settings differ from others, by their names."""
        return {name: value for name in SPACE if (value := getattr(self.settings, name)) != getattr(usual, name)}


class Tuned(NamedTuple):
    """The model with the best settings, all that was tried, and whether Ctrl-C ended it."""

    model: TabularModel
    trials: list[Trial]
    interrupted: bool = False


__all__ = ["Trial", "Tuned"]
