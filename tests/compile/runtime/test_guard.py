"""Programs in guarded memory: stray writes and results that are left unwritten are noticed."""

import ctypes

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.kernels.placement import FIRST
from subgrad.compile.runtime import guard
from subgrad.compile.runtime.bound import Bound
from subgrad.compile.runtime.guard import Room
from subgrad.compile.runtime.program import Program
from subgrad.errors import CheckError
from subgrad.graph.tensor import placeholder


def program_and_arrays(n=6):
    x = placeholder((n,), "float32")
    hidden = sg.softmax(x)
    program = Program([x], [hidden * 2, hidden.argmax()], n_threads=1)
    return program, [np.arange(n, dtype=np.float32)], [np.empty(n, np.float32), np.empty((), np.int64)]


def test_a_program_runs_as_without_guards(monkeypatch):
    program, arrays, results = program_and_arrays()
    assert isinstance(program.bind(arrays, results), guard.GuardedBound)
    found = program(arrays)
    monkeypatch.delenv("SUBGRAD_CHECK")
    plain, _, _ = program_and_arrays()
    assert type(plain.bind(arrays, results)) is Bound
    for a, b in zip(found, plain(arrays), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_write_behind_a_result_is_found():
    program, arrays, results = program_and_arrays()
    results[0] = np.empty(5, np.float32)  # the program writes six
    with pytest.raises(CheckError, match="wrote 4 bytes behind result 0, 0 bytes away"):
        program.run(arrays, results)


def test_a_write_behind_the_arena_is_found():
    program, arrays, results = program_and_arrays(40)
    assert program.memory.size >= 160
    program.executable = program.executable._replace(arena=64)
    with pytest.raises(CheckError, match="behind the arena"):
        program.run(arrays, results)


@pytest.mark.parametrize(
    ("at", "message"),
    [(-1, "in front of input 0, 0 bytes away"), (24, "behind input 0, 0 bytes"), (3, "changed input 0")],
)
def test_writes_around_and_into_inputs_are_found(at, message, monkeypatch):
    program, arrays, results = program_and_arrays()
    bound = program.bind(arrays, results)
    native = bound._native

    def astray(steps):
        native(steps)
        ctypes.memset(int(bound._table[FIRST]) + at, 1, 1)

    bound._native = astray
    with pytest.raises(CheckError, match=message):
        bound.once()


def test_what_is_not_written_is_poison():
    program, arrays, results = program_and_arrays()
    bound = program.bind(arrays, results)
    bound._native = lambda steps: None
    bound.run(1)
    assert np.isnan(results[0]).all()
    assert results[1] < 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poison_is_a_signalling_nan(dtype):
    values = np.empty(3, dtype)
    found = Room.poisoned("", values).bytes.view(dtype)
    quiet = {"float32": 1 << 22, "float64": 1 << 51}[dtype]
    assert np.isnan(found).all()
    assert not (found.view(f"u{values.itemsize}") & quiet).any()
    arena = Room.untyped("the arena", 32)
    assert np.isnan(arena.bytes.view(dtype)).all()
    assert (arena.bytes > 1).all()  # no bool


def test_variables_are_updated_in_place():
    w, x = placeholder((3,), "float64"), placeholder((3,), "float64")
    program = Program([w, x], [w - 0.5 * x, (w * x).sum()], variables={0: 0}, stepped=[1], measured=[1], n_threads=1)
    start, rows = np.ones(3), np.ones((2, 3))
    new, measured = program([start, rows], 2)
    assert new is start
    np.testing.assert_array_equal(new, 0)
    np.testing.assert_array_equal(measured, [3, 1.5])
