"""Ctrl-C that waits until a call of the engine is over: in its middle, parameters and their step number differ.

SIGTERM, with which clusters end jobs, may be heard as Ctrl-C is, for who has something to save before the process ends.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


class Interrupts:
    """Inside of ``with``, the first Ctrl-C within `later` is raised at its end; another one at once.

    Args:
        terminates: whether SIGTERM is raised as Ctrl-C is; who catches that calls `go_on` when all is saved.

    Attributes:
        within: whether `later` is being run, or was broken off.
    """

    def __init__(self, terminates: bool = False) -> None:
        self.within = False
        self._waiting = self._ends = False
        self._usual: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
        if terminates:
            self._usual[signal.SIGTERM] = signal.SIG_DFL
        self._heard: list[int] = []

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._heard = [number for number, usual in self._usual.items() if signal.getsignal(number) is usual]
            for number in self._heard:
                signal.signal(number, self._hear)
        self.within = self._waiting = False
        return self

    def __exit__(self, *error: object) -> None:
        while self._heard:
            number = self._heard.pop()
            signal.signal(number, self._usual[number])

    def go_on(self) -> None:
        """Behind ``with``: end the process, if SIGTERM has asked for that."""
        if self._ends:
            signal.raise_signal(signal.SIGTERM)

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
        self._ends = self._ends or number == signal.SIGTERM
        if not self.within or self._waiting:
            raise KeyboardInterrupt
        self._waiting = True
