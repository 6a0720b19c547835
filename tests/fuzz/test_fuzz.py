"""The fuzzer: it reaches every op and dtype, its programs are what their numbers say, and it finds what is wrong."""

import functools
import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile.codegen import lower
from subgrad.graph.op import TABLE
from subgrad.graph.order import toposort

from .generate import generate
from .judge import cpus, judge, trace
from .run import verdict
from .shrink import shrunk, source

PROGRAMS = 800
BUILT_IN = {name for name, op in TABLE.items() if op.ref.__module__.startswith("subgrad.")}  # before doctests add some


def nodes(outputs):
    for node in toposort(outputs):
        yield node
        if node.op.name == "loop":
            yield from nodes(node.attrs["body"].outputs)


@functools.cache
def made():
    return [generate(i, ["", "lesser"]) for i in range(PROGRAMS)]


def graph(case):
    with sg.using_dtype(case.dtype), np.errstate(all="ignore"):
        return trace(case).outputs


def test_every_op_and_every_dtype_occurs():
    seen = {(n.op.name, n.dtype.name) for case in made() for n in nodes(graph(case))}
    ops, dtypes = {op for op, _ in seen}, {d for _, d in seen}
    assert ops >= BUILT_IN
    assert {"float32", "float64", "int32", "int64", "uint8", "bool"} <= dtypes


def test_cases_of_all_kinds_occur():
    cases = made()
    shapes = [a.shape for c in cases for a in c.arrays]
    assert {0, 1} <= {n for s in shapes for n in s}
    assert {c.threads for c in cases} == {1, 2, 3}
    assert {c.cpu for c in cases} == {"", "lesser"}
    assert any(c.variables and c.steps > 1 for c in cases)
    assert any(c.twice for c in cases)
    assert sum(len(c.outputs) > 2 for c in cases) > PROGRAMS / 4


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_programs_are_computed_rightly(first):
    """The short form of ``python -m tests.fuzz``."""
    machines, wrong = cpus(), {}
    for number in range(first, first + 50):
        message = verdict(generate(number, machines))
        if message is not None:
            wrong[f"python -m tests.fuzz --program {number}"] = message
    assert not wrong


def test_a_number_is_always_the_same_program():
    assert source(generate(1234)) == source(generate(1234)) != source(generate(1235))


@pytest.mark.parametrize("number", [3, 25, 48])
def test_the_source_of_a_program_runs(number, capsys):
    text = source(generate(number))
    exec(compile(text, "<program>", "exec"), {"__name__": "program"})
    sg.set_default_dtype("float32")


def test_a_wrong_op_is_found_and_shrunk_to_a_line(monkeypatch):
    """tanh is made a little larger, and the program that shows it is left with little else."""
    wrong = lower._element(lambda b, x: b.fmul(lower._maths("tanh")(b, x), 1.01))
    monkeypatch.setitem(lower.LOWER._rules, sg.tanh, wrong)
    found = (c for c in map(generate, range(100)) if "sg.tanh" in source(c) and c.cpu == "" and judge(c))
    case = shrunk(next(found), lambda c: judge(c) is not None)
    assert len(case.block.steps) <= 2
    assert re.search(r"result \d+ at ", judge(case) or "")
