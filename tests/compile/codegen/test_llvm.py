"""The builder of LLVM text, by running what it builds."""

import ctypes

import numpy as np
import pytest

from subgrad.compile.codegen.llvm import Module
from subgrad.compile.codegen.llvm_values import Value, constant, first_lanes, vector, zero
from subgrad.compile.native import load
from subgrad.compile.runtime import cpu as cpus

P, N = Value("ptr", "%p"), Value("i64", "%n")
MANY = [(0, 5, 2), (3, 4, 1), (0, 0, 1), (5, 3, 1), (0, 6, 3), (2, 9, 10)]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("SUBGRAD_CACHE", "off")


def run(fill, data, n=0):
    module = Module(cpus.host())
    with module.function("f", [P, N], exported=True) as b:
        fill(b)
    function = load(str(module)).function("f", None, [ctypes.c_void_p, ctypes.c_int64])
    function(data.ctypes.data, n)
    return data


@pytest.mark.parametrize(("begin", "end", "step"), MANY)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a_loop_is_a_range(begin, end, step, known):
    """Turns, the carried sum, and the counter afterwards."""

    def fill(b):
        stop = end if known else N
        with b.loop(begin, stop, step, carry=[constant("i64", 0)]) as turn:
            turn.carry = (b.op("add", turn.carry[0], turn.index),)
        b.store(turn.carry[0], P)
        b.store(b.value(turn.index), b.at(P, 1, "i64"))

    turns = range(begin, end, step)
    expected = [sum(turns), turns[-1] + step if turns else begin]
    np.testing.assert_array_equal(run(fill, np.full(2, -1), end), expected)


def test_a_loop_from_a_place_to_a_later_one_runs_without_being_asked():
    """Nothing looks whether it begins, and behind it nothing comes together."""

    def fill(b):
        with b.loop(N, b.add(N, 4), carry=[constant("i64", 0)]) as turn:
            turn.carry = (b.op("add", turn.carry[0], turn.index),)
        b.store(turn.carry[0], P)
        text = "\n".join(b.text())
        assert (text.count("br i1"), text.count("phi")) == (1, 2)

    assert run(fill, np.zeros(1, "i8"), 3)[0] == 3 + 4 + 5 + 6


def test_of_a_loop_that_never_runs_nothing_stays():
    """And what follows one that is known to run begins at a place that is known."""

    def fill(b):
        with b.loop(0, -3, 8, carry=[constant("i64", 5)]) as turn:
            turn.carry = (b.op("add", turn.carry[0], N),)
            with b.when(b.compare("eq", N, 0)):
                b.store(turn.carry[0], P)
        assert not b.lines
        assert (turn.index, turn.carry) == (0, (constant("i64", 5),))
        with b.loop(turn.index, 13, 8) as turn:
            pass
        assert turn.index == 16
        b.store(b.op("add", N, turn.index), P)

    assert run(fill, np.zeros(1, "i8"), 3)[0] == 19


def test_loops_nest_and_carry():
    def fill(b):
        with b.loop(0, N, carry=[constant("i64", 0)]) as i:
            with b.loop(0, i.index, carry=i.carry) as j:
                j.carry = (b.op("add", j.carry[0], b.mul(i.index, j.index)),)
            i.carry = j.carry
        b.store(i.carry[0], P)

    assert run(fill, np.zeros(1, "i8"), 7)[0] == sum(i * j for i in range(7) for j in range(i))


@pytest.mark.parametrize("n", [1, 2])
def test_branches(n):
    def fill(b):
        one = b.compare("eq", N, 1)
        chosen = b.choose(one, lambda: [b.op("add", N, 10)], lambda: [b.op("mul", N, 100)])
        b.store(chosen[0], P)
        with b.when(one):
            b.store(constant("i64", 5), b.at(P, 1, "i64"))

    np.testing.assert_array_equal(run(fill, np.zeros(2, "i8"), n), [11, 5] if n == 1 else [200, 0])


@pytest.mark.parametrize("count", [1, 3, 4])
def test_masked_lanes_are_not_touched(count):
    kind, mask = vector("float", 4), first_lanes(4, count)

    def fill(b):
        x = b.load(kind, P, mask)
        b.store(b.fma(x, constant(kind, 2), constant(kind, 0.5)), P, mask)
        b.store(b.load(kind, P, mask), b.at(P, 4, "float"))

    data = run(fill, np.arange(8, dtype="f"))
    changed = np.arange(count) * 2 + 0.5
    np.testing.assert_array_equal(data[:4], [*changed, *range(count, 4)])
    np.testing.assert_array_equal(data[4:], [*changed, *[0] * (4 - count)])


def test_known_integers_are_folded():
    module = Module(cpus.host())
    with module.function("f", [P, N]) as b:
        assert (b.add(2, 3), b.sub(2, 3), b.mul(2, 3), b.min(2, 3), b.max(2, 3)) == (5, -1, 6, 2, 3)
        assert b.divmod(17, 5) == (3, 2)
        assert b.add(N, 0) is N
        assert b.mul(1, N) is N
        assert b.mul(N, 0) == 0
    assert b.lines == []


def test_index_arithmetic_of_unknown_integers():
    def fill(b):
        quotient, rest = b.divmod(N, 5)
        for i, x in enumerate([b.sub(N, 20), quotient, rest, b.min(N, 3), b.max(3, N), b.mul(N, 2)]):
            b.store(x, b.at(P, i, "i64"))

    np.testing.assert_array_equal(run(fill, np.zeros(6, "i8"), 17), [-3, 3, 2, 3, 17, 34])


