"""x[key] against NumPy's, for keys of every kind in every position, and its gradient against a scatter by hand."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subgrad as sg
from subgrad.errors import ArgumentError, DTypeError, ShapeError

steady = settings(deadline=None, derandomize=True, max_examples=200)


def counting(shape):
    return np.arange(1, 1 + np.prod(shape), dtype=float).reshape(shape)


def scatter(g, key, shape):
    """Where each element of x went, the cotangents are added up: by hand, one element at a time."""
    total = np.zeros(shape).ravel()
    for place, c in zip(np.arange(total.size).reshape(shape)[key].ravel(), g.ravel(), strict=True):
        total[place] += c
    return total.reshape(shape)


def agree(key, shape):
    x = sg.tensor(counting(shape))
    expected = counting(shape)[key]
    found = x[key]
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.numpy(), expected)
    g = np.random.default_rng(0).integers(-9, 9, expected.shape).astype(float)
    np.testing.assert_array_equal(sg.grad(found, x, cotangent=g).numpy(), scatter(g, key, shape))


@steady
@given(st.data())
def test_slices_integers_none_and_ellipsis(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    key = data.draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    agree(key, shape)


@st.composite
def mixed_keys(draw):
    """A shape, and a key in which integer arrays stand between slices, integers, None and an Ellipsis."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    common = draw(st.sampled_from([(2,), (3, 1), (2, 2), (0,)]))
    n = min(shape)  # in range wherever an Ellipsis moves it
    key = []
    for _ in range(draw(st.integers(1, len(shape)))):
        kind = draw(st.sampled_from(["array", "array", "scalar", "slice", "list"]))
        if kind == "slice":
            key.append(draw(st.slices(n)))
        elif kind == "scalar":
            key.append(draw(st.integers(-n, n - 1)))
        else:
            small = draw(st.sampled_from([common, common[-1:], (1,)]))
            array = draw(hnp.arrays(np.int64, small, elements=st.integers(-n, n - 1)))
            key.append(array.tolist() if kind == "list" else array)
    extras = [[], [None], [None, None], [...], [None, ...]]
    for extra in draw(st.sampled_from(extras[: None if len(key) < len(shape) else 3])):
        key.insert(draw(st.integers(0, len(key))), extra)
    return shape, tuple(key)


@steady
@given(mixed_keys())
def test_integer_arrays_mixed_with_everything_else(case):
    shape, key = case
    agree(key, shape)


@steady
@given(st.data())
def test_masks_mixed_with_everything_else(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=3))
    first = data.draw(st.integers(0, len(shape) - 1))
    last = data.draw(st.integers(first + 1, len(shape)))
    mask = data.draw(hnp.arrays(bool, shape[first:last]))
    before = [data.draw(st.sampled_from([slice(None), 0, slice(None, None, -1)])) for _ in shape[:first]]
    after = [data.draw(st.sampled_from([slice(None), -1])) for _ in shape[last:]]
    head = data.draw(st.sampled_from([before, [*before, None], [...]]))
    agree((*head, mask, *after), shape)


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [1, 2]), (0, None, [1, 2]), ([0, 1], slice(None), 0), (slice(None), 0, [1, 2]),
        ([0, 1], None, [0, 1]), ([0, 1], ..., [0, 1]), (..., [0, 1], None), ([[0], [1]], [0, 2]),
        (slice(-10, -20, -1),), (slice(None, None, -1),), (slice(5, 1, 2),), (slice(10, None, -2),),
    ],
)  # fmt: skip
def test_keys_that_are_easily_got_wrong(key):
    agree(key, (2, 3, 4))


def test_an_index_that_repeats_adds_up():
    x = sg.tensor([1.0, 2.0, 3.0])
    assert sg.grad(x[[0, 0, 2, 0]].sum(), x).tolist() == [3.0, 0.0, 1.0]


