"""What one pass over scanned rows finds: which of them have a target, and how their columns become features.

What can be counted is counted exactly, of all rows. What only the values together tell, such as a median, is that of
rows chosen by the hash of their place: the same ones in each pass, whatever the blocks are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.data.column_values import as_series
from subgrad.data.formats import Format, NumberFormat, decide_formats
from subgrad.data.identifiers import is_called_time
from subgrad.data.kinds.totals import Moments, Totals
from subgrad.data.lazy_polars import pl
from subgrad.data.prepare import TablePreprocessor
from subgrad.data.scanned.places import Share, hashed, within
from subgrad.data.scanned.row_sources import Origin, rows_in, rows_to_look_at
from subgrad.data.table import Table, usable
from subgrad.data.target import Label, labels
from subgrad.data.task import Task, has_target
from subgrad.errors import DataError

SAMPLE = 2**17
"""Rows that medians and the like are of: a rank is then within 0.5 % of the wanted one in 999 of 1,000 cases."""
LOOKS, LOOK = 16, 4096  # places that formats are decided by, and rows of each
AT_ONCE = 2**15, 2**21  # rows, and values of columns that copies are made of, that are looked at together, at most
MOST_PARTS = 64
"""Parts that the sample is in: each takes some KB a column beside its values."""
_CHOOSING = 0x5EED  # of the rows of the sample
_MOST_LABELS = 100_000


@dataclass(frozen=True)
class Labelled:
    """Which rows have a target.

    Attributes:
        rows: of each block, how many there are.
        known: of each block, which of them, as packed bits; None for all.
    """

    rows: np.ndarray
    known: list[np.ndarray | None]

    def of(self, block: int) -> np.ndarray | None:
        """Truth values (n,); None if all rows have one."""
        bits = self.known[block]
        return None if bits is None else np.unpackbits(bits, count=int(self.rows[block])).astype(bool)


def look(origin: Origin, columns: Sequence[str], memory: int) -> tuple[dict[str, Format], list[str]]:
    """How columns write their values, and a sentence for each that no table takes.

    Decided by all rows if they are few, else by some at places spread over them.
    """
    most = rows_to_look_at(origin.schema, memory, SAMPLE)
    whole = rows_in(origin) <= most
    places = range(len(origin.blocks)) if whole else _spread(len(origin.blocks), LOOKS)
    rows = None if whole else min(LOOK, most // LOOKS)
    read = [frame if rows is None else frame.head(rows) for frame in origin.frames(places, columns, rows)]
    found, notes = usable({name: _joined([frame[name] for frame in read]) for name in columns})
    return decide_formats(found, origin.semicolons), [*origin.notes, *notes]


def _joined(parts: Sequence[pl.Series]) -> pl.Series:
    """A column of several files, whose types may differ: then as a table has it."""
    if len({part.dtype for part in parts}) > 1:
        known = [as_series(part, part.name) for part in parts if part.dtype != pl.Null]
        return pl.concat([part.alias("").to_frame() for part in known], how="vertical_relaxed").to_series()
    return pl.concat(parts)


def _spread(n: int, wanted: int) -> list[int]:
    return sorted({i * (n - 1) // max(wanted - 1, 1) for i in range(wanted)})


def tables(origin: Origin, formats: Mapping[str, Format], blocks: Sequence[int]) -> Iterator[Table]:
    """Blocks, one after the other, their columns in formats that were decided before."""
    names = list(formats)
    frames = origin.frames(blocks, names)
    for i in blocks:
        held = [next(frames)]  # not longer than until it is yielded
        try:
            yield Table.decided(held.pop()[:, names], formats)
        except DataError as error:
            raise DataError(f"{origin.name_of(i)}: {error}") from None


def _in_one(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Parts of a table, one behind the other, with none of the memory that they are in."""
    found = pl.concat(parts, how="vertical_relaxed", rechunk=True)
    texts = [name for name, kind in found.schema.items() if kind == pl.String]
    return found.with_columns(pl.concat_str(pl.selectors.by_name(name), pl.lit("")).alias(name) for name in texts)


def labelled(origin: Origin, formats: Mapping[str, Format], target: str) -> Labelled:
    """Which rows have a target: a pass over that column alone."""
    every = range(len(origin.blocks))
    return _together([has_target(table, target) for table in tables(origin, {target: formats[target]}, every)])


def _together(known: Sequence[np.ndarray]) -> Labelled:
    return Labelled(np.array([len(k) for k in known]), [None if k.all() else np.packbits(k) for k in known])