@pytest.mark.parametrize("number", [0.1, -0.0, 1e-45, 3.4e38, float("inf"), float("nan"), 2.0**-1074])
@pytest.mark.parametrize(("kind", "dtype"), [("float", "f"), ("double", "d")])
def test_constants_are_exact(kind, dtype, number):
    data = run(lambda b: b.store(constant(kind, number), P), np.zeros(1, dtype))
    assert data.tobytes() == np.array([number], dtype).tobytes()


def test_shuffles_and_splats():
    def fill(b):
        kind = vector("double", 2)
        x = b.load(kind, P)
        b.store(b.shuffle(x, x, [1, 0]), P)
        b.store(b.splat(b.load("double", b.at(P, 2, "double")), 2), b.at(P, 2, "double"))
        b.store(zero(kind), b.at(P, 4, "double"))

    np.testing.assert_array_equal(run(fill, np.arange(6.0)), [1, 0, 2, 2, 0, 0])


def test_what_was_computed_is_not_computed_again():
    module = Module(cpus.host())
    with module.function("f", [P, N], exported=True) as b:
        assert b.add(N, 3) == b.add(3, N) == b.add(b.add(N, 1), 2)
        assert b.at(P, b.add(N, 3), "i64") == b.at(b.at(P, N, "i64"), 3, "i64")
        lines = len(b.lines)
        b.at(P, b.add(b.add(N, 2), 1), "i64"), b.add(b.add(N, 3), -2)
    assert len(b.lines) == lines


def test_loops_find_their_addresses_by_adding_what_changes():
    """No turn multiplies, also where a branch came first: the one product is where the inner loop begins."""

    def fill(b):
        with b.loop(0, b.sub(N, 1)) as i:
            with b.when(b.compare("sgt", i.index, 0)):
                b.store(b.mul(i.index, 12), b.at(P, b.sub(b.mul(i.index, 12), 1), "i64"))
            with b.loop(i.index, b.add(i.index, 3)) as j:
                place = b.add(b.mul(i.index, 12), b.mul(j.index, 3))
                b.store(b.add(place, N), b.at(P, place, "i64"))
        assert sum(" mul " in line for line in b.text()) == 1

    expected = np.zeros(40, "i8")
    for i in range(3):
        if i:
            expected[12 * i - 1] = 12 * i
        for j in range(i, i + 3):
            expected[12 * i + 3 * j] = 12 * i + 3 * j + 4
    np.testing.assert_array_equal(run(fill, np.zeros(40, "i8"), 4), expected)


def test_what_a_branch_has_computed_is_not_there_after_it():
    """The branch may not have run."""

    def fill(b):
        with b.when(b.compare("sgt", N, 10)):
            inside = b.mul(N, 7)
            b.store(inside, P)
        with b.loop(0, b.sub(N, 20), carry=[]) as turn:
            b.store(b.mul(N, 9), b.at(P, turn.index, "i64"))
        b.store(b.mul(N, 7), b.at(P, 1, "i64"))
        b.store(b.mul(N, 9), b.at(P, 2, "i64"))

    assert run(fill, np.zeros(3, np.int64), 5).tolist() == [0, 35, 45]


@pytest.mark.parametrize(("begin", "end", "step"), MANY)
def test_loops_count_in_numbers_as_wide_as_an_address(begin, end, step):
    """Known bounds and others give the same turns; the index is an i64 for those who use it, also after the loop."""
    module = Module(cpus.host()._replace(triple="riscv32-unknown-unknown-elf"))
    with module.function("f", [P, N], exported=True) as b:
        for place, stop in ((0, end), (20, b.add(N, end))):
            with b.loop(begin, stop, step) as turn:
                b.store(constant("i64", 1), b.at(P, b.add(turn.index, place), "i64"))
            left = turn.index if isinstance(turn.index, Value) else constant("i64", turn.index)
            b.store(left, b.at(P, place + 19, "i64"))
    text = str(module)
    assert "phi i32" in text
    assert "phi i64" not in text
    data = np.zeros(40, np.int64)
    load(text).function("f", None, [ctypes.c_void_p, ctypes.c_int64])(data.ctypes.data, 0)
    turns = range(begin, end, step)
    assert data[:19].nonzero()[0].tolist() == data[20:39].nonzero()[0].tolist() == list(turns)
    assert data[39] == (turns[-1] + step if turns else begin)


def test_of_functions_with_one_code_one_is_written():
    module = Module(cpus.host())
    for name, number in (("f", 3), ("g", 4), ("h", 3)):
        with module.function(name, [P]) as b:
            b.store(constant("i64", number), P)
    with module.function("all", [P], exported=True) as b:
        for name in "fgh":
            b.run(name, [P])
    assert [module.called(name) for name in ("f", "g", "h", "all")] == ["f", "g", "f", "all"]
    assert (str(module).count("define"), str(module).count("call void @f")) == (3, 2)


@pytest.mark.parametrize("count", range(1, 17))
def test_numbers_that_are_cut_down_are_stored_in_their_own_lanes(count):
    """Nothing is written beside them, also where LLVM makes one instruction of the cut and the masked store."""

    def fill(b):
        x = b.load(vector("i32", 16), b.at(P, 4, vector("i32", 16)))
        cut = b.emit(vector("i8", 16), f"trunc {x.type} {x} to <16 x i8>")
        b.store(cut, P, first_lanes(16, count))

    data = np.full(5 * 64, 7, np.uint8)
    numbers = np.arange(16, dtype=np.int32) * 1001 + 300
    data[4 * 64 :] = numbers.view(np.uint8)
    run(fill, data)
    assert data[:32].tolist() == [*numbers[:count].astype(np.uint8), *[7] * (32 - count)]
