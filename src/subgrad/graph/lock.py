"""Locks that are open in a forked child: who held one when the process forked is not there to open it."""

from __future__ import annotations

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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open)
