"""Ops that make, move, join and pad, against NumPy, and what they say to bad arguments."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subgrad as sg
from subgrad.errors import ArgumentError, DTypeError, ShapeError

steady = settings(deadline=None, derandomize=True, max_examples=60)


def counting(shape, start=1):
    return np.arange(start, start + np.prod(shape), dtype=float).reshape(shape)


@steady
@given(st.data())
def test_concatenate(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    arrays = [counting([n if i == axis % len(shape) else m for i, m in enumerate(shape)], n) for n in lengths]
    parts = [sg.tensor(a) for a in arrays]
    joined = sg.concatenate(parts, axis)
    expected = np.concatenate(arrays, axis)
    np.testing.assert_array_equal(joined.numpy(), expected)
    cuts = np.split(expected, np.cumsum(lengths)[:-1], axis)
    for g, cut in zip(sg.grad(joined, parts, cotangent=expected), cuts, strict=True):
        np.testing.assert_array_equal(g.numpy(), cut)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack(axis):
    a, b = counting((2, 3)), counting((2, 3), 7)
    np.testing.assert_array_equal(sg.stack([a, b], axis).numpy(), np.stack([a, b], axis))
    assert sg.stack([1.0, sg.tensor(2.0), 3]).tolist() == [1.0, 2.0, 3.0]


@steady
@given(st.data())
def test_pad(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=3))
    pair = st.tuples(st.integers(0, 2), st.integers(0, 2))
    widths = data.draw(st.one_of(st.integers(0, 2), pair, st.tuples(*[pair] * len(shape))))
    x = sg.tensor(counting(shape))
    padded, expected = sg.pad(x, widths, 5.0), np.pad(counting(shape), widths, constant_values=5)
    np.testing.assert_array_equal(padded.numpy(), expected)
    inside = np.pad(np.ones(shape), widths) > 0
    g = counting(expected.shape)
    np.testing.assert_array_equal(sg.grad(padded, x, cotangent=g).numpy(), g[inside].reshape(shape))


@pytest.mark.parametrize("order", [(), (0, 1, 2), (2, 0, 1), (-1, 0, 1), (1, 2, 0)])
def test_transpose(order):
    a = counting((2, 3, 4))
    x = sg.tensor(a)
    expected = a.transpose(*order)
    for found in (x.transpose(*order), x.transpose(list(order)) if order else x.T):
        np.testing.assert_array_equal(found.numpy(), expected)
    g = counting(expected.shape)
    back = np.zeros_like(a)
    back.transpose(*order)[...] = g
    np.testing.assert_array_equal(sg.grad(x.transpose(*order), x, cotangent=g).numpy(), back)


@pytest.mark.parametrize("shape", [(6, 4), (4, -1), (-1,), (2, 3, 4), (24, 1), (2, -1, 2)])
def test_reshape(shape):
    a = counting((2, 3, 4))
    for found in (sg.reshape(a, shape), sg.reshape(a, *shape), sg.reshape(a, list(shape)), sg.tensor(a).reshape(shape)):
        np.testing.assert_array_equal(found.numpy(), a.reshape(shape))


def test_reshape_of_one_and_of_no_elements():
    assert sg.zeros((1, 1)).reshape(()).shape == ()
    assert sg.zeros((1, 1)).reshape().shape == ()
    assert sg.zeros((0, 3)).reshape(3, 0).shape == (3, 0)
    assert sg.zeros((0, 3)).reshape(-1, 3).shape == (0, 3)
    assert sg.zeros((0, 3)).flatten().shape == (0,)


def test_squeeze_and_expand():
    x = sg.zeros((1, 3, 1))
    assert sg.squeeze(x).shape == (3,)
    assert sg.squeeze(x, 0).shape == sg.squeeze(x, -3).shape == (3, 1)
    assert sg.squeeze(x, (0, 2)).shape == (3,)
    for axis in range(-4, 4):
        assert sg.expand_dims(x, axis).shape == np.expand_dims(np.zeros((1, 3, 1)), axis).shape


def test_filled_tensors():
    assert sg.full((2,), 3).dtype == sg.int64
    assert sg.full(2, 3.0).tolist() == [3.0, 3.0]
    assert sg.full((), True).tolist() is True
    assert sg.zeros((2, 0), "int32").dtype == sg.ones_like(sg.zeros(1, "int32")).dtype == sg.int32
    assert sg.ones((1, 2)).tolist() == [[1.0, 1.0]]
    assert sg.arange(3).tolist() == [0, 1, 2]
    assert sg.arange(2, dtype="float64").dtype == sg.float64
    assert sg.arange(0).shape == (0,)


X = sg.tensor(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: X.reshape(4), ShapeError, "a tensor of shape (2, 3) (6 elements) cannot be reshaped to (4,)"),
        (lambda: X.reshape(-1, 4), ShapeError, "cannot be reshaped to (-1, 4)"),
        (lambda: X.reshape(-1, -1), ShapeError, "cannot be reshaped to (-1, -1)"),
        (lambda: X.reshape(-2, -3), ShapeError, "cannot be reshaped to (-2, -3)"),
        (lambda: sg.zeros((0, 3)).reshape(-1, 0), ShapeError, "cannot be reshaped to (-1, 0)"),
        (lambda: X.reshape(2.0, 3), ArgumentError, "a shape is an integer or several, got (2.0, 3)"),
        (lambda: X.reshape("ab"), ArgumentError, "a shape is an integer or several, got 'ab'"),
        (lambda: X.transpose(0, 0), ShapeError, "transpose needs each of the 2 axes once, got (0, 0)"),
        (lambda: X.transpose(0), ShapeError, "transpose needs each of the 2 axes once, got (0,)"),
        (lambda: X.transpose(0, 2), ShapeError, "axis 2 does not exist in a tensor of 2 axes"),
        (lambda: X.swapaxes(0, 2), ShapeError, "axis 2 does not exist"),
        (lambda: X.squeeze(0), ShapeError, "only axes of length 1 can be squeezed: shape (2, 3), axis 0"),
        (lambda: sg.expand_dims(X, 3), ShapeError, "axis 3 does not exist in a tensor of 3 axes"),
        (lambda: sg.concatenate([]), ArgumentError, "concatenate needs at least one tensor"),
        (lambda: sg.stack([]), ArgumentError, "concatenate needs at least one tensor"),
        (lambda: sg.concatenate([X, X.T]), ShapeError, "shapes (2, 3) and (3, 2) do not join along axis 0"),
        (lambda: sg.concatenate([X, X[0]]), ShapeError, "shapes (2, 3) and (3,) do not join along axis 0"),
        (lambda: sg.concatenate([X, X], 2), ShapeError, "axis 2 does not exist"),
        (lambda: sg.concatenate([1.0, 2.0]), ShapeError, "axis 0 does not exist in a tensor of 0 axes"),
        (lambda: sg.stack([X, X.T]), ShapeError, "do not join along axis 0"),
        (lambda: sg.pad(X, -1), ArgumentError, "pad needs widths that are integers of 0 or more, got -1"),
        (lambda: sg.pad(X, 0.5), ArgumentError, "pad needs widths that are integers of 0 or more, got 0.5"),
        (lambda: sg.pad(X, (1, 2, 3)), ArgumentError, "or 2 pairs for 2 axes, got (1, 2, 3)"),
        (lambda: sg.pad([1, 2], 1, 0.5), DTypeError, "int64 cannot hold the fractions"),
        (lambda: sg.full(-1, 0.0), ArgumentError, "a shape has no negative lengths, got (-1,)"),
        (lambda: sg.zeros(2.5), ArgumentError, "a shape is an integer or several, got 2.5"),
        (lambda: sg.full(2, [1, 2]), ArgumentError, "full takes one number, got an array of shape (2,)"),
        (lambda: sg.full(2, 2.5, "int64"), DTypeError, "int64 cannot hold the fractions"),
        (lambda: sg.full(2, 256, "uint8"), DTypeError, "uint8 cannot hold 256"),
        (lambda: sg.arange(0, -3, 0), ArgumentError, "arange needs a step that is not 0"),
        (lambda: sg.arange(float("nan")), ArgumentError, "arange takes finite numbers, and dtype="),
        (lambda: sg.arange(3, "int32"), ArgumentError, "finite numbers, and dtype= by its name, got 'int32'"),
    ],
)
def test_bad_arguments(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()
