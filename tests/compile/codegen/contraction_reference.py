"""Contractions run natively, and what NumPy makes of them in float64."""

import ctypes
import itertools
import mmap

import numpy as np

from subgrad.compile.codegen.gemm.contraction import Given, emit_contraction, plan_contraction
from subgrad.compile.codegen.llvm import Module
from subgrad.compile.codegen.llvm_values import Value
from subgrad.compile.native import Library, compile_object

GAP = 37  # elements around each operand that must never be touched


def text(contraction, plan, cpu, epilogue=None, extras=(), touches=None):
    """Of a function ``kernel(A, B, C, scratch, <extras>, begin, end)``."""
    arrays = [Value("ptr", name) for name in ("%A", "%B", "%C", "%scratch")]
    rows, module = [Value("i64", name) for name in ("%begin", "%end")], Module(cpu)
    with module.function("kernel", [*arrays, *extras, *rows], noalias=arrays, exported=True) as b:
        emit_contraction(b, contraction, plan, Given(*arrays, *rows), epilogue=epilogue, touches=touches)
    return str(module)


def compiled(contraction, plan, cpu, epilogue=None, extras=()):
    library = Library(compile_object(text(contraction, plan, cpu, epilogue, extras), cpu), cpu)
    pointers = [ctypes.c_void_p] * (4 + len(extras))
    return library.function("kernel", None, [*pointers, ctypes.c_int64, ctypes.c_int64])


def span(contraction, operand):
    """One more than the furthest element that an operand's loops reach."""
    loops = contraction.batch + contraction.m + contraction.n + contraction.k
    return 1 + sum((loop.size - 1) * getattr(loop, operand) for loop in loops)


def guarded(values):
    """The values in the middle of a larger array of NaN, and that array."""
    whole = np.full(values.size + 2 * GAP, np.nan, values.dtype)
    whole[GAP:-GAP] = values
    return whole[GAP:-GAP], whole


def view(data, contraction, kinds, operand):
    """An operand as an array with one axis for each loop of the given kinds."""
    loops = [loop for kind in kinds for loop in getattr(contraction, kind)]
    strides = [getattr(loop, operand) * data.itemsize for loop in loops]
    return np.lib.stride_tricks.as_strided(data, [loop.size for loop in loops], strides)


def reference(contraction, a, b):
    """The sums in float64: one axis for each loop over batch, m and n."""
    sizes = {kind: len(getattr(contraction, kind)) for kind in ("batch", "m", "n", "k")}
    names = iter("abcdefghijklmnop")
    axes = {kind: "".join(next(names) for _ in range(count)) for kind, count in sizes.items()}
    formula = "{batch}{m}{k},{batch}{k}{n}->{batch}{m}{n}".format(**axes)
    left = view(a, contraction, ("batch", "m", "k"), "a").astype("float64")
    right = view(b, contraction, ("batch", "k", "n"), "b").astype("float64")
    return np.einsum(formula, left, right)


def tolerance(contraction):
    steps = np.prod([loop.size for loop in contraction.k])
    return 4 * np.finfo(contraction.dtype).eps * float(steps)


def check(contraction, cpu, plan=None, cuts=(), seed=0):
    """Run on random operands between sentinels, rows cut as given, and compare with NumPy."""
    plan = plan or plan_contraction(contraction, cpu)
    kernel = compiled(contraction, plan, cpu)
    rng = np.random.default_rng(seed)
    operands = {x: rng.uniform(-1, 1, span(contraction, x)).astype(contraction.dtype) for x in "abc"}
    (a, whole_a), (b, whole_b), (c, whole_c) = (guarded(operands[x]) for x in "abc")
    scratch, whole_scratch = guarded(np.full(plan.scratch(contraction), np.nan, contraction.dtype))
    expected = c.astype("float64")
    target = view(expected, contraction, ("batch", "m", "n"), "c")
    target[...] = reference(contraction, a, b) + (target if contraction.accumulate else 0)
    edges = [0, *cuts, contraction.rows]
    for begin, end in itertools.pairwise(edges):
        kernel(*(x.ctypes.data for x in (a, b, c, scratch)), begin, end)
    np.testing.assert_allclose(c, expected, rtol=0, atol=tolerance(contraction))
    for whole in (whole_a, whole_b, whole_c, whole_scratch):
        assert np.isnan(whole[:GAP]).all()
        assert np.isnan(whole[-GAP:]).all()
    return c


def beside_guard(count, at_end):
    """``count`` floats that end where an unreadable page begins, or begin where one ends."""
    page = mmap.PAGESIZE
    inside = -(-count * 4 // page) * page
    memory = mmap.mmap(-1, inside + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    for guard in (start, start + page + inside):
        assert libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), 0) == 0
    offset = page + (inside - 4 * count if at_end else 0)
    return np.frombuffer(memory, "float32", count, offset)
