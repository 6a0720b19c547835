"""How fast this machine can multiply and add at all, on so many threads at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from bench.measure import pinned
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.peak import fma_probe, probe_flops

ROUNDS = 2_000_000  # some milliseconds: threads need 0.1 to start, and other programs take turns
ATTEMPTS = 100


class Probe:
    """Independent chains of fused multiply-adds in registers, in so many threads."""

    def __init__(self, threads: int) -> None:
        self._runs = [fma_probe(host()) for _ in range(threads)]

    def rate(self) -> float:
        """float32 operations a second, two for each multiply-add, of all threads together.

        Each thread looks at the clock itself: starting threads does not count, for a team that waits for work has
        them already. The slowest decides.
        """
        spans: list[float] = []

        def work(run: Callable[[int], None]) -> None:
            began = time.perf_counter()
            run(ROUNDS)
            spans.append(time.perf_counter() - began)

        team = pinned.start([partial(work, run) for run in self._runs])
        for member in team:
            member.join()
        return probe_flops(host(), ROUNDS) * len(team) / max(spans)

    def best(self) -> float:
        return max(self.rate() for _ in range(ATTEMPTS))
