"""Long sums over examples that threads share, against einsum in float64."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.executable import STORE
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder

RNG = np.random.default_rng(0)


def gradient(rows, channels=16, size=24):
    """Images that are padded, and what reaches the results of a 3x3 convolution of them: the kernels' gradient."""
    x, g = placeholder((rows, channels, size, size), "float32"), placeholder((rows, channels, size, size), "float32")
    kernels = placeholder((channels, channels, 3, 3), "float32")
    return [x, g], sg.grad((sg.convolve(x, kernels, padding=1) * g).sum(), [kernels])[0]


def expected(x, g):
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return np.einsum("ncuvxy,nouv->ocxy", windows, g.astype(np.float64), optimize=True)


def contractions(program):
    return [kernel.seed.shape for slot in program.schedule.slots if (kernel := slot.kernel).seed.op.name == "contract"]


@pytest.mark.parametrize(("rows", "threads", "parts"), [(12, 1, 0), (12, 2, 2), (12, 3, 3), (13, 2, 0), (1, 2, 0)])
def test_each_thread_adds_up_its_own_examples(rows, threads, parts):
    inputs, node = gradient(rows)
    program = Program(inputs, [node], n_threads=threads)
    arrays = [RNG.normal(size=i.shape).astype(np.float32) for i in inputs]
    wanted = expected(*arrays)
    np.testing.assert_allclose(program(arrays)[0], wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    lead = (parts,) if parts else ()
    assert [s[:-4] for s in contractions(program)] == [lead]


def test_what_is_not_long_or_has_a_large_result_stays():
    few = gradient(12, channels=4, size=8)
    wide = placeholder((64, 784), "float32"), placeholder((64, 1024), "float32")
    for inputs, node in (few, (wide, wide[0].T @ wide[1])):
        assert all(s[0] != 2 for s in contractions(Program(inputs, [node], n_threads=2)))


@pytest.mark.parametrize("most", [2, 7, 8, 16])
def test_as_many_parts_as_threads_that_have_work(most, on_threads, monkeypatch, tmp_path):
    """And a program that comes from the store tells of itself what the one that was compiled does."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", str(tmp_path))
    tmp_path.chmod(0o700)
    on_threads(most)
    a, b = placeholder((504, 97), "float32"), placeholder((504, 97), "float32")
    given = [RNG.normal(size=(504, 97)).astype(np.float32) for _ in "ab"]
    wanted = given[0].astype(np.float64).T @ given[1].astype(np.float64)
    for place in ("compiled", "kept in memory", "read from the cache"):
        program = Program([a, b], [sg.einsum("nm,nk->mk", a, b)])
        assert contractions(program) == [(program.n_threads, 97, 97)]
        assert (program.executable.arena, program.executable.slots) == (program.memory.size, len(program.kernels))
        np.testing.assert_allclose(program(given)[0], wanted, rtol=1e-4, atol=1e-4)
        if place == "kept in memory":
            STORE.clear()


def test_a_run_on_two_threads_is_that_on_one(on_threads):
    x, y = RNG.random((64, 8, 16, 16), np.float32), RNG.integers(0, 3, 64)
    found = []
    for n in (1, 2):
        on_threads(n)
        body = (nn.Conv2d(8, 16, 3, padding=1, seed=0), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1, seed=1))
        model = nn.Sequential(*body, nn.GlobalAvgPool(), nn.Linear(16, 3, seed=2))
        sg.fit(model, x, y, loss="cross_entropy", optimizer=sg.SGD(0.1), epochs=2, batch_size=32, seed=0)
        found.append([p.numpy() for p in model.parameters()])
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)
