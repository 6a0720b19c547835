"""Which times are worth comparing, and how they compare."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.measure.idle import UNRECORDED, crowded
from bench.peers import OURS

Row = dict[str, Any]


class Ratio(NamedTuple):
    """Of two sides' times in the same rounds of passes: the median over the rounds, the least and the greatest.

    The true median lies between the last two with probability 1 - 2^(1 - n) for n independent rounds: 0.94 for 5.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"**{self.median:.2f}** ({self.low:.2f} to {self.high:.2f})"


def best(rows: Sequence[Row], peer: str) -> Row | None:
    """The fastest variant of a side, none that is held back."""
    return _fastest([r for r in compared(rows) if r["peer"] == peer and not r["variant"].endswith("avx2")])


def best_peer(rows: Sequence[Row]) -> Row | None:
    return _fastest([r for r in compared(rows) if r["peer"] != OURS.name])


def compared(rows: Sequence[Row]) -> list[Row]:
    """The variants that took part in all rounds: those that the first left far behind are none of the fastest."""
    measured = [r for r in rows if "seconds" in r]
    rounds = max((len(r["times"]) for r in measured), default=0)
    return [r for r in measured if len(r["times"]) == rounds]


def _fastest(rows: Sequence[Row]) -> Row | None:
    return min(rows, key=lambda r: r["seconds"], default=None)


def ratio(rows: Sequence[Row]) -> Ratio | None:
    """The time of the fastest variant of all peers over ours: below 1 where a peer is faster."""
    ours, theirs = best(rows, OURS.name), best_peer(rows)
    if not ours or not theirs:
        return None
    pairs = sorted(b / a for a, b in zip(ours["times"], theirs["times"], strict=True))
    return Ratio(statistics.median(pairs), pairs[0], pairs[-1])


def doubt(rows: Sequence[Row], busy: bool = False) -> str:
    """Why the times of a workload are not to be compared; nothing if they are.

    Other programs beside any side count, for without them that side might be the fastest; not those beside fewer than
    half of its passes, of which the time is the median. Other tenants of the host
    do not: nobody here can wait until they rest, and as the sides of a ratio are measured close to each other, its
    range shows what they did. Beside a ``busy`` program nothing counts.
    """
    for row in () if busy else compared(rows):
        reason = crowded(row.get("idle"))
        if reason:
            return reason if reason == UNRECORDED else f"{row['peer']} {row['variant']}: {reason}"
    return ""
