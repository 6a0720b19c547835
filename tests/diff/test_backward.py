"""`backward`: which tensors it fills, and how gradients accumulate."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import DTypeError, GradientError, ShapeError


def test_parameters_are_filled():
    w, b = sg.Parameter([1.0, 2.0]), sg.Parameter(3.0)
    x = sg.tensor([10.0, 20.0])
    assert w.grad is b.grad is None
    ((w * x).sum() * b).backward()
    assert (w.grad.tolist(), b.grad.item(), x.grad) == ([30.0, 60.0], 50.0, None)


def test_gradients_accumulate_until_zeroed():
    w = sg.Parameter([1.0, 2.0])
    for calls in (1, 2, 3):
        (w * w).sum().backward()
        assert w.grad.tolist() == [2.0 * calls, 4.0 * calls]
    w.zero_grad()
    assert w.grad is None
    (w * 5).sum().backward()
    assert w.grad.tolist() == [5.0, 5.0]


def test_gradients_are_values_without_a_graph():
    w = sg.Parameter([1.0])
    (w * w).sum().backward()
    assert w.grad.inputs == ()
    before = w.grad
    w.assign([9.0])
    assert before.tolist() == [2.0]


def test_leaves_with_requires_grad_are_filled():
    x, y = sg.tensor([1.0, 2.0], requires_grad=True), sg.tensor([3.0, 4.0])
    (x * y).sum().backward()
    assert (x.grad.tolist(), y.grad) == ([3.0, 4.0], None)
    with pytest.raises(DTypeError, match="a tensor with requires_grad holds floats, got int64"):
        sg.tensor([1, 2], requires_grad=True)


def test_a_parameter_used_many_times_is_filled_once():
    w = sg.Parameter(2.0)
    (w * w * w + w).backward()
    assert w.grad.item() == 13.0


def test_parameters_that_a_loss_does_not_use_stay_empty():
    w, unused = sg.Parameter(2.0), sg.Parameter(3.0)
    (w * 2).backward()
    assert unused.grad is None


def test_a_parameter_cut_off_gets_zeros():
    w = sg.Parameter([2.0])
    sg.stop_gradient(w).sum().backward()
    assert w.grad.tolist() == [0.0]


def test_with_a_cotangent():
    w = sg.Parameter([1.0, 2.0])
    (w * w).backward([10.0, 100.0])
    assert w.grad.tolist() == [20.0, 400.0]
    with pytest.raises(ShapeError, match="a cotangent has its output's shape"):
        (w * w).backward(1.0)


def test_a_parameter_itself():
    w = sg.Parameter(2.0)
    w.backward()
    assert w.grad.item() == 1.0


def test_what_cannot_go_backward():
    w = sg.Parameter([1.0, 2.0])
    with pytest.raises(GradientError, match="for a scalar, sum or average it first"):
        (w * w).backward()
    with pytest.raises(GradientError, match="nothing to fill: this tensor depends on no parameter"):
        (sg.tensor([1.0]) * 2).sum().backward()
    with pytest.raises(GradientError, match="only floats have gradients, this tensor is int64"):
        sg.argmax(w).backward()
    assert w.grad is None


def test_two_layers_against_the_derivative_by_hand():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    v, w = (sg.Parameter(rng.standard_normal(s), "float64") for s in ((3, 4), (4, 2)))
    with sg.using_dtype("float64"):
        (sg.square(sg.tanh(x @ v) @ w - y).sum() / 2).backward()
    hidden = np.tanh(x @ v.numpy())
    residual = hidden @ w.numpy() - y
    np.testing.assert_allclose(w.grad.numpy(), hidden.T @ residual)
    np.testing.assert_allclose(v.grad.numpy(), x.T @ ((residual @ w.numpy().T) * (1 - hidden**2)))
