"""Rows of many requests in one call: what waits while a call runs goes into the next one together."""

from __future__ import annotations

import asyncio
import threading
import time
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
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="subgrad serve", daemon=True)
        self._thread.start()

    async def answer(self, model: Served, rows: np.ndarray) -> Columns:
        """The answers to the rows of a request, or its error: that of another request is none of its."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(model, rows, future))
        return await future

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        waiting = self._queue.get()
        while waiting is not None:
            batch, waiting = self._gather(waiting)
            self._answer(batch)
            waiting = waiting or self._queue.get()

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], _Waiting | None]:
        """The requests of a call, and the first one that does not go with them, if it is there already."""
        batch, rows, end = [first], len(first.rows), time.monotonic() + self._max_delay
        while rows < self._max_rows:
            try:
                left = end - time.monotonic()
                following = self._queue.get(timeout=left) if left > 0 else self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                self._queue.put(None)  # the end, once this is answered
                break
            rows += len(following.rows)
            if rows > self._max_rows or not following.goes_with(first):
                return batch, following
            batch.append(following)
        return batch, None

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
