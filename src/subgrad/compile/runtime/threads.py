"""Worker threads that stay: each runs its share of a program, without the interpreter lock."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from numbers import Integral
from queue import SimpleQueue

import numpy as np

from subgrad.compile.runtime import team
from subgrad.compile.runtime.cpu import default_threads
from subgrad.errors import ArgumentError
from subgrad.graph.lock import lock
from subgrad.validators import shown

BARRIER = 128  # bytes at the start of what threads wait for each other by: how many have come, and which round it is

_chosen: int | None = None
_lock = lock()  # shares that wait for each other must all be running: one team at a time
_workers: list[_Worker] = []
_teams: weakref.WeakSet[Team] = weakref.WeakSet()


def set_threads(n: int | None) -> None:
    """How many threads the programs compiled from now on use; None for as many as there are processors.

    Raises `ArgumentError` for what is no whole number, or one below 1.
    """
    global _chosen
    if n is not None and (isinstance(n, bool) or not isinstance(n, Integral) or n < 1):
        raise ArgumentError(f"a program needs at least one thread, got {shown(n):.100}")
    _chosen = None if n is None else int(n)


def get_threads() -> int:
    """How many threads a program may use: `set_threads`, or ``SUBGRAD_THREADS``, or the available processors, of which
    ``OMP_NUM_THREADS`` may grant some."""
    return _chosen or default_threads()


class Team:
    """So many threads that run shares of one native function: ``run(table, thread, steps, sync)`` in each of them.

    The shares run at once, that of thread 0 in the calling thread, and may wait for each other. All of it is one call
    of native code: Ctrl-C strikes before it or after it. ``once()`` is ``run(1)``,
    and for a single thread nothing but that call; where that is ``brief``, it keeps the interpreter's lock. ``kept`` is
    what must live as long as the team.
    """

    def __init__(self, n: int, run: int, table: int, sync: int, kept: object = None, brief: bool = False) -> None:
        with _lock:
            while len(_workers) < n - 1:
                _workers.append(_Worker())
            self._others = _workers[: n - 1]
        slots = (w.address for w in self._others)
        frame = np.array([run, table, 1, sync, *waiting(), n - 1, *slots], np.int64)
        self._kept, self._sync, at = kept, sync, frame.ctypes.data
        if n > 1:
            _teams.add(self)
            team.serve()  # there before a worker needs it: who waits for a worker holds the lock
        self._shares = functools.partial(_run, frame, at, team.together(False), self._others)
        # not a method of this object, which would then hold itself, and all that is kept, until cycles are looked for
        self.once: Callable[[], object] = functools.partial(team.together(brief), at) if n == 1 else self._shares

    def run(self, steps: int = 1) -> None:
        """Run all shares, and come back when the last one has ended."""
        self._shares(steps)

    def forget(self) -> None:
        """In a forked child nobody waits: the shares that ran when the process forked did not come along."""
        if self._sync:
            ctypes.memset(self._sync, 0, BARRIER)


class _Worker:
    """A thread of Python that waits in native code, or sleeps in Python."""

    def __init__(self) -> None:
        self._room = np.zeros(2 * team.SLOT, np.int64)
        self.address = -(-self._room.ctypes.data // (8 * team.SLOT)) * 8 * team.SLOT
        self._state = ctypes.c_int64.from_address(self.address)
        self._calls: SimpleQueue[SimpleQueue] = SimpleQueue()
        self._started = False

    def call(self, answers: SimpleQueue) -> bool:
        """Ask for the thread, if it sleeps; it answers as soon as it waits for work."""
        if self._state.value != team.PARKED:
            return False
        if not self._started:
            threading.Thread(target=self._work, name="subgrad", daemon=True).start()
            self._started = True  # not before: where the system has no thread left, the next call tries again
        self._calls.put(answers)
        return True

    def _work(self) -> None:
        serve, offer = team.serve(), yield_address()
        while True:
            answers = self._calls.get()
            self._state.value = team.WAITING
            answers.put(None)
            serve(self.address, offer)

    def forget(self) -> None:
        """In a forked child there is no such thread."""
        self._state.value, self._started, self._calls = 0, False, SimpleQueue()


def _run(frame: np.ndarray, at: int, together: Callable[[int], int], others: Sequence[_Worker], steps: int = 1) -> None:
    with _lock:
        frame[team.STEPS] = steps
        while not together(at):
            _wake(others)
        frame[team.STEPS] = 1


def _wake(workers: Sequence[_Worker]) -> None:
    answers: SimpleQueue = SimpleQueue()
    for _ in range(sum([w.call(answers) for w in workers])):
        answers.get()


def _forget() -> None:
    for w in _workers:
        w.forget()
    for t in list(_teams):
        t.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def waiting() -> tuple[int, int]:
    """The addresses of the functions by which a thread sleeps, and wakes others: see `team.sleep_and_wake`."""
    return team.sleep_and_wake(yield_address())


@functools.cache
def yield_address() -> int:
    """The address of the system's function that offers the processor to another thread."""
    if sys.platform == "win32":
        return ctypes.cast(ctypes.windll.kernel32.SwitchToThread, ctypes.c_void_p).value or 0
    return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
