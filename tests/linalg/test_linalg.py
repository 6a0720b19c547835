"""Linear algebra against NumPy and SciPy: values, gradients, stacks, native code."""

import re

import numpy as np
import pytest
import scipy.linalg

import subgrad as sg
from subgrad import linalg
from subgrad.errors import ShapeError

RNG = np.random.default_rng(0)
A, STACK = RNG.normal(size=(4, 4)), RNG.normal(size=(2, 3, 3))
TALL, B = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 2))
ZERO_FIRST = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [4.0, 1.0, 0.0]])
SINGULAR = np.array([np.ones((3, 3)), np.zeros((3, 3)), np.diag([1.0, 0.0, 2.0]), [[0, 1, 2], [0, 3, 4], [0, 5, 7]]])
POSITIVE = A @ A.T + np.eye(4)

CASES = {
    "solve": (linalg.solve, np.linalg.solve, (A, B)),
    "solve a vector": (linalg.solve, np.linalg.solve, (A, B[:, 0])),
    "solve a stack": (linalg.solve, np.linalg.solve, (STACK, STACK[:, :, :1])),
    "solve with pivots": (linalg.solve, np.linalg.solve, (ZERO_FIRST, np.eye(3))),
    "inv": (linalg.inv, np.linalg.inv, (STACK,)),
    "det": (linalg.det, np.linalg.det, (STACK,)),
    "det with pivots": (linalg.det, np.linalg.det, (ZERO_FIRST,)),
    "det of singular matrices": (linalg.det, np.linalg.det, (SINGULAR,)),
    "sign of singular matrices": (lambda a: linalg.slogdet(a)[0], lambda a: np.linalg.slogdet(a)[0], (SINGULAR,)),
    "logarithm of 0": (lambda a: linalg.slogdet(a)[1], lambda a: np.linalg.slogdet(a)[1], (SINGULAR,)),
    "sign": (lambda a: linalg.slogdet(a)[0], lambda a: np.linalg.slogdet(a)[0], (STACK,)),
    "logarithm": (lambda a: linalg.slogdet(a)[1], lambda a: np.linalg.slogdet(a)[1], (STACK,)),
    "cholesky": (linalg.cholesky, np.linalg.cholesky, (POSITIVE,)),
    "q": (lambda a: linalg.qr(a)[0], lambda a: np.linalg.qr(a)[0], (TALL,)),
    "r": (lambda a: linalg.qr(a)[1], lambda a: np.linalg.qr(a)[1], (TALL,)),
    "r of a wide one": (lambda a: linalg.qr(a)[1], lambda a: np.linalg.qr(a)[1], (TALL.T.copy(),)),
    "lstsq": (linalg.lstsq, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], (TALL, RNG.normal(size=5))),
    "q of a stack": (lambda a: linalg.qr(a)[0], lambda a: np.linalg.qr(a)[0], (STACK[:, :, :2].copy(),)),
    "lstsq of a stack": (
        linalg.lstsq, lambda a, b: np.array([np.linalg.lstsq(*ab, rcond=None)[0] for ab in zip(a, b, strict=True)]),
        (STACK[:, :, :2].copy(), STACK[:, :, 1:].copy()),
    ),
    "matrix_exp": (linalg.matrix_exp, scipy.linalg.expm, (STACK,)),
    "matrix_exp of a large one": (linalg.matrix_exp, scipy.linalg.expm, (8 * A,)),
}


@pytest.mark.parametrize("name", CASES)
def test_values_are_numpys(name):
    ours, theirs, arrays = CASES[name]
    with sg.using_dtype("float64"):
        np.testing.assert_allclose(ours(*map(sg.tensor, arrays)).numpy(), theirs(*arrays), rtol=1e-9, atol=1e-11)


def test_native_programs_agree():
    with sg.using_dtype("float64"):
        found = sg.compile(lambda *xss: [f(*xs) for (f, _, _), xs in zip(CASES.values(), xss, strict=True)])(
            *[[sg.tensor(x) for x in arrays] for _, _, arrays in CASES.values()]
        )
    for (_, theirs, arrays), y in zip(CASES.values(), found, strict=True):
        np.testing.assert_allclose(y, theirs(*arrays), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("f", "xs"),
    [
        (linalg.solve, (STACK[0], B[:3])), (linalg.det, (STACK[0],)), (lambda a: linalg.slogdet(a)[1], (STACK[0],)),
        (lambda a: linalg.cholesky(a @ a.T + sg.eye(3, dtype="float64")), (STACK[0],)),
        (lambda a: linalg.qr(a)[1], (TALL[:3, :2],)), (lambda a: linalg.qr(a)[0], (STACK[:, :, :1],)),
        (linalg.matrix_exp, (0.3 * STACK[0],)),
    ],
)  # fmt: skip
def test_derivatives_are_right(f, xs):
    sg.check(f, *xs)


def test_least_squares_without_full_rank_is_nan_and_columns_of_any_size_have_it():
    repeated = np.stack([TALL, TALL * [1.0, 1e-30, 1e30]])
    repeated[0, :, 2] = repeated[0, :, 0] - 2 * repeated[0, :, 1]
    with sg.using_dtype("float64"):
        found = linalg.lstsq(repeated, np.ones((2, 5, 1))).numpy()
    assert np.isnan(found[0]).all()
    expected = np.linalg.lstsq(TALL, np.ones(5), rcond=None)[0] / [1.0, 1e-30, 1e30]
    np.testing.assert_allclose(found[1, :, 0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: linalg.solve(TALL, B), "solve takes a square matrix or a stack of them, got shape (5, 3)"),
        (lambda: linalg.solve(A, np.ones(3)), "solve takes matrices (..., n, n) and (..., n, m)"),
        (lambda: linalg.inv(np.ones(3)), "inv takes a square matrix or a stack of them, got shape (3,)"),
        (lambda: linalg.qr(np.ones(3)), "qr takes a matrix or a stack of them, got shape (3,)"),
        (lambda: linalg.lstsq(TALL.T, np.ones(3)), "lstsq takes a matrix (m, n) with m >= n"),
    ],
)
def test_bad_arguments(wrong, message):
    with pytest.raises(ShapeError, match=re.escape(message)):
        wrong()
