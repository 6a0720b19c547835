"""A network that forecasts a series, with all that it takes to use it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from subgrad import io, nn
from subgrad.cli.timeline import Series, series_of
from subgrad.data import Table
from subgrad.errors import DataError, FileError
from subgrad.fit import predict


@dataclass(frozen=True)
class Scaling:
    """What makes rows of a table into features, and changes of the target into numbers of about 1.

    The features are, for each column, its value less the mean, and its last change, each over its usual size.
    """

    mean: np.ndarray
    spread: np.ndarray
    change: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaling:
        """For values (rows, columns) of which the first column is the target."""
        return cls(values.mean(0), _usual(values), _usual(np.diff(values, axis=0)))

    def features(self, values: np.ndarray) -> np.ndarray:
        """(rows - 1, 2 columns), float32, for all rows but the first."""
        level, change = (values[1:] - self.mean) / self.spread, np.diff(values, axis=0) / self.change
        return np.concatenate([level, change], 1).astype(np.float32)


def _usual(values: np.ndarray) -> np.ndarray:
    spread = values.std(0)
    return np.where(spread > 0, spread, 1.0)


@dataclass(frozen=True)
class Forecaster:
    """What ``subgrad train series`` saves in one file.

    Attributes:
        model: takes features of windows (n, window, features), gives the scaled change of the target that follows.
        names: of the columns, the target first.
        window: rows that the network looks at; one more is needed before them, for the first change.
        scaling: of the columns.
        record: how it was trained, as JSON can hold it.
    """

    model: nn.Module
    names: Sequence[str]
    window: int
    scaling: Scaling
    record: dict[str, Any]

    def series(self, table: Table) -> Series:
        """The columns of a table that the network looks at. Raises `DataError` if there are too few rows, too."""
        found = series_of(table, self.names[0], self.names)
        if len(found.values) <= self.window:
            raise DataError(f"{len(found.values):,} rows are too few: a forecast takes {self.window + 1}")
        return found

    def forecasts(self, values: np.ndarray) -> np.ndarray:
        """Of the target, (rows - window,): for row window + 1, and so on; the last is of the row that comes next."""
        X = windows(self.scaling.features(values), self.window)
        return values[self.window :, 0] + predict(self.model, X)[:, 0] * self.scaling.change[0]

    def save(self, path: Path) -> None:
        """Write the model file."""
        scales = {name: getattr(self.scaling, name).tolist() for name in ("mean", "spread", "change")}
        info = {"task": "series", "columns": list(self.names), "window": self.window, "scaling": scales}
        io.save(self.model, path, {**info, "training": self.record})

    @classmethod
    def load(cls, path: Path) -> Forecaster:
        """Read what `save` wrote; `FileError` if it is anything else."""
        model, info = io.load(path), io.read_info(path)
        try:
            scaling = Scaling(**{name: np.array(values) for name, values in info["scaling"].items()})
            return cls(model, info["columns"], info["window"], scaling, info["training"])
        except (KeyError, TypeError, AttributeError):
            raise FileError(f"{path} is no forecast of a series; `subgrad train series` makes one") from None


def windows(features: np.ndarray, length: int) -> np.ndarray:
    """All windows of rows, (rows - length + 1, length, features)."""
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(features, length, 0).transpose(0, 2, 1))


@dataclass(frozen=True)
class Errors:
    """How far forecasts (n,) are from the truth, beside the forecast that the last value stays."""

    forecasts: np.ndarray
    last: np.ndarray
    truth: np.ndarray

    @classmethod
    def over(cls, forecasts: np.ndarray, series: Series, begin: int) -> Errors:
        """Of forecasts for the rows from ``begin`` on, where the target is known."""
        rows = np.flatnonzero(series.known[begin:])
        target = series.values[:, 0]
        return cls(forecasts[rows], target[begin - 1 : -1][rows], target[begin:][rows])

    def print(self, console: Console) -> None:
        """Both kinds of error, and how much less the network's is."""
        sizes = [np.abs(answers - self.truth) for answers in (self.forecasts, self.last)]
        mean, naive = (float(size.mean()) for size in sizes)
        console.print(f"Mean absolute error {mean:.4g}; that the last value stays has {naive:.4g}"
                      f"{_compared(mean, naive)}.", style="bold")  # fmt: skip
        roots = [math.sqrt(np.mean(size**2)) for size in sizes]
        console.print(f"Root mean square {roots[0]:.4g}; that the last value stays {roots[1]:.4g}.")

    def numbers(self) -> dict[str, float]:
        """The mean absolute errors for the record of a model."""
        means = (float(np.abs(answers - self.truth).mean()) for answers in (self.forecasts, self.last))
        return dict(zip(("error", "naive"), means, strict=True))


def _compared(mean: float, naive: float) -> str:
    if not naive:
        return ""
    return f": {100 * (1 - mean / naive):.1f}% less" if mean < naive else f": {100 * (mean / naive - 1):.1f}% more"


__all__ = ["Errors", "Forecaster", "Scaling", "windows"]