def at_once(table: Table, read_in_place: int = 0) -> Iterator[slice]:
    """The rows of a table, some at a time: what is made of them takes little memory. Of so many columns none is."""
    rows, values = AT_ONCE
    step = max(1, min(rows, values // max(len(table) - read_in_place, 1)))
    return (slice(start, min(start + step, table.rows)) for start in range(0, table.rows, step))


class Survey:
    """A pass over all rows, of which those that belong to ``shares`` are learnt from.

    Attributes:
        labelled: which rows have a target.
        labels: how often each value of the target occurs, of those that are learnt from.
    """

    def __init__(
        self, origin: Origin, formats: Mapping[str, Format], target: str, shares: Sequence[Share], memory: int
    ) -> None:
        self._formats, self._target, self._shares = formats, target, shares
        self._totals = {name: Totals() for name in formats}
        numbers = [name for name, how in formats.items() if isinstance(how, NumberFormat)]
        self._numbering = {name: Totals() for name in numbers if not is_called_time(name)}
        self.labels: dict[Label, int] = {}
        self._sample: list[pl.DataFrame] = []
        self._dropped = self._seen = 0
        self._of_target = Totals()  # texts that are read as numbers: also in rows that have none by them
        self._odd_in: dict[str, str] = {}  # where the first values of a column are that could not be read
        most = rows_to_look_at(origin.schema, memory, SAMPLE)
        self._share = most / rows_in(origin)
        every, known = range(len(origin.blocks)), []
        for i, table in zip(every, tables(origin, formats, every), strict=True):
            known.append(has_target(table, target))
            places = origin.blocks[i].first + np.arange(table.rows)
            for part in at_once(table):
                self._add(table.slice(part.start, part.stop - part.start), known[-1][part], places[part])
            self._note_odd(origin.name_of(i))
        self.labelled = _together(known)

    def _add(self, table: Table, known: np.ndarray, places: np.ndarray) -> None:
        used = within(self._shares, places)
        self._count(self._numbering, table)
        self._numbering = {name: totals for name, totals in self._numbering.items() if totals.may_number_rows}
        self._seen += int(used.sum())
        self._dropped += int((used & ~known).sum())
        if isinstance(self._formats[self._target], NumberFormat) and not table.came_as_numbers(self._target):
            self._of_target.add(table.series(self._target), self._formats[self._target])
        used &= known
        if not used.all():
            table, places = table.take(used), places[used]
        self._count(self._totals, table)
        self._count_labels(table.series(self._target))
        chosen = hashed(places, _CHOOSING) < self._share
        if chosen.any():
            self._sample.append(table.take(chosen).frame())
        if len(self._sample) == MOST_PARTS:
            self._sample = [_in_one(self._sample)]

    def _note_odd(self, where: str) -> None:
        for name, totals in self._of_all().items():
            if totals.odd and name not in self._odd_in:
                self._odd_in[name] = where

    def _of_all(self) -> dict[str, Totals]:
        return {**self._totals, self._target: self._of_target}

    def _count(self, of: Mapping[str, Totals], table: Table) -> None:
        """Count the rows of a table; plain numbers are read in one go, as there may be many columns."""
        if not of:
            return
        plain = [name for name in table.plain_numbers() if name in of]
        moments = dict(zip(plain, Moments.of_columns(table.matrix(plain)), strict=True)) if plain else {}
        for name, totals in of.items():
            if name in moments:
                totals.add_moments(table.rows, moments[name])
            else:
                totals.add(table.series(name), self._formats[name])

    def _count_labels(self, series: pl.Series) -> None:
        if len(self.labels) > _MOST_LABELS:
            return  # numbers, then, or an error
        counts = series.alias("label").value_counts(name="count")
        for label, count in zip(labels(counts["label"], self._formats[self._target]), counts["count"], strict=True):
            if label is not None:
                self.labels[label] = self.labels.get(label, 0) + count

    def prepared(self, task: Task | None, keep: Sequence[str], notes: Sequence[str]) -> TablePreprocessor:
        """How these rows become features."""
        self._check_formats()
        if self._dropped == self._seen:
            raise DataError(f"the target '{self._target}' is missing in all {self._seen:,} rows")
        sentences = list(notes)
        if self._dropped:
            were = "was" if self._dropped == 1 else "were"
            sentences.append(f"{self._dropped:,} of {self._seen:,} rows {were} left out: no target '{self._target}'.")
        if len(self.labels) > _MOST_LABELS and (task == "classification" or not self._is_number):
            raise DataError(f"the target '{self._target}' has more than {_MOST_LABELS:,} distinct values: they are no "
                            "classes")  # fmt: skip
        frame = _in_one(self._sample)
        if frame.height < (all_rows := self._seen - self._dropped):
            sentences.append(f"Medians, and whether a column is an identifier, are of {frame.height:,} of {all_rows:,} "
                             "rows, chosen at random; all else is of all rows.")  # fmt: skip
        numbers = [name for name, totals in self._numbering.items() if totals.numbers_rows]
        sample = Table.decided(frame[:, [*self._formats]], self._formats, numbers).cleaned()
        return TablePreprocessor().fit_sample(sample, self._target, self.labels, self._totals, task, keep, sentences)

    @property
    def _is_number(self) -> bool:
        return isinstance(self._formats[self._target], NumberFormat)

    def _check_formats(self) -> None:
        """That rows further on are written as those that were looked at."""
        for name, totals in self._of_all().items():
            if totals.odd > 0.1 * (totals.odd + totals.moments.count):
                words: Any = ", ".join(map(repr, totals.frequent_words))
                raise DataError(
                    f"column '{name}' holds {self._formats[name].kind}s in the rows that were looked at first, and "
                    f"{totals.odd:,} of all its values are none ({words}), the first of them in {self._odd_in[name]}: "
                    "leave the column out, or give a LazyFrame that reads it as text"
                )


__all__ = ["Labelled", "Survey", "at_once", "labelled", "look", "tables"]
