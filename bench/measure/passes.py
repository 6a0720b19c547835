"""Interleaved passes over a workload, each side in a process of its own that waits for its turn: every variant once,
then every variant again, so that a slow spell hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

from bench.measure.idle import Watch, crowded, disturbed
from bench.peers import Peer
from bench.spawn import Child, ChildError, load
from bench.work.workloads import Workload

Row = dict[str, Any]
Say = Callable[[str], None]

BEATEN = 1.5
"""How many times as long as another of its peer's variants one takes, in the first round, that is in no further one."""


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
    with ExitStack() as running:
        sides = [(row, running.enter_context(side)) for row in rows if (side := _ready(row, settings, watch))]
        say(f"{workload.name}: {len(sides)} variants are ready")
        for i in range(settings.passes):
            for row, side in sides if i % 2 == 0 else reversed(sides):
                if "error" not in row and not (i and _is_beaten(row, rows)):
                    _one(row, side, settings, watch)
        for row, side in sides:
            row["peak_bytes"] = None if "error" in row else side.finish()["peak_bytes"]
    for row in rows:
        say(_line(row))
    return [_closed(row) for row in rows if not row.get("error", "").startswith(NotImplementedError.__name__)]


def _variants(peer: Peer, workload: Workload, avx2: bool) -> list[str]:
    held = [f"{v}-avx2" for v in ("native",) if avx2 and peer.name == "subgrad"]
    return peer.variants(workload) + held


def _row(workload: Workload, peer: Peer, variant: str) -> Row:
    return {"workload": workload.name, "peer": peer.name, "variant": variant, "passes": []}


def _ready(row: Row, settings: Settings, watch: Watch) -> Child | None:
    """A process that has set the row's variant up and waits; None, and the error in the row, if it cannot."""
    variant, alone, _ = row["variant"].partition("@")
    side = Child("measure", row["peer"], variant, row["workload"], settings.seconds, settings.percentile,
                 threads=1 if alone else settings.threads, SUBGRAD_CACHE=settings.cache,
                 TORCHINDUCTOR_CACHE_DIR=f"{settings.cache}/torch")  # fmt: skip
    try:
        found, look = watch.around(lambda: side.hear("READY"))
    except ChildError as error:
        row["error"] = str(error)
        side.end()
        return None
    row.update(answers=found["answers"], setup=None if crowded(look) else found["setup"])
    return side


def _one(row: Row, side: Child, settings: Settings, watch: Watch) -> None:
    """Add a pass, or the error. A disturbed one is kept if all attempts were."""
    try:
        for _ in range(1 + settings.retries):
            with load(settings.threads) if settings.busy else nullcontext():
                found, look = watch.around(side.once)
            if settings.busy or not disturbed(look):
                break
    except ChildError as error:
        row["error"] = str(error)
    else:
        row["passes"].append({**found, "idle": look})


def _is_beaten(row: Row, rows: Sequence[Row]) -> bool:
    """Whether a variant cannot be its peer's best: JAX's scan of ResNet-20 takes minutes a pass, 25 times its step."""
    firsts = [r["passes"][0]["seconds"] for r in rows if r["peer"] == row["peer"] and r["passes"]]
    return row["passes"][0]["seconds"] > BEATEN * min(firsts)


def _line(row: Row) -> str:
    head = f"{row['workload']:4s} {row['peer']:12s} {row['variant']:16s}"
    if "error" in row:
        return f"{head} {row['error']}"
    times = " ".join(f"{p['seconds'] * 1e6:.2f}" for p in row["passes"])
    setup = "" if row["setup"] is None else f"  set-up {row['setup']:.2f} s"
    return f"{head} {times} us{setup}  {_answers(row['answers'])}  {_idle(_usual(row['passes']))}"


def _idle(look: dict[str, Any]) -> str:
    others = "" if look["others"] is None else f", others {100 * look['others']:.0f} %"
    return f"({100 * look['share']:.0f} % of the best rate beside it{others})"


def _answers(answers: Sequence[float]) -> str:
    return " ".join(f"{a:.5g}" for a in answers[:2])


def _closed(row: Row) -> Row:
    """``seconds`` is the median of the passes; ``spread`` is how far the slowest of them lies above the fastest, None
    if there was one. How idle the machine was is the median of the passes, too."""
    passes = row.pop("passes")
    if "error" in row:
        return row
    times = [p["seconds"] for p in passes]
    spread = max(times) / min(times) - 1 if len(times) > 1 else None
    return {**row, "seconds": statistics.median(times), "times": times, "spread": spread, "idle": _usual(passes)}


def _usual(passes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    looks = [p["idle"] for p in passes]
    others = [look["others"] for look in looks if look["others"] is not None]
    share = statistics.median(look["share"] for look in looks)
    return {"share": share, "others": statistics.median(others) if others else None}
