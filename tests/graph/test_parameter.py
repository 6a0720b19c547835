"""Parameters: names for values that change, while graphs that hold an old value keep it."""

import copy

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import DTypeError, ShapeError


def test_assign_leaves_old_graphs_alone():
    w = sg.Parameter([1.0, 2.0])
    before, after = w * 10, None
    w.assign([5.0, 6.0])
    after = w * 10
    assert (before.tolist(), after.tolist()) == ([10.0, 20.0], [50.0, 60.0])


def test_backward_of_an_old_loss_is_the_gradient_at_the_old_value():
    w = sg.Parameter([3.0])
    loss = (w * w).sum()
    w.assign([100.0])
    loss.backward()
    assert w.grad.tolist() == [6.0]


def test_a_loss_that_holds_two_values_of_a_parameter_adds_both_gradients():
    w = sg.Parameter([3.0])
    old = (w * w).sum()
    w.assign([100.0])
    loss = old + (w * w).sum()
    assert sg.grad(loss, w).tolist() == [206.0]
    loss.backward()
    assert w.grad.tolist() == [206.0]


@pytest.mark.parametrize("value", [0.0, 1.0, [0.0], [[1.0, 2.0], [3.0, 4.0]]])
def test_backward_fills_parameters_of_any_value_and_shape(value):
    w = sg.Parameter(value)
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * np.array(value))


def test_a_step_of_gradient_descent():
    w = sg.Parameter([1.0, -2.0])
    (w * w).sum().backward()
    w.assign(w - 0.25 * w.grad)
    assert w.tolist() == [0.5, -1.0]
    assert w.node.inputs == ()  # the graph of the step is not kept


def test_a_frozen_parameter_is_not_filled():
    w, frozen = sg.Parameter([1.0]), sg.Parameter([2.0])
    frozen.requires_grad = False
    (w * frozen).sum().backward()
    assert w.grad.tolist() == [2.0]
    assert frozen.grad is None


def test_a_parameter_is_a_tensor():
    w = sg.Parameter(np.ones((2, 3)))
    assert isinstance(w, sg.Tensor)
    assert (w.shape, w.dtype, w.ndim, len(w), w.inputs) == ((2, 3), sg.float32, 2, 2, ())
    assert (w @ w.T).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    with pytest.raises(AttributeError, match="'Parameter' object has no attribute 'colour'"):
        w.colour  # noqa: B018


def test_its_value_is_copied_from_the_source():
    source = np.ones(2, np.float32)
    w = sg.Parameter(source)
    source[:] = 7
    assert w.tolist() == [1.0, 1.0]


def test_parameters_made_of_one_another_are_apart():
    a = sg.Parameter([1.0])
    b = sg.Parameter(a)
    (3 * b).sum().backward()
    assert a.grad is None
    b.assign([5.0])
    assert a.tolist() == [1.0]
    a.assign(b)
    a.assign([2.0])
    assert (a.tolist(), b.tolist()) == ([2.0], [5.0])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_a_parameter_of_its_own(duplicate):
    w = sg.Parameter([1.0, 2.0])
    twin = duplicate(w)
    (twin * twin).sum().backward()
    assert (type(twin), w.grad, twin.grad.tolist()) == (sg.Parameter, None, [2.0, 4.0])


def test_a_deep_copy_keeps_sharing():
    w = sg.Parameter([1.0])
    first, second = copy.deepcopy([w, w])
    assert first is second
    assert first is not w


def test_dtypes():
    assert sg.Parameter(np.ones(2)).dtype == sg.float32
    assert sg.Parameter(np.ones(2), "float64").dtype == sg.float64
    assert sg.Parameter(sg.tensor([1.0], "float64")).dtype == sg.float64
    assert sg.Parameter(sg.tensor([1.0], "float64"), "float32").dtype == sg.float32
    with pytest.raises(DTypeError, match="a parameter holds floats, got int64"):
        sg.Parameter([1, 2])


def test_assign_keeps_shape_and_dtype():
    w = sg.Parameter([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"a parameter of shape \(2,\) cannot take a value of shape \(3,\)"):
        w.assign([1.0, 2.0, 3.0])
    with pytest.raises(DTypeError, match="a parameter of dtype float32 cannot take a value of dtype float64"):
        w.assign(sg.tensor([1.0, 2.0], "float64"))
    w.assign(np.array([3.0, 4.0]))
    assert (w.tolist(), w.dtype) == ([3.0, 4.0], sg.float32)
