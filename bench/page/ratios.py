"""Which times are worth comparing, and how they compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.measure.idle import UNRECORDED, disturbed
from bench.peers import OURS

SPREAD = 0.2  # between the slowest and the fastest pass
Row = dict[str, Any]


def best(rows: Sequence[Row], peer: str) -> Row | None:
    """The fastest variant of a side, none that is held back."""
    found = [r for r in rows if r["peer"] == peer and "seconds" in r and not r["variant"].endswith("avx2")]
    return min(found, key=lambda r: r["seconds"], default=None)


def best_peer(rows: Sequence[Row]) -> Row | None:
    found = [r for r in rows if r["peer"] != OURS.name and "seconds" in r]
    return min(found, key=lambda r: r["seconds"], default=None)


def ratio(rows: Sequence[Row]) -> float | None:
    """The time of the fastest variant of all peers over ours: below 1 where a peer is faster."""
    ours, theirs = best(rows, OURS.name), best_peer(rows)
    return theirs["seconds"] / ours["seconds"] if ours and theirs else None


def doubt(rows: Sequence[Row], busy: bool = False) -> str:
    """Why the times of a workload are not to be compared; nothing if they are.

    A disturbance of any side counts, for without it that side might be the fastest. Beside a ``busy`` program only the
    spread does.
    """
    for row in (r for r in rows if "seconds" in r and not busy):
        reason = disturbed(row.get("idle"))
        if reason:
            return reason if reason == UNRECORDED else f"{row['peer']} {row['variant']}: {reason}"
    for row in filter(None, (best(rows, OURS.name), best_peer(rows))):
        if row["spread"] is not None and row["spread"] > SPREAD:
            return f"{row['peer']} {row['variant']}: passes differ by {100 * row['spread']:.0f} %"
    return ""
