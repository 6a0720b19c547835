"""Elementwise ops broadcast as NumPy's do, in values and in gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subgrad as sg
from subgrad.errors import ShapeError

steady = settings(deadline=None, derandomize=True, max_examples=80)
OPERATORS = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.less, np.equal]
OURS = [sg.add, sg.sub, sg.mul, sg.maximum, sg.minimum, sg.less, sg.equal]
shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).integers(-4, 5, shape).astype(float)


@steady
@given(shapes, st.sampled_from(range(len(OURS))))
def test_values_broadcast_as_in_numpy(shapes, which):
    a, b = numbers(shapes.input_shapes[0]), numbers(shapes.input_shapes[1], 1)
    found = OURS[which](sg.tensor(a), sg.tensor(b))
    assert found.shape == shapes.result_shape
    np.testing.assert_array_equal(found.numpy(), OPERATORS[which](a, b))


@steady
@given(shapes)
def test_gradients_are_summed_back(shapes):
    a, b = (numbers(s, i) for i, s in enumerate(shapes.input_shapes))
    g = numbers(shapes.result_shape, 2)
    x, y = sg.tensor(a), sg.tensor(b)
    by_x, by_y = sg.grad(x * y, [x, y], cotangent=g)
    # The adjoint of a repetition is a sum: <g, (e b)> = <grad, e> for every e, here for the unit vectors.
    for found, other, shape in ((by_x, b, a.shape), (by_y, a, b.shape)):
        assert found.shape == shape
        size = int(np.prod(shape))
        units = np.eye(size).reshape(size, *shape)
        np.testing.assert_array_equal(found.numpy().ravel(), [np.sum(g * e * other) for e in units])


@steady
@given(hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 2), max_dims=3, max_side=3))
def test_broadcast_to(shapes):
    (shape,) = shapes.input_shapes
    a, wanted = numbers(shape), shapes.result_shape
    np.testing.assert_array_equal(sg.broadcast_to(a, wanted).numpy(), np.broadcast_to(a, wanted))


@steady
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
def test_where_broadcasts_its_three_arguments(shapes):
    c, a, b = (numbers(s, i) for i, s in enumerate(shapes.input_shapes))
    np.testing.assert_array_equal(sg.where(sg.tensor(c) > 0, a, b).numpy(), np.where(c > 0, a, b))


@pytest.mark.parametrize(("a", "b"), [((2,), (3,)), ((2, 3), (2,)), ((0,), (2,)), ((4, 1, 2), (3, 1, 5))])
def test_shapes_that_do_not_fit(a, b):
    with pytest.raises(ShapeError) as caught:
        sg.zeros(a) + sg.zeros(b)
    assert f"shapes {a}, {b} do not broadcast together (at test_broadcasting.py:" in str(caught.value)
    with pytest.raises(ShapeError, match="does not broadcast to"):
        sg.broadcast_to(sg.zeros(a), b)


def test_broadcast_to_never_shrinks():
    for shape, target in (((2, 3), (3,)), ((3,), (1,))):
        with pytest.raises(ShapeError, match="does not broadcast to"):
            sg.broadcast_to(sg.zeros(shape), target)
