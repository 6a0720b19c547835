"""A text in several modules runs as the one that it was."""

import ctypes
import sys
import threading

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile import native
from subgrad.compile.codegen.split_module import split_module
from subgrad.compile.executable import STORE
from subgrad.compile.runtime.cpu import host

TEXT = """@table = private unnamed_addr constant [2 x i64] [i64 10, i64 20]
declare i64 @llvm.smax.i64(i64, i64)
define internal i64 @twice(i64 %x) alwaysinline nounwind {
  %y = shl i64 %x, 1
  ret i64 %y
}
define internal i64 @more(i64 %x) alwaysinline nounwind {
  %y = call i64 @twice(i64 %x)
  %p = getelementptr i64, ptr @table, i64 1
  %a = load i64, ptr %p
  %z = add i64 %y, %a
  ret i64 %z
}
define internal void @first(ptr noalias %p, i64 %x) noinline nounwind {
  %y = call i64 @more(i64 %x)
  store i64 %y, ptr %p
  ret void
}
define internal void @second(ptr noalias %p, i64 %x) noinline nounwind {
  call void @first(ptr %p, i64 %x)
  %q = getelementptr i64, ptr %p, i64 1
  %y = call i64 @twice(i64 %x)
  %z = call i64 @llvm.smax.i64(i64 %y, i64 9)
  store i64 %z, ptr %q
  ret void
}
define void @run(ptr %p, i64 %x) nounwind {
  call void @second(ptr %p, i64 %x)
  ret void
}
"""


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("SUBGRAD_CACHE", "off")


def test_a_short_text_stays_one():
    assert split_module(TEXT, 4, 1000) == [TEXT]
    assert split_module(TEXT, 1, 1) == [TEXT]


@pytest.mark.parametrize("parts", [2, 3])
def test_each_function_that_is_not_inlined_is_defined_once(parts):
    texts = split_module(TEXT, parts, 1)
    assert len(texts) == parts
    for name in ("first", "second", "run"):
        assert sum(f"define void @{name}(" in t for t in texts) == 1


windows = pytest.mark.skipif(sys.platform == "win32", reason="its loader places objects anywhere")


@pytest.mark.parametrize("unlocked", [True, False])
@pytest.mark.parametrize("processors", [1, 2, 3])
def test_the_code_is_the_same(monkeypatch, processors, unlocked):
    monkeypatch.setattr(native, "LEAST_LINES", 1)
    monkeypatch.setattr(native, "available_processors", lambda: processors)
    if not unlocked:
        monkeypatch.setattr(native, "_emit_unlocked", lambda machine, module: machine.emit_object(module))
    found = np.zeros(2, np.int64)
    run = native.load(TEXT).function("run", None, [ctypes.c_void_p, ctypes.c_int64])
    run(found.ctypes.data, 3)
    assert found.tolist() == [26, 9]


@windows
def test_a_program_in_many_modules(monkeypatch):
    """Contractions, elementary functions with their tables, loops: as in one module, bit for bit."""
    x = np.linspace(-3, 3, 5 * 7, dtype=np.float32).reshape(5, 7)

    def f(x):
        h = sg.tanh(x @ x.T)
        return sg.sin(sg.exp(h) @ x) + sg.logsumexp(x, 1, keepdims=True)

    whole = sg.compile(f)(x)
    monkeypatch.setattr(native, "LEAST_LINES", 20)
    monkeypatch.setattr(native, "available_processors", lambda: 3)
    compiled = []
    packed = native._packed
    monkeypatch.setattr(native, "_packed", lambda objects: compiled.append(len(objects)) or packed(objects))
    STORE.clear()
    assert sg.compile(f)(x).tobytes() == whole.tobytes()
    assert compiled == [3]


@windows
def test_where_no_thread_can_be_started_one_does_it_all(monkeypatch):
    def none(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(native, "LEAST_LINES", 1)
    monkeypatch.setattr(native, "available_processors", lambda: 2)
    monkeypatch.setattr(threading.Thread, "start", none)
    assert len(native._unpacked(native.compile_object(TEXT, host()))) == 2
