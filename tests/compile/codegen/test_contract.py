"""The contraction generator against NumPy in float64, on every kind of processor that this machine can play."""

import itertools
import sys

import numpy as np
import pytest
from contraction_reference import GAP, beside_guard, check, compiled, guarded, reference, span, text, view
from hypothesis import given, settings
from hypothesis import strategies as st

from subgrad.compile.codegen.gemm.contraction import Contraction, Loop, plan_contraction
from subgrad.compile.codegen.gemm.plan import _candidates
from subgrad.compile.codegen.llvm_values import Value, constant
from subgrad.compile.runtime import cpu as cpus
from subgrad.errors import ArgumentError

CPUS = ["", "avx2", "sse2"]
SIZES = [1, 2, 3, 7, 10, 16, 17, 37, 64, 113, 128, 130]


@pytest.fixture(params=CPUS, ids=["host", *CPUS[1:]])
def cpu(request, monkeypatch):
    return _cpu(request.param, monkeypatch)


def _cpu(name, monkeypatch):
    monkeypatch.setenv("SUBGRAD_CPU", name)
    try:
        return cpus.host()
    except ArgumentError:
        pytest.skip(f"this machine cannot play {name}")


# Shapes and layouts


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("transpose_a", "transpose_b"), [(False, False), (False, True), (True, False), (True, True)])
def test_every_transposition_agrees_with_numpy(cpu, dtype, transpose_a, transpose_b):
    for m, n, k in [(1, 1, 1), (7, 37, 10), (64, 17, 130), (13, 128, 3), (3, 10, 113)]:
        check(Contraction.matmul(dtype, m, n, k, transpose_a=transpose_a, transpose_b=transpose_b), cpu)


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(*[st.sampled_from(SIZES)] * 3),
    transposed=st.tuples(st.booleans(), st.booleans()),
    cuts=st.lists(st.integers(0, 130), max_size=3),
    accumulate=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    name=st.sampled_from(CPUS),
)
def test_any_shape_cut_anywhere_agrees_with_numpy(sizes, transposed, cuts, accumulate, dtype, name):
    with pytest.MonkeyPatch.context() as patch:
        cpu = _cpu(name, patch)
    m, n, k = sizes
    contraction = Contraction.matmul(
        dtype, m, n, k, transpose_a=transposed[0], transpose_b=transposed[1], accumulate=accumulate
    )
    check(contraction, cpu, cuts=sorted(cut for cut in cuts if cut <= m))


