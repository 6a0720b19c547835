"""Locks that are open in a forked child: who held one when the process forked is not there to open it.

The lock of LLVM is another matter, since what a thread has begun in LLVM nobody else can finish. Who forks waits for
it, and so does who ends the process, when LLVM frees its memory. It is here, and not where LLVM is used, because Python
has to be told before the process can end.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Any

_all: weakref.WeakSet[Any] = weakref.WeakSet()


def lock() -> threading.Lock:
    """A lock for a piece of memory that its holder leaves usable at any time, also in the middle of its work."""
    made = threading.Lock()
    _all.add(made)
    return made


def _open() -> None:
    for held in list(_all):
        held._at_fork_reinit()


llvm_lock = threading.RLock()
"""Held by the thread that uses LLVM."""

atexit.register(llvm_lock.acquire)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open)
    os.register_at_fork(before=llvm_lock.acquire, after_in_parent=llvm_lock.release, after_in_child=llvm_lock.release)
