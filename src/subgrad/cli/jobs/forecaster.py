"""A network that forecasts a series, with all that it takes to use it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from subgrad import io, nn
from subgrad.cli.jobs.timeline import Series, parts_of, series_of
from subgrad.data import Table
from subgrad.data.formats import Format, format_from_plain
from subgrad.errors import DataError, FileError
from subgrad.fit import predict
from subgrad.validators import count, typed


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

    def to_plain(self) -> dict[str, list[float]]:
        """As JSON can hold it."""
        return {name: getattr(self, name).tolist() for name in ("mean", "spread", "change")}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Sequence[float]], columns: int) -> Scaling:
        """The inverse of `to_plain`. Raises `TypeError` or `ValueError` for what is none of so many columns."""
        made = cls(**{name: np.array(values, np.float64) for name, values in plain.items()})
        if any(values.shape != (columns,) for values in (made.mean, made.spread, made.change)):
            raise ValueError(f"a scaling of another number of columns than {columns}")
        return made


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
        scalings: of the columns, for each series by its name; of a single one the name is empty.
        key: the column that tells several series apart; None for a single one.
        formats: how the columns are written.
        record: how it was trained, as JSON can hold it.
    """

    model: nn.Module
    names: Sequence[str]
    window: int
    scalings: Mapping[str, Scaling]
    key: str | None
    formats: Mapping[str, Format]
    record: dict[str, Any]

    def series(self, table: Table) -> dict[str, Series]:
        """The series in a table, by their names, of the columns that the network looks at.

        Raises `DataError` if there are too few rows, too.
        """
        table = table.in_formats(self.formats)
        parts = {"": table} if self.key is None else parts_of(table, self.key)
        found = {name: series_of(part, self.names[0], self.names) for name, part in parts.items()}
        long = {name: series for name, series in found.items() if len(series.values) > self.window}
        if not long:
            most = max((len(series.values) for series in found.values()), default=0)
            raise DataError(f"{most:,} rows are too few: a forecast takes {self.window + 1}")
        return long

    def forecasts(self, values: np.ndarray, name: str = "") -> np.ndarray:
        """Of the target, (rows - window,): for row window + 1, and so on; the last is of the row that comes next.

        A series that was not in the training is scaled by its own values.
        """
        scaling = self._scaling(values, name)
        X = windows(scaling.features(values), self.window)
        return values[self.window :, 0] + predict(self.model, X)[:, 0] * scaling.change[0]

    def usual_change(self, values: np.ndarray, name: str = "") -> float:
        """How far the target of a series goes from row to row."""
        return float(self._scaling(values, name).change[0])

    def _scaling(self, values: np.ndarray, name: str) -> Scaling:
        return self.scalings.get(name) or Scaling.of(values)

    def save(self, path: Path) -> None:
        """Write the model file."""
        info = {
            "task": "series",
            "columns": list(self.names),
            "window": self.window,
            "series": self.key,
            "scalings": {name: scaling.to_plain() for name, scaling in self.scalings.items()},
            "formats": {name: how.to_plain() for name, how in self.formats.items()},
            "training": self.record,
        }
        io.save(self.model, path, info)

    @classmethod
    def load(cls, path: Path) -> Forecaster:
        """Read what `save` wrote; `FileError` if it is anything else."""
        model, info = io.load_module(path), io.read_info(path)
        try:
            plain = info.get("scalings") or {"": info["scaling"]}  # one, before there could be several
            scalings = {name: Scaling.from_plain(values, len(info["columns"])) for name, values in plain.items()}
            formats = {name: format_from_plain(how) for name, how in info.get("formats", {}).items()}
            count("the window of a forecast", info["window"])
            own = model, info["columns"], info["window"], scalings, info.get("series"), formats, info["training"]
            return typed(cls(*own))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise FileError(f"{path} is no forecast of a series; `subgrad train series` makes one") from None


def windows(features: np.ndarray, length: int) -> np.ndarray:
    """All windows of rows, (rows - length + 1, length, features)."""
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(features, length, 0).transpose(0, 2, 1))


@dataclass(frozen=True)
class Errors:
    """How far forecasts (n,) are from the truth, beside the forecast that the last value stays.

    ``rows`` are the numbers of the rows that are forecast, from 1 on, in the order of time.
    """

    rows: np.ndarray
    forecasts: np.ndarray
    last: np.ndarray
    truth: np.ndarray

    @classmethod
    def over(cls, forecasts: np.ndarray, series: Series, begin: int) -> Errors:
        """Of forecasts for the rows from ``begin`` on, where the target is known."""
        rows = np.flatnonzero(series.known[begin:])
        target = series.values[:, 0]
        numbers = series.left_out + begin + 1 + rows
        return cls(numbers, forecasts[rows], target[begin - 1 : -1][rows], target[begin:][rows])

    @classmethod
    def together(cls, errors: Sequence[Errors]) -> Errors:
        """Those of several series."""
        return cls(*(np.concatenate([getattr(one, own.name) for one in errors]) for own in fields(cls)))

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
