"""Tables as time series: rows in the order of time, columns of numbers without holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.cli.jobs.row_times import are_single, saying, times_of
from subgrad.data import Table
from subgrad.data.column_names import listed
from subgrad.data.formats import TextFormat
from subgrad.data.table import is_number, missing_mask
from subgrad.errors import DataError

LONGER = 1.5  # times the usual step in time, from which on a step is a gap


@dataclass(frozen=True)
class Series:
    """Columns of numbers over time.

    Attributes:
        names: of the columns, the target first.
        values: float64 (rows, columns), where a missing one is the one before it.
        known: (rows,), whether the target was there.
        left_out: how many rows there were before, without a value of the target.
        log: what was done, a sentence each.
    """

    names: list[str]
    values: np.ndarray
    known: np.ndarray
    left_out: int
    log: list[str]


def series_of(table: Table, target: str, names: Sequence[str] | None = None) -> Series:
    """The target and the columns ``names``, or all that can be used, in the order of time.

    A column of dates says when a row was, also with a clock in another one, or columns of years and months, or else the
    first column if its numbers only rise or only fall, as years do; where it is a single one, it is no feature.

    Raises:
        DataError: if a column is not there or holds no numbers, half the values of the target are missing, or most
            times come several times, as where the file has several series.
    """
    table.require(names or [target])
    if not is_number(table[target]):
        raise DataError(f"column {target!r} holds no numbers")
    table, when, log = _in_order(table, target)
    log = [*table.notes, *log]
    useless = {target, *(when if len(when) == 1 else ()), *(table.row_numbers if names is None else ())}
    others = [n for n in table if n not in useless and is_number(table[n]) and not _half_missing(table[n])]
    if names is not None and (bad := [n for n in names if n != target and n not in others]):
        raise DataError(f"column {bad[0]!r} is to hold numbers, and most of them: the network was trained on some")
    chosen = list(names) if names is not None else [target, *others]
    left_out = [n for n in table if n not in (*chosen, *when)]
    if left_out and names is None:
        log.append(f"Left out: {listed(left_out)}: no numbers, row numbers, or most are missing.")
    known = ~missing_mask(table[target])
    if 2 * known.sum() < len(known) or not known.any():
        raise DataError(f"column {target!r} has values in only {known.sum():,} of {len(known):,} rows")
    first = int(known.argmax())
    columns = [table[n][first:] for n in chosen]
    log += _about_holes(dict(zip(chosen, columns, strict=True)), first, target)
    return Series(chosen, np.stack([_filled(c) for c in columns], 1), known[first:], first, log)


def _half_missing(column: np.ndarray) -> bool:
    return 2 * missing_mask(column).sum() > len(column)


def parts_of(table: Table, column: str) -> dict[str, Table]:
    """The series in a table, by the value of a column that tells them apart."""
    table.require([column])
    values = TextFormat().read(table.series(column))
    names = list(dict.fromkeys(value for value in values if value is not None))
    rest = table.only(name for name in table if name != column)
    return {name: rest.take(values == name) for name in names}


def _in_order(table: Table, target: str) -> tuple[Table, list[str], list[str]]:
    """The table with its rows in the order of time, the columns that say it, and what was done."""
    for found in times_of(table, target):
        times, name, told = found.values, found.columns[0], [*found.told]
        _check_single(table, found.columns, target, times)
        known = np.isfinite(times)
        if not known.all():
            told.append(f"{np.sum(~known):,} rows without a time in '{name}' were left out.")
            table, times = table.take(known), times[known]
        order = np.argsort(times, kind="stable")
        turned = [] if (order == np.arange(len(order))).all() else [f"The rows were put in the order of '{name}'."]
        log = [saying(found.columns), *told, *turned, *_gaps(times[order], name)]
        return table.take(order), found.columns, log
    return table, [], ["No column says when a row was: they are taken as they come."]


def _check_single(table: Table, when: list[str], target: str, times: np.ndarray) -> None:
    """That the rows are one series: of several, each time comes several times, and a column tells them apart."""
    times = times[np.isfinite(times)]
    if are_single(times):
        return
    keys = [name for name in table if name not in (*when, target) and _tells_apart(table, name, times)]
    which, different = f"--series {keys[0]}" if keys else "--series COLUMN", len(np.unique(times))
    raise DataError(
        f"the file has several series: '{when[0]}' has {different:,} different times in {len(times):,} rows; "
        f"say which column tells them apart: {which}" + (f" (it could be {listed(keys)})" if len(keys) > 1 else "")
    )


def _tells_apart(table: Table, name: str, times: np.ndarray) -> bool:
    """Whether no time comes twice with the same value of a column that has few values."""
    values = TextFormat().read(table.series(name))
    if len(values) != len(times) or len(set(values)) > len(times) / 3:
        return False
    return len(set(zip(values, times.tolist(), strict=True))) == len(times)


def _gaps(times: np.ndarray, name: str) -> list[str]:
    """Steps that are longer than usual count as one step, which the user should know."""
    steps = np.diff(times)
    usual = float(np.median(steps))
    longer = int((steps > LONGER * usual).sum()) if usual > 0 else 0
    if not 0 < longer <= len(steps) // 10:  # more of them are no gaps: days without weekends, numbers like 19580329
        return []
    most = steps.max() / usual
    counted = "1 gap" if longer == 1 else f"{longer:,} gaps"
    how = "counts as one step" if longer == 1 else "count as one step each"
    return [f"'{name}' has {counted} of up to {most:.3g} steps, which {how}."]


def _about_holes(columns: dict[str, np.ndarray], first: int, target: str) -> list[str]:
    found = [f"The first {first:,} rows are without '{target}' and left out."] if first else []
    for name, column in columns.items():
        if holes := int(missing_mask(column).sum()):
            unjudged = "; no forecast of it counts there" if name == target else ""
            found.append(f"'{name}' is missing in {holes:,} rows: the value before stands in{unjudged}.")
    return found


def _filled(column: np.ndarray) -> np.ndarray:
    """Each missing value replaced by the one before it; at the beginning, by the first there is."""
    there = ~missing_mask(column)
    before = np.maximum.accumulate(np.where(there, np.arange(len(column)), -1))
    return column[np.where(before < 0, there.argmax(), before)]


__all__ = ["Series", "parts_of", "series_of"]
