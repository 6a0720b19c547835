"""Interleaved passes over a workload: every peer once, then every peer again, so that a slow spell hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from bench.peers import Peer
from bench.spawn import ChildError, ask
from bench.workloads import Workload

Row = dict[str, Any]
Say = Callable[[str], None]


def measure(
    workload: Workload, peers: Sequence[Peer], *, passes: int, seconds: float, percentile: float, threads: int,
    cache: str, avx2: bool, say: Say,
) -> list[Row]:  # fmt: skip
    """One row for each peer and variant that knows the workload's layers: medians over the passes, or the error."""
    rows = [_row(workload, peer, variant) for peer in peers for variant in _variants(peer, workload, avx2)]
    for i in range(passes):
        for row in rows if i % 2 == 0 else reversed(rows):
            if "error" not in row:
                _one(row, seconds, percentile, threads, cache)
                say(_line(row))
    return [_closed(row) for row in rows if not row.get("error", "").startswith(NotImplementedError.__name__)]


def _variants(peer: Peer, workload: Workload, avx2: bool) -> list[str]:
    held = [f"{v}-avx2" for v in ("native",) if avx2 and peer.name == "subgrad"]
    return peer.variants(workload) + held


def _row(workload: Workload, peer: Peer, variant: str) -> Row:
    return {"workload": workload.name, "peer": peer.name, "variant": variant, "passes": []}


def _one(row: Row, seconds: float, percentile: float, threads: int, cache: str) -> None:
    variant, alone, _ = row["variant"].partition("@")
    try:
        found = ask("measure", row["peer"], variant, row["workload"], seconds, percentile,
                    threads=1 if alone else threads, SUBGRAD_CACHE=cache,
                    TORCHINDUCTOR_CACHE_DIR=f"{cache}/torch")  # fmt: skip
    except ChildError as error:
        row["error"] = str(error)
    else:
        row["passes"].append(found)


def _line(row: Row) -> str:
    head = f"{row['workload']:4s} {row['peer']:12s} {row['variant']:16s}"
    if "error" in row:
        return f"{head} {row['error']}"
    last = row["passes"][-1]
    return f"{head} {last['seconds'] * 1e6:12.2f} us  set-up {last['setup']:6.2f} s  {_answers(last['answers'])}"


def _answers(answers: Sequence[float]) -> str:
    return " ".join(f"{a:.5g}" for a in answers[:2])


def _closed(row: Row) -> Row:
    """``seconds`` is the median of the passes; ``spread`` is how far the slowest of them lies above the fastest, None
    if there was one. Set-up and memory are those of the first pass, whose compiler caches were empty."""
    passes = row.pop("passes")
    if "error" in row:
        return row
    times = [p["seconds"] for p in passes]
    first = {k: passes[0][k] for k in ("setup", "peak_bytes", "answers")}
    spread = max(times) / min(times) - 1 if len(times) > 1 else None
    return {**row, **first, "seconds": statistics.median(times), "times": times, "spread": spread}
