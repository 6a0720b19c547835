"""Elementary functions against NumPy, SciPy and mpmath: interpreted and native, in units in the last place."""

import functools

import mpmath
import numpy as np
import pytest
import scipy.special

import subgrad as sg
from subgrad.errors import ArgumentError, DTypeError

ALL = np.concatenate([10.0 ** np.linspace(-30, 30, 61), np.linspace(0.01, 4, 100), [0.0, np.inf]])
ALL = np.concatenate([ALL, -ALL, [np.nan]])
TINY = 10.0 ** np.arange(-30, 0)
INNER = np.concatenate([np.linspace(-1, 1, 161), 1 - TINY[-15:], TINY, [1.5, np.nan]])
ABOVE_ONE = np.concatenate([1 + 10.0 ** np.linspace(-15, 30, 100), [1.0, 0.5, -3.0, np.inf, np.nan]])
ROOTS = [0.9999, 1.0001, 1.9999, 2.0001, 1.46, 1.4617]
POSITIVE = np.concatenate([[0.0], ALL[np.isfinite(ALL) & (ALL > 0)], np.linspace(4, 40, 50), ROOTS, [np.inf]])


def precise(f):
    """A function of mpmath: SciPy's gammaln and psi have some more units of error than are allowed here."""

    def exact(x):
        with mpmath.workprec(120):
            return float(mpmath.re(f(mpmath.mpf(float(x)))))

    return np.vectorize(exact, otypes=[float])


