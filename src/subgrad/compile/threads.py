"""Worker threads that stay: each runs its share of a program, without the interpreter lock."""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from subgrad.compile.cpu import default_threads
from subgrad.errors import ArgumentError

_chosen: int | None = None
_lock = threading.Lock()
_workers: list[SimpleQueue] = []


def set_threads(n: int | None) -> None:
    """How many threads the programs compiled from now on use; None for as many as there are processors.

    Raises `ArgumentError` for a number below 1.
    """
    global _chosen
    if n is not None and n < 1:
        raise ArgumentError(f"a program needs at least one thread, got {n}")
    _chosen = n


def get_threads() -> int:
    """How many threads a program may use: `set_threads`, or ``SUBGRAD_THREADS``, or the available processors."""
    return _chosen or default_threads()


def run_together(tasks: Sequence[Callable[[], object]]) -> None:
    """All tasks at once, the first in this thread. They may wait for each other.

    If the first is not made of Python code, Ctrl-C strikes before all of them or after the first, never in between.
    """
    first, *others = tasks
    with _lock:  # tasks that wait for each other must all be running: one team at a time
        while len(_workers) < len(others):
            _workers.append(_start())
        done: SimpleQueue = SimpleQueue()
        calls = [functools.partial(jobs.put, (task, done)) for jobs, task in zip(_workers, others, strict=False)]
        deque(map(operator.call, [*calls, first]), maxlen=0)  # one call of C, which Ctrl-C does not divide
        for _ in others:
            done.get()


def _start() -> SimpleQueue:
    jobs: SimpleQueue = SimpleQueue()
    threading.Thread(target=_work, args=(jobs,), name="subgrad", daemon=True).start()
    return jobs


def _work(jobs: SimpleQueue) -> None:
    while True:
        task, done = jobs.get()
        try:
            task()
        finally:
            done.put(None)


def _forget() -> None:
    """In a forked child the threads are gone, and the lock may be held by one of them."""
    global _lock
    _lock = threading.Lock()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@functools.cache
def yield_address() -> int:
    """The address of the system's function that offers the processor to another thread."""
    if sys.platform == "win32":
        return ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value or 0
    return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
