"""One thread on each processor.

A scheduler may leave threads that live for milliseconds on the processor where they were started, all on one; then a
machine would look half as fast as it is.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence


def start(works: Sequence[Callable[[], object]]) -> list[threading.Thread]:
    """A started thread for each of the works, on processors of their own as far as they go and the system can do it."""
    places = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]
    team = [
        threading.Thread(target=_run, args=(work, places[i % len(places)]), daemon=True) for i, work in enumerate(works)
    ]
    for member in team:
        member.start()
    return team


def _run(work: Callable[[], object], place: int | None) -> None:
    if place is not None:
        os.sched_setaffinity(0, {place})  # of this thread alone
    work()