CASES = {
    "tan": (np.tan, ALL),
    "asin": (np.arcsin, INNER),
    "acos": (np.arccos, INNER),
    "atan": (np.arctan, ALL),
    "sinh": (np.sinh, ALL),
    "cosh": (np.cosh, ALL),
    "asinh": (np.arcsinh, ALL),
    "acosh": (np.arccosh, ABOVE_ONE),
    "atanh": (np.arctanh, INNER),
    "log2": (np.log2, ALL),
    "log10": (np.log10, ALL),
    "lgamma": (precise(mpmath.loggamma), POSITIVE[1:-1]),
    "digamma": (precise(mpmath.digamma), POSITIVE[1:-1]),
    "erfinv": (scipy.special.erfinv, INNER),
    "floor": (np.floor, np.concatenate([ALL, [0.5, -0.5, 2.0**23 + 1]])),
    "ceil": (np.ceil, ALL),
    "trunc": (np.trunc, ALL),
    "round": (np.round, np.concatenate([ALL, np.arange(-3.5, 4), [0.49999997, 2.0**23 + 1]])),
    "sinc": (np.sinc, np.linspace(-0.9, 0.9, 41)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "reciprocal": (np.reciprocal, ALL),
}
EXACT = {"floor", "ceil", "trunc", "round", "reciprocal"}


def ulps(found, expected):
    """The largest error in units in the last place of the result; infinities and NaN have to agree."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    same = np.isnan(expected) | (found == expected)
    with np.errstate(all="ignore"):
        return np.where(same, 0, np.abs(found - expected) / np.spacing(np.abs(expected))).max()


@functools.cache
def native(dtype):
    """The results of all functions, by one program."""
    inputs = {name: sg.tensor(x, dtype) for name, (_, x) in CASES.items()}
    return sg.compile(lambda xs: {name: getattr(sg, name)(x) for name, x in xs.items()})(inputs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_values_over_the_whole_range(name, dtype):
    reference, x = CASES[name]
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64)).astype(dtype)
    limit = 0 if name in EXACT else 6
    for found in (getattr(sg, name)(sg.tensor(x, dtype)).numpy(), np.asarray(native(dtype)[name])):
        assert ulps(found, expected) <= limit
        np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


def test_gamma_on_the_negative_side():
    x = np.array([-0.3, -1.7, -5.4, -20.6])
    np.testing.assert_allclose(sg.lgamma(sg.tensor(x, "float64")).numpy(), scipy.special.gammaln(x), rtol=1e-13)
    np.testing.assert_allclose(sg.digamma(sg.tensor(x, "float64")).numpy(), scipy.special.psi(x), rtol=1e-12)
    assert sg.lgamma([0.0, -1.0, -np.inf]).tolist() == [np.inf, np.inf, np.inf]
    assert np.isnan(sg.digamma([-1.0, -2.0]).numpy()).all()
    assert sg.lgamma([-3e38, 3.4e38]).tolist() == [np.inf, np.inf]
    assert sg.digamma([-1e-45, 1e-45, -2.0**-100, 2.0**-100]).tolist() == [np.inf, -np.inf, 2.0**100, -(2.0**100)]


SIGNED = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, 1e-30, -1e30, np.nan])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles_of_points_are_numpys_with_signed_zeros_and_infinities(dtype):
    y, x = np.meshgrid(np.append(SIGNED, [0.3, -2.0]), np.append(SIGNED, [0.7, -1.1]))
    y, x = y.astype(dtype), x.astype(dtype)
    expected, points = np.arctan2(y, x), (sg.tensor(y, dtype), sg.tensor(x, dtype))
    for found in (sg.atan2(*points).numpy(), sg.compile(sg.atan2)(*points)):
        assert ulps(np.asarray(found), expected) <= 4
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
def test_remainders_are_numpys(dtype):
    if dtype.startswith("f"):
        a = np.array([7.5, -7.5, 1e20, -1e20, 0.0, 5.0, 5.0, -5.0, np.inf, 1.0, np.nan, -6.0], dtype)
        b = np.array([2.0, 2.0, 3.0, 3.0, -3.0, -3.0, np.inf, np.inf, 2.0, 0.0, 1.0, 3.0], dtype)
    else:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        a = np.array([low, low, high, 7, 0, 200 if dtype == "uint8" else -7], dtype)
        b = np.array([3 if dtype == "uint8" else -1, 0, 5, 2, 1, 3], dtype)
    with np.errstate(all="ignore"):
        expected = np.remainder(a, b)
    a, b = sg.tensor(a, dtype), sg.tensor(b, dtype)
    for found in (a % b, sg.compile(sg.remainder)(a, b)):
        np.testing.assert_array_equal(np.asarray(found), expected)


def test_numbers_that_are_whole_already_stay_integers():
    x = sg.tensor([3, -4])
    for f in (sg.floor, sg.ceil, sg.round, sg.trunc):
        assert f(x) is x or (f(x).dtype == sg.int64 and f(x).tolist() == [3, -4])


def test_decimals():
    x = np.array([1.25, -3.456, 1234.5])
    for d in (-2, 1, 2):
        np.testing.assert_allclose(sg.round(sg.tensor(x, "float64"), d).numpy(), np.round(x, d))
    with pytest.raises(ArgumentError, match="round takes a whole number of decimals, got 0.5"):
        sg.round(x, 0.5)


def test_a_step_is_numpys():
    x = np.array([-1.0, 0.0, 2.0, np.nan])
    np.testing.assert_array_equal(sg.heaviside(x, 0.5).numpy(), np.heaviside(x, 0.5))


@pytest.mark.parametrize(
    ("f", "x", "what"),
    [
        (sg.floor, [2.0], "jump"),
        (sg.round, [2.5], "jump"),
        (sg.asin, [1.0], "slope is infinite"),
        (lambda x: x % 1.5, [3.0], "jump"),
        (lambda x: sg.atan2(x, -1.0), [0.0], "jump"),
    ],
)
def test_jumps_and_infinite_slopes_are_noticed(f, x, what):
    with pytest.raises(sg.errors.GradientError, match=what):
        sg.directional_derivative(lambda x: f(x).sum(), x, [1.0])


@pytest.mark.parametrize("name", ["tan", "asin", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "log2", "log10"])
def test_bounds_hold(name):
    """A proof that the function is within a little of itself, whose Taylor model is that of what it is made of."""
    f, low = getattr(sg, name), 1.5 if name in ("acosh", "log2", "log10") else 0.2
    found = sg.enclosure(lambda x: f(x).sum(), np.array([low]), np.array([low + 0.1]))
    slope = sg.grad(lambda x: f(x).sum())(sg.tensor([low + 0.05], "float64")).numpy()
    assert (found.low <= slope).all()
    assert (slope <= found.high).all()


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_shifts_are_numpys(dtype):
    x = np.array([0, 1, 5, 200, 255, 2**31 - 1, -1, -5, -(2**31)]).astype(dtype)
    n = np.array([0, 1, 2, 7, 31, 40, 63, 100])[:, None].astype(dtype)
    wanted = np.right_shift(x, n)
    for found in (sg.right_shift(sg.tensor(x), sg.tensor(n)), sg.compile(sg.right_shift)(x, n)):
        assert np.array_equal(found, wanted)
    with pytest.raises(DTypeError, match="right_shift takes integers, got float32"):
        sg.right_shift(sg.tensor([1.0]), 1)
