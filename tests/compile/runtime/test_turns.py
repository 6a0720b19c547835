import threading
import time

import numpy as np
import pytest

from subgrad.compile.runtime import turns
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder


@pytest.fixture
def sleeps(monkeypatch):
    """How often a thread slept, while the clock is the list's next number."""
    found, clock = [], []
    monkeypatch.setattr(turns, "_turn", 0.0)
    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.pop(0))
    return clock, found


def test_a_thread_rests_once_in_a_turn_if_there_is_another(sleeps, monkeypatch):
    clock, found = sleeps
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    clock[:] = 1.0, 1.001, 1.004, 1.006, 1.007
    for _ in range(5):
        turns.end_turn()
    assert found == [turns.REST] * 2


def test_a_thread_that_is_alone_does_not_rest(sleeps, monkeypatch):
    clock, found = sleeps
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    clock[:] = 1.0, 2.0
    for _ in range(2):
        turns.end_turn()
    assert found == []


@pytest.mark.parametrize("kind", [Interpreter, Program])
def test_a_loop_of_short_calls_lets_other_threads_in(kind):
    x, w = placeholder((2, 16), "float32"), placeholder((16, 16), "float32")
    y = x
    for _ in range(7):
        y = y @ w
    run, arrays = kind([x, w], [y]), [np.ones(n.shape, np.float32) for n in (x, w)]
    calls, stop = [0], threading.Event()

    def loop():
        while not stop.is_set():
            run(arrays)
            calls[0] += 1

    run(arrays)
    thread = threading.Thread(target=loop)
    thread.start()
    total = 0
    for i in range(100_000):  # some four turns
        total += i
    stop.set()
    thread.join()
    assert calls[0] < 20_000  # a few hundred; a million or so where the loop keeps others out
