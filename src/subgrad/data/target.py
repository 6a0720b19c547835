"""How the target column becomes what a network is trained on, and how predictions become values again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.data.columns import as_texts, mean_and_std
from subgrad.data.table import is_number
from subgrad.errors import DataError

Label = int | float | str


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes: each value becomes its place, int64, among the sorted labels."""

    name: str
    classes: list[Label]

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> ClassTarget:
        """Learn from known values (n,)."""
        return cls(name, [_label(value) for value in sorted(set(column.tolist()))])

    def encode(self, column: np.ndarray) -> np.ndarray:
        values = column.tolist() if self._of_numbers(column) else as_texts(column).tolist()
        places = {label: i for i, label in enumerate(self.classes)}
        unknown = [value for value in values if value not in places]
        if unknown:
            raise DataError(f"target '{self.name}' has {unknown[0]!r}; its classes are {self.classes}")
        return np.array([places[value] for value in values], dtype=np.int64)

    def restore(self, y: np.ndarray) -> np.ndarray:
        return np.array(self.classes, dtype=None if self._all_numbers else object)[np.asarray(y)]

    def describe(self) -> list[str]:
        labels = ", ".join(map(str, self.classes[:10]))
        more = f" and {len(self.classes) - 10} more" if len(self.classes) > 10 else ""
        return [f"The target '{self.name}' has {len(self.classes)} classes: {labels}{more}."]

    @property
    def _all_numbers(self) -> bool:
        return not any(isinstance(label, str) for label in self.classes)

    def _of_numbers(self, column: np.ndarray) -> bool:
        return self._all_numbers and is_number(column)


@dataclass(frozen=True)
class NumberTarget:
    """A numeric target: ``(y - mean) / std``, float32."""

    name: str
    mean: float
    std: float

    @classmethod
    def fit(cls, name: str, column: np.ndarray) -> NumberTarget:
        """Learn from finite values (n,)."""
        if not is_number(column):
            raise DataError(f"regression needs a numeric target; '{name}' holds text, such as {column[0]!r}")
        return cls(name, *mean_and_std(column))

    def encode(self, column: np.ndarray) -> np.ndarray:
        if not is_number(column) or not np.all(np.isfinite(column)):
            raise DataError(f"target '{self.name}' needs a number in every row")
        return ((column - self.mean) / self.std).astype(np.float32)

    def restore(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y, dtype=np.float64) * self.std + self.mean

    def describe(self) -> list[str]:
        return [f"The target '{self.name}' was standardised: mean {self.mean:.6g}, deviation {self.std:.6g}."]


def _label(value: float | str) -> Label:
    return int(value) if isinstance(value, float) and value.is_integer() else value
