"""How the target column becomes what a network is trained on, and how predictions become values again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from subgrad.data.column_names import listed
from subgrad.data.formats import Format, NumberFormat, TextFormat, TruthFormat, as_texts, format_from_plain
from subgrad.data.kinds import mean_and_std
from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError

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
    if np.any(np.abs(values[np.isfinite(values)]) >= _EXACT):
        exact = series.cast(pl.String).cast(pl.Int128, strict=False)
        if exact.null_count() == series.null_count():
            return exact.to_list()
    return [_label(value) for value in values.tolist()]


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
        return cls(name, sorted({label for label in labels(series, format) if label is not None}), format)  # pyright: ignore

    def encode(self, series: pl.Series) -> np.ndarray:
        places = {label: i for i, label in enumerate(self.classes)}
        lower = {label.lower(): i for label, i in places.items() if isinstance(label, str)}
        values = labels(series, self.format)
        found = [places.get(v, lower.get(v.lower()) if isinstance(v, str) and len(lower) == len(places) else None)
                 if v is not None else None for v in values]  # fmt: skip
        if None in found:
            row = found.index(None)
            raise DataError(
                f"target '{self.name}' has {series[row]!r} in row {row + 1}; "
                f"its classes are {listed(map(str, self.classes))}"
            )
        return np.array(found, dtype=np.int64)

    def restore(self, y: np.ndarray) -> np.ndarray:
        exact = all(isinstance(label, int | float) and abs(label) < _EXACT for label in self.classes)
        return np.array(self.classes, dtype=None if exact else object)[np.asarray(y)]

    def describe(self) -> list[str]:
        shown = ", ".join(map(str, self.classes[:10]))
        more = f" and {len(self.classes) - 10:,} more" if len(self.classes) > 10 else ""
        return [f"The target '{self.name}' has {len(self.classes)} classes: {shown}{more}."]

    def to_plain(self) -> dict[str, Any]:
        return {"name": self.name, "classes": self.classes, "format": self.format.to_plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ClassTarget:
        name, classes = plain["name"], list(plain["classes"])
        usual = TextFormat() if any(isinstance(label, str) for label in classes) else NumberFormat()
        return cls(name, classes, format_from_plain(plain["format"]) if "format" in plain else usual)


@dataclass(frozen=True)
class NumberTarget:
    """A numeric target: ``(y - mean) / std``, float32."""

    task: ClassVar[str] = "regression"

    name: str
    mean: float
    std: float
    format: Format

    @classmethod
    def fit(cls, name: str, series: pl.Series, format: Format) -> NumberTarget:
        """Learn from a column whose values are finite."""
        if not isinstance(format, NumberFormat):
            raise DataError(f"regression needs a numeric target; '{name}' holds {format.kind}, such as {series[0]!r}")
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
        return cls(plain["name"], plain["mean"], plain["std"], how)


Target = ClassTarget | NumberTarget
TARGETS: dict[str, type[ClassTarget] | type[NumberTarget]] = {cls.task: cls for cls in (ClassTarget, NumberTarget)}
