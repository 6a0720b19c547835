"""Reductions over every choice of axes against NumPy and SciPy."""

import re
from itertools import combinations

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subgrad as sg
from subgrad.errors import ArgumentError, ShapeError

steady = settings(deadline=None, derandomize=True, max_examples=60)
CUBE = np.random.default_rng(3).standard_normal((2, 3, 4))
AXES = [None, *range(-3, 3), *combinations(range(3), 2), (0, 1, 2), (-1, 0), [1, 2], ()]
PAIRS = {
    "sum": (sg.sum, np.sum),
    "mean": (sg.mean, np.mean),
    "max": (sg.max, np.max),
    "min": (sg.min, np.min),
    "var": (sg.var, np.var),
    "std": (sg.std, np.std),
    "norm": (sg.norm, lambda x, axis, keepdims: np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))),
    "logsumexp": (sg.logsumexp, lambda x, axis, keepdims: scipy.special.logsumexp(x, axis=axis, keepdims=keepdims)),
}


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", PAIRS)
def test_reductions_are_numpys(name, axis, keepdims):
    ours, theirs = PAIRS[name]
    expected = theirs(CUBE, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims)
    found = ours(sg.tensor(CUBE, "float64"), axis, keepdims)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("axis", [a for a in AXES if a != ()], ids=str)
@pytest.mark.parametrize("ddof", [1, 0.5])
def test_degrees_of_freedom(axis, ddof):
    expected = np.var(CUBE, axis=tuple(axis) if isinstance(axis, list) else axis, ddof=ddof)
    x = sg.tensor(CUBE, "float64")
    np.testing.assert_allclose(sg.var(x, axis, ddof=ddof).numpy(), expected)
    np.testing.assert_allclose(sg.std(x, axis, ddof=ddof).numpy(), np.sqrt(expected))


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1])
def test_arguments_of_extrema(axis):
    x = np.round(CUBE)  # with ties: the first one counts
    for ours, theirs in ((sg.argmax, np.argmax), (sg.argmin, np.argmin)):
        found = ours(x, axis)
        assert found.dtype == sg.int64
        np.testing.assert_array_equal(found.numpy(), theirs(x, axis=axis))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_running_sums(axis):
    x = sg.tensor(CUBE, "float64")
    np.testing.assert_allclose(sg.cumsum(x, axis).numpy(), np.cumsum(CUBE, axis))
    backwards = np.flip(np.cumsum(np.flip(CUBE, axis), axis), axis)
    np.testing.assert_allclose(sg.cumsum(x, axis, reverse=True).numpy(), backwards)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax(axis):
    x = sg.tensor(CUBE, "float64")
    np.testing.assert_allclose(sg.softmax(x, axis).numpy(), scipy.special.softmax(CUBE, axis))
    np.testing.assert_allclose(sg.log_softmax(x, axis).numpy(), scipy.special.log_softmax(CUBE, axis))


@steady
@given(hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-2, 2)), st.booleans())
def test_gradients_of_extrema_share_among_ties(a, largest):
    x = sg.tensor(a, "float64")
    best = a.max(-1, keepdims=True) if largest else a.min(-1, keepdims=True)
    tied = a == best
    found = sg.grad((sg.max if largest else sg.min)(x, -1).sum(), x)
    np.testing.assert_allclose(found.numpy(), tied / tied.sum(-1, keepdims=True))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32"])
def test_integers_sum_without_wrapping_around(dtype):
    a = np.full((3, 2), 200 if dtype != "int32" else 2**31 - 1).astype(dtype)
    for found, expected in (
        (sg.sum(sg.tensor(a)), a.sum(dtype=np.int64)),
        (sg.cumsum(sg.tensor(a), 1), a.cumsum(1, dtype=np.int64)),
    ):
        assert found.dtype == sg.int64
        np.testing.assert_array_equal(found.numpy(), expected)
    assert sg.max(sg.tensor(a)).dtype == dtype


def test_means_of_integers_are_floats():
    assert float(sg.mean([1, 2])) == 1.5
    assert float(sg.mean(sg.tensor([True, False, False, False]))) == 0.25


@pytest.mark.parametrize("reduce", [f for f, _ in PAIRS.values()])
def test_bad_axes(reduce):
    x = sg.zeros((2, 3))
    for axis in (2, -3, (0, 5)):
        with pytest.raises(ShapeError, match="does not exist in a tensor of 2 axes"):
            reduce(x, axis)
    for axis in ((0, 0), (1, -1)):
        with pytest.raises(ArgumentError, match="an axis stands twice in"):
            reduce(x, axis)
    for axis in (0.5, "a", (0, 1.0)):
        with pytest.raises(ArgumentError, match="an axis is an integer, got"):
            reduce(x, axis)


@pytest.mark.parametrize("along", [sg.argmax, sg.argmin, sg.cumsum, sg.softmax, sg.log_softmax])
def test_bad_single_axes(along):
    with pytest.raises(ShapeError, match="axis 2 does not exist in a tensor of 2 axes"):
        along(sg.zeros((2, 3)), 2)
    with pytest.raises(ShapeError, match="axis 0 does not exist in a tensor of 0 axes"):
        along(sg.tensor(1.0), 0)
    with pytest.raises(ArgumentError, match="an axis is an integer, got 0.5"):
        along(sg.zeros((2, 3)), 0.5)


