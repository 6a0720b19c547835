"""Threads of Python take turns, also beside one that gives its turn up all the time, for a moment each.

CPython wakes who waits for the interpreter's lock when the lock is given up, and that takes the system some 50 us. Who
is too late waits anew, and asks for the lock by force only after 5 ms in which nobody woke it. So a loop of calls that
give the lock up for a few microseconds, as each product of small matrices in NumPy does, lets nobody else in: a fit of
7 ms took 20 s beside a loop of small predictions.
"""

from __future__ import annotations

import sys
import threading
import time

REST = 1e-4
"""Seconds in which a thread that waits for the lock is awake and has it, at most once in a turn (5 ms)."""

_turn = 0.0


def end_turn() -> None:
    """Let another thread in, if there is one and this one may have kept it out for a whole turn."""
    global _turn
    now = time.perf_counter()
    if now - _turn > sys.getswitchinterval():
        _turn = now
        if threading.active_count() > 1:
            time.sleep(REST)
