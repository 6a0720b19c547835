"""Locks that are open in a forked child: who held one when the process forked is not there to open it.

The lock of LLVM is another matter, since what a thread has begun in LLVM nobody else can finish. Who forks waits for
it, and so does who ends the process, when LLVM frees its memory. It is here, and not where LLVM is used, because Python
has to be told before the process can end.
"""

from __future__ import annotations

import atexit
import os
import sys
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


def _close_llvm() -> None:
    """Wait until no thread is in LLVM, and let none in: not those that compile, which hold the lock above, nor those
    whose garbage collector frees something of llvmlite's, which holds a lock of its own for each call."""
    llvm_lock.acquire()
    if own := lock_of_llvmlite():
        own.__enter__()


def _open_llvm() -> None:
    if own := lock_of_llvmlite():
        own.__exit__(None, None, None)
    llvm_lock.release()


def lock_of_llvmlite() -> Any:
    """None before llvmlite is loaded. llvmlite has no public name for it: the tests see if this one is gone."""
    library = getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None)
    return getattr(library, "_lock", None)


atexit.register(_close_llvm)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open)
    os.register_at_fork(before=_close_llvm, after_in_parent=_open_llvm, after_in_child=_open_llvm)
