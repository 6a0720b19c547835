"""Products of matrices in one thread each, where they are small, or several threads make them."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """BLAS stays in the calling thread, if threadpoolctl is there to tell it, which the extras kinks and verify have.

    Where other programs run, threads that wait for each other make a product take ten times as long.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return contextlib.nullcontext()
    return threadpool_limits(1, "blas")


__all__ = ["one_thread"]
