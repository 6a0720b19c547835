"""What compiling a training step takes, for every side that compiles: with nothing kept, and from what a run before
kept on disk."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bench.peers import Peer
from bench.spawn import ChildError, ask
from bench.work.workloads import Workload

COMPILED = {"subgrad": ("native",), "torch": ("compile", "compile-step"), "jax": ("step", "scan")}
CHOSEN = ("W3", "W7", *(f"W{i}" for i in range(11, 19)))
ENOUGH = 5.0  # seconds of a compilation beyond which one is enough


def measure(
    workloads: Iterable[Workload], peers: Sequence[Peer], repeats: int, threads: int, say: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    """A row for each variant that compiles the workload: seconds ``cold`` and ``warm``."""
    found = {}
    for workload in workloads:
        rows = [_row(workload, p, v, repeats, threads) for p in peers for v in COMPILED.get(p.name, ())]
        found[workload.name] = [r for r in rows if not r.get("error", "").startswith(NotImplementedError.__name__)]
        for row in found[workload.name]:
            times = row.get("error") or f"cold {row['cold']:.3f} s, warm {row['warm']:.3f} s"
            say(f"{workload.name:4s} {row['peer']:8s} {row['variant']:14s} {times}")
    return found


def _row(workload: Workload, peer: Peer, variant: str, repeats: int, threads: int) -> dict[str, Any]:
    row = {"workload": workload.name, "peer": peer.name, "variant": variant}
    arguments = peer.name, variant, workload.name
    try:
        with tempfile.TemporaryDirectory(prefix="bench") as kept:
            cold = _median(lambda: _fresh(arguments, threads), repeats)
            _compiled(arguments, threads, kept)
            warm = _median(lambda: _compiled(arguments, threads, kept), repeats)
    except ChildError as error:
        return {**row, "error": str(error)}
    return {**row, "cold": cold, "warm": warm}


def _median(once: Callable[[], float], repeats: int) -> float:
    times = [once()]
    while len(times) < repeats and times[0] < ENOUGH:
        times.append(once())
    return statistics.median(times)


def _fresh(arguments: tuple[str, ...], threads: int) -> float:
    with tempfile.TemporaryDirectory(prefix="bench") as empty:
        return _compiled(arguments, threads, empty)


def _compiled(arguments: tuple[str, ...], threads: int, folder: str) -> float:
    """Seconds, with each side's own cache of compiled programs in the folder."""
    caches = {
        "SUBGRAD_CACHE": f"{folder}/subgrad", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/torch",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }  # fmt: skip
    return ask("compiling", *arguments, threads=threads, **caches)["seconds"]
