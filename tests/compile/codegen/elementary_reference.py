"""What elementary functions are compared with: samples over all exponents, true values, errors in last places."""

from __future__ import annotations

import functools
import math

import mpmath
import numpy as np

from subgrad.compile.codegen.vecmath.formula import F32, F64
from subgrad.compile.codegen.vecmath.trig import LIMIT

DTYPES = ("float32", "float64")
FORMATS = {"float32": F32, "float64": F64}
SEED = 20240229

mpmath.mp.prec = 140


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


IN_DOUBLE = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "erf": np.vectorize(math.erf, otypes=[float]),
    "erfc": np.vectorize(math.erfc, otypes=[float]),
    "sin": np.sin,
    "cos": np.cos,
    "pow": np.power,
}
IN_MPMATH = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: mpmath.exp(min(x, 0)) / (1 + mpmath.exp(-abs(x))),
    "softplus": lambda x: max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x))),
    "erf": mpmath.erf,
    "erfc": lambda x: mpmath.erfc(max(min(x, 99), -99)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "pow": mpmath.power,
}


def sample(dtype: str, random: int) -> np.ndarray:
    """Finite numbers: random bit patterns, powers of two with neighbours, the busy region, borders."""
    rng, f = np.random.default_rng(SEED), FORMATS[dtype]
    patterns = rng.integers(0, 2**f.width, random, dtype=f"uint{f.width}").view(dtype)
    powers = np.ldexp(np.ones(1, dtype), np.arange(-f.bias - f.digits + 1, f.bias + 1))
    busy = rng.uniform(-1, 1, random) * rng.choice([1e-3, 0.1, 1.0, 4.0, 20.0, 100.0, 760.0, 1e5], random)
    near_one = 1 + rng.uniform(-1, 1, random // 8) * 2.0 ** -rng.integers(1, f.digits, random // 8)
    borders = [88.72284, 87.33655, 103.97208, 709.782712893384, 708.3964185322641, 745.1332191019412]
    turns = rng.integers(1, int(LIMIT[f] / 1.6), random // 8) * (math.pi / 2)
    steps = np.arange(-200, 200) * (math.log(2) / 2)
    exact = np.concatenate([powers, borders, turns]).astype(dtype)
    infinity = np.array(np.inf, dtype)
    near = np.concatenate([exact, np.nextafter(exact, infinity), np.nextafter(exact, -infinity)])
    every = np.concatenate([patterns, near, -near, busy, near_one, steps], dtype=dtype, casting="same_kind")
    return every[np.isfinite(every)]


def in_domain(name: str, x: np.ndarray) -> np.ndarray:
    return x[x > {"log": 0, "log1p": -1}.get(name, -np.inf)]


def powers_in_range(dtype: str, random: int) -> tuple[np.ndarray, np.ndarray]:
    """(x, y), x > 0, with x**y spread over all exponents, the subnormals and beyond included."""
    rng, f = np.random.default_rng(SEED), FORMATS[dtype]
    x = np.abs(sample(dtype, random))
    x = x[(x > 0) & (x != 1)]
    with np.errstate(over="ignore"):
        y = (rng.uniform(-f.bias - f.digits - 2, f.bias + 2, x.size) / np.log2(x.astype(float))).astype(dtype)
    keep = np.isfinite(y)
    return x[keep], y[keep]


def errors(got: np.ndarray, high: np.ndarray, low: np.ndarray | float = 0.0) -> np.ndarray:
    """|got - (high + low)| in units in the last place of the true value; inf is the next power of two."""
    f = FORMATS[got.dtype.name]
    with np.errstate(over="ignore"):
        high = np.where(np.isinf(high.astype(got.dtype)), np.copysign(np.inf, high), high)
        exponent = np.where(np.isinf(high), f.bias, np.frexp(high)[1] - 1)
        unit = np.maximum(exponent, 1 - f.bias) - f.digits
        got_units, high_units = in_units(got.astype(float), unit, f), in_units(high, unit, f)
        return np.abs(got_units - high_units - np.ldexp(low, -unit))


def in_units(x: np.ndarray, unit: np.ndarray, f) -> np.ndarray:
    infinity = np.copysign(np.ldexp(1.0, f.bias + 1 - unit), x)
    return np.where(np.isinf(x), infinity, np.ldexp(x, -unit))


@functools.cache
def exact_float32(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, true): arguments, and the true values as doubles."""
    x = y = in_domain(name, sample("float32", 1 << 17))
    if name == "pow":
        x, y = powers_in_range("float32", 1 << 17)
    arguments = [x, y] if name == "pow" else [x]
    with np.errstate(all="ignore"):
        return x, y, IN_DOUBLE[name](*(a.astype(float) for a in arguments))


@functools.cache
def exact_float64(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, high, low): arguments, and the true values as pairs of doubles."""
    x = y = in_domain(name, sample("float64", 5_000))
    if name == "pow":
        x, y = powers_in_range("float64", 5_000)
    arguments = [x.tolist(), y.tolist()] if name == "pow" else [x.tolist()]
    true = [IN_MPMATH[name](*map(mpmath.mpf, a)) for a in zip(*arguments, strict=True)]
    high = [float(value) for value in true]
    low = [float(value - h) if math.isfinite(h) else 0.0 for value, h in zip(true, high, strict=True)]
    return x, y, np.array(high), np.array(low)
