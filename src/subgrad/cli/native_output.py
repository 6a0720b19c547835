"""What native libraries print by themselves: HiGHS has lines that it prints whatever it is told."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def off_standard_output() -> Iterator[None]:
    """Meanwhile, what native code prints to standard output goes to standard error."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is none
        yield
        return
    try:
        with contextlib.suppress(OSError):  # no standard error
            os.dup2(2, 1)
        yield
    finally:
        _buffers_of_c().fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _buffers_of_c() -> ctypes.CDLL:
    """The library whose buffers native code prints to."""
    return ctypes.CDLL("ucrtbase" if os.name == "nt" else None)
