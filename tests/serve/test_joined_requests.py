"""Requests that wait go into one call; what goes wrong in it is said to those alone that it is wrong of."""

import asyncio
import threading

import numpy as np
import pytest

from subgrad.errors import DataError
from subgrad.serve.joined_requests import Batcher


class Model:
    """Doubles rows, and refuses negative ones; each call waits until it is let go."""

    def __init__(self):
        self.calls, self.begun, self.go = [], threading.Semaphore(0), threading.Event()

    def answer(self, rows):
        self.calls.append(rows[:, 0].tolist())
        self.begun.release()
        assert self.go.wait(10)
        if (rows < 0).any():
            raise DataError(f"{rows.min():g} is below 0")
        return {"double": 2 * rows}

    def is_same(self, a, b):
        return a.shape[1:] == b.shape[1:]


def answered(model, requests, max_rows=8, max_delay=0.0):
    """The answers to the requests, (model or None, rows), of which the first is under way when the others come."""
    batches = []

    async def run():
        batcher = Batcher(max_rows, max_delay, lambda *count: batches.append(count))
        tasks = []
        for of, rows in requests:
            array = np.array(rows, float).reshape(len(rows), -1)
            tasks.append(asyncio.create_task(batcher.answer(of or model, array)))
            if len(tasks) == 1 and not max_delay:
                await asyncio.to_thread(model.begun.acquire)
        await asyncio.sleep(0.01)  # all are handed over
        model.go.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(batcher.close)
        return [f if isinstance(f, Exception) else f["double"][:, 0].tolist() for f in found]

    return asyncio.run(run()), batches


def test_what_waits_goes_together():
    model = Model()
    found, batches = answered(model, [(None, [1]), (None, [2, 3]), (None, [4]), (None, [5])])
    assert found == [[2], [4, 6], [8], [10]]
    assert model.calls == [[1], [2, 3, 4, 5]]
    assert batches == [(1, 1), (4, 3)]


def test_a_call_has_so_many_rows_at_most():
    model = Model()
    found, _ = answered(model, [(None, [1]), (None, [2, 3]), (None, [4, 5]), (None, range(6, 12))], max_rows=4)
    assert found[3] == [12, 14, 16, 18, 20, 22]
    assert model.calls == [[1], [2, 3, 4, 5], [6, 7, 8, 9], [10, 11]]


def test_requests_wait_for_others_as_long_as_they_may():
    model = Model()
    found, _ = answered(model, [(None, [1]), (None, [2])], max_rows=2, max_delay=60.0)  # full before that
    assert (found, model.calls) == ([[2], [4]], [[1, 2]])


def test_no_request_has_the_error_of_another():
    model = Model()
    found, batches = answered(model, [(None, [1]), (None, [2]), (None, [-1]), (None, [3])])
    assert [found[0], found[1], found[3]] == [[2], [4], [6]]
    assert isinstance(found[2], DataError)
    assert str(found[2]) == "-1 is below 0"
    assert model.calls == [[1], [2, -1, 3], [2], [-1], [3]]
    assert batches == [(1, 1)] * 3


def test_rows_of_other_shapes_and_models_do_not_go_together():
    model, other = Model(), Model()
    other.go.set()
    found, _ = answered(model, [(None, [1]), (None, [2]), (other, [3]), (other, [[4, 4]]), (other, [[5, 5]])])
    assert found == [[2], [4], [6], [8], [10]]
    assert (model.calls, other.calls) == ([[1], [2]], [[3], [4, 5]])


def test_who_goes_away_does_not_disturb():
    async def run():
        model = Model()
        batcher = Batcher(8, 0.0, lambda *_: None)
        gone, stays = (asyncio.create_task(batcher.answer(model, np.ones((1, 1)))) for _ in range(2))
        await asyncio.sleep(0.01)
        gone.cancel()
        model.go.set()
        assert (await stays)["double"].tolist() == [[2.0]]
        with pytest.raises(asyncio.CancelledError):
            await gone
        batcher.close()

    asyncio.run(run())
