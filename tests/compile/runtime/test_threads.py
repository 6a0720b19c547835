"""Threads: how many, all at once, the same bits whatever their number, and sound after fork, spawn and Ctrl-C."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.codegen import barrier
from subgrad.compile.runtime import threads
from subgrad.compile.runtime.program import Program
from subgrad.compile.runtime.team import PARKED
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import placeholder

SIZE = 48


@pytest.fixture(autouse=True)
def _usual_threads():
    yield
    sg.set_threads(None)


def network_program(n_threads, dtype="float32"):
    """A loss and its gradient, of every kind of kernel: contractions, reductions, maps."""
    x, w = placeholder((SIZE, SIZE), dtype), placeholder((SIZE, SIZE), dtype)
    loss = sg.logsumexp(sg.tanh(x @ w) @ w, 1).mean()
    return Program([x, w], [loss, *sg.grad(loss, [x, w])], n_threads=n_threads)


def data(dtype="float32"):
    rng = np.random.default_rng(3)
    return [rng.standard_normal((SIZE, SIZE)).astype(dtype) for _ in range(2)]


def bits(arrays):
    return [a.tobytes() for a in arrays]


def test_set_threads_is_what_programs_may_use():
    sg.set_threads(3)
    assert sg.get_threads() == 3
    sg.set_threads(None)
    assert sg.get_threads() >= 1


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "two"])
def test_less_than_one_thread_is_refused(n):
    with pytest.raises(ArgumentError, match=f"at least one thread, got {n!r}"):
        sg.set_threads(n)


def test_the_environment_names_a_number(monkeypatch):
    monkeypatch.setenv("SUBGRAD_THREADS", "5")
    assert sg.get_threads() == 5
    monkeypatch.setenv("SUBGRAD_THREADS", "many")
    with pytest.raises(ArgumentError, match="SUBGRAD_THREADS=many: expected a positive integer"):
        sg.get_threads()


def test_a_tiny_program_stays_on_one_thread_and_a_large_one_does_not():
    sg.set_threads(4)
    small, large = placeholder((4, 4), "float32"), placeholder((512, 512), "float32")
    assert Program([small], [small @ small]).n_threads == 1
    assert Program([small], [small @ small]).executable.brief
    assert not Program([large], [large @ large], n_threads=1).executable.brief
    assert Program([large], [large @ large]).n_threads == 4


SHARE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)


def team_of(n, share):
    """A team whose shares call ``share(thread, steps)``."""
    run = SHARE(lambda table, thread, steps, sync: share(thread, steps))
    return threads.Team(n, ctypes.cast(run, ctypes.c_void_p).value, 0, 0, kept=run)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_shares_run_at_once_each_in_its_own_thread(n):
    meeting, met = threading.Barrier(n, timeout=20), {}

    def share(thread, steps):
        meeting.wait()
        met[thread] = threading.get_ident(), steps

    team_of(n, share).run(7)
    assert sorted(met) == list(range(n))
    assert len({ident for ident, _ in met.values()}) == n
    assert met[0] == (threading.get_ident(), 7)
    assert {steps for _, steps in met.values()} == {7}


def test_workers_are_woken_again_after_a_while_and_serve_teams_of_any_size():
    done = []
    teams = [team_of(n, lambda thread, steps: done.append((thread, steps))) for n in (3, 2, 4, 1)]
    for pause in (0, 0.05, 0, 0.05):
        for team, n in zip(teams, (3, 2, 4, 1), strict=True):
            done.clear()
            team.once()
            assert sorted(done) == [(thread, 1) for thread in range(n)]
        time.sleep(pause)


def test_a_worker_that_nobody_needs_sleeps():
    team_of(3, lambda thread, steps: None).run()
    time.sleep(0.2)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
    assert {w._state.value for w in threads._workers} == {PARKED}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_from_run_to_run_and_for_every_number_of_threads(dtype):
    with sg.using_dtype(dtype):
        expected = bits(network_program(1, dtype)(data(dtype)))
        for n in (2, 3):
            program = network_program(n, dtype)
            for _ in range(10):
                assert bits(program(data(dtype))) == expected


def test_several_threads_of_python_run_programs_at_once():
    programs = [network_program(n) for n in (1, 2, 2, 3)]
    expected = bits(programs[0](data()))
    wrong = []

    def work(program):
        wrong.extend(program for _ in range(30) if bits(program(data())) != expected)

    workers = [threading.Thread(target=work, args=[p]) for p in programs]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert not any(w.is_alive() for w in workers)
    assert not wrong


def test_several_threads_of_python_call_one_compiled_function():
    f = sg.compile(lambda x: (x @ x.T).sum(1))
    arrays = [np.full((5, 3), k, np.float32) for k in range(4)]
    wrong = []

    def work(array):
        expected = np.full(5, 15 * array[0, 0] ** 2)
        wrong.extend(array for _ in range(200) if not np.array_equal(f(array), expected))

    workers = [threading.Thread(target=work, args=[a]) for a in arrays]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_runs_programs_that_its_parent_made():
    program = network_program(2)
    expected = bits(program(data()))
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(30)
            os._exit(0 if bits(program(data())) == expected else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert bits(program(data())) == expected


FORKED = """
import os, signal, sys, threading
sys.path[:0] = {path!r}
import numpy as np, subgrad as sg
from compile.runtime.test_threads import bits, data, network_program
program = network_program(2)
expected, arrays = bits(program(data())), data()
small = sg.compile(lambda x: (x * 2).sum(1))
net = sg.nn.Linear(3, 2, seed=0)
x = np.ones((2, 3), np.float32)
right = small(x).tobytes(), net.predict(x).tobytes()
def serve():
    while True:
        program(arrays), small(x), net.predict(x)
        sg.compile(lambda x: x + 1)(x)
