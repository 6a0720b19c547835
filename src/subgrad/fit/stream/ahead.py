"""The next item of an iterator, made by a thread while the one before it is used: there are two at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Ahead:
    """The items of the iterator that ``make`` gives; the thread begins with one when the one before it was taken.

    ``make`` is given an event, which tells the iterator to end.
    """

    def __init__(self, make: Callable[[threading.Event], Iterator[Any]]) -> None:
        self._stop = threading.Event()
        self._pool, self._iterator = ThreadPoolExecutor(1, thread_name_prefix="rows"), make(self._stop)
        self._next: Future[Any] = self._pool.submit(self._make)

    def take(self) -> Any:
        """The next item; None after the last. What the iterator raises is raised here."""
        found = self._next.result()
        if found is not None:
            self._next = self._pool.submit(self._make)
        return found

    def close(self) -> None:
        """Make no more."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self) -> Any:
        return next(self._iterator, None)
