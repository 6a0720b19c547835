"""Rows of many requests in one call: what waits while a call runs goes into the next one together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from subgrad.serve.served import Columns, Served


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The rows of a request, the model that has read them, and where the answers go."""

    model: Served
    rows: np.ndarray
    answer: asyncio.Future[Columns]

    def goes_with(self, other: _Waiting) -> bool:
        return self.model is other.model and self.model.is_same(self.rows, other.rows)


class Batcher:
    """A queue, and one thread that answers it.

    Args:
        max_rows: of a call. The rows of a longer request take several.
        max_delay: seconds that the first request of a call waits for more of them; with 0 only those that are there
            already join.
        count: is told the rows and the requests of each call.
    """

    def __init__(self, max_rows: int, max_delay: float, count: Callable[[int, int], Any]) -> None:
        self._max_rows, self._max_delay, self._count = max_rows, max_delay, count
        self._new: list[_Waiting] = []  # since the loop last looked
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="subgrad serve", daemon=True)
        self._thread.start()

    async def answer(self, model: Served, rows: np.ndarray) -> Columns:
        """The answers to the rows of a request, or its error: that of another request is none of its."""
        loop = asyncio.get_running_loop()
        if not self._new:
            loop.call_soon(self._hand_over)
        future = loop.create_future()
        self._new.append(_Waiting(model, rows, future))
        return await future

    def _hand_over(self) -> None:
        """All requests that came at once, so that the thread wakes up once for them."""
        self._queue.put(self._new)
        self._new = []

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        waiting: deque[_Waiting] = deque()
        goes_on = True
        while goes_on or waiting:
            goes_on = goes_on and self._gather(waiting)
            if waiting:
                self._answer(self._call_of(waiting))

    def _gather(self, waiting: deque[_Waiting]) -> bool:
        """Add what comes until it is enough for a call, or its time is over; whether more can come."""
        end = time.monotonic() + self._max_delay if waiting else None
        while sum(len(w.rows) for w in waiting) < self._max_rows:
            try:
                new = self._queue.get(True, None if end is None else max(0.0, end - time.monotonic()))
            except Empty:
                break
            if new is None:
                return False
            waiting.extend(new)
            end = time.monotonic() + self._max_delay if end is None else end
        return True

    def _call_of(self, waiting: deque[_Waiting]) -> list[_Waiting]:
        """The requests of the next call, taken from the front."""
        batch = [waiting.popleft()]
        rows = len(batch[0].rows)
        while waiting and rows + len(waiting[0].rows) <= self._max_rows and waiting[0].goes_with(batch[0]):
            rows += len(waiting[0].rows)
            batch.append(waiting.popleft())
        return batch

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        model, rows = batch[0].model, [w.rows for w in batch]
        try:
            found = self._called(model, rows[0] if len(rows) == 1 else np.concatenate(rows))
        except Exception as error:
            if len(batch) == 1:
                _deliver([(batch[0], error)])
                return
            for each in batch:
                self._answer([each])
            return
        ends = np.cumsum([len(r) for r in rows]).tolist()
        parts = [{name: a[e - len(r) : e] for name, a in found.items()} for r, e in zip(rows, ends, strict=True)]
        self._count(ends[-1], len(batch))
        _deliver(zip(batch, parts, strict=True))

    def _called(self, model: Served, rows: np.ndarray) -> Columns:
        """In several calls if there are too many rows for one."""
        if len(rows) <= self._max_rows:
            return model.answer(rows)
        parts = [model.answer(rows[i : i + self._max_rows]) for i in range(0, len(rows), self._max_rows)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _deliver(results: Iterable[tuple[_Waiting, Columns | Exception]]) -> None:
    """In the loop that waits for them, all at once."""
    found = list(results)
    found[0][0].answer.get_loop().call_soon_threadsafe(_set, found)


def _set(results: Iterable[tuple[_Waiting, Columns | Exception]]) -> None:
    for waiting, result in results:
        if waiting.answer.done():
            continue  # who has asked is gone
        if isinstance(result, Exception):
            waiting.answer.set_exception(result)
        else:
            waiting.answer.set_result(result)


__all__ = ["Batcher"]
