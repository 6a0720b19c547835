"""A second process makes a part of the machine code, or nobody misses it."""

import ctypes
import os
import subprocess
import sys
import threading

import pytest

from subgrad.compile import native
from subgrad.compile.module_parts import module_parts
from subgrad.compile.runtime import helper
from subgrad.compile.runtime.cpu import host

KERNEL = """define internal void @k{i}(ptr %p) noinline {{
entry:
  %at = getelementptr i64, ptr %p, i64 {i}
  %old = load i64, ptr %at
  %new = mul i64 %old, {factor}
  store i64 %new, ptr %at
  call void @note(ptr %p)
  ret void
}}
"""

NOTE = """define internal void @note(ptr %p) noinline {
entry:
  %at = getelementptr i64, ptr %p, i64 200
  %old = load i64, ptr %at
  %new = add i64 %old, 1
  store i64 %new, ptr %at
  ret void
}
"""


def _text(kernels=200):
    """A program that multiplies one number by 2, the next by 3 and so on, and counts its kernels."""
    calls = "\n".join(f"  call void @k{i}(ptr %p)" for i in range(kernels))
    run = f"define void @run(ptr %p) {{\nentry:\n{calls}\n  ret void\n}}\n"
    return "".join(KERNEL.format(i=i, factor=i + 2) for i in range(kernels)) + NOTE + run


def _runs(code, kernels=200):
    """What a program makes of ones."""
    numbers = (ctypes.c_int64 * (kernels + 1))(*[1] * kernels)
    native.Library(code, host()).function("run", None, [ctypes.c_void_p])(numbers)
    return list(numbers)


@pytest.fixture
def process(monkeypatch):
    """The process, whatever others do on this machine."""
    monkeypatch.setattr(helper, "_is_busy", lambda: False)
    monkeypatch.setattr(helper, "LONG", 800)  # for short texts, and so a short test
    helper._stop()
    helper.start()
    yield helper._process
    helper._stop()


def test_two_processes_make_the_code_of_a_long_text(process, monkeypatch):
    there, here, answered = [], [], threading.Event()
    answer, emitted = helper._answer, native._emitted

    def by_the_process(process, part, target):
        there.append(part)
        code = answer(process, part, target)
        answered.set()
        return code

    def by_this_one(part, cpu):  # which waits for the other one to start
        here.append(part)
        answered.wait(30)
        return emitted(part, cpu)

    monkeypatch.setattr(helper, "_answer", by_the_process)
    monkeypatch.setattr(native, "_emitted", by_this_one)
    code = native.compile_object(_text(), host())
    assert (len(there), len(here), len(list(native._unpacked(code)))) == (1, 1, 2)
    assert {*there, *here} == {*module_parts(_text(), 2)}
    assert _runs(code) == [*range(2, 202), 200]


def test_both_processes_make_the_same_code(process):
    assert helper._answer(process, _text(3), host()) == native._emitted(_text(3), host())


def test_a_short_text_stays_here(process):
    assert len(list(native._unpacked(native.compile_object(_text(3), host())))) == 1


def test_a_text_that_is_wrong_is_found_to_be_so_here(process):
    assert helper._answer(process, "nonsense", host()) is None
    with pytest.raises(RuntimeError, match="expected"):
        native.compile_object(_text().replace("= mul", "= nul"), host())


def test_a_process_that_dies_is_not_missed(process):
    process.kill()
    assert native.load(_text()).function("run", None, [])


def test_without_an_answer_all_is_made_here(process, monkeypatch):
    monkeypatch.setattr(helper, "_answer", lambda *given: None)
    assert len(list(native._unpacked(native.compile_object(_text(), host())))) > 1


def test_without_a_thread_that_waits_for_answers_all_is_made_here(process, monkeypatch):
    def refused(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refused)
        assert _runs(native.compile_object(_text(), host()))[:3] == [2, 3, 4]
    parts = helper.parts_for(host())
    assert parts is not None
    parts.drop()


def test_an_interruption_ends_the_process(process, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(native, "_emitted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        native.compile_object(_text(), host())
    assert process.poll() is not None
    assert not helper.is_there()


def test_no_second_process_is_started_for_another_one_on_a_busy_machine_or_from_a_program_of_one_file(monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **_: started.append(args))
    monkeypatch.setattr(os, "getloadavg", lambda: (1000.0, 0.0, 0.0), raising=False)
    helper._stop()
    helper.start()
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0), raising=False)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    helper.start()
    monkeypatch.setattr(sys, "frozen", False)
    monkeypatch.setattr(sys, "executable", "/opt/drawing-program")
    helper.start()
    assert not started


def test_the_process_leaves_when_its_input_ends():
    done = subprocess.run(helper._command(), input=b"", timeout=60, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


FORKED = """
import os
from subgrad.compile.module_parts import module_parts
from subgrad.compile.runtime import helper
helper._is_busy = lambda: False
helper.start()
child = os.fork()
if child == 0:
    os._exit(0 if not helper.is_there() else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), helper.is_there())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_leaves_the_process_to_its_parent_and_none_is_left_behind():
    done = subprocess.run([sys.executable, "-W", "error", "-c", FORKED], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 True\n", "")


def test_code_is_made_while_the_text_is_written(process, monkeypatch):
    """What is begun is made by the process, and only declared in the rest."""
    text, there = _text().replace("  call void @note(ptr %p)\n", ""), []
    first = text[: text.index("define internal void @k120")]
    answer = helper._answer

    def by_the_process(process, part, target):
        there.append(part)
        return answer(process, part, target)

    monkeypatch.setattr(helper, "_answer", by_the_process)
    with helper.ahead(host(), True) as parts:
        parts.begin(first)
        code = native.compile_object(text, host(), parts)
    assert there[0].count("define void @k") == 120
    assert len(parts.names) == 120
    assert _runs(code) == [*range(2, 202), 0]
