"""Tables as time series: rows in the order of time, columns of numbers without holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.data import Table
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
        story: what was done, a sentence each.
    """

    names: list[str]
    values: np.ndarray
    known: np.ndarray
    left_out: int
    story: list[str]


def series_of(table: Table, target: str, names: Sequence[str] | None = None) -> Series:
    """The target and the columns ``names``, or all that can be used, in the order of time.

    A column of ISO dates says when a row was, or else the first column if its numbers only rise or only fall, as years
    do; it is no feature.

    Raises:
        DataError: if a column is not there or holds no numbers, or half the values of the target are missing.
    """
    table.require(names or [target])
    if not is_number(table[target]):
        raise DataError(f"column {target!r} holds no numbers")
    table, time, story = _in_order(table, target)
    others = [n for n in table if n not in (target, time) and is_number(table[n]) and not _half_missing(table[n])]
    if names is not None and (bad := [n for n in names if n != target and n not in others]):
        raise DataError(f"column {bad[0]!r} is to hold numbers, and most of them: the network was trained on some")
    chosen = list(names) if names is not None else [target, *others]
    left_out = [n for n in table if n not in (*chosen, time)]
    if left_out and names is None:
        story.append(f"Left out: {', '.join(left_out)}: no numbers, or most are missing.")
    known = ~missing_mask(table[target])
    if 2 * known.sum() < len(known) or not known.any():
        raise DataError(f"column {target!r} has values in only {known.sum():,} of {len(known):,} rows")
    first = int(known.argmax())
    columns = [table[n][first:] for n in chosen]
    story += _about_holes(dict(zip(chosen, columns, strict=True)), first, target)
    return Series(chosen, np.stack([_filled(c) for c in columns], 1), known[first:], first, story)


def _half_missing(column: np.ndarray) -> bool:
    return 2 * missing_mask(column).sum() > len(column)


def _in_order(table: Table, target: str) -> tuple[Table, str | None, list[str]]:
    """The table with its rows in the order of time, the column that says it, and what was done."""
    first = next(iter(table))
    whole = [n for n in table if n != target and not missing_mask(table[n]).any()]
    found = {n: _dates(table[n]) for n in whole if not is_number(table[n])}
    found |= {n: _rising(table[n]) for n in whole if n == first and is_number(table[n])}
    for name, times in found.items():
        if times is not None:
            order = np.argsort(times, kind="stable")
            turned = [] if (order == np.arange(len(order))).all() else [f"The rows were put in the order of '{name}'."]
            return table.take(order), name, [f"'{name}' says when a row was.", *turned, *_gaps(times[order], name)]
    return table, None, ["No column says when a row was: they are taken as they come."]


def _dates(column: np.ndarray) -> np.ndarray | None:
    """ISO dates as seconds; None for any other text."""
    try:
        return np.array(column.tolist(), "datetime64[s]").astype(np.float64)
    except ValueError:
        return None


def _rising(column: np.ndarray) -> np.ndarray | None:
    """Numbers that only rise or only fall, as years do."""
    steps = np.diff(column)
    return column if len(steps) and ((steps > 0).all() or (steps < 0).all()) else None


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


__all__ = ["Series", "series_of"]
