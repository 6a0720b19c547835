"""Ctrl-C that waits until a call of the engine is over: in its middle, parameters and their step number differ."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Interrupts:
    """Inside of ``with``, the first Ctrl-C within `later` is raised at its end; another one at once.

    Attributes:
        within: whether `later` is being run, or was broken off.
    """

    def __init__(self) -> None:
        self.within = False
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if usual and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._hear)
        self.within = self._waiting = False
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    @contextlib.contextmanager
    def later(self) -> Iterator[None]:
        """What is not to be broken off."""
        self.within = True
        yield
        self.within = False
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt

    def _hear(self, number: int, frame: Any) -> None:
        if not self.within or self._waiting:
            raise KeyboardInterrupt
        self._waiting = True
