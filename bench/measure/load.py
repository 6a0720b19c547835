"""Another program on the same processors: a thread pinned to each of them multiplies matrices until it is ended.

    python -m bench.measure.load THREADS

With one thread for each BLAS call, as `bench.spawn.environment` sets it.
"""

from __future__ import annotations

import os
import sys
import threading

import numpy as np

SIZE = 256


def main(threads: int) -> None:
    places = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * threads
    for place in places[:threads]:
        threading.Thread(target=_multiply, args=(place,), daemon=True).start()
    print("READY", flush=True)
    threading.Event().wait()


def _multiply(place: int | None) -> None:
    if place is not None:
        os.sched_setaffinity(0, {place})  # of this thread alone
    a = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    product = np.empty_like(a)
    while True:
        np.matmul(a, a, out=product)


if __name__ == "__main__":
    main(int(sys.argv[1]))
