"""How fast this machine can multiply and add at all, on so many threads at once."""

from __future__ import annotations

import threading
import time

from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.peak import fma_probe, probe_flops

ROUNDS = 500_000  # some 2 ms
ATTEMPTS = 200


def measure_limit(threads: int) -> float:
    """float32 operations a second, two for each multiply-add, of so many threads at once: the best of many attempts."""
    runs = [fma_probe(host()) for _ in range(threads)]
    return probe_flops(host(), ROUNDS) * threads / min(_together(runs) for _ in range(ATTEMPTS))


def _together(runs: list) -> float:
    team = [threading.Thread(target=run, args=(ROUNDS,)) for run in runs]
    began = time.perf_counter()
    for member in team:
        member.start()
    for member in team:
        member.join()
    return time.perf_counter() - began
