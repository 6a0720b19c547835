"""Items of an iterator, fetched by a thread before they are asked for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

AHEAD = 8
"""How many items wait, at most."""


class Item(NamedTuple):
    """A value, and whether it is the last."""

    value: Any
    last: bool


class Prefetched:
    """The items of ``iterator``, in order.

    The thread looks one item further than it hands out, so that the last one is known as such. What the iterator raises
    is raised by `take`, after the items before it.
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._waiting: queue.Queue[Item | BaseException] = queue.Queue(AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fetch, args=(iterator,), daemon=True, name="batches")
        self._thread.start()
        self._ended = False

    def take(self, wait: bool = True) -> Item | None:
        """The next item; None if there is none any more, or, without ``wait``, none yet."""
        if self._ended:
            return None
        try:
            found = self._waiting.get(block=wait)
        except queue.Empty:
            return None
        if isinstance(found, BaseException):
            self._ended = True
            if isinstance(found, _End):
                return None
            raise found
        return found

    def close(self) -> None:
        """Fetch no more."""
        self._closed.set()
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._thread.join(timeout=1.0)

    def _fetch(self, iterator: Iterator[Any]) -> None:
        before: list[Any] = []
        try:
            for value in iterator:
                if before and not self._put(Item(before[0], last=False)):
                    return
                before = [value]
            end: BaseException = _End()
        except BaseException as error:  # also what ends a program: it belongs to whoever takes
            end = error
        for value in before:
            self._put(Item(value, last=isinstance(end, _End)))
        self._put(end)

    def _put(self, item: Item | BaseException) -> bool:
        while not self._closed.is_set():
            try:
                self._waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


class _End(Exception):
    """There is nothing more."""