@pytest.mark.parametrize("spread", [sg.var, sg.std])
def test_too_few_elements_for_a_variance(spread):
    with pytest.raises(ArgumentError, match=re.escape("ddof=2 needs more than 2 elements, got 2")):
        spread(sg.zeros((2, 3)), 0, ddof=2)


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (0,)], ids=str)
def test_softmax_and_its_kin_of_no_scores(shape):
    """As in PyTorch: as many weights as scores, none; and the logarithm of an empty sum."""
    x = sg.zeros(shape)
    for f in (sg.softmax, sg.log_softmax, lambda x: sg.grad(sg.logsumexp(x, -1).sum(), x)):
        for found in (f(x), sg.compile(f)(x.numpy())):
            assert (found.shape, found.dtype) == (shape, np.float32)
    for f in (lambda x: sg.logsumexp(x, -1), sg.compile(lambda x: sg.logsumexp(x, -1))):
        np.testing.assert_array_equal(f(x.numpy()), np.full(shape[:-1], -np.inf))
    np.testing.assert_array_equal(sg.vmap(sg.softmax)(sg.zeros((2, *shape))), np.zeros((2, *shape)))


def long_sums():
    rng = np.random.default_rng(0)
    rows = (1 + rng.random((300_001, 3))).astype(np.float32)
    yield rows, 0
    yield rows.T, 1
    yield rows[::-1, ::2], (0,)
    yield rows[:30_000].reshape(100, 300, 3), (0, 1)
    yield np.broadcast_to(np.float32(0.1), (300_001, 2)), 0


def test_the_error_of_long_sums_does_not_grow_with_their_length():
    for rows, axis in long_sums():
        wanted = rows.astype(np.float64).sum(axis)
        np.testing.assert_allclose(sg.sum(rows, axis).numpy(), wanted, rtol=1e-6)
        np.testing.assert_allclose(sg.mean(rows, axis).numpy(), rows.astype(np.float64).mean(axis), rtol=1e-6)


def along_one_axis(x, axis):
    """What is made of long sums: by name, of the rows in float32 and in float64."""
    return {
        "logsumexp": sg.logsumexp(x, axis), "log_softmax": sg.log_softmax(x, axis), "norm": sg.norm(x, axis),
        "standardize": sg.standardize(x, axis), "cumsum": sg.cumsum(x, axis), "from the end": sg.cumsum(x, axis, True),
    }  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1])
def test_the_error_of_what_is_made_of_long_sums_does_not_grow_with_their_length(axis):
    rows = (1 + np.random.default_rng(0).random((300_001, 3))).astype(np.float32)
    rows = rows if axis == 0 else np.ascontiguousarray(rows.T)
    wanted = {name: t.numpy() for name, t in along_one_axis(sg.tensor(rows, "float64"), axis).items()}
    native = sg.compile(lambda x: along_one_axis(x, axis))(rows)
    for name, found in along_one_axis(sg.tensor(rows), axis).items():
        for values in (found.numpy(), native[name]):
            np.testing.assert_allclose(values, wanted[name], rtol=2e-5, atol=2e-5, err_msg=name)


def products(x):
    """Products with long sums of 0.1 * 0.1, by name."""
    tenths = sg.full((x.shape[0],), 0.1, x.dtype)
    image = x.T.reshape(1, 3, -1)
    ones = sg.ones((2, 3, 1), dtype=x.dtype)
    return {
        "rows": tenths @ x, "columns": x.T @ x, "einsum": sg.einsum("ki,k->i", x, tenths),
        "weights": sg.grad(lambda w: (0.1 * sg.convolve(image, w)).sum())(ones),
        "channels": sg.convolve(x[:, :1].reshape(1, -1, 1), 0.1 * sg.ones((1, x.shape[0], 1), dtype=x.dtype)),
    }  # fmt: skip


def test_the_error_of_long_products_does_not_grow_with_their_length():
    n = 300_001
    x = np.full((n, 3), 0.1, np.float32)
    native = sg.compile(products)(x)
    for name, found in products(sg.tensor(x)).items():
        for values in (found.numpy(), native[name]):
            np.testing.assert_allclose(values, 0.01 * n, rtol=2e-5, err_msg=name)


def test_integers_sum_to_int32_where_that_is_asked_for():
    x = np.array([[2**31 - 1, 1], [5, -7]], np.int32)
    found = sg.sum(sg.tensor(x), 1, dtype="int32")
    assert (found.dtype, found.tolist()) == (sg.int32, [-(2**31), -2])
    assert sg.sum([1, 2], dtype="float64").dtype == sg.float64
    assert sg.compile(lambda x: sg.sum(x.T, 0, dtype="int32"))(x).tolist() == found.tolist()
    with pytest.raises(sg.errors.DTypeError, match="sum to int64 or int32, got dtype=uint8"):
        sg.sum(sg.tensor(x), dtype="uint8")
