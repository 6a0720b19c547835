"""What an estimator's X becomes for a network: an array of numbers, standardised or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.data.frame import as_frame, is_frame, table_from_frame
from subgrad.data.kinds import Kind, fit_column
from subgrad.data.kinds.useless import why_useless
from subgrad.errors import DataError
from subgrad.sklearn.checked_data import validate_data


def standardisation(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column in float64; 1 where a column is constant.

    A weight of 2 is a row that is there twice.
    """
    values = np.asarray(values, np.float64)
    mean = np.average(values, axis=0, weights=weights)
    scale = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    rounding = 10 * np.finfo(float).eps * np.maximum(np.abs(mean), np.abs(values).max(axis=0, initial=0))
    return mean, np.where(scale > rounding, scale, 1.0)


@dataclass(frozen=True)
class NumberInputs:
    """Columns of numbers: (x - mean) / scale in the dtype of x, as they are without a scale.

    Attributes:
        width: how many numbers a row has.
    """

    width: int
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    @classmethod
    def fit(cls, X: np.ndarray, weights: np.ndarray | None, standardize: bool) -> NumberInputs:
        return cls(X.shape[1], *standardisation(X, weights)) if standardize else cls(X.shape[1])

    def of(self, estimator: Any, X: Any) -> np.ndarray:
        """The numbers of an X of the estimator's form (n, width). Raises what scikit-learn does for another form."""
        return self.numbers(validate_data(estimator, X, reset=False, dtype=FLOATS))

    def numbers(self, X: np.ndarray) -> np.ndarray:
        """As `of`, of an X that is checked."""
        return X if self.mean is None else ((X - self.mean) / self.scale).astype(X.dtype)


@dataclass(frozen=True)
class FrameInputs:
    """Columns of a frame as `subgrad.data.TablePreprocessor` prepares them: float32, 0 and 1 for each category."""

    columns: list[Kind]

    @classmethod
    def fit(cls, X: Any, weights: np.ndarray | None) -> FrameInputs:
        """Columns that are empty, constant or texts of which each occurs once are left out.

        A row whose weight is 2 counts twice, as far as weights are whole numbers, see `repetition`.
        """
        table = table_from_frame(X)
        if weights is not None:
            rows = repetition(weights)
            table = table.take(np.flatnonzero(weights) if rows is None else rows)
        useless = {name: why_useless(name, table.series(name), table.format(name), False) for name in table}
        names = [name for name, useless in useless.items() if useless is None or not useless.surely]
        if not names:
            name, first = next(iter(useless.items()))
            raise DataError(f"no column of X is of use; of {name!r}: {first.why if first else ''}")
        return cls([fit_column(name, table.series(name), table.format(name)) for name in names])

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return sum(len(column.features) for column in self.columns)

    def of(self, estimator: Any, X: Any) -> np.ndarray:
        """As `NumberInputs.of`."""
        if not is_frame(X):
            raise DataError(f"this {type(estimator).__name__} was fitted with a DataFrame whose columns are not all "
                            f"numbers, got {type(X).__name__}")  # fmt: skip
        validate_data(estimator, X, reset=False, skip_check_array=True)
        return self.numbers(X)

    def numbers(self, X: Any) -> np.ndarray:
        """As `of`, of a frame that is checked."""
        table = table_from_frame(X)
        return np.concatenate([c.encode(table.series(c.name)).features for c in self.columns], axis=1)


FLOATS = (np.float64, np.float32)
"""dtypes of X that stay as they are; others become the first."""
LARGER = 4
"""How many times as long whole numbers as weights may make a table."""


def is_mixed(X: Any) -> bool:
    """Whether X is a frame with a column that is not all numbers, or with missing values."""
    frame = as_frame(X)
    if frame is None:
        return False
    if type(frame).__module__.startswith("polars"):
        kinds = [(s.dtype.is_numeric() or s.dtype.base_type().__name__ == "Boolean", s.null_count()) for s in frame]
        return any(missing or not of_numbers for of_numbers, missing in kinds)
    return any(d.kind not in "biuf" for d in frame.dtypes) or bool(frame.isna().any(axis=None))


def repetition(weights: np.ndarray) -> np.ndarray | None:
    """The places of rows, each as often as its weight (n,) says; None if weights are no whole numbers, or too large.

    >>> repetition(np.array([2.0, 0.0, 1.0])).tolist(), repetition(np.array([0.5, 1.0]))
    ([0, 0, 2], None)
    """
    counts = weights.astype(np.int64)
    whole = (counts == weights).all() and weights.sum() <= LARGER * len(weights)
    return np.repeat(np.arange(len(weights)), counts) if whole else None


def merged(X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equal rows as one, with the sum of their weights, in an order of their own; rows of weight 0 are left out.

    So that a weight of 2 and a row that is there twice are the same to the last bit, also for what rounding is to a
    network that is trained for long.
    """
    weights = np.ones(len(X)) if weights is None else weights
    codes = [np.unique(column, return_inverse=True)[1] for column in y.reshape(len(y), -1).T]
    counts = np.flatnonzero(weights)
    whole = np.column_stack([X, *codes])[counts]
    _, first, group = np.unique(whole, axis=0, return_index=True, return_inverse=True)
    chosen = counts[first]
    return X[chosen], y[chosen], np.bincount(group.ravel(), weights[counts])