def test_the_gradient_of_a_row_that_is_read_many_times_does_not_drift():
    rows, each = np.arange(400_000) % 2, np.full((400_000, 1), 0.1, np.float32)
    wanted = np.full((3, 1), 200_000 * np.float64(np.float32(0.1)))
    wanted[2] = 0

    def slope(table, each):
        return sg.grad((table[rows] * each).sum(), table)

    table = sg.ones((3, 1))
    for found in (slope(table, sg.tensor(each)).numpy(), sg.compile(slope)(table, each)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    one = sg.zeros(1), rows * 0, each[:, 0]
    added = [sg.scatter_add(*one).numpy(), sg.compile(sg.scatter_add)(*one)]
    np.testing.assert_allclose(np.ravel(added), 2 * wanted[:2, 0], rtol=1e-6)


def test_tensors_of_integers_are_indices():
    x = sg.tensor(counting((3, 4)))
    rows, column = sg.tensor([2, 0]), sg.argmax([0.0, 0.0, 1.0])
    np.testing.assert_array_equal(x[rows].numpy(), counting((3, 4))[[2, 0]])
    np.testing.assert_array_equal(x[rows, column].numpy(), counting((3, 4))[[2, 0], 2])
    np.testing.assert_array_equal(x[:, sg.tensor([1], "uint8")].numpy(), counting((3, 4))[:, [1]])


def test_empty_selections():
    x = sg.tensor(counting((3, 4)))
    assert x[[]].shape == (0, 4)
    assert x[:0].shape == (0, 4)
    assert x[np.zeros((3, 4), bool)].shape == (0,)
    assert sg.grad(x[[]].sum(), x).tolist() == np.zeros((3, 4)).tolist()
    assert sg.zeros((0, 2))[[]].shape == (0, 2)


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        ((0, 0, 0), ShapeError, "too many indices (3) for a tensor of shape (2, 3)"),
        (2, ShapeError, "index 2 is out of range for an axis of length 2"),
        (-3, ShapeError, "index -3 is out of range for an axis of length 2"),
        ((0, [5]), ShapeError, "index 5 is out of range for an axis of length 3"),
        (([0, -3], 0), ShapeError, "index -3 is out of range for an axis of length 2"),
        (([0, 1], [0, 1, 2]), ShapeError, "shapes (2,), (3,) do not broadcast together"),
        (np.ones((2, 2), bool), ShapeError, "a mask of shape (2, 2) does not fit axis 0 of a tensor of shape (2, 3)"),
        ((slice(None), np.ones(2, bool)), ShapeError, "a mask of shape (2,) does not fit axis 1"),
        ((..., 0, ...), ArgumentError, "an index has one Ellipsis at most"),
        (slice(None, None, 0), ArgumentError, "slice step cannot be zero"),
        (slice(0.5, None), ArgumentError, "slice indices must be integers"),
        (1.0, DTypeError, "an index must be an integer, a slice or an array of integers, got 1.0"),
        ([0.5], DTypeError, "an index must be an integer, a slice or an array of integers, got [0.5]"),
        (float("nan"), DTypeError, "an index must be an integer, a slice or an array of integers, got nan"),
        ("a", DTypeError, "got 'a'"),
        (True, DTypeError, "got True"),
        (sg.tensor([1.0]), DTypeError, "an index must hold integers, got a tensor of float32"),
        (sg.tensor([True, False]), DTypeError, "a bool tensor cannot be an index"),
    ],
)
def test_bad_indices(key, error, message):
    with pytest.raises(error, match=re.escape(message)):
        sg.zeros((2, 3))[key]


def test_an_index_that_turns_out_to_be_out_of_range():
    picked = sg.zeros((2, 3))[sg.tensor([4]) + 1]
    with pytest.raises(ShapeError, match=rf"index 5 is out of range .*\(at test_indexing.py:{picked.site.line}\)"):
        picked.numpy()


def test_gather_by_its_name():
    x = counting((3, 4))
    rows, columns = np.array([[2], [0]]), np.array([-1, 0, 3], np.int32)
    np.testing.assert_array_equal(sg.gather(x, rows, columns, axes=(0, -1)), x[rows, columns])
    np.testing.assert_array_equal(sg.gather(x, columns, rows, axes=(1, 0)), x[rows, columns])
    np.testing.assert_array_equal(sg.gather(x, [1, -1], axes=1), x[:, [1, -1]])
    for indices, axes, error, message in (
        ([[3]], 0, ShapeError, "index 3 is out of range for an axis of length 3"),
        ([[-5]], 1, ShapeError, "index -5 is out of range for an axis of length 4"),
        ([[0.5]], 0, DTypeError, "an index must be an integer"),
        ([np.array([True])], 0, DTypeError, "integers as indices, got ndarray"),
        ([[0]], (0, 1), ArgumentError, "one axis for each index, got 1 indices"),
        ([[0], [0]], (0, -2), ArgumentError, "one axis for each index"),
        ([], (), ArgumentError, "one axis for each index"),
        ([[0]], 2, ShapeError, "axis 2 does not exist"),
    ):
        with pytest.raises(error, match=message):
            sg.gather(x, *indices, axes=axes)


def test_nothing_is_read_from_an_empty_axis():
    with pytest.raises(ShapeError, match="axis of length 0"):
        sg.zeros((0, 2))[[0]]


# Look-ups


def test_one_hot():
    found = sg.one_hot([[0, 2], [1, -1]], 3)
    np.testing.assert_array_equal(found.numpy(), np.r_[np.eye(3), np.zeros((1, 3))][[[0, 2], [1, 3]]])
    assert found.dtype == sg.float32
    with pytest.raises(DTypeError, match="one_hot needs integers, got float32"):
        sg.one_hot([0.0], 3)
    with pytest.raises(ArgumentError, match="one_hot needs at least one class, got 0"):
        sg.one_hot([0], 0)


def test_pick():
    a = counting((2, 3, 4))
    i = np.array([[0, 1, 3], [3, 2, 0]])
    x = sg.tensor(a)
    np.testing.assert_array_equal(sg.pick(x, i).numpy(), np.take_along_axis(a, i[..., None], -1)[..., 0])
    np.testing.assert_array_equal(sg.grad(sg.pick(x, i).sum(), x).numpy(), np.eye(4)[i])
    with pytest.raises(ShapeError, match=re.escape("x has shape (2, 3, 4), indices (2,)")):
        sg.pick(x, [0, 1])
    with pytest.raises(ShapeError, match="index 4 is out of range for an axis of length 4"):
        sg.pick(x, i + 1)
    with pytest.raises(ShapeError, match="index -1 is out of range for an axis of length 4, and negative ones do not"):
        sg.pick(x, i - 1)


def test_embedding():
    table = sg.tensor(counting((5, 2)))
    found = sg.embedding([[4, 0], [4, 4]], table)
    np.testing.assert_array_equal(found.numpy(), counting((5, 2))[[[4, 0], [4, 4]]])
    np.testing.assert_array_equal(sg.grad(found.sum(), table).numpy(), np.outer([1, 0, 0, 0, 3], [1, 1]))
    with pytest.raises(ShapeError, match="index 5 is out of range"):
        sg.embedding([5], table)
    with pytest.raises(DTypeError, match="an index must hold integers"):
        sg.embedding([0.0], table)
