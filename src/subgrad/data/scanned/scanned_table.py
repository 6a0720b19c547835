"""A table that stays in its files: `scan_table`, and what training needs of it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from numbers import Real

import numpy as np

from subgrad.compile.native import has_llvmlite
from subgrad.data.column_names import listed, suggestion
from subgrad.data.formats import Format
from subgrad.data.lazy_polars import pl
from subgrad.data.prepare import TablePreprocessor
from subgrad.data.scanned.memory import size_of
from subgrad.data.scanned.places import Order, Reading, Share, shares, within
from subgrad.data.scanned.prepared_rows import PreparedRows
from subgrad.data.scanned.reused_memory import ReusedMemory
from subgrad.data.scanned.row_sources import IN_MEMORY, LOTS, Origin, origin_of, rows_at_once, rows_in
from subgrad.data.scanned.survey import Labelled, Survey, at_once, labelled, look, tables
from subgrad.data.table import Table
from subgrad.data.task import Task
from subgrad.errors import ArgumentError, DataError, naming

FLOAT, NEVER = np.dtype(np.float32), threading.Event()

Arrays = tuple[np.ndarray, np.ndarray]
"""Features (n, d), and targets (n,): places of classes, or standardised numbers."""


def scan_table(
    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | pl.LazyFrame,
    target: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    task: Task | None = None,
    preparation: TablePreprocessor | None = None,
    memory: int | str | None = None,
    scratch: str | os.PathLike[str] | None = None,
) -> ScannedTable:
    """The rows of files that may be larger than memory, for `subgrad.fit`, `evaluate` and `predict`.

    `read_table` reads a whole table; this one reads its rows piece by piece, again in each epoch, and prepares them as
    `TablePreprocessor` does: the first use of its `preparation` is one pass over the rows.

    Args:
        source: a file, a folder, a pattern such as ``"rows/*.parquet"``, or a list of these: Parquet, Arrow IPC
            (.arrow, .feather) or CSV. Or a ``polars.LazyFrame``, which has to give its rows in one order each time.
        target: the column to predict; that of the ``preparation``, if there is one.
        columns: to learn from, whatever they look like; None for all that are of use.
        drop: columns that are not learnt from.
        task: "classification" or "regression"; None for what the target looks like.
        preparation: one that was learnt before, such as that of the training rows. With it, rows to `predict` need no
            target.
        memory: what rows may take on their way, in bytes or as a text such as ``"1GB"``: what is read, the rows that
            are mixed, and those held out. None for a quarter of what is free, rounded down to a power of
            two. Python and the libraries come on top.
        scratch: a folder on a fast disk with room for all rows as they are prepared, 4 bytes a feature: from the second
            epoch on they are read from there, and neither unpacked nor prepared anew. The file has no name, and goes
            with the process. A disk that is full is warned of.

    Raises:
        ArgumentError: for a memory of less than 64 KiB, or neither target nor preparation.
        FileError: if there are no files, or one is damaged, packed, or has other columns than the first; it names it.
            If nothing can be written to ``scratch``.
        DataError: if there is no such column, or there are no rows.

    >>> import polars as pl
    >>> folder = getfixture("tmp_path")
    >>> for i in range(3):
    ...     frame = pl.DataFrame({"size": [10 + i, 20, 30], "kind": ["a", "b", None], "price": [1.5, 2.5, 3.0 + i]})
    ...     frame.write_parquet(folder / f"part{i}.parquet")
    >>> rows = scan_table(folder, "price")
    >>> rows
    ScannedTable(9 rows in 3 blocks; target 'price')
    >>> rows.preparation.feature_names
    ['size', 'kind=a', 'kind=b', 'kind (missing)']
    >>> learnt, held_out = rows.split(0.2, seed=1)
    >>> len(learnt) + len(held_out)
    9
    """
    size = size_of(memory)
    if preparation is not None:
        if target not in (None, preparation.target_name):
            raise ArgumentError(f"the preparation is for the target '{preparation.target_name}', got {target!r}")
        target, columns = preparation.target_name, [column.name for column in preparation.columns]
    if target is None:
        raise ArgumentError("say which column is the target, or give a preparation that knows it")
    if scratch is not None:
        PreparedRows(scratch, np.zeros(0, np.int64))  # which says what is wrong with the folder
    shared = _Shared(origin_of(source, size), target, columns, drop, task, preparation, size, scratch)
    return ScannedTable(shared, size)


class _Shared:
    """What all parts of a table have in common: its rows, and what is known of them."""

    def __init__(
        self, origin: Origin, target: str, columns: Sequence[str] | None, drop: Sequence[str], task: Task | None,
        preparation: TablePreprocessor | None, memory: int, scratch: str | os.PathLike[str] | None,
    ) -> None:  # fmt: skip
        self.origin, self.target, self.memory, self.scratch = origin, target, memory, scratch
        self.task: Task | None = task
        self.keep = [] if columns is None else [*columns]
        self.labelled: Labelled | None = None
        self.preparation, self._learnt = preparation, dict[tuple[Share, ...], tuple[TablePreprocessor, list[int]]]()
        self.answered = target in origin.schema or preparation is None  # else these rows are to be predicted
        for name in [*self.keep, *drop, *([target] if self.answered else [])]:
            if name not in origin.schema:
                raise DataError(f"{origin.name} has no column '{name}'{suggestion(name, origin.schema)}; "
                                f"it has {len(origin.schema):,}: {listed(origin.schema)}")  # fmt: skip
        if target in drop:
            raise ArgumentError(f"'{target}' is the target, and cannot be dropped")
        used = {*(origin.schema if columns is None else columns), target} - {*drop}
        self._names = [name for name in origin.schema if name in used]

    @cached_property
    def _looked(self) -> tuple[dict[str, Format], list[str]]:
        return look(self.origin, self._names, self.memory)

    @property
    def formats(self) -> dict[str, Format]:
        """How the columns that are used write their values."""
        if self.preparation is None:
            return self._looked[0]
        formats = {column.name: column.format for column in self.preparation.columns}
        return {**formats, self.target: self.preparation._fitted().format}

    def prepare(self, shares: tuple[Share, ...]) -> TablePreprocessor:
        """How rows become features, learnt from the rows of these shares unless that is known."""
        return self.preparation if self.preparation is not None else self.learnt(shares)[0]

    def learnt(self, shares: tuple[Share, ...]) -> tuple[TablePreprocessor, list[int]]:
        """What the rows of these shares say: how rows become features, and how often each class occurs."""
        if shares not in self._learnt:
            formats, notes = self._looked
            if self.target not in formats:
                raise DataError(f"the target '{self.target}' is no column of a table: {' '.join(notes)}")
            survey = Survey(self.origin, formats, self.target, shares, self.memory)
            prepared = survey.prepared(self.task, self.keep, notes)
            self.labelled = survey.labelled
            self._learnt[shares] = prepared, [survey.labels[label] for label in prepared.classes]
        return self._learnt[shares]

    def known(self) -> Labelled:
        """Which rows have a target; the preparation has been made."""
        if not self.answered:
            raise DataError(f"{self.origin.name} has no column '{self.target}', the target: without it, such rows are "
                            "for `predict` alone")  # fmt: skip
        if self.labelled is None:
            self.labelled = labelled(self.origin, self.formats, self.target)
        return self.labelled


class ScannedTable:
    """Rows in files, see `scan_table`; ``len`` counts those whose target is known."""

    def __init__(
        self, shared: _Shared, memory: int, shares: Sequence[Share] = (), learnt: Sequence[Share] = ()
    ) -> None:
        self._shared, self.memory, self._shares, self._learnt = shared, memory, tuple(shares), tuple(learnt)
        self._prepared: dict[np.dtype, PreparedRows] = {}

    def __repr__(self) -> str:
        rows, blocks = rows_in(self._shared.origin), len(self._shared.origin.blocks)
        part = ", a part of them" if self._shares else ""
        return f"ScannedTable({rows:,} rows in {blocks:,} blocks{part}; target '{self._shared.target}')"

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def preparation(self) -> TablePreprocessor:
        """How rows become features: learnt in one pass over them, with its first use.

        What can be counted is of all rows: means, deviations, classes, categories (the 10,000 most frequent values),
        missing values. Medians are those of 131,072 rows, chosen at random by their place, or as many as an eighth of
        the memory holds: of the ranks of 131,072, 999 in 1,000 are within 0.5 % of the middle. How columns write their
        values is decided by rows at 16 places.
        """
        return self._shared.prepare(self._learnt)

    @property
    def features(self) -> int:
        """How many features a row has: the inputs of a network."""
        return len(self.preparation.feature_names)

    def split(self, share: float, seed: int = 0) -> tuple[ScannedTable, ScannedTable]:
        """The rows without about ``share`` of them, and that share, by the hash of their places and the seed.

        Both have the preparation that the first part gives, unless one was given to `scan_table`. `ArgumentError` for a
        share outside (0, 1).

        >>> import polars as pl
        >>> rows = scan_table(pl.LazyFrame({"x": range(1000), "y": [0.5, 1.5] * 500}), "y")
        >>> [len(part) for part in rows.split(0.1)]
        [908, 92]
        """
        rest, held_out = self.parted(share, seed)
        learnt = self._learnt or rest._shares
        return tuple(ScannedTable(self._shared, self.memory, part._shares, learnt) for part in (rest, held_out))  # pyright: ignore

    def parted(self, share: float, seed: int) -> tuple[ScannedTable, ScannedTable]:
        """As `split`, with the preparation of this table: as ``fit(validation=share)`` has it."""
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 < float(share) < 1:
            raise ArgumentError(f"the share that is held out lies between 0 and 1, got {share!r}"[:300])
        seed = seed + 1000 * len(self._shares)
        low, high = Share(seed, 0.0, float(share)), Share(seed, float(share), 1.0)
        return tuple(ScannedTable(self._shared, self.memory, (*self._shares, own), self._learnt) for own in (high, low))  # pyright: ignore

    def frequencies(self) -> list[int]:
        """How often each class occurs in the rows that the preparation is learnt from; empty for numbers."""
        return self._shared.learnt(self._learnt)[1]

    def share_in_memory(self, share: float) -> float:
        """A share of the rows, or less if these would take more than a quarter of the memory."""
        origin = self._shared.origin
        return min(share, rows_at_once(origin.schema, self.memory) * IN_MEMORY / LOTS / rows_in(origin))

    # What a run asks for

    @cached_property
    def counts(self) -> np.ndarray:
        """The rows of each block, int64, whose target is known."""
        self._shared.prepare(self._learnt)
        known = self._shared.known()
        if not self._shares and not any(bits is not None for bits in known.known):
            return known.rows
        return np.array([int(self._used(i).sum()) for i in range(len(known.rows))], np.int64)

    def rows_of(self, share: float, dtype: np.dtype) -> int:
        """How many rows there may be in so large a part of the memory, with features of this dtype."""
        return max(int(self.memory * share) // (dtype.itemsize * self.features + 24), 1)

    def order(self, seed: int, epoch: int, shuffle: bool, dtype: np.dtype) -> Order:
        """The order of an epoch."""
        origin = self._shared.origin
        rows, fixed = self.rows_of(1 / LOTS, dtype), not origin.in_any_order
        return Order(self.counts, rows, seed, epoch, shuffle, fixed, origin.units)

    def groups(
        self, order: Order | Reading, first: int = 0, room: int = 0, dtype: np.dtype = FLOAT,
        stop: threading.Event = NEVER, memory: ReusedMemory | None = None,
    ) -> Iterator[Arrays]:  # fmt: skip
        """The rows of the groups of an order, or of a part of it, from number ``first`` on, as their blocks have them.

        Before the rows of a group is ``room`` for so many others. There are no more once ``stop`` is set. ``memory`` is
        where they are put.
        """
        memory = memory or ReusedMemory()
        kept = self._kept(dtype)
        known = set[int]() if kept is None else {*kept.blocks}
        blocks = [block for group in order.groups[first:] for block in group.tolist() if block not in known]
        read = tables(self._shared.origin, self._shared.formats, blocks)
        for group, size in zip(order.groups[first:], order.sizes[first:].tolist(), strict=True):
            X = memory.empty((room + size, self.features), dtype)
            y = np.empty(room + size, np.int64 if self.preparation.classes else dtype)
            at = room
            for block in group.tolist():
                if stop.is_set():
                    return
                start = at
                at = start + int(self.counts[block]) if block in known else self._fill(X, y, at, block, next(read))
                if kept is not None:
                    (kept.read if block in known else kept.write)(block, (X[start:at], y[start:at]))
            yield X, y

    def _kept(self, dtype: np.dtype) -> PreparedRows | None:
        """Where rows are kept that were prepared before."""
        if self._shared.scratch is not None and dtype not in self._prepared:
            self._prepared[dtype] = PreparedRows(self._shared.scratch, self.counts)
        return self._prepared.get(dtype)

    def _fill(self, X: np.ndarray, y: np.ndarray, at: int, block: int, table: Table) -> int:
        """Put the rows of a block into the arrays from a row on; the row after them."""
        used, prepared = self._used(block), self.preparation
        if len(used) != table.rows:
            raise DataError(f"{self._shared.origin.name_of(block)} has {table.rows:,} rows where there were "
                            f"{len(used):,}: it has changed since")  # fmt: skip
        with self._naming(block):
            for part in _pieces(table, used):
                self._features(part, X[at : at + part.rows])
                y[at : at + part.rows] = prepared.target(part)
                at += part.rows
        return at

    def _naming(self, block: int) -> AbstractContextManager[None]:
        """Inside, errors say where the rows are that they are about."""
        return naming(f"{self._shared.origin.name_of(block)}, in a part of it")

    def _features(self, rows: Table, out: np.ndarray) -> None:
        """Put the features into an array; those of float64 are as exact as all others are."""
        if out.dtype == FLOAT:
            self.preparation.transform(rows, out)
        else:
            out[:] = self.preparation.transform(rows)

    def head(self, rows: int) -> Arrays:
        """The first rows, in the order of the files."""
        found: list[Arrays] = []
        for arrays in self.parts(FLOAT):
            found.append(arrays)
            if sum(len(y) for _, y in found) >= rows:
                break
        if not found:
            raise DataError(f"{self._shared.origin.name} has no rows with a target '{self._shared.target}'")
        X, y = (np.concatenate(one) for one in zip(*found, strict=True))
        return X[:rows], y[:rows]

    def parts(self, dtype: np.dtype, rank: int = 0, ranks: int = 1) -> Iterator[Arrays]:
        """All rows in the order of the files, some at a time; of several ranks each has about as many of them."""
        order = self._as_they_stand()
        first, end = shares(order.sizes, ranks)[rank : rank + 2]
        return self.groups(Reading(order.groups[first:end], order.sizes[first:end]), dtype=dtype)

    def has_parts(self, ranks: int) -> bool:
        """Whether each of so many ranks has some of `parts`."""
        return bool(np.diff(shares(self._as_they_stand().sizes, ranks)).all())

    def _as_they_stand(self) -> Order:
        """Each block alone."""
        return Order(self.counts, 1, 0, 0, shuffle=False)

    def inputs(self, dtype: np.dtype) -> Iterator[np.ndarray]:
        """The features of all rows, some at a time, whether their target is known or not."""
        shared, prepared = self._shared, self.preparation
        formats = {column.name: shared.formats[column.name] for column in prepared.columns}
        every = range(len(shared.origin.blocks))
        for i, table in zip(every, tables(shared.origin, formats, every), strict=True):
            for part in _pieces(table, self._belongs(i, table.rows)):
                with self._naming(i):
                    features = prepared.transform(part).astype(dtype, copy=False)
                yield features

    def digest(self) -> str:
        """A SHA-256 of what tells these rows from others: sizes of files, numbers of rows, and the preparation."""
        parts = [self._shared.origin.digest(), len(self), self._shares, self.preparation.to_json()]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _used(self, block: int) -> np.ndarray:
        """Truth values (n,): the rows of a block that belong to this part and have a target."""
        known = self._shared.known()
        found = known.of(block)
        used = self._belongs(block, int(known.rows[block]))
        return used if found is None else used & found

    def _belongs(self, block: int, rows: int) -> np.ndarray:
        """Truth values (n,): the rows of a block that belong to this part."""
        return within(self._shares, self._shared.origin.blocks[block].first + np.arange(rows))


def _pieces(table: Table, used: np.ndarray) -> Iterator[Table]:
    """The rows that are used, some at a time."""
    rows = table if used.all() else table.take(used)
    in_place = rows.in_place() if has_llvmlite() else 0
    return (rows.slice(part.start, part.stop - part.start) for part in at_once(rows, in_place))


__all__ = ["ScannedTable", "scan_table"]
