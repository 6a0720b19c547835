"""Programs are kept by the names of their graphs: in memory, and in the cache of object code."""

import warnings

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile import executable, native, pipeline
from subgrad.compile.executable import STORE
from subgrad.compile.fingerprint import fingerprint
from subgrad.compile.runtime import program
from subgrad.compile.runtime.cpu import host
from subgrad.compile.runtime.program import Program
from subgrad.compile.unit import Interface
from subgrad.errors import ShapeError
from subgrad.graph.op import defop
from subgrad.graph.tensor import placeholder

pytest.importorskip("llvmlite")


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """How often text was made and compiled, from an empty store and an empty cache on."""
    monkeypatch.delenv("SUBGRAD_CHECK", raising=False)
    monkeypatch.setenv("SUBGRAD_CACHE", str(tmp_path))
    tmp_path.chmod(0o700)
    STORE.clear()
    Program(*graph(0.5))([X])  # whatever is compiled once a process is there now
    counts = {"emitted": 0, "compiled": 0}
    emit, compile_object = pipeline._emit, native.compile_object

    def counting(unit):
        counts["emitted"] += 1
        emit(unit)

    def compiling(ir, *rest):
        counts["compiled"] += 1
        return compile_object(ir, *rest)

    passes = tuple(p._replace(run=counting) if p.name == "emit" else p for p in pipeline.PASSES)
    monkeypatch.setattr(program, "PASSES", passes)
    monkeypatch.setattr(native, "compile_object", compiling)
    yield counts
    STORE.clear()


def graph(factor=2.0):
    x = placeholder((3, 4), "float32")
    return [x], [(x * factor + np.arange(4, dtype=np.float32)).sum(1)]


X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
EXPECTED = (X * 2 + np.arange(4, dtype=np.float32)).sum(1)


def test_the_same_graph_is_compiled_once(counted):
    for _ in range(3):
        np.testing.assert_allclose(Program(*graph())([X])[0], EXPECTED, rtol=1e-6)
    assert counted == {"emitted": 1, "compiled": 1}
    Program(*graph(3.0))
    assert counted == {"emitted": 2, "compiled": 2}


def test_another_process_runs_no_pass(counted):
    Program(*graph())
    STORE.clear()
    again = Program(*graph())
    np.testing.assert_allclose(again([X])[0], EXPECTED, rtol=1e-6)
    assert counted == {"emitted": 1, "compiled": 1}
    assert "sum [3]" in again.source()  # what it tells is made when somebody looks
    assert counted == {"emitted": 2, "compiled": 1}


def test_an_entry_without_its_code_is_made_again(counted, tmp_path):
    for file in tmp_path.glob("*.object"):
        file.unlink()
    Program(*graph())
    STORE.clear()
    largest = max(tmp_path.glob("*.object"), key=lambda p: p.stat().st_size)
    largest.unlink()
    np.testing.assert_allclose(Program(*graph())([X])[0], EXPECTED, rtol=1e-6)
    assert counted["emitted"] == 2


def test_constants_and_variables_come_back(counted):
    """A convolution's kernel is kept with its axes in another order; a table of constants lies beside the code."""

    def trained():
        net = nn.Sequential(nn.Conv2d(2, 3, 3, seed=0), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 2, seed=1))
        x = np.random.default_rng(1).normal(size=(8, 2, 6, 6)).astype(np.float32)
        sg.fit(net, x, np.arange(8) % 2, loss="cross_entropy", epochs=2, batch_size=8)
        return [p.numpy() for p in net.parameters()]

    first = trained()
    made = dict(counted)
    STORE.clear()
    for a, b in zip(first, trained(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert counted == made


def test_large_constants_are_not_written(counted, tmp_path, monkeypatch):
    monkeypatch.setattr(executable, "LARGE", 8)
    before = {*tmp_path.glob("*.object")}
    Program(*graph())
    assert len({*tmp_path.glob("*.object")} - before) == 1  # the code alone


def test_an_index_out_of_range_is_told_as_ever(counted):
    def look_up():
        rows, table = placeholder((2,), "int64"), placeholder((5,), "float32")
        return Program([rows, table], [table[rows]])

    table = np.arange(5, dtype=np.float32)
    look_up()
    STORE.clear()
    kept = look_up()
    assert kept([np.array([4, 1]), table])[0].tolist() == [4.0, 1.0]
    with pytest.raises(ShapeError, match=r"index 7 .*test_executable.py:\d+"):
        kept([np.array([0, 7]), table])


def name(inputs, outputs, **options):
    return fingerprint(Interface(inputs, outputs, {}, frozenset(), frozenset()), host(), 1, **options)


def test_names_tell_graphs_apart():
    x, y = placeholder((3,), "float32"), placeholder((3,), "float32")
    z = placeholder((3,), "float64")
    different = [
        name([x, y], [x - y]), name([x, y], [y - x]), name([x, y], [x - y, x - y]), name([x], [x - 1.0]),
        name([x], [x - 2.0]), name([x], [x * 0.0]), name([x], [x * -0.0]), name([z], [z - 1.0]),
        name([x], [sg.sum(x)]), name([x], [sg.sum(x, keepdims=True)]), name([x], [x + np.arange(3.0)]),
        name([x], [x + np.arange(3.0)[::-1]]), name([x], [sg.scan(lambda c, v: (c + v, c), 0.0, x)[0]]),
        name([x], [sg.scan(lambda c, v: (c - v, c), 0.0, x)[0]]),
    ]  # fmt: skip
    assert None not in different
    assert len(set(different)) == len(different)


def test_ops_of_others_have_no_name():
    @defop(vjp=None, expand=lambda x: x * 2)
    def twofold(x):
        return x * 2

    x = placeholder((3,), "float32")
    assert name([x], [twofold(x)]) is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert name([x], [sg.scan(lambda c, v: (c + twofold(v), c), 0.0, x)[0]]) is None
