"""Models for explanations, made of functions of NumPy arrays: in tests the right answers are then known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from subgrad.data.table import Table


@dataclass
class Numbers:
    """A regression: a function of the features (n, d), in the order of ``column_names``."""

    f: Callable[[np.ndarray], np.ndarray]
    column_names: Sequence[str]
    target_name: str = "y"
    task: str = "regression"
    classes: Sequence[str] = ()
    calls: list[int] = field(default_factory=list)

    def features(self, table: Table) -> np.ndarray:
        self.calls.append(table.rows)
        return np.column_stack([table[name] for name in self.column_names])

    def predict(self, table: Table) -> np.ndarray:
        return self.f(self.features(table))

    def predict_proba(self, table: Table) -> np.ndarray | None:
        return None


@dataclass
class Classes(Numbers):
    """A classification: a function from features (n, d) to probabilities (n, classes)."""

    task: str = "classification"
    sure: bool = True  # whether it gives away its probabilities

    def predict(self, table: Table) -> np.ndarray:
        return np.array(self.classes, dtype=object)[self.f(self.features(table)).argmax(axis=1)]

    def predict_proba(self, table: Table) -> np.ndarray | None:
        return self.f(self.features(table)) if self.sure else None


def table_of(X: np.ndarray) -> Table:
    """The columns a, b, c and so on."""
    return Table({chr(ord("a") + i): column for i, column in enumerate(X.T)})
