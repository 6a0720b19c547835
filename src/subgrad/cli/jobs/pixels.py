"""Images on their way into a network: rows of pixels, scaled to [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subgrad.data import load_digits, load_fashion_mnist, read_idx, read_table
from subgrad.data.column_values import as_series
from subgrad.data.formats import NumberFormat
from subgrad.data.prepare import Prepared
from subgrad.data.table import Table, is_number
from subgrad.data.target import ClassTarget, Label
from subgrad.data.task import Task
from subgrad.errors import DataError
from subgrad.validators import typed

MOST_PIXELS = 2**24  # of an image that a file describes


@dataclass(frozen=True)
class Pixels:
    """Does for images what `subgrad.data.TablePreprocessor` does for other tables: each pixel is a column.

    Attributes:
        shape: height and width.
        brightest: the highest value of a pixel, which becomes 1.
        labels: the target column, of classes.
    """

    shape: tuple[int, ...]
    brightest: float
    labels: ClassTarget

    @classmethod
    def fit(cls, images: np.ndarray, labels: np.ndarray, brightest: float) -> Pixels:
        """For images (n, height, width) with labels (n,)."""
        return cls(images.shape[1:], brightest, ClassTarget.fit("y", as_series(labels, "y"), NumberFormat()))

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def target_name(self) -> str:
        return self.labels.name

    @property
    def classes(self) -> list[Label]:
        return self.labels.classes

    @property
    def feature_names(self) -> list[str]:
        return [f"pixel {i}" for i in range(math.prod(self.shape))]

    def scale(self, images: np.ndarray) -> np.ndarray:
        """Images (n, ...) as features, float32 (n, pixels)."""
        return images.reshape(len(images), -1).astype(np.float32) / np.float32(self.brightest)

    def transform(self, table: Table) -> np.ndarray:
        """Features of the images in a table, whose columns besides the target are the pixels, row by row."""
        columns = {name: table[name] for name in table if name != self.target_name}
        if len(columns) != math.prod(self.shape):
            raise DataError(f"{self._wanted()}; this table has {len(columns)} columns without '{self.target_name}'")
        for name, column in columns.items():
            if not is_number(column) or not np.isfinite(column).all():
                raise DataError(f"{self._wanted()}; column '{name}' has other values than finite numbers")
        return self.scale(np.column_stack(list(columns.values())))

    def images(self, table: Table) -> np.ndarray:
        """The images in a table, float32 (n, height, width) of values in [0, 1]."""
        return self.transform(table).reshape(-1, *self.shape)

    def prepare(self, table: Table) -> Prepared:
        """As `transform`; nothing of an image is unknown."""
        return Prepared(self.transform(table), [])

    def target(self, table: Table) -> np.ndarray:
        """The place of each row's class among the classes, int64 (n,)."""
        table.require([self.target_name])
        return self.labels.encode(table.series(self.target_name))

    def restore_target(self, y: np.ndarray) -> np.ndarray:
        """The labels at these places among the classes."""
        return self.labels.restore(y)

    def describe(self) -> list[str]:
        return [f"Pixels from 0 to {self.brightest:g} were scaled to 0 to 1.", *self.labels.describe()]

    def to_plain(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {"shape": list(self.shape), "brightest": self.brightest, "labels": self.labels.to_plain()}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Pixels:
        """The inverse of `to_plain`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
        made = typed(cls(tuple(plain["shape"]), plain["brightest"], ClassTarget.from_plain(plain["labels"])))
        if not made.brightest > 0 or min(made.shape, default=0) < 1 or math.prod(made.shape) > MOST_PIXELS:
            raise ValueError(f"images of {made.shape} pixels up to {made.brightest}")
        return made

    def _wanted(self) -> str:
        return f"the model takes images of {'x'.join(map(str, self.shape))} pixels, one column each"


def read_rows(path: Path) -> Table:
    """The table in a file of any format that can be read; of a folder of IDX files, its test images; the bundled digits
    by the name ``digits``, unless there is such a file.

    Raises what the readers raise.
    """
    if str(path) == "digits" and not path.exists():
        images, labels = load_digits()
        return as_table(images, {"y": labels})
    if path.is_dir():
        _, _, images, labels = load_fashion_mnist(path)
        return as_table(images, {"y": labels})
    if path.name.removesuffix(".gz").endswith("-ubyte"):
        return as_table(read_idx(path), {})
    return read_table(path)


def as_table(images: np.ndarray, others: dict[str, np.ndarray]) -> Table:
    """Images (n, height, width) as a table with a column for each pixel, and other columns (n,)."""
    flat = images.reshape(len(images), -1)
    return Table({**{f"X{i}": column for i, column in enumerate(flat.T)}, **others})
