"""Another program on the same processors: a thread pinned to each of them multiplies matrices until it is ended.

    python -m bench.measure.load THREADS

With one thread for each BLAS call, as `bench.spawn.environment` sets it.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from bench.measure import pinned

SIZE = 256


def main(threads: int) -> None:
    pinned.start([_multiply] * threads)
    print("READY", flush=True)
    threading.Event().wait()


def _multiply() -> None:
    a = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    product = np.empty_like(a)
    while True:
        np.matmul(a, a, out=product)


if __name__ == "__main__":
    main(int(sys.argv[1]))
