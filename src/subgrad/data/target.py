"""How the target column becomes what a network is trained on, and how predictions become values again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from subgrad.data.column_names import abridged, listed
from subgrad.data.formats import Format, NumberFormat, TextFormat, TruthFormat, as_texts, format_from_plain
from subgrad.data.kinds import mean_and_std
from subgrad.data.kinds.totals import Totals
from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError
from subgrad.validators import typed

Label = int | float | str
_EXACT = 2.0**53  # whole numbers up to here are float64


def labels(series: pl.Series, format: Format) -> list[Label | None]:
    """The values of a column as labels: whole numbers, numbers or texts, None where there is none.

    Whole numbers are exact, whatever their size.
    """
    if not isinstance(format, NumberFormat):
        texts = as_texts(series)
        lower = {word: word.lower() for word in ("True", "False", "TRUE", "FALSE")}
        return [lower.get(text, text) for text in texts] if isinstance(format, TruthFormat) else texts.to_list()
    values = format.read(series)
    found = [_label(value) for value in values.tolist()]
    large = np.flatnonzero(np.isfinite(values) & (np.abs(values) >= _EXACT))
    for place, whole in zip(large.tolist(), format.exact(series.gather(large)) if len(large) else [], strict=True):
        found[place] = found[place] if whole is None else whole
    return found


def _label(value: float) -> Label | None:
    if not np.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes: each value becomes its place, int64, among the sorted labels."""

    task: ClassVar[str] = "classification"

    name: str
    classes: list[Label]
    format: Format

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> ClassTarget:
        """Learn from a column whose values are known."""
        return cls.of_labels(name, (label for label in labels(series, format) if label is not None), format)

    @classmethod
    def of_labels(cls, name: str, found: Iterable[Label], format: Format) -> ClassTarget:
        """Of classes with these labels."""
        return cls(name, sorted(set(found)), format)  # pyright: ignore[reportArgumentType]

    def encode(self, series: pl.Series) -> np.ndarray:
        distinct = series.unique(maintain_order=True)  # each is looked up once
        found = self._places(distinct)
        if None in found:
            value = distinct[found.index(None)]
            row = series.eq_missing(value).arg_max() or 0
            raise DataError(
                f"target '{self.name}' has {value!r} in row {row + 1}; its classes are {listed(map(str, self.classes))}"
            )
        return series.replace_strict(distinct, found, return_dtype=pl.Int64).to_numpy(writable=True)

    def _places(self, series: pl.Series) -> list[int | None]:
        """The place of each value among the classes, as they are or in other cases; None where it is none of them."""
        places = {label: i for i, label in enumerate(self.classes)}
        lower = {label.lower(): i for label, i in places.items() if isinstance(label, str)}
        lower = lower if len(lower) == len(places) else {}
        return [places.get(v, lower.get(v.lower()) if isinstance(v, str) else None) if v is not None else None
                for v in labels(series, self.format)]  # fmt: skip

    def restore(self, y: np.ndarray) -> np.ndarray:
        exact = all(isinstance(label, int | float) and abs(label) < _EXACT for label in self.classes)
        return np.array(self.classes, dtype=None if exact else object)[np.asarray(y)]

    def describe(self) -> list[str]:
        shown = ", ".join(map(abridged, self.classes[:10]))
        more = f" and {len(self.classes) - 10:,} more" if len(self.classes) > 10 else ""
        return [f"The target '{self.name}' has {len(self.classes)} classes: {shown}{more}."]

    def to_plain(self) -> dict[str, Any]:
        return {"name": self.name, "classes": self.classes, "format": self.format.to_plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ClassTarget:
        name, classes = plain["name"], list(plain["classes"])
        usual = TextFormat() if any(isinstance(label, str) for label in classes) else NumberFormat()
        return typed(cls(name, classes, format_from_plain(plain["format"]) if "format" in plain else usual))


@dataclass(frozen=True)
class NumberTarget:
    """A numeric target: ``(y - mean) / std``, float32."""

    task: ClassVar[str] = "regression"

    name: str
    mean: float
    std: float
    format: Format

    @classmethod
    def of_all(cls, name: str, totals: Totals, format: Format) -> NumberTarget:
        """The same of a column of which ``totals`` has all values."""
        _check_numeric(name, format)
        return cls(name, totals.moments.mean, totals.moments.deviation, format)

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> NumberTarget:
        """Learn from a column whose values are finite."""
        _check_numeric(name, format, f", such as {series[0]!r}")
        return cls(name, *mean_and_std(format.read(series)), format)

    def encode(self, series: pl.Series) -> np.ndarray:
        values = self.format.read(series)
        if not np.all(np.isfinite(values)):
            raise DataError(f"target '{self.name}' needs a number in every row")
        return ((values - self.mean) / self.std).astype(np.float32)

    def restore(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y, dtype=np.float64) * self.std + self.mean

    def describe(self) -> list[str]:
        written = f" {how[0].upper()}{how[1:]}." if (how := self.format.describe()) else ""
        return [f"The target '{self.name}' was standardised: mean {self.mean:.6g}, deviation {self.std:.6g}.{written}"]

    def to_plain(self) -> dict[str, Any]:
        return asdict(self) | {"format": self.format.to_plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> NumberTarget:
        how = format_from_plain(plain["format"]) if "format" in plain else NumberFormat()
        return typed(cls(plain["name"], plain["mean"], plain["std"], how))


def _check_numeric(name: str, format: Format, example: str = "") -> None:
    if not isinstance(format, NumberFormat):
        raise DataError(f"regression needs a numeric target; '{name}' holds {format.kind}{example}")


Target = ClassTarget | NumberTarget
TARGETS: dict[str, type[ClassTarget] | type[NumberTarget]] = {cls.task: cls for cls in (ClassTarget, NumberTarget)}
