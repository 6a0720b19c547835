"""What all kinds of columns share."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from subgrad.data.formats import Format, TextFormat, format_from_plain
from subgrad.data.lazy_polars import pl
from subgrad.errors import DataError
from subgrad.validators import typed

if TYPE_CHECKING:
    from subgrad.data.kinds.totals import Totals
    from subgrad.graph.tensor import Tensor

# In deviations from the mean. No row that was fitted on comes near it (of n values none is further off than
# sqrt(n)), but a slip of the keyboard in a later file must not become an infinite float32.
FURTHEST = 1e6
IN_CACHE = 2**15  # numbers that are worked on together


class Encoded(NamedTuple):
    """Features of a column, float32 (n, k), and truth values (n,): where there is a value that it does not know."""

    features: np.ndarray
    unknown: np.ndarray


@dataclass(frozen=True)
class Kind:
    """A column of a table on its way to features: what it is, how its file writes it, and what was learnt of it.

    Each kind learns by ``fit``, and makes features of a later column by ``encode``, each row for itself.
    """

    kind: ClassVar[str]
    what: ClassVar[str] = ""  # its values, for a message that none of a later file is one; empty if any may come
    usual: ClassVar[Format] = TextFormat()  # of models that were saved without a format

    name: str
    format: Format

    def of_all(self, totals: Totals) -> Self:
        """The same of a column of which this was fitted on some rows, chosen at random, and ``totals`` has them all.

        What only the values together tell, such as a median, stays that of the rows fitted on.
        """
        return replace(self, missing=totals.missing)  # pyright: ignore[reportCallIssue]

    @property
    def features(self) -> list[str]:
        """The names of the features."""
        raise NotImplementedError

    def encode(self, series: pl.Series) -> Encoded:
        """Features of a column as it came, see `subgrad.data.Table.series`."""
        raise NotImplementedError

    def of_numbers(self, x: Tensor) -> Tensor:
        """Features (n, k) of a column that is given as numbers (n,), NaN where a value is missing, as nodes of a graph:
        for networks that leave Python with their preparation. Raises `DataError` for a kind that is not of numbers.
        """
        raise DataError(f"column '{self.name}' holds {self.what}, which are prepared before the network")

    @property
    def numbers(self) -> str:
        """What these numbers are, for a reader."""
        return "the number itself"

    def describe(self) -> list[str]:
        """What became of the column, a sentence each."""
        raise NotImplementedError

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return {"kind": self.kind, **own, "format": self.format.to_plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Kind:
        """The inverse of `to_plain`. Raises `KeyError` or `TypeError` for anything else."""
        own = {name: value for name, value in plain.items() if name not in ("kind", "format")}
        how = format_from_plain(plain["format"]) if "format" in plain else cls.usual
        return typed(cls(format=how, **own))


def missing_values(count: int) -> str:
    """A number of missing values in words."""
    return f"{count:,} missing {'value' if count == 1 else 'values'}"


def is_odd(series: pl.Series, values: np.ndarray) -> np.ndarray:
    """Truth values (n,): where there is a value that could not be read."""
    none = np.isnan(values)
    return none & series.is_not_null().to_numpy() if none.any() else none


def mean_and_std(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (1 instead of 0) of finite values (n,), without overflow on the way.

    >>> mean_and_std(np.array([1.0, 3.0]))
    (2.0, 1.0)
    """
    scale = float(np.max(np.abs(values))) or 1.0
    mean = scale * float(np.mean(values / scale))
    std = scale * float(np.std(values / scale))
    return mean, std or 1.0


def standardised(values: np.ndarray, mean: float | np.ndarray, std: float | np.ndarray) -> np.ndarray:
    """``(values - mean) / std``, kept finite in float32."""
    with np.errstate(over="ignore"):
        return np.clip((values - mean) / std, -FURTHEST, FURTHEST)