for _ in range(2):
    threading.Thread(target=serve, daemon=True).start()
for turn in range(25):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        same = bits(program(data())) == expected and (small(x).tobytes(), net.predict(x).tobytes()) == right
        new = turn or sg.compile(lambda x: x - 1)(x).sum() == 0
        os._exit(0 if same and new else 1)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_that_is_forked_while_other_threads_run_and_compile():
    code = FORKED.format(path=[p for p in sys.path if p])
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_thread_that_cannot_be_started_is_an_error_once(monkeypatch):
    program = network_program(2)
    monkeypatch.setattr(threads, "_workers", [])

    def refuse(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            program(data())
    assert bits(program(data())) == bits(network_program(1)(data()))


def _bits_in_a_child(_):
    return bits(network_program(2)(data()))


def test_a_spawned_child_computes_the_same_bits():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map_async(_bits_in_a_child, [0]).get(60)[0] == bits(network_program(2)(data()))


INTERRUPTED = """
import os, signal, sys, threading, time
sys.path[:0] = {path!r}
import numpy as np
from compile.runtime.test_threads import bits, data, network_program
program = network_program(2)
expected, arrays = bits(program(data())), data()
results = [np.empty_like(r) for r in program(arrays)]
bound = program.bind(arrays, results)
hits, listening = 0, False
def interrupt(*_):
    if listening:
        raise KeyboardInterrupt
signal.signal(signal.SIGINT, interrupt)
signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 1e-3, 3e-4)
end = time.monotonic() + 30
while hits < 100 and time.monotonic() < end:
    try:
        listening = True
        bound.run()
        listening = False
    except KeyboardInterrupt:
        listening, hits = False, hits + 1
signal.setitimer(signal.ITIMER_REAL, 0)
bound.run()
assert hits == 100, hits
assert bits(results) == expected
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no timer signals")
def test_ctrl_c_at_any_moment_leaves_the_threads_in_step():
    code = INTERRUPTED.format(path=[p for p in sys.path if p])
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads offer the processor to others instead")
def test_a_thread_sleeps_until_it_is_woken():
    sleep_at, wake_at = threads.waiting()
    assert sleep_at != wake_at
    sleep = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(sleep_at)
    wake = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(wake_at)
    word = np.array([3], np.int64)
    sleep(word.ctypes.data, 4)  # comes back at once: the word is another
    awake = threading.Event()

    def nap():
        while word[0] == 3:  # it may wake for no reason
            sleep(word.ctypes.data, 3)
        awake.set()

    thread = threading.Thread(target=nap, daemon=True)
    thread.start()
    assert not awake.wait(0.2)
    word[0] = 7
    wake(word.ctypes.data)
    assert awake.wait(10)
    thread.join(10)


def test_who_sleeps_at_a_barrier_is_woken(monkeypatch):
    """Loops that never look twice: each wait is a sleep."""
    monkeypatch.setattr(barrier, "spins", lambda triple: 0)
    a = placeholder((64, 64), "float32")
    b = a
    for _ in range(6):
        b = sg.tanh(b.T @ a)
    program = Program([a], [b], n_threads=2)
    assert sum(slot.barrier for slot in program.schedule.slots) >= 5
    x = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32) / 8
    expected = x
    for _ in range(6):
        expected = np.tanh(expected.T @ x)
    for _ in range(200):
        np.testing.assert_allclose(program([x])[0], expected, rtol=1e-3, atol=1e-5)
