"""What is large goes when nobody has it any more, not when cycles of references are looked for."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.runtime.program import Program
from subgrad.fit.training_run import Run


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without the search for cycles, what is in one stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("threads", [1, 2])
def test_arrays_of_a_call_go_with_it(no_collector: None, threads: int) -> None:
    x = sg.tensor(np.ones((300, 300), np.float32))
    program = Program([x], [x @ x + 1], n_threads=threads)
    given = np.ones((300, 300), np.float32)
    (found,) = program([given])
    assert found[0, 0] == 301
    alive = weakref.ref(given), weakref.ref(found)
    del given, found
    assert all(a() is None for a in alive)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_run_goes_with_its_data(no_collector: None, optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[weakref.ref[Run]] = []
    start = Run._start

    def noted(self: Run) -> object:
        runs.append(weakref.ref(self))
        return start(self)

    monkeypatch.setattr(Run, "_start", noted)
    x = np.linspace(-1, 1, 500)[:, None]
    sg.fit(sg.models.mlp(1, 8, 1, seed=0), x, np.abs(x[:, 0]), loss="mse", optimizer=optimizer, epochs=1)
    assert [run() for run in runs] == [None]


@pytest.mark.parametrize("index", [False, True])
def test_a_program_goes_with_its_memory(no_collector: None, index: bool) -> None:
    x, i = sg.tensor(np.ones((100, 10))), sg.tensor(np.arange(3))
    program = Program([x, i], [sg.take(x, i, 0) if index else sg.exp(x) @ sg.exp(x).T])
    program([x.numpy(), i.numpy()])
    alive = weakref.ref(program)
    del program
    assert alive() is None
