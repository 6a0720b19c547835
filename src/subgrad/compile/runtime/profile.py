"""Where a program spends its time: cycles of each kernel, and how near they come to what the machine can do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad.compile.kernels.arena import aligned_copy
from subgrad.compile.kernels.kernel import Kernel
from subgrad.compile.kernels.schedule import Slot, products


@dataclass(frozen=True)
class Row:
    """One kernel: microseconds a step on the first thread, its share of the step, GFLOP/s of its contraction (of all
    threads together), and that over the machine's limit."""

    kernel: str
    microseconds: float
    share: float
    gflops: float
    of_limit: float


@dataclass(frozen=True)
class Profile:
    """The kernels in order, the microseconds ``between`` them (at barriers, and copying results), and the limit: the
    rate of one core in fused multiply-adds, times the threads."""

    rows: list[Row]
    microseconds: float
    limit: float
    between: float

    def __str__(self) -> str:
        lines = [f"{self.microseconds:.1f} us a step; limit {self.limit:.0f} GFLOP/s"]
        for r in self.rows:
            rate = f"{r.gflops:7.1f} GFLOP/s {r.of_limit:4.0%}" if r.gflops else " " * 20
            lines.append(f"{r.microseconds:9.2f} us {r.share:4.0%} {rate}  {r.kernel}")
        share = self.between / max(self.microseconds, 1e-9)
        lines.append(f"{self.between:9.2f} us {share:4.0%} {'':20}  between kernels")
        return "\n".join(lines)


def profile(
    run: Callable[[Sequence[np.ndarray], int], Any], cycles: np.ndarray, slots: Sequence[tuple[Slot, int]],
    limit: float, arrays: Sequence[np.ndarray], steps: int,
) -> Profile:  # fmt: skip
    """Time ``run(arrays, steps)``, which counts the ``cycles`` of each of the ``slots``, on copies of ``arrays``."""
    copies = [aligned_copy(a) for a in arrays]
    run(copies, steps)  # once to warm the caches
    cycles[:] = 0
    start = time.perf_counter()
    run(copies, steps)
    total = 1e6 * (time.perf_counter() - start) / steps
    *share, between = (cycles / max(1, cycles.sum())).tolist()
    rows = [_row(k.kernel, times, s * total, s, limit) for (k, times), s in zip(slots, share, strict=True)]
    return Profile(rows, total, limit, between * total)


def _row(kernel: Kernel, times: int, microseconds: float, share: float, limit: float) -> Row:
    flops = 2 * products(kernel)
    rate = times * flops / max(microseconds, 1e-3) / 1e3
    return Row(f"{times} x {kernel}" if times > 1 else str(kernel), microseconds, share, rate, rate / limit)


__all__ = ["Profile", "Row", "profile"]
