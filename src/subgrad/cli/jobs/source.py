"""The data of a training job: read, split and prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer

from subgrad.cli.jobs.pixels import Pixels, as_table
from subgrad.data import (
    TablePreprocessor,
    drop_unlabelled,
    load_digits,
    load_fashion_mnist,
    read_table,
    train_test_split,
)  # fmt: skip
from subgrad.data.column_names import listed
from subgrad.data.column_values import as_series
from subgrad.data.formats import NumberFormat
from subgrad.data.table import Table
from subgrad.data.target import labels
from subgrad.data.task import Task, has_target, task_of_column
from subgrad.errors import DataError, FileError

Preparation = TablePreprocessor | Pixels
Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Columns:
    """Columns to leave out, and the only ones to use; empty for what is of use."""

    drop: Sequence[str] = ()
    only: Sequence[str] = ()

    def check(self) -> None:
        """Raise a usage error if both are given."""
        if self.drop and self.only:
            raise typer.BadParameter("say which to drop, or which are the only ones", param_hint="'--only'")

    def of(self, table: Table, *needed: str | None) -> Table:
        """The table of these columns and of those that are needed anyway. Raises `DataError` for unknown ones."""
        table.require([*self.drop, *self.only])
        if needed_and_dropped := [name for name in needed if name in self.drop]:
            raise typer.BadParameter(f"'{needed_and_dropped[0]}' is needed", param_hint="'--drop'")
        if self.only:
            return table.only([*self.only, *(name for name in needed if name is not None)])
        return table.only(name for name in table if name not in self.drop)


ALL = Columns()


class Tables(NamedTuple):
    """A whole table, its rows that are held out, and the numbers of these in the file, from 1 on."""

    whole: Table
    test: Table
    row_numbers: np.ndarray


@dataclass(frozen=True)
class Source:
    """Examples to train on and to test on.

    Attributes:
        title: what the data are, in a line.
        log: what was done to them, a sentence each.
        preparation: turns further tables into features, and predictions into labels or numbers.
        train: features float32 (n, d) and targets (n,): places among the classes, or standardised numbers.
        test: the same, of examples that are held out; None if there are none.
        given_test: whether the data came split already.
        tables: what features and targets were made of, if that was a table.
    """

    title: str
    log: list[str]
    preparation: Preparation
    train: Part
    test: Part | None
    given_test: bool = False
    tables: Tables | None = None


def digits(share: float, seed: int, tables: bool = False) -> Source:
    """The bundled digits; ``share`` of each digit is held out, and given as ``tables`` as well if these are needed."""
    X, y = load_digits()
    pixels = Pixels.fit(X.reshape(-1, 8, 8), y, brightest=16)
    learnt, held_out = _split_rows(len(y), share, seed, y)
    features, table = pixels.scale(X), as_table(X, {"y": y}) if tables else None
    test = (features[held_out], y[held_out]) if share else None
    beside = None if table is None else Tables(table, table.take(held_out), held_out + 1)
    title = f"{len(X):,} handwritten digits of 8x8 pixels (Alpaydin, Kaynak 1998, UCI repository, CC BY 4.0)"
    return Source(title, pixels.describe(), pixels, (features[learnt], y[learnt]), test, tables=beside)


def fashion_mnist(folder: Path, tables: bool = False) -> Source:
    """The four files in ``folder``, with the test images that are in there; these as ``tables``, too, if needed."""
    X, y, X_test, y_test = load_fashion_mnist(folder)
    pixels = Pixels.fit(X, y, brightest=255)
    title = f"{len(X) + len(X_test):,} images of {X.shape[1]}x{X.shape[2]} pixels in {folder}"
    train, test = (pixels.scale(X), y), (pixels.scale(X_test), pixels.labels.encode(as_series(y_test, "y")))
    table = as_table(X_test, {"y": y_test}) if tables else None
    beside = None if table is None else Tables(table, table, np.arange(len(y_test)) + 1)
    return Source(title, pixels.describe(), pixels, train, test, given_test=True, tables=beside)


@dataclass(frozen=True)
class Rows:
    """The rows of a file whose target is known.

    Attributes:
        title: what they are, in a line.
        notes: what a user should know of how they were read.
        table: the columns that may be used.
        target: the column to predict.
        task: what kind of answer it takes.
        keep: columns that are used whatever they look like.
        numbers: of the rows in the file, from 1 on.
    """

    title: str
    notes: list[str]
    table: Table
    target: str
    task: Task
    keep: Sequence[str]
    numbers: np.ndarray

    def split(self, share: float, seed: int) -> tuple[Table, Table]:
        """Rows to learn from, and ``share`` of them to test on; of each class, for classification."""
        rows, held_out = self._split(share, seed)
        return self.table.take(rows), self.table.take(held_out)

    def tables(self, share: float, seed: int) -> Tables:
        """The rows that `split` holds out, beside the table they are of."""
        held_out = self._split(share, seed)[1]
        return Tables(self.table, self.table.take(held_out), self.numbers[held_out])

    def _split(self, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return _split_rows(self.table.rows, share, seed, self._classes())

    def _classes(self) -> np.ndarray | None:
        """The place of each row's class among them; None for numbers."""
        if self.task == "regression":
            return None
        found = labels(self.table.series(self.target), self.table.format(self.target))
        places = {label: place for place, label in enumerate(sorted(set(found)))}  # pyright: ignore[reportArgumentType]
        return np.array([places[label] for label in found])

    def prepared(self, learnt: Table, unseen: Table) -> Source:
        """As arrays for a network."""
        prepared = TablePreprocessor().fit(learnt, self.target, self.task, keep=self.keep)
        told = self.notes + prepared.describe()
        return Source(
            self.title, told, prepared, _part(prepared, learnt), _part(prepared, unseen) if unseen.rows else None
        )


