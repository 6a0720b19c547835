"""Elementary functions as LLVM text: accuracy over all exponents, special values, vector code."""

from __future__ import annotations

import ctypes
import functools
import math
import platform
import re
from collections.abc import Iterable

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from elementary_reference import DTYPES, FORMATS, SEED, errors, exact_float32, exact_float64, sample

from subgrad.compile.codegen import vecmath
from subgrad.compile.codegen.vecmath.trig import FAR, LIMIT
from subgrad.compile.runtime.cpu import host
from subgrad.errors import ArgumentError, DTypeError

X86 = platform.machine().lower() in ("x86_64", "amd64")
UNARY = [name for name in vecmath.FUNCTIONS if name != "pow"]
ULPS = 4


# Compiling


def loop(name: str, dtype: str, lanes: int) -> str:
    """A plain loop that calls the function, ``lanes`` elements a turn."""
    scalar, symbol = FORMATS[dtype].type, vecmath.symbol(name, dtype, lanes)
    kind = scalar if lanes == 1 else f"<{lanes} x {scalar}>"
    second = f", {kind} %b" if name == "pow" else ""
    align = FORMATS[dtype].width // 8
    return f"""
define void @loop_{symbol}(ptr noalias %x, ptr noalias %y, ptr noalias %out, i64 %n) {{
entry:
  br label %turn
turn:
  %i = phi i64 [0, %entry], [%next, %turn]
  %px = getelementptr inbounds {scalar}, ptr %x, i64 %i
  %py = getelementptr inbounds {scalar}, ptr %y, i64 %i
  %po = getelementptr inbounds {scalar}, ptr %out, i64 %i
  %a = load {kind}, ptr %px, align {align}
  %b = load {kind}, ptr %py, align {align}
  %r = call {kind} @{symbol}({kind} %a{second})
  store {kind} %r, ptr %po, align {align}
  %next = add nuw nsw i64 %i, {lanes}
  %done = icmp eq i64 %next, %n
  br i1 %done, label %end, label %turn
end:
  ret void
}}"""


