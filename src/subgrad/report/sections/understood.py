"""The data as they were understood: each column, its kind, what became of it, its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from subgrad.data.formats import DateFormat, NumberFormat, TruthFormat, as_texts, has_value
from subgrad.data.formats.dates import spoken
from subgrad.data.table import Table
from subgrad.display.markup import Markup, element, joined
from subgrad.report.explanations.table_model import sampled
from subgrad.report.phrases import counted, number, percent, short
from subgrad.report.pictures.inline_svg import bars
from subgrad.report.sections.parts import Section, grid, notes, section
from subgrad.report.subject import Background

COLUMNS = 60  # that are shown
ROWS = 50_000  # that are looked at for it
_BINS = 24
_SHARES = (0.005, 0.995)  # a histogram ends here: a single slip of the keyboard would make one bar of all others


class Seen(NamedTuple):
    """What a column is: its kind and its values in words, the share that is missing, and how often what occurs."""

    kind: str
    values: str
    missing: float
    counts: list[int]


def understood(table: Table, target: str, background: Background) -> Section:
    """The section about the whole table, or about this one."""
    whole = background.whole or table
    some = whole.take(sampled(whole.rows, ROWS, background.seed))
    names = sorted(whole, key=lambda name: name != target)  # the target first
    shown = names[:COLUMNS]
    about, rest = _by_column(background.sentences, shown)
    rows = [_row(name, seen(some, name), about.get(name, []), name == target) for name in shown]
    left_out = ["out" if any(s.startswith("Was left out") for s in about.get(name, [])) else None for name in shown]
    header = ["column", "read as", "values", "missing", "distribution"]
    shown_columns = grid("Columns", header, rows, (3,), class_="columns", row_classes=left_out)
    if len(names) > len(shown):
        rest = [*rest, f"{len(names) - len(shown):,} more columns are not shown."]
    if some.rows < whole.rows:
        rest = [*rest, f"Values and shares are of {some.rows:,} of {whole.rows:,} rows, drawn by chance."]
    lead = f"{counted(whole.rows, 'row')}, {counted(len(whole), 'column')}: how each was read, and what became of it."
    return section("data", "The data", lead, shown_columns, notes(rest))


def _row(name: str, found: Seen, about: Sequence[str], target: bool) -> list[str | Markup]:
    mark = element("span", "target", class_="mark") if target else Markup()
    done = [element("small", sentence) for sentence in about if sentence.strip(".") not in found.kind]
    drawn = bars(found.counts, f"distribution of {name}: {found.values}")
    missing = element("span", percent(found.missing), class_=None if found.missing else "none")
    return [joined(short(name, 40), mark), joined(found.kind, *done), found.values, missing, drawn]


def _by_column(sentences: Sequence[str], names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Sentences that begin with one of these columns, by its name and without it; and those about no single column."""
    found: dict[str, list[str]] = {}
    rest = []
    longest = sorted(names, key=len, reverse=True)
    for sentence in sentences:
        own = next((n for n in longest if sentence.startswith((f"Column '{n}': ", f"Column '{n}' was "))), None)
        if own is None and not sentence.startswith("Column '"):
            rest.append(sentence)
        elif own is not None:
            said = sentence.removeprefix(f"Column '{own}'").removeprefix(": ").strip()
            found.setdefault(own, []).append(said[:1].upper() + said[1:])
    return found, rest


def seen(table: Table, name: str) -> Seen:
    """What there is to say of a column."""
    series, how = table.series(name), table.format(name)
    rows = max(table.rows, 1)
    written = f", {own}" if (own := how.describe()) else ""
    if isinstance(how, NumberFormat | DateFormat):
        values = how.read(series)
        known = values[np.isfinite(values)]
        kind = "date" if isinstance(how, DateFormat) else "number"
        return Seen(kind + written, _range(known, kind), 1 - len(known) / rows, _histogram(known))
    truth = isinstance(how, TruthFormat)
    texts = as_texts(series).filter(has_value(series)) if truth else as_texts(series).drop_nulls()
    counted_texts = texts.alias("text").value_counts(name="count").sort(["count", "text"], descending=[True, False])
    names, counts = counted_texts["text"].to_list(), counted_texts["count"].to_list()
    few = ", ".join(short(n, 16) for n in names[:3])
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return Seen("truth value" if truth else "category", few + more, 1 - len(texts) / rows, counts[:_BINS])


def _range(known: np.ndarray, kind: str) -> str:
    if not len(known):
        return "none"
    low, high = float(known.min()), float(known.max())
    first, last = spoken([low, high]) if kind == "date" else (number(low), number(high))
    return first if low == high else f"{first} to {last}"


def _histogram(known: np.ndarray) -> list[int]:
    """How many values lie in each of some ranges of equal width; of few whole numbers, how often each occurs."""
    if not len(known):
        return []
    if (known == np.floor(known)).all() and np.ptp(known) < _BINS:
        return np.bincount((known - known.min()).astype(int)).tolist()
    low, high = np.quantile(known, _SHARES)
    inside = np.clip(known, low, high)
    return np.histogram(inside, bins=_BINS, range=(low, high) if high > low else (low - 0.5, low + 0.5))[0].tolist()


__all__ = ["understood"]