def test_batches_and_shared_operands(cpu):
    batch = (Loop(3, a=7 * 5, b=5 * 18, c=7 * 18), Loop(2, a=3 * 7 * 5, b=0, c=3 * 7 * 18))
    matrices = {"m": (Loop(7, a=5, c=18),), "n": (Loop(18, b=18 // 18, c=1),), "k": (Loop(5, a=1, b=18),)}
    check(Contraction("float32", **matrices, batch=batch), cpu, cuts=[1, 9, 20, 40])


def convolution(images, size, channels, filters, dtype="float32", accumulate=False):
    """A 3x3 convolution of padded NHWC images: rows are pixels, k is (filter row, column and channel)."""
    line = (size + 2) * channels
    return Contraction(
        dtype,
        m=(
            Loop(images, a=(size + 2) * line, c=size * size * filters),
            Loop(size, a=line, c=size * filters),
            Loop(size, a=channels, c=filters),
        ),
        n=(Loop(filters, b=1, c=1),),
        k=(Loop(3, a=line, b=3 * channels * filters), Loop(3 * channels, a=1, b=filters)),
        accumulate=accumulate,
    )


@pytest.mark.parametrize("shape", [(2, 5, 3, 16), (1, 8, 4, 21), (3, 4, 1, 7)])
@pytest.mark.parametrize("accumulate", [False, True])  # adding shows a row that two calls both compute
def test_direct_convolution(cpu, shape, accumulate):
    check(convolution(*shape, accumulate=accumulate), cpu, cuts=[3, 11])


def test_convolution_is_what_scipy_computes(cpu):
    scipy_signal = pytest.importorskip("scipy.signal")
    contraction = convolution(1, 6, 1, 1, "float64")
    kernel = compiled(contraction, plan_contraction(contraction, cpu), cpu)
    rng = np.random.default_rng(0)
    image, weights, out = rng.normal(size=(6, 6)), rng.normal(size=(3, 3)), np.zeros((6, 6))
    padded = np.pad(image, 1)
    kernel(padded.ctypes.data, weights.ctypes.data, out.ctypes.data, None, 0, 36)
    np.testing.assert_allclose(out, scipy_signal.correlate2d(image, weights, mode="same"), rtol=1e-13)


def weight_gradient(images, size, channels, filters):
    """Of a 3x3 convolution: a reduction over images, lines and pixels, whose rows are windows of a padded image."""
    line = (size + 2) * channels
    return Contraction(
        "float32",
        m=(Loop(3, a=line, c=3 * channels * filters), Loop(3 * channels, a=1, c=filters)),
        n=(Loop(filters, b=1, c=1),),
        k=(
            Loop(images, a=(size + 2) * line, b=size * size * filters),
            Loop(size, a=line, b=size * filters),
            Loop(size, a=channels, b=filters),
        ),
    )


def test_weight_gradient_of_a_convolution(cpu):
    check(weight_gradient(2, 5, 3, 18), cpu, cuts=[5])


@pytest.mark.parametrize("block", [3, 5, 13, 25, 40])
def test_blocks_of_a_reduction_in_loops_change_no_bit(cpu, block):
    """A part of a line, lines, an image, or images at a time."""
    gradient = weight_gradient(3, 5, 3, 18)
    plan = plan_contraction(gradient, cpu)
    assert plan.k_block == 75  # all of it
    whole = check(gradient, cpu, plan)
    for first in (False, True):
        blocked = plan._replace(k_block=block, blocks_first=first)
        np.testing.assert_array_equal(check(gradient, cpu, blocked), whole)
        np.testing.assert_array_equal(check(gradient, cpu, blocked, cuts=[5]), whole)


@pytest.mark.parametrize(
    ("images", "size", "steps"), [(5, 12, 144), (2, 20, 100), (1, 150, 150), (9, 9, 81), (2, 16, 512)]
)
def test_a_long_gradient_stays_near(cpu, images, size, steps):
    """Each step of the reduction is another line of memory: a block has as many as a cache has room for, and no more,
    but where all of it is near, or the result itself is large."""
    gradient = weight_gradient(images, size, 2, 8)
    tiny, small, ample = (cpu._replace(l2_bytes=n) for n in (128, 1024, 1 << 21))
    plan = plan_contraction(gradient, small)
    assert (plan.k_block, plan.blocks_first) == (steps, steps < images * size * size)
    check(gradient, small)
    for other in (tiny, ample):
        assert plan_contraction(gradient, other).k_block == images * size * size


def test_input_gradient_reads_the_weights_transposed(cpu):
    """Several loops over k, B contiguous along the innermost one only."""
    size, channels, filters = 6, 5, 24
    line = (size + 2) * filters
    gradient = Contraction(
        "float32",
        m=(Loop(size, a=line, c=size * channels), Loop(size, a=filters, c=channels)),
        n=(Loop(channels, b=filters, c=1),),
        k=(
            Loop(3, a=line, b=3 * channels * filters),
            Loop(3, a=filters, b=channels * filters),
            Loop(filters, a=1, b=1),
        ),
    )
    check(gradient, cpu)
    plan = plan_contraction(gradient, cpu)
    packed = next(p for p in plans(gradient, cpu) if p.pack_b)
    check(gradient, cpu, packed)
    assert plan.dot or plan.pack_b


def test_columns_in_two_loops(cpu):
    loops = {"m": (Loop(9, a=4, c=100),), "n": (Loop(3, b=50, c=30), Loop(18, b=1, c=1)), "k": (Loop(4, a=1, b=160),)}
    check(Contraction("float32", **loops), cpu)


def test_columns_of_c_apart(cpu):
    """C stored by columns and B by rows: correct, though not by vectors; its transpose is the fast way."""
    loops = {"m": (Loop(11, a=6, c=1),), "n": (Loop(19, b=1, c=11),), "k": (Loop(6, a=1, b=19),)}
    contraction = Contraction("float64", **loops)
    check(contraction, cpu)
    check(contraction.transposed(), cpu)


# Copies, blocks and tiles


def plans(contraction, cpu):
    yield from _candidates(contraction.merged(), cpu, [contraction.merged().m[-1].size])


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
def test_blocks_and_copies_change_no_bit(cpu, transpose_a, transpose_b, accumulate):
    contraction = Contraction.matmul(
        "float32", 45, 50, 75, transpose_a=transpose_a, transpose_b=transpose_b, accumulate=accumulate
    )
    plain = next(p for p in plans(contraction, cpu) if p.vectors == 2 and p.rows == 3 and not p.dot)
    expected = check(contraction, cpu, plain._replace(tails=(2,)))
    for changes in (
        {"pack_b": True, "k_block": 32},
        {"m_block": 15},
        {"m_block": 15, "pack_a": transpose_a},
        {"m_block": 15, "pack_a": transpose_a, "pack_b": True, "k_block": 25},
        {"rows": 4, "tails": (3, 2), "vectors": 1},
    ):
        np.testing.assert_array_equal(check(contraction, cpu, plain._replace(**changes), cuts=[20]), expected)


def test_loops_of_one_step_change_no_room(cpu):
    """The room for copies is that of the merged loops, whose innermost row stride differs here."""
    loops = {"n": (Loop(20, b=1, c=1),), "k": (Loop(9, a=30, b=20),)}
    contraction = Contraction("float32", m=(Loop(30, a=1, c=20), Loop(1)), **loops)
    check(contraction, cpu, plan_contraction(contraction, cpu)._replace(m_block=30, pack_a=True))


def test_rows_cut_anywhere_change_no_bit(cpu):
    contraction = Contraction.matmul("float32", 53, 37, 40)
    whole = check(contraction, cpu)
    np.testing.assert_array_equal(check(contraction, cpu, cuts=[1, 17, 40]), whole)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("lines", [(), (5,), (7,)], ids=["rows", "lines of 5", "lines of 7"])
@pytest.mark.parametrize(("rows", "name"), [*((n, "") for n in (1, 6, 12, 13, 16, 30, 37)), (6, "sse2"), (13, "sse2")])
def test_known_ranges_need_no_code_for_others(rows, name, lines, threads, monkeypatch):
    """Rows of images come in lines, of which a range has parts at its ends."""
    cpu = _cpu(name, monkeypatch)
    loops = {"n": (Loop(20, b=1, c=1),), "k": (Loop(9, a=1, b=20),)}
    outer = tuple(Loop(n, a=9 * rows + 3, c=20 * rows) for n in lines)
    contraction = Contraction("float32", m=(*outer, Loop(rows, a=9, c=20)), **loops)
    total = contraction.rows
    cuts = [total * t // threads for t in range(1, threads)]
    ranges = [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]
    plan = plan_contraction(contraction, cpu, ranges=ranges, exactly=True)
    line = contraction.merged().m[-1].size
    bounds = sorted({*range(0, total + 1, line), *cuts, total})
    pieces = {b - a for a, b in itertools.pairwise(bounds)}
    assert plan.singles == any(map(plan.leaves, pieces))
    check(contraction, cpu, plan, cuts=cuts)


def test_the_dot_form(cpu):
    for m, n, k in [(6, 4, 64), (11, 9, 37), (1, 1, 16), (9, 1, 40), (5, 3, 3), (2, 2, 130)]:
        contraction = Contraction.matmul("float32", m, n, k, transpose_b=True)
        for plan in list(plans(contraction, cpu))[-1:]:
            assert plan.dot
            check(contraction, cpu, plan, cuts=[1])


def test_a_tile_reads_few_rows_that_lie_apart(cpu):
    pointwise = Contraction.matmul("float32", 4096, cpu.lanes("float32"), 64)
    assert plan_contraction(pointwise, cpu).rows <= 16


def test_large_operands_are_blocked(cpu):
    contraction = Contraction.matmul("float32", 130, 1040, 1500)
    plan = plan_contraction(contraction, cpu)
    assert plan.pack_b
    assert plan.k_block < 1500
    check(contraction, cpu, plan)
    assert plan_contraction(contraction, cpu, partial_sums=False).k_block == 1500


def test_lines_that_are_far_apart_are_copied(cpu):
    """Of a weight's gradient: rows of A that lie side by side, and panels of B whose lines share places of a cache."""
    crowded, spread = (Contraction.matmul("float32", 258, n, 130, transpose_a=True) for n in (256, 260))
    plan = plan_contraction(crowded, cpu)
    assert plan.pack_a
    assert plan.pack_b
    check(crowded, cpu, cuts=[100])
    assert plan_contraction(spread, cpu).pack_a
    assert not plan_contraction(spread, cpu).pack_b
    assert not plan_contraction(Contraction.matmul("float32", 258, 64, 130, transpose_a=True), cpu).pack_a


# Epilogues


def test_what_the_epilogue_touches_is_asked_for(cpu):
    """Once for each cache line of a tile's rows, in its last block."""
    contraction = Contraction.matmul("float32", 24, 64, 40, transpose_a=True)

    def touches(b, place):
        return [(b.at(Value("ptr", "%C"), place.offset(b), "float"), True)]

    plan = plan_contraction(contraction, cpu)
    found = {asked: text(contraction, plan, cpu, touches=asked) for asked in (None, touches)}
    lines = -(-plan.vectors * plan.lanes * 4 // 64)
    assert found[None].count("call void @llvm.prefetch") == 0
    assert found[touches].count("call void @llvm.prefetch") == lines * len(plan.row_counts)


def test_bias_and_relu(cpu):
    m, n, k = 19, 37, 23
    bias = Value("ptr", "%bias")

    def bias_and_relu(b, value, place):
        added = b.fadd(value, b.load(value.type, b.at(bias, place.n, "float"), place.mask))
        return b.select(b.compare("ogt", added, 0), added, 0)

    contraction = Contraction.matmul("float32", m, n, k)
    kernel = compiled(contraction, plan_contraction(contraction, cpu), cpu, bias_and_relu, [bias])
    x, w, shift = (_random(*shape) for shape in ((m, k), (k, n), (n,)))
    out, whole = guarded(np.zeros(m * n, "float32"))
    kernel(x.ctypes.data, w.ctypes.data, out.ctypes.data, None, shift.ctypes.data, 0, m)
    expected = np.maximum(x.astype("float64") @ w + shift, 0)
    np.testing.assert_allclose(out.reshape(m, n), expected, atol=1e-5)
    assert np.isnan(whole[:GAP]).all()
    assert np.isnan(whole[-GAP:]).all()


@pytest.mark.parametrize("longer", [0, 30], ids=["short", "long"])
def test_an_update_in_place_stores_no_gradient(cpu, longer):
    """W -= rate * X'dY; a long epilogue goes row by row, a short one is repeated for each vector."""
    batch, rows, columns = 21, 50, 37
    weight = Value("ptr", "%weight")

    def descend(b, gradient, place):
        here = b.at(weight, place.offset(b), "double")
        for _ in range(longer):
            gradient = b.fmul(gradient, constant(gradient.type, -1))
        step = b.fmul(gradient, constant(gradient.type, -0.1))
        b.store(b.fadd(b.load(gradient.type, here, place.mask), step), here, place.mask)

    contraction = Contraction.matmul("float64", rows, columns, batch, transpose_a=True)
    kernel = compiled(contraction, plan_contraction(contraction, cpu, partial_sums=False), cpu, descend, [weight])
    x, dy = _random(batch, rows, dtype="float64"), _random(batch, columns, dtype="float64")
    w, whole = guarded(_random(rows * columns, dtype="float64"))
    untouched = np.full(rows * columns, 7.0)
    expected = w.reshape(rows, columns) - 0.1 * (x.T @ dy)
    for begin, end in [(0, 29), (29, rows)]:
        kernel(*(z.ctypes.data for z in (x, dy, untouched)), None, w.ctypes.data, begin, end)
    np.testing.assert_allclose(w.reshape(rows, columns), expected, atol=1e-12)
    assert (untouched == 7).all()
    assert np.isnan(whole[:GAP]).all()
    assert np.isnan(whole[-GAP:]).all()


@pytest.mark.parametrize("transpose_b", [False, True])
def test_an_epilogue_sees_each_place_once(cpu, transpose_b):
    """Row, column and offset, in a batched product whose columns are in two loops."""
    batch = (Loop(2, a=15, b=100, c=100),)
    inner = (Loop(5, b=3, c=1),) if transpose_b else (Loop(5, b=1, c=1),)
    k = (Loop(3, a=1, b=1),) if transpose_b else (Loop(3, a=1, b=5),)
    contraction = Contraction("float32", (Loop(5, a=3, c=10),), (Loop(2, b=40, c=50), *inner), k, batch)

    def code(b, value, place):
        base = b.add(b.mul(place.row(b), 1000), place.n)
        number = b.emit("float", f"sitofp i64 {b.op('add', Value('i64', '0'), base)} to float")
        lanes = int(value.type[1:].split(" x ")[0])
        ramp = Value(value.type, "<" + ", ".join(f"float {float(i)}" for i in range(lanes)) + ">")
        return b.fadd(b.splat(number, lanes), ramp)

    kernel = compiled(contraction, plan_contraction(contraction, cpu), cpu, code)
    a, b = _random(span(contraction, "a")), _random(span(contraction, "b"))
    out, scratch = np.full(200, -1, "float32"), np.zeros(10000, "float32")
    kernel(a.ctypes.data, b.ctypes.data, out.ctypes.data, scratch.ctypes.data, 0, 10)
    target = view(out, contraction, ("batch", "m", "n"), "c")
    rows, columns = np.arange(10).reshape(2, 5, 1, 1), np.arange(10).reshape(2, 5)
    np.testing.assert_array_equal(target, 1000 * rows + columns)


def _random(*shape, dtype="float32"):
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape).astype(dtype)


# Memory outside the operands


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses mprotect")
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize(
    ("copies", "transpose_a", "transpose_b"),
    [
        ({}, False, False), ({}, False, True), ({}, True, False), ({"pack_b": True, "k_block": 16}, False, False),
        ({"pack_b": True, "k_block": 16}, True, False), ({"m_block": 5, "pack_a": True}, True, False),
    ],
)  # fmt: skip
def test_nothing_outside_the_operands_is_touched(cpu, at_end, copies, transpose_a, transpose_b):
    """Each operand touches a page that must not be read; a stray access ends the process."""
    contraction = Contraction.matmul("float32", 13, 37, 21, transpose_a=transpose_a, transpose_b=transpose_b)
    plan = plan_contraction(contraction, cpu)._replace(**copies)
    assert not (plan.dot and copies)
    kernel = compiled(contraction, plan, cpu)
    a, b, c, scratch = (
        beside_guard(size, at_end) for size in (13 * 21, 21 * 37, 13 * 37, max(plan.scratch(contraction), 1))
    )
    a[:], b[:] = _random(a.size), _random(b.size)
    kernel(*(x.ctypes.data for x in (a, b, c, scratch)), 0, 13)
    np.testing.assert_allclose(c.reshape(13, 37), reference(contraction, a, b), atol=1e-5)