def optimised(triple: str, cpu: str, features: str, fma: bool, needed: Iterable[tuple[str, str, int]]):
    """(target machine, module) with a loop for every function needed, after LLVM's -O3 pipeline."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    text = vecmath.library(needed, fma) + "".join(loop(*item) for item in needed)
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small"
    )
    module.triple, module.data_layout = triple, str(machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine, module


def host_target(fma: bool) -> tuple[str, str, str, bool]:
    triple = llvm.get_process_triple()
    if X86 and not fma:
        return triple, "x86-64", "", False
    features = llvm.get_host_cpu_features()
    has_fma = fma and (not X86 or features.get("fma", False))
    return triple, llvm.get_host_cpu_name(), features.flatten(), has_fma


def native_lanes(fma: bool, dtype: str) -> int:
    """The lanes of one vector register of :func:`host_target`."""
    bits = 128 if X86 and not fma else host().vector_bits
    return bits // FORMATS[dtype].width


@functools.cache
def compiled(fma: bool, lanes: int | None):
    """Call (name, x, y) -> array, natively; the processor's best code with fma, its plainest without.

    ``lanes`` None: as many as the processor's registers have.
    """

    def lanes_for(dtype: str) -> int:
        return native_lanes(fma, dtype) if lanes is None else lanes

    needed = [(name, dtype, lanes_for(dtype)) for name in vecmath.FUNCTIONS for dtype in DTYPES]
    machine, module = optimised(*host_target(fma), needed)
    engine = llvm.create_mcjit_compiler(module, machine, use_lmm=True)
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)

    def call(name: str, x: np.ndarray, y: np.ndarray | None = None, engine=engine) -> np.ndarray:
        dtype, step = x.dtype.name, lanes_for(x.dtype.name)
        function = prototype(engine.get_function_address(f"loop_{vecmath.symbol(name, dtype, step)}"))
        whole = -(-x.size // step) * step
        a, b, out = np.resize(x, whole), np.resize(x if y is None else y, whole), np.empty(whole, dtype)
        function(a.ctypes.data, b.ctypes.data, out.ctypes.data, whole)
        return out[: x.size]

    return call


RUNS = [(True, 1), (False, 1), (True, None), (False, None)]


@pytest.fixture(params=RUNS, ids=["fma", "no-fma", "fma-vector", "no-fma-vector"])
def run(request):
    return compiled(*request.param)


# Accuracy


@pytest.mark.parametrize("name", vecmath.FUNCTIONS)
def test_float32_over_all_exponents(name, run):
    x, y, true = exact_float32(name)
    assert errors(run(name, x, y), true).max() <= ULPS


@pytest.mark.parametrize("name", vecmath.FUNCTIONS)
def test_float64_against_many_digits(name, run):
    x, y, high, low = exact_float64(name)
    assert x.size > 10_000
    assert errors(run(name, x, y), high, low).max() <= ULPS


# Special values


INF, NAN = math.inf, math.nan
SPECIAL = {
    "exp": [(0, 1), (-0.0, 1), (INF, INF), (-INF, 0.0), (1e4, INF), (-1e4, 0.0)],
    "expm1": [(0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1), (1e4, INF), (-1e4, -1)],
    "log": [(0, -INF), (-0.0, -INF), (1, 0.0), (INF, INF), (-INF, NAN), (-1, NAN)],
    "log1p": [(0, 0.0), (-0.0, -0.0), (-1, -INF), (INF, INF), (-INF, NAN), (-2, NAN)],
    "tanh": [(0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (30, 1), (-30, -1)],
    "sigmoid": [(0, 0.5), (-0.0, 0.5), (INF, 1), (-INF, 0.0), (50, 1), (-1e4, 0.0)],
    "softplus": [(INF, INF), (-INF, 0.0), (1e4, 1e4), (-1e4, 0.0)],
    "erf": [(0, 0.0), (-0.0, -0.0), (INF, 1), (-INF, -1), (7, 1), (-7, -1)],
    "erfc": [(0, 1), (-0.0, 1), (INF, 0.0), (-INF, 2), (30, 0.0), (-30, 2), (1e30, 0.0)],
    "sin": [(0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)],
    "cos": [(0, 1), (-0.0, 1), (INF, NAN), (-INF, NAN)],
}


def assert_same(got: np.ndarray, expected: np.ndarray) -> None:
    """Equal, zeros with their signs, NaN where NaN is expected."""
    np.testing.assert_array_equal(got, expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(expected[number]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name, dtype, run):
    x, expected = np.array([*SPECIAL[name], (NAN, NAN)], dtype).T.copy()
    assert_same(run(name, x), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_powers_as_in_numpy(dtype, run):
    values = [0.0, 0.5, 1, 1.5, 2, 3, 4, 2.0**23 + 1, 2.0**24 + 2, 1e30, INF, NAN]
    x, y = (a.ravel().copy() for a in np.meshgrid(*[np.array([*values, *(-v for v in values)], dtype)] * 2))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = run("pow", x, y)
    edge = ~np.isfinite(expected) | (expected == 0) | (np.abs(expected) == 1)
    assert_same(got[edge], expected[edge])
    np.testing.assert_allclose(got, expected, rtol=1e-6 if dtype == "float32" else 1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "expm1", "log1p", "sin"])
def test_subnormals_pass_unchanged(name, dtype, run):
    least = np.finfo(dtype).smallest_subnormal
    x = least * np.array([1, -1, 2, 3, -5, 1000, 2**20 + 1], dtype)
    assert_same(run(name, x), x)


@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus"])
def test_left_tails_end_in_subnormals(name, run):
    x = np.array([-88, -95, -103.2], "float32")
    assert np.all(run(name, x) > 0)
    assert errors(run(name, x), np.exp(x.astype(float))).max() <= 1


def test_erfc_is_accurate_down_to_the_subnormals(run):
    x = np.linspace(-6, 26.6, 4001)
    with mpmath.workprec(200):
        expected = [mpmath.erfc(mpmath.mpf(v)) for v in x]
    high = np.array([float(e) for e in expected])
    low = np.array([float(e - mpmath.mpf(float(h))) for e, h in zip(expected, high, strict=True)])
    assert errors(run("erfc", x), high, low).max() <= ULPS
    x = np.linspace(-4, 10.1, 4001, dtype="float32")
    assert errors(run("erfc", x), np.vectorize(math.erfc)(x.astype(float))).max() <= ULPS


@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize(
    ("dtype", "hardest"),  # nearer to a multiple of pi/2 than any other number of the format
    [("float32", 16367173 * 2.0**72), ("float64", 6381956970095103 * 2.0**797)],
)
def test_circle_at_its_hardest_arguments(name, dtype, hardest, run):
    far = np.abs(sample(dtype, 20_000))
    far = np.concatenate([far[far > LIMIT[FORMATS[dtype]]][:300], [hardest, np.finfo(dtype).max]]).astype(dtype)
    with mpmath.workprec(200):
        expected = [getattr(mpmath, name)(mpmath.mpf(float(x))) for x in far]
    got = run(name, far)
    relative = [float(abs(mpmath.mpf(float(g)) - e) / abs(e)) for g, e in zip(got, expected, strict=True)]
    assert max(relative) < 4 * np.finfo(dtype).eps
    mixed = np.where(np.arange(far.size) % 3 == 0, far, far / far.max()).astype(dtype)  # near and far in one vector
    assert_same(run(name, mixed), np.concatenate([run(name, mixed[i : i + 1]) for i in range(far.size)]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "low"), [("tanh", -1), ("erf", -1), ("sigmoid", 0)])
def test_saturating_functions_never_leave_their_interval(name, low, dtype, run):
    y = run(name, np.linspace(-20, 20, 200_001, dtype=dtype))
    assert y.min() >= low
    assert y.max() <= 1


# Vectors and scalars


def bits_of(x: np.ndarray) -> np.ndarray:
    """The bits, with one pattern for all NaN: IEEE 754 leaves the payload open."""
    return np.where(np.isnan(x), np.array(math.nan, x.dtype), x).view(f"i{x.itemsize}")


def any_bits(dtype: str, count: int, seed: int) -> np.ndarray:
    """Random bit patterns, and numbers of ordinary size; infinities, NaN and both zeros."""
    rng = np.random.default_rng(seed)
    patterns = rng.integers(0, 2 ** FORMATS[dtype].width, count, f"uint{FORMATS[dtype].width}").view(dtype)
    ordinary = rng.standard_normal(count).astype(dtype) * 5
    x = np.concatenate([patterns, ordinary, np.array([0.0, -0.0, INF, -INF, NAN] * 40, dtype)])
    return rng.permutation(x)


@pytest.mark.parametrize(("fma", "lanes"), [(True, 2), (True, 3), (True, 16), (False, 4), (False, 8)])
def test_each_lane_has_the_bits_of_the_scalar(lanes, fma):
    vector, scalar = compiled(fma, lanes), compiled(fma, 1)
    for dtype in DTYPES:
        x, y = any_bits(dtype, 20_000, SEED), any_bits(dtype, 20_000, SEED + 1)
        for name in vecmath.FUNCTIONS:
            got, expected = bits_of(vector(name, x, y)), bits_of(scalar(name, x, y))
            np.testing.assert_array_equal(got, expected, err_msg=f"{name} {dtype}")


# Machine code


TARGETS = [
    ("x86_64-unknown-linux-gnu", "x86-64-v4", True, 256),
    ("x86_64-unknown-linux-gnu", "haswell", True, 256),
    ("x86_64-unknown-linux-gnu", "x86-64", False, 128),
    ("aarch64-unknown-linux-gnu", "generic", True, 128),
]
on_each_target = pytest.mark.parametrize(
    ("triple", "cpu", "fma", "bits"), TARGETS, ids=[t[1] + t[0][:7] for t in TARGETS]
)


def called_in(assembly: str) -> set[str]:
    """What x86-64 or AArch64 instructions call."""
    return set(re.findall(r"^\s+(?:callq?|blr?)\s+(\S+)", assembly, re.MULTILINE))


@on_each_target
def test_scalar_loops_become_vector_code(triple, cpu, fma, bits):
    straight = [name for name in vecmath.FUNCTIONS if name not in ("sin", "cos")]
    needed = [(name, dtype, 1) for name in straight for dtype in DTYPES]
    machine, module = optimised(triple, cpu, "", fma, needed)
    for name, dtype, lanes in needed:
        f = FORMATS[dtype]
        body = str(module.get_function(f"loop_{vecmath.symbol(name, dtype, lanes)}"))
        widths = [int(w) for w in re.findall(rf"store <(\d+) x (?:{f.type}|{f.bits})>", body)]
        assert max(widths, default=1) * f.width >= bits, (name, dtype)
    assert not called_in(machine.emit_assembly(module))


@on_each_target
def test_vectors_of_any_width_need_no_other_library(triple, cpu, fma, bits):
    needed = [(name, dtype, 16) for name in vecmath.FUNCTIONS for dtype in DTYPES]
    machine, module = optimised(triple, cpu, "", fma, needed)
    called = called_in(machine.emit_assembly(module))
    assert called <= {vecmath.symbol(*item) for item in needed} | {FAR}
    assert vecmath.symbol("pow", "float64", 16) in called


# Errors


def test_unknown_function():
    with pytest.raises(ArgumentError, match="no elementary function named 'exp10': expected one of exp,"):
        vecmath.definition("exp10", "float32")


def test_unknown_dtype():
    with pytest.raises(DTypeError, match="for float32 and float64, not float16"):
        vecmath.definition("exp", "float16")


def test_no_lanes():
    with pytest.raises(ArgumentError, match="of 0 lanes: expected at least 1"):
        vecmath.definition("exp", "float32", lanes=0)
