"""The checker of scheduled programs: it accepts what the compiler makes, and refuses each kind of fault put into it."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.compile import pipeline
from subgrad.compile.codegen import lower
from subgrad.compile.kernels import schedule
from subgrad.compile.kernels.aliasing import Aliasing, parts
from subgrad.compile.kernels.placement import ARENA, Placement
from subgrad.compile.kernels.touches import Touches
from subgrad.compile.kernels.verify_program import verify_program
from subgrad.compile.runtime.program import Program
from subgrad.errors import CheckError
from subgrad.graph.tensor import Tensor, placeholder

pytest.importorskip("llvmlite")


@pytest.fixture
def unchecked(monkeypatch):
    """Programs are made without being checked, so that faults can be put into them."""
    monkeypatch.delenv("SUBGRAD_CHECK")


def network(threads=2):
    """Two layers with a mean over all rows between them: a program with barriers, and with values in the arena."""
    x, w = placeholder((8, 6), "float32"), placeholder((6, 6), "float32")
    h = sg.tanh(x @ w)
    y = sg.softmax(h - h.mean(0), 1) @ w
    return Program([x, w], [y, (y * y).sum()], n_threads=threads)


def in_arena(program):
    return [n for n, where in program.placed.where.items() if where.entry == ARENA]


def test_programs_as_they_are_made_pass(unchecked):
    for threads in (1, 2, 3):
        verify_program(network(threads).placed)


def test_a_value_beyond_the_arena(unchecked):
    program = network()
    node = in_arena(program)[0]
    program.placed.where[node] = program.placed.where[node].moved(program.memory.size)
    with pytest.raises(CheckError, match="leaves the arena"):
        verify_program(program.placed)


@pytest.mark.parametrize("threads", [1, 2])
def test_two_live_values_at_one_place(unchecked, threads):
    program = network(threads)
    first, *others = in_arena(program)
    found = 0
    for other in others:
        before = program.placed.where[other]
        program.placed.where[other] = program.placed.where[first]
        try:
            verify_program(program.placed)
        except CheckError:
            found += 1
        program.placed.where[other] = before
    assert found


def test_each_missing_barrier(unchecked):
    program = network()
    waiting = [slot for slot in program.schedule.slots if slot.barrier]
    assert waiting
    for slot in waiting:
        slot.barrier = False
        with pytest.raises(CheckError, match="while another thread uses it"):
            verify_program(program.placed)
        slot.barrier = True
    verify_program(program.placed)


def test_threads_that_share_a_kernel_along_another_axis(unchecked):
    program = network()
    slots = [slot for slot in program.schedule.slots if slot.axis == 0 and len(slot.kernel.domain) == 2]
    refused = []
    for slot in slots:
        slot.axis = 1
        try:
            verify_program(program.placed)
        except CheckError as error:
            refused.append(str(error))
        slot.axis = 0
    assert all("while another thread uses it" in message for message in refused)
    assert refused


def test_kernels_in_another_order(unchecked):
    program = network(1)
    program.schedule.slots.reverse()
    with pytest.raises(CheckError, match="before it is"):
        verify_program(program.placed)


def test_a_result_that_is_not_stored(unchecked):
    program = network(1)
    program.schedule.slots[0].kernel.stores.clear()
    with pytest.raises(CheckError, match="before it is"):
        verify_program(program.placed)


def joined():
    x = placeholder((3, 4), "float32")
    a, b = sg.exp(x), x.argmax(1).astype("float32").reshape(3, 1)
    return Program([x], [sg.concatenate([a, b, sg.pad(a, ((0, 0), (1, 0)))], 1) @ np.ones((10, 2), np.float32)])


def test_a_part_that_is_not_copied(unchecked, monkeypatch):
    """As when a result that two arrays need is written into one of them."""
    program = joined()
    verify_program(program.placed)
    monkeypatch.setattr(Aliasing, "copied", lambda self, host: [])
    with pytest.raises(CheckError, match="before it is written"):
        verify_program(program.placed)


@pytest.mark.parametrize("join", [
    lambda rows: sg.concatenate([rows, rows * 2]), lambda rows: sg.pad(rows, ((1, 2), (0, 0))),
    lambda rows: sg.pad(rows.reshape(50, 1, 4), ((0, 0), (1, 0), (0, 0))), lambda rows: (rows * 2).sum(0),
])  # fmt: skip
def test_rows_that_an_index_may_choose_are_counted_once(unchecked, join):
    """Each of 50 rows that are joined or added up may be any of 1000, which a list of all pairs would say of each."""
    table, i = placeholder((1000, 4), "float32"), placeholder((50,), "int64")
    program = Program([table, i], [join(table[i]).node], n_threads=1)
    verify_program(program.placed)
    touches = Touches(program.placed.stored, program.placed.aliasing)
    read = [t for slot in program.schedule.slots for t in touches.reads(slot.kernel, slot.axis)]
    assert {t.node for t in read} >= {table, i}
    assert sum(t.elements.size for t in read) < 10 * table.size


def test_a_part_that_is_written_twice(unchecked, monkeypatch):
    program = joined()
    assert any(True for _ in program.placed.aliasing)
    monkeypatch.setattr(Aliasing, "copied", lambda self, host: parts(host))
    with pytest.raises(CheckError, match="twice"):
        verify_program(program.placed)


def test_a_part_at_another_place(unchecked):
    program = joined()
    part = next(iter(program.placed.aliasing))
    program.placed.where[part] = program.placed.where[part].moved(4)
    with pytest.raises(CheckError):
        verify_program(program.placed)


def test_a_variable_that_is_overwritten_too_early(unchecked, monkeypatch):
    a, b = placeholder((4, 4), "float32"), placeholder((4, 4), "float32")
    swapped = [b + 1, a.T + 1]
    verify_program(Program([a, b], swapped, variables={0: 0, 1: 1}, n_threads=1).placed)
    monkeypatch.setattr(Placement, "_in_place", lambda self, node, variable: True)
    with pytest.raises(CheckError, match="where something else lies|overwrites"):
        verify_program(Program([a, b], swapped, variables={0: 0, 1: 1}, n_threads=1).placed)
    with pytest.raises(CheckError, match="still reads elsewhere"):
        verify_program(Program([a], [a.T + 1], variables={0: 0}, n_threads=1).placed)


def test_a_write_into_an_argument(unchecked):
    program = network(1)
    node = next(n for n in in_arena(program) if n.shape == (8, 6))
    program.placed.where[node] = program.placed.where[program.unit.interface.inputs[0]]
    with pytest.raises(CheckError, match="into input 0"):
        verify_program(program.placed)


def test_a_result_that_is_not_brought_to_its_place(unchecked):
    a, b = placeholder((4,), "float32"), placeholder((4,), "float32")
    program = Program([a, b], [b + 1, a[::-1] + b], variables={0: 0}, n_threads=1)
    assert program.placed.copies
    program.placed.copies.clear()
    with pytest.raises(CheckError, match="result 0, add, is not in its place"):
        verify_program(program.placed)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_loop_whose_carry_stands_still(unchecked, threads):
    h, xs = placeholder((4, 3), "float32"), placeholder((5, 4, 3), "float32")
    last, rows = sg.scan(lambda h, x: (sg.tanh(h + x), h * x), h, xs)
    program = Program([h, xs], [last, rows], n_threads=threads)
    verify_program(program.placed)
    moving = [n for n, where in program.placed.where.items() if any(any(turn) for turn in where.loop_strides)]
    assert len(moving) >= 3
    for node in moving:
        before = program.placed.where[node]
        program.placed.where[node] = before._replace(loop_strides=((0, 0),))
        with pytest.raises(CheckError):
            verify_program(program.placed)
        program.placed.where[node] = before


def test_a_loop_without_its_barriers(unchecked, monkeypatch):
    monkeypatch.setattr(schedule, "WORK_PER_BARRIER", 0)
    h, xs = placeholder((4, 4), "float32"), placeholder((5, 4, 4), "float32")
    program = Program([h, xs], [sg.scan(lambda h, x: (h.T @ h + x, None), h, xs)[0]], n_threads=2)
    verify_program(program.placed)
    inner = [s for slot in program.schedule.slots for s in slot.inner]
    assert any(s.barrier for s in inner)
    for slot in inner:
        slot.barrier = False
    with pytest.raises(CheckError, match="while another thread uses it"):
        verify_program(program.placed)


def test_a_store_of_another_dtype(monkeypatch):
    x = placeholder((4,), "int64")
    monkeypatch.setitem(lower.LOWER._rules, sg.relu, lower._element(lambda b, x: lower.convert(b, x, "float")))
    with pytest.raises(CheckError, match="float.*into int64"):
        Program([x], [sg.relu(x)], n_threads=1)


def test_a_pass_that_breaks_the_graph(monkeypatch):
    """The invariants of graphs are checked between the passes."""

    def wrong(node):
        if node.op.name != "add":
            return node
        return Tensor(node.op, node.inputs, node.attrs, node.shape, np.dtype("float64"), node.site, node.scope)

    monkeypatch.setattr(pipeline, "staged", wrong)
    x = placeholder((4,), "float32")
    with pytest.raises(CheckError, match=r"add .* its rule says float32"):
        Program([x], [x + x], n_threads=1)


def test_programs_are_checked_where_they_are_made(monkeypatch):
    monkeypatch.setattr(Placement, "_in_place", lambda self, node, variable: True)
    a = placeholder((4, 4), "float32")
    with pytest.raises(CheckError, match="still reads elsewhere"):
        Program([a], [a.T + 1], variables={0: 0}, n_threads=1)
    monkeypatch.setenv("SUBGRAD_CHECK", "0")
    Program([a], [a.T + 1], variables={0: 0}, n_threads=1)