def rows_of(path: Path, target: str | None, task: Task | None, columns: Columns = ALL) -> Rows:
    """The labelled rows of a file; ``task`` overrules what the target suggests. That of an NPZ file is ``y``."""
    given, target = read(path), target or "y"
    given.require([target])
    whole = columns.of(given, target)
    labelled, notes = drop_unlabelled(whole, target)
    used = "" if len(whole) == len(given) else f", of which {len(whole)} are used"
    title = f"{path.name}: {whole.rows:,} rows, {len(given)} column{'s' * (len(given) != 1)}{used}"
    suggested = task or task_of_column(labelled, target)[0]
    if task is None and suggested == "classification" and _has_several_numbers(labelled, target):
        notes.append("The target is taken for classes; --task regression takes it for numbers.")
    numbers = np.flatnonzero(has_target(whole, target)) + 1
    return Rows(title, whole.notes + notes, labelled, target, suggested, columns.only, numbers)


def _has_several_numbers(table: Table, target: str) -> bool:
    return isinstance(table.format(target), NumberFormat) and table.series(target).n_unique() > 2


def check_target(path: Path, target: str | None) -> None:
    """Raise a usage error, with the columns that there are, if nobody said which to predict."""
    if target is None and path.suffix.lower() != ".npz":
        columns = listed(read(path), 20)
        raise typer.BadParameter(f"say which column to predict: {columns}", param_hint="'--target'")


def read(path: Path) -> Table:
    """The table in a file; `FileError` says what else could have been meant if there is none."""
    if not path.exists():
        raise FileError(f"there is no file {path}; built in are digits and fashion-mnist")
    return read_table(path)


def split(part: Part, share: float, seed: int, task: Task) -> tuple[Part, Part]:
    """The part without ``share`` of it, and that share; of each class, for classification."""
    X, y = part
    kept, taken = _split_rows(len(y), share, seed, y if task == "classification" else None)
    return (X[kept], y[kept]), (X[taken], y[taken])


def _split_rows(n: int, share: float, seed: int, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if not share:
        return np.arange(n), np.arange(0)
    if n < 5:
        raise DataError(f"{n} rows are too few to hold a share of {share:g} out")
    return train_test_split(n, share, seed, labels)


def _part(prepared: TablePreprocessor, rows: Table) -> Part:
    return prepared.transform(rows), prepared.target(rows)
