"""Shared by all tests: every test starts from the same seed and the default dtype, and native programs are checked."""

import importlib.util
import os
import zlib

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on a busy machine its threads wait for one another
os.environ.setdefault("SUBGRAD_CHECK", "1")  # programs are checked, and run in poisoned memory between guard bytes

import pytest

import subgrad as sg


def pytest_addoption(parser):
    parser.addoption(
        "--wasm", choices=["vectors", "scalars"], help="run small programs as WebAssembly as well, and compare"
    )


AS_WASM = 24
"""One test of the compiler of so many runs its programs as WebAssembly as well, asked or not."""


def _as_wasm(item):
    """With "vectors", "scalars" or not: as the command line says, and for some tests of the compiler by their names."""
    asked = item.config.getoption("--wasm")
    if asked or "tests/compile/" not in item.nodeid or importlib.util.find_spec("wasmtime") is None:
        return asked
    number, rest = divmod(zlib.crc32(item.nodeid.encode()), AS_WASM)
    return ("vectors", "scalars")[number % 2] if rest == 0 else None


@pytest.fixture(autouse=True)
def _also_as_wasm(request, monkeypatch):
    kind = _as_wasm(request.node)
    if kind is not None:
        from wasm_programs import mirrored

        from subgrad.compile.runtime.program import Program

        monkeypatch.setattr(Program, "__call__", mirrored(kind == "vectors"))


@pytest.fixture(autouse=True)
def _fresh_state():
    sg.manual_seed(0)
    sg.set_default_dtype("float32")


@pytest.fixture
def compilations(monkeypatch):
    """Counts the programs that are compiled, or found in the cache, in a test: call it for their number.

    Models of the same form in other tests left none for this one.
    """
    from subgrad.compile.runtime import program
    from subgrad.fit import kept

    kept.MADE.clear()
    made, executable = [], program.Program._executable

    def counted(self):
        made.append(self)
        return executable(self)

    monkeypatch.setattr(program.Program, "_executable", counted)
    return lambda: len(made)


@pytest.fixture
def on_threads():
    """Sets the number of threads, for one test."""
    yield sg.set_threads
    sg.set_threads(None)
