"""LLVM text to callable code, by way of the cache."""

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from subgrad.compile import machine_code, native
from subgrad.compile.runtime.cpu import host
from subgrad.graph import lock

ADD = "define i64 @add(i64 %x, i64 %y) { %z = add i64 %x, %y  ret i64 %z }"
LONG = ctypes.c_int64

COPIES = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @copy(ptr %to, ptr %from, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %to, i8 7, i64 %n, i1 false)
  %half = lshr i64 %n, 1
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %half, i1 false)
  %next = getelementptr i8, ptr %to, i64 1
  call void @llvm.memmove.p0.p0.i64(ptr %next, ptr %to, i64 %half, i1 false)
  ret void
}
"""

MULTIPLES = """
define void @mark(ptr %p, i64 %n) {
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %head ]
  %at = mul i64 %i, 37
  %place = getelementptr i64, ptr %p, i64 %at
  store i64 %i, ptr %place
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %head, label %done
done:
  ret void
}
"""

CONSTANTS = """
@table = private constant [4 x double] [double 1.5, double 2.5, double 3.5, double 4.5]
define double @pick(i64 %i) {
  %p = getelementptr [4 x double], ptr @table, i64 0, i64 %i
  %x = load double, ptr %p
  %y = fmul double %x, 0.1
  ret double %y
}
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SUBGRAD_CACHE", str(tmp_path))
    return tmp_path


def test_a_function_is_called():
    assert native.load(ADD).function("add", LONG, [LONG, LONG])(40, 2) == 42


def test_the_second_load_does_not_compile(monkeypatch):
    native.load(ADD)
    monkeypatch.setattr(native, "compile_object", None)
    assert native.load(ADD).function("add", LONG, [LONG, LONG])(1, 2) == 3


def test_a_damaged_entry_is_compiled_again(folder):
    native.load(ADD)
    (entry,) = folder.glob("*.object")
    sound = entry.read_bytes()
    entry.write_bytes(sound[:200] + bytes(len(sound) - 200))
    assert native.load(ADD).function("add", LONG, [LONG, LONG])(1, 2) == 3
    assert entry.read_bytes() == sound


def test_every_processor_has_its_own_code(folder, monkeypatch):
    monkeypatch.delenv("SUBGRAD_CPU", raising=False)
    native.load(ADD)
    monkeypatch.setenv("SUBGRAD_CPU", "neon" if "aarch64" in host().triple else "sse2")
    native.load(ADD)
    assert len(list(folder.glob("*.object"))) == 2


def test_a_function_keeps_its_code_alive():
    add = native.load(ADD).function("add", LONG, [LONG, LONG])
    gc.collect()
    assert add(20, 3) == 23


def test_a_missing_function_is_named():
    with pytest.raises(KeyError, match="no function subtract"):
        native.load(ADD).function("subtract", LONG, [LONG])


def test_memory_functions_of_the_system_are_found():
    source, target = np.arange(100, dtype="u1"), np.zeros(100, "u1")
    pointer = ctypes.c_void_p
    copy = native.load(COPIES).function("copy", None, [pointer, pointer, LONG])
    copy(target.ctypes.data, source.ctypes.data, 100)
    expected = np.full(100, 7, "u1")
    expected[:50] = source[:50]
    expected[1:51] = expected[:50].copy()
    np.testing.assert_array_equal(target, expected)


def test_constants_are_found_beside_the_code():
    pick = native.load(CONSTANTS).function("pick", ctypes.c_double, [LONG])
    assert [pick(i) for i in range(4)] == [x * 0.1 for x in (1.5, 2.5, 3.5, 4.5)]


def test_many_libraries_live_side_by_side():
    functions = [
        native.load(ADD.replace("add i64 %x, %y", f"add i64 %x, {i}")).function("add", LONG, [LONG, LONG])
        for i in range(20)
    ]
    assert [f(0, 0) for f in functions] == list(range(20))


def test_threads_load_at_once():
    results = []

    def work(i):
        library = native.load(ADD.replace("add i64 %x, %y", f"mul i64 %x, {i}"))
        results.append(library.function("add", LONG, [LONG, LONG])(i, 0) == i * i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_threads_look_a_function_up_once(monkeypatch):
    """What a second look-up finds would unload the code when it is dropped, while the first thread runs it."""
    library = native.load(ADD)
    together, lookups, real = threading.Barrier(4), [], library._linker

    class Slow:
        def lookup(self, *names):
            lookups.append(names)
            time.sleep(0.02)
            return real.lookup(*names)

    monkeypatch.setattr(library, "_linker", Slow())

    def work():
        together.wait()
        library.address("add")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lookups) == 1


def test_the_code_can_be_read():
    assert "@add" in native.optimised_ir(ADD, host())
    assert "add:" in native.assembly(ADD, host())


LEFT = """
import threading, time
from subgrad.compile import native
from subgrad.compile.runtime.cpu import host
from subgrad.graph import lock
lines = [f"%x{i + 1} = mul i64 %x{i}, %x{i // 2}" for i in range(3000)]
text = "\\n".join(["define i64 @f(i64 %x0) {", *lines, "ret i64 %x3000", "}"])
def work():
    while True:
        native.compile_object(text, host())
threading.Thread(target=work, daemon=True).start()
time.sleep(0.3)
"""


def test_the_process_ends_cleanly_while_a_daemon_thread_compiles():
    done = subprocess.run([sys.executable, "-c", LEFT], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


ENDING = """
import atexit, subgrad, time, threading
def work():
    from subgrad.compile import native
    from subgrad.compile.runtime.cpu import host
    while True:
        native.compile_object("define i64 @f(i64 %x) {{ ret i64 %x }}", host())
def last():
    import subgrad as sg
    print(sg.compile(lambda x: x + 1)(1.0))
threading.Thread(target=work, daemon=True).start()
atexit.register(last)
time.sleep({seconds})
"""


@pytest.mark.parametrize("seconds", [0, 0.01, 0.5])
def test_what_runs_at_the_end_may_compile(seconds):
    code = ENDING.format(seconds=seconds)
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.0\n", "")


def test_the_lock_that_llvmlite_takes_for_each_call_is_known_to_whoever_forks_or_ends():
    import llvmlite.binding  # noqa: F401

    assert lock.lock_of_llvmlite() is not None


def test_what_others_compile_is_as_it_was():
    """An option of LLVM that is for our code alone is not left behind."""
    def by_others():
        machine = machine_code.machine(host())
        return machine.emit_object(machine_code.optimised(MULTIPLES, machine))

    before = by_others()
    native.compile_object(MULTIPLES, host())
    assert by_others() == before


def test_importing_loads_no_llvm():
    modules = "sys, subgrad.compile.native, subgrad.compile.codegen.gemm.contraction"
    code = f"import {modules}; assert 'llvmlite' not in sys.modules"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=60).returncode == 0
