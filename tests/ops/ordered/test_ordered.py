"""Order, counts, running products and elements at integers against NumPy: values, ties, gradients, native code."""

import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, DTypeError, GradientError, NotTraceableError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5))
TIED = np.array([[2.0, 1.0, 2.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
WITH_NAN = np.array([3.0, np.nan, -np.inf, np.inf, 1.0, np.nan])
INTS = RNG.integers(-3, 4, 9)
BOOLS = RNG.random((2, 3)) > 0.5
EMPTY = np.zeros((2, 0))
ROWS, FEW = np.array([[1], [0], [2]]), np.array([0, 2, 2, 1])
KNOTS, HEIGHTS = np.array([-1.0, 0.0, 0.5, 2.0]), np.array([1.0, -1.0, 0.5, 2.0])

CASES = [
    *[(lambda m, x: m.sort(x), [x]) for x in (X, TIED, WITH_NAN, INTS, BOOLS, EMPTY, X[:, :1], np.cos(np.arange(23)))],
    *[(lambda m, x: m.sort(x, 0), [x]) for x in (X, TIED)],
    (lambda m, x: m.sort(x, None), [X]),
    (lambda m, x: m.quantile(x, 0.3), [X]),
    (lambda m, x: m.quantile(x, [0.0, 0.25, 1.0], axis=1), [X]),
    (lambda m, x: m.quantile(x, 0.5, axis=(0, 1), keepdims=True), [X]),
    (lambda m, x: m.median(x, 0), [X]),
    (lambda m, x: m.median(x, 1), [X[:, :4]]),
    (lambda m, x: m.median(x), [WITH_NAN]),
    (lambda m, x: m.prod(x), [X]),
    (lambda m, x: m.prod(x, 0, keepdims=True), [X]),
    (lambda m, x: m.prod(x, 1), [EMPTY]),
    (lambda m, x: m.prod(x), [INTS]),
    (lambda m, x: m.cumprod(x, 1), [X]),
    (lambda m, x: m.cumprod(x, 0), [INTS]),
    (lambda m, x: m.cumprod(x, 1), [EMPTY]),
    *[(lambda m, x: (m.cummax if m is sg else m.maximum.accumulate)(x), [x]) for x in (X, TIED, INTS)],
    (lambda m, x: (m.cummin if m is sg else m.minimum.accumulate)(x, 1), [X]),
    *[(lambda m, x: m.any(x, 1), [x]) for x in (BOOLS, EMPTY, X)],
    *[(lambda m, x: m.all(x, 0, keepdims=True), [x]) for x in (BOOLS, EMPTY, X)],
    (lambda m, x: m.count_nonzero(x), [INTS]),
    (lambda m, x: m.isinf(x), [WITH_NAN]),
    (lambda m, a, b: m.isclose(a, b, equal_nan=True), [WITH_NAN, np.array([3.00001, np.nan, -np.inf, 1.0, 1.1, 0.0])]),
    (lambda m, a, b: m.allclose(a, b), [X, X + 1e-9]),
    *[(lambda m, a, v: m.searchsorted(a, v), [KNOTS, v]) for v in (X, KNOTS, WITH_NAN)],
    *[(lambda m, a, v: m.searchsorted(a, v, "right"), [KNOTS, v]) for v in (X, KNOTS, WITH_NAN)],
    (lambda m, a, v: m.searchsorted(a, v), [np.zeros(0), X]),
    (lambda m, a: m.searchsorted(a, 0.25), [KNOTS]),
    (lambda m, p, f: m.interp(0.25, p, f), [KNOTS, HEIGHTS]),
    (lambda m, x: m.histogram(x, 4)[0], [X]),
    (lambda m, x: m.histogram(x, 4)[1], [X]),
    (lambda m, x: m.histogram(x, 3, (-1.0, 1.0))[0], [np.append(X, [-1.0, 1.0, 5.0])]),
    (lambda m, x, e: m.histogram(x, e)[0], [X, KNOTS]),
    (lambda m, x, p, f: m.interp(x, p, f), [np.append(X, [-1.0, 0.5, 2.0, 9.0, -9.0]), KNOTS, HEIGHTS]),
    (lambda m, x, i: m.take(x, i), [X, FEW]),
    (lambda m, x, i: m.take(x, i, 1), [X, np.array([[0, -1], [2, 2]])]),
    (lambda m, x, i: m.take_along_axis(x, i, 1), [X, ROWS]),
    (lambda m, x, i: m.take_along_axis(x, i, 0), [X, np.array([[2, 0, 1, 0, -1]])]),
]


@pytest.mark.parametrize(("f", "xs"), CASES)
def test_values_are_numpys(f, xs):
    with sg.using_dtype("float64"), np.errstate(invalid="ignore"):
        found, expected = f(sg, *[sg.tensor(x) for x in xs]).numpy(), f(np, *xs)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


NATIVE = [(f, xs) for k, (f, xs) in enumerate(CASES) if k not in range(3, 7)]


def test_native_programs_agree():
    with sg.using_dtype("float64"):
        found = sg.compile(lambda *xss: [f(sg, *xs) for (f, _), xs in zip(NATIVE, xss, strict=True)])(
            *[[sg.tensor(x) for x in xs] for _, xs in NATIVE]
        )
    for (f, xs), y in zip(NATIVE, found, strict=True):
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(y, f(np, *xs), rtol=1e-12, atol=1e-14)


def test_whole_numbers_are_as_close_as_they_are():
    assert sg.isclose([2**24, 2**30], [2**24 + 1, 2**30 + 1], 0, 0.5).tolist() == [False, False]


@pytest.mark.parametrize("x", [X, TIED, WITH_NAN, INTS, BOOLS, EMPTY, RNG.integers(0, 3, 20).astype(float)])
def test_argsort_is_stable_interpreted_and_native(x):
    expected = np.argsort(x, kind="stable")
    with sg.using_dtype("float64"):
        t = sg.tensor(x)
        assert sg.argsort(t).tolist() == expected.tolist()
        assert np.asarray(sg.compile(sg.argsort)(t)).tolist() == expected.tolist()
        falling = sg.argsort(t, descending=True).numpy()
        np.testing.assert_array_equal(sg.compile(lambda t: sg.argsort(t, descending=True))(t), falling)
    np.testing.assert_array_equal(np.take_along_axis(x, falling, -1), np.sort(x)[..., ::-1])  # NaN first


def test_the_largest_and_the_smallest_few():
    values, places = sg.topk(sg.tensor(TIED), 2)
    assert values.tolist() == [[2.0, 2.0], [1.0, 1.0]]
    assert places.tolist() == [[0, 2], [0, 1]]
    values, places = sg.topk(sg.tensor(X, "float64"), 3, 0, largest=False)
    np.testing.assert_array_equal(values.numpy(), np.sort(X, 0))
    np.testing.assert_array_equal(places.numpy(), np.argsort(X, 0))
    assert sg.topk(X, 0)[0].shape == (3, 0)
    values, places = sg.topk([1.0, np.nan, -np.inf, 0.0, np.inf], 3)  # NaN first, among values and indices
    np.testing.assert_array_equal(values.numpy(), [np.nan, np.inf, 1.0])
    assert places.tolist() == [1, 4, 0]


@pytest.mark.parametrize(
    "f",
    [
        sg.sort, lambda x: sg.topk(x, 2)[0], lambda x: sg.median(x, 1), lambda x: sg.quantile(x, 0.3), sg.prod,
        sg.cummax,
        lambda x: sg.cumprod(x, 1), lambda x: sg.take_along_axis(x, ROWS), lambda x: sg.segment_sum(x, [1, 0, 1], 2),
        lambda x: sg.scatter(x, ROWS, -x[:, :1]), lambda x: sg.scatter_add(x, [[1, 1]] * 3, x[:, :2]),
        lambda x: sg.interp(x, KNOTS, HEIGHTS), lambda x: sg.interp(0.3, KNOTS, x[0, :4]),
        lambda x: sg.bincount([1, 0, 1], x[:, 0], length=3), lambda x: sg.take(x, FEW, 1),
    ],
)  # fmt: skip
def test_derivatives_are_right(f):
    assert sg.check(f, X).kinks == 0


@pytest.mark.parametrize(
    ("f", "x", "rising", "falling"),
    [  # the derivative along the direction (1, 0, ..., 0), and along its opposite
        (lambda x: sg.sort(x)[-1], [1.0, 1.0, 0.0], 1, 0),
        (lambda x: sg.sort(x)[0], [1.0, 1.0, 2.0], 0, -1),
        (sg.median, [1.0, 1.0, 1.0], 0, 0),
        (sg.median, [1.0, 1.0, 2.0], 1, 0),
        (lambda x: sg.cummax(x)[-1], [1.0, 1.0], 1, 0),
        (lambda x: sg.interp(x, KNOTS, HEIGHTS)[0], [0.0], 3, 2),
    ],
)
def test_one_sided_derivatives_at_ties_are_exact(f, x, rising, falling):
    along = np.eye(len(x))[0]
    assert float(sg.directional_derivative(f, x, along)) == rising
    assert float(sg.directional_derivative(f, x, -along)) == falling


def test_tied_elements_share_and_a_jump_of_indices_is_noticed():
    x = sg.tensor([1.0, 1.0])
    assert sg.grad(sg.sort(x)[1], x).tolist() == [0.5, 0.5]
    with pytest.raises(GradientError):
        sg.directional_derivative(lambda x: x[sg.argsort(x)][0], [1.0, 1.0], [1.0, 0.0])


def test_scattering_is_numpys_and_the_last_value_stands():
    x, places = X.copy(), np.array([[1, 1], [0, -1], [4, 2]])
    values = RNG.normal(size=(3, 2))
    np.put_along_axis(x, places, values, 1)
    with sg.using_dtype("float64"):
        for f in (sg.scatter, sg.compile(sg.scatter)):
            np.testing.assert_array_equal(np.asarray(f(sg.tensor(X), sg.tensor(places), sg.tensor(values))), x)
        added = sg.scatter_add(X, places, values).numpy()
    expected = X.copy()
    np.add.at(expected, (np.arange(3)[:, None], places), values)
    np.testing.assert_allclose(added, expected)
    assert sg.scatter([1, 2, 3], [0], [9]).tolist() == [9, 2, 3]
    assert sg.scatter(X, np.zeros((3, 0), int), 1.0).shape == X.shape


def test_counts():
    found = sg.unique([3, 1, 3, 2], return_inverse=True, return_counts=True)
    assert [f.tolist() for f in found] == [[1, 2, 3], [2, 0, 2, 1], [1, 1, 2]]
    assert sg.unique([2.0, 1.0]).tolist() == [1.0, 2.0]
    assert sg.bincount([0, 3, 3]).tolist() == [1, 0, 0, 2]
    assert sg.bincount(np.zeros(0, int), minlength=2).tolist() == [0, 0]
    assert sg.bincount([1, 1], [0.5, 1.0], length=3).tolist() == [0.0, 1.5, 0.0]
    assert np.asarray(sg.compile(lambda x: sg.bincount(x, length=3))(np.array([0, 2, 2]))).tolist() == [1, 0, 2]
    assert sg.segment_sum(sg.zeros((0, 2)), np.zeros(0, int), 2).tolist() == [[0, 0], [0, 0]]
    assert sg.histogram([1.0, 1.0], 2)[1].tolist() == [0.5, 1.0, 1.5]


def test_counts_of_many_rows_do_not_drift():
    parts, rows = np.arange(400_000) % 2, np.full((400_000, 2), 0.1, np.float32)
    wanted = np.full((2, 2), 200_000 * np.float64(np.float32(0.1)))
    np.testing.assert_allclose(sg.segment_sum(rows, parts, 2).numpy(), wanted, rtol=1e-6)
    np.testing.assert_allclose(sg.compile(lambda x: sg.segment_sum(x, parts, 2))(rows), wanted, rtol=1e-6)
    np.testing.assert_allclose(sg.bincount(parts, rows[:, 0]).numpy(), wanted[0], rtol=1e-6)
    slope = sg.grad(lambda x: sg.segment_sum(x, parts, 2)[1].sum())(sg.tensor(rows))
    assert slope.dtype == sg.float32
    np.testing.assert_array_equal(slope, np.stack([parts, parts], 1))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: sg.topk(X, 6), ShapeError, "topk needs a k of 0 to 5, the length of axis 1, got 6"),
        (lambda: sg.quantile(X, 1.5), ArgumentError, "a quantile lies in [0, 1], got 1.5"),
        (lambda: sg.median(EMPTY), ShapeError, "there is no quantile of no elements"),
        (lambda: sg.compile(sg.unique)(X), NotTraceableError, "the shape of unique depends on values"),
        (lambda: sg.compile(sg.bincount)(FEW), NotTraceableError, "bincount without a length depends on values"),
        (lambda: sg.bincount(X), DTypeError, "bincount takes a vector of integers, got float32 of shape (3, 5)"),
        (lambda: sg.segment_sum(X, [0, 1], 2), ShapeError, "segment_sum needs an integer for each row"),
        (lambda: sg.segment_sum(X, [0, 1, 2], 2), ShapeError, "2"),
        (lambda: sg.searchsorted(X, 1.0), ShapeError, "searchsorted takes a vector, got shape (3, 5)"),
        (lambda: sg.searchsorted(KNOTS, 1.0, "up"), ArgumentError, 'searchsorted takes the side "left" or "right"'),
        (lambda: sg.histogram(X, 0), ArgumentError, "histogram needs at least one bin, got 0"),
        (lambda: sg.histogram(X, 3, (1, 0)), ArgumentError, "takes a range (low, high) with low not above high"),
        (lambda: sg.histogram(X, [0.0, 2.0, 1.0]), ArgumentError, "edges that rise, got 1 behind 2"),
        (lambda: sg.histogram(X, X), ShapeError, "a vector, got the shape (3, 5)"),
        (lambda: sg.interp(X, [0.0, 1.0, 1.0], [0.0, 1.0, 2.0]), ArgumentError, "rise, without two alike, got 1 behin"),
        (lambda: sg.interp(X, KNOTS, [1.0]), ShapeError, "interp takes two vectors of one length"),
        (lambda: sg.take(X, [0.5]), DTypeError, "take takes integers as indices, got float32"),
        (lambda: sg.take_along_axis(X, [0]), ShapeError, "take_along_axis needs integers with 2 axes"),
        (lambda: sg.take_along_axis(X, [[0], [1]]), ShapeError, "do not fit beside axis 1"),
        (lambda: sg.scatter(X[:1], [[0], [1]], 1.0), ShapeError, "do not fit into (1, 5) beside axis 1"),
    ],
)
def test_bad_arguments(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()
