"""Interleaved passes over a workload: every peer once, then every peer again, so that a slow spell hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from bench.measure.idle import Watch, disturbed
from bench.peers import Peer
from bench.spawn import ChildError, ask, load
from bench.work.workloads import Workload

Row = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How each pass is taken: see the options of `bench.cli`. With ``busy`` another program runs beside it; a pass that
    was disturbed otherwise is taken again, up to ``retries`` times."""

    passes: int
    seconds: float
    percentile: float
    threads: int
    cache: str
    avx2: bool
    busy: bool
    retries: int


def measure(workload: Workload, peers: Sequence[Peer], settings: Settings, watch: Watch, say: Say) -> list[Row]:
    """One row for each peer and variant that knows the workload's layers: medians over the passes, or the error."""
    variants = [(peer, v) for peer in peers for v in _variants(peer, workload, settings.avx2)]
    rows = [_row(workload, peer, variant) for peer, variant in variants]
    for i in range(settings.passes):
        for row in rows if i % 2 == 0 else reversed(rows):
            if "error" not in row:
                _one(row, settings, watch)
                say(_line(row))
    return [_closed(row) for row in rows if not row.get("error", "").startswith(NotImplementedError.__name__)]


def _variants(peer: Peer, workload: Workload, avx2: bool) -> list[str]:
    held = [f"{v}-avx2" for v in ("native",) if avx2 and peer.name == "subgrad"]
    return peer.variants(workload) + held


def _row(workload: Workload, peer: Peer, variant: str) -> Row:
    return {"workload": workload.name, "peer": peer.name, "variant": variant, "passes": []}


def _one(row: Row, settings: Settings, watch: Watch) -> None:
    """Add a pass, or the error. A disturbed one is kept if all attempts were."""
    try:
        for _ in range(1 + settings.retries):
            found, look = watch.around(lambda: _asked(row, settings))
            if settings.busy or not disturbed(look, watch.limit):
                break
    except ChildError as error:
        row["error"] = str(error)
    else:
        row["passes"].append({**found, "idle": look})


def _asked(row: Row, settings: Settings) -> dict[str, Any]:
    variant, alone, _ = row["variant"].partition("@")
    with load(settings.threads) if settings.busy else nullcontext():
        return ask("measure", row["peer"], variant, row["workload"], settings.seconds, settings.percentile,
                   threads=1 if alone else settings.threads, SUBGRAD_CACHE=settings.cache,
                   TORCHINDUCTOR_CACHE_DIR=f"{settings.cache}/torch")  # fmt: skip


def _line(row: Row) -> str:
    head = f"{row['workload']:4s} {row['peer']:12s} {row['variant']:16s}"
    if "error" in row:
        return f"{head} {row['error']}"
    last = row["passes"][-1]
    time = f"{last['seconds'] * 1e6:12.2f} us  set-up {last['setup']:6.2f} s"
    return f"{head} {time}  {_answers(last['answers'])}  {_idle(last['idle'])}"


def _idle(look: dict[str, Any]) -> str:
    others = "" if look["others"] is None else f", others {100 * look['others']:.0f} %"
    return f"({look['rate'] / 1e9:.0f} GFLOP/s beside it{others})"


def _answers(answers: Sequence[float]) -> str:
    return " ".join(f"{a:.5g}" for a in answers[:2])


def _closed(row: Row) -> Row:
    """``seconds`` is the median of the passes; ``spread`` is how far the slowest of them lies above the fastest, None
    if there was one. Set-up and memory are those of the first pass, whose compiler caches were empty; how idle the
    machine was is that of the worst."""
    passes = row.pop("passes")
    if "error" in row:
        return row
    times = [p["seconds"] for p in passes]
    first = {k: passes[0][k] for k in ("setup", "peak_bytes", "answers")}
    spread = max(times) / min(times) - 1 if len(times) > 1 else None
    middle = {"seconds": statistics.median(times), "times": times, "spread": spread}
    return {**row, **first, **middle, "idle": _worst(passes)}


def _worst(passes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    looks = [p["idle"] for p in passes]
    others = [look["others"] for look in looks if look["others"] is not None]
    return {"rate": min(look["rate"] for look in looks), "others": max(others, default=None)}
