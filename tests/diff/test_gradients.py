"""`grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian` against closed forms."""

import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, DataError, DTypeError, GradientError, ShapeError

RNG = np.random.default_rng(5)
A = RNG.standard_normal((3, 3))
X = RNG.standard_normal(3)


@pytest.fixture(autouse=True)
def _double():
    sg.set_default_dtype("float64")


def close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-10, atol=1e-10)


# By what


def test_by_intermediate_nodes():
    x = sg.tensor(2.0)
    y = x * x
    z = y * y * y
    assert [float(g) for g in sg.grad(z, [y, x, z])] == [3 * 4.0**2, 6 * 2.0**5, 1.0]


def test_through_a_node_that_is_asked_for_as_well():
    x = sg.tensor(2.0)
    y = 3 * x
    z = y * y + x
    assert [float(g) for g in sg.grad(z, [x, y])] == [2 * 6 * 3 + 1, 12.0]


def test_zeros_where_nothing_depends():
    x, unused = sg.tensor(2.0), sg.tensor(np.ones((2, 3)), "float32")
    by_x, by_unused = sg.grad(x * x, [x, unused])
    assert (float(by_x), by_unused.shape, by_unused.dtype) == (4.0, (2, 3), sg.float32)
    assert not by_unused.numpy().any()
    later = x * 7
    assert float(sg.grad(x * x, later)) == 0.0


def test_the_same_tensor_twice():
    x = sg.tensor(3.0)
    assert [float(g) for g in sg.grad(x * x, [x, x])] == [6.0, 6.0]
    w = sg.Parameter(3.0)
    assert [float(g) for g in sg.grad(w * w, (w, w))] == [6.0, 6.0]


def test_trees_of_tensors():
    a, b, c = sg.tensor(2.0), sg.tensor(3.0), sg.Parameter(5.0)
    found = sg.grad(a * b * c, {"a": a, "rest": [b, (c, None)]})
    (by_b, (by_c, nothing)) = found["rest"]
    assert [float(g) for g in (found["a"], by_b, by_c)] == [15.0, 10.0, 6.0]
    assert nothing is None
    assert (type(found), type(found["rest"]), type(found["rest"][1])) == (dict, list, tuple)
    assert sg.grad(a * b, []) == []
    assert [float(g) for g in sg.grad(a * b, (t for t in (a, b)))] == [3.0, 2.0]
    value, slopes = sg.value_and_grad(a * b, {"a": a})
    assert (float(value), float(slopes["a"])) == (6.0, 3.0)


def test_a_tree_of_something_else():
    with pytest.raises(ArgumentError, match="expected tensors, or dicts and lists of them, got float"):
        sg.grad(sg.tensor(1.0), [2.0])


def test_gradients_have_the_shape_and_dtype_of_their_tensor():
    x = sg.tensor(np.ones((1, 3)), "float32")
    y = sg.tensor(np.ones((2, 1)))
    loss = (x.astype("float64") * y).sum()
    by_x, by_y = sg.grad(loss, [x, y])
    assert (by_x.shape, by_x.dtype, by_x.tolist()) == ((1, 3), sg.float32, [[2.0, 2.0, 2.0]])
    assert (by_y.shape, by_y.dtype) == ((2, 1), sg.float64)


def test_integers_and_comparisons_carry_no_gradient():
    x = sg.tensor([1.5, 2.5])
    assert sg.grad((x.astype("int64") * 1.0).sum(), x).tolist() == [0.0, 0.0]
    assert sg.grad(((x > 2) * x).sum(), x).tolist() == [0.0, 1.0]
    assert sg.grad((x * sg.argmax(x)).sum(), x).tolist() == [1.0, 1.0]
    assert sg.grad((sg.sign(x) * x).sum(), x).tolist() == [1.0, 1.0]


# Cotangents


def test_cotangents():
    x = sg.tensor([1.0, 2.0])
    for cotangent in ([10.0, 100.0], np.array([10, 100]), sg.tensor([10.0, 100.0])):
        assert sg.grad(x * x, x, cotangent=cotangent).tolist() == [20.0, 400.0]
    assert float(sg.grad(3 * x[0], x, cotangent=5.0)[0]) == 15.0


def test_a_gradient_by_its_own_cotangent():
    x, u = sg.tensor([1.0, 2.0]), sg.tensor([10.0, 100.0])
    pulled = sg.grad(x * x, x, cotangent=u)
    assert sg.grad(pulled.sum(), u).tolist() == [2.0, 4.0]


@pytest.mark.parametrize(
    ("cotangent", "error", "message"),
    [
        (None, GradientError, "the gradient of a tensor of shape (2,) needs a cotangent of that shape"),
        ([1.0], ShapeError, "a cotangent has its output's shape (2,), got (1,)"),
        (1.0, ShapeError, "a cotangent has its output's shape (2,), got ()"),
        (sg.tensor([1.0, 2.0], "float32"), DTypeError, "a cotangent has its output's dtype float64, got float32"),
        ("a", DataError, "a tensor needs real numbers"),
    ],
)
def test_bad_cotangents(cotangent, error, message):
    x = sg.tensor([1.0, 2.0])
    with pytest.raises(error, match=re.escape(message)):
        sg.grad(x * x, x, cotangent=cotangent)


# What has no gradient


def test_what_has_no_gradient():
    x = sg.tensor([1.0, 2.0])
    with pytest.raises(GradientError, match="only floats have gradients, this tensor is int64"):
        sg.grad(sg.argmax(x), x)
    with pytest.raises(GradientError, match="only floats have gradients, this tensor is bool"):
        sg.grad(x > 0, x)
    with pytest.raises(GradientError, match="only floats have derivatives, this tensor is int64"):
        sg.jacobian(sg.argmax(x), x)
    for derive in (sg.grad, sg.jacobian):
        with pytest.raises(GradientError, match="derivatives are by floats, this tensor is int64"):
            derive(x.sum(), sg.tensor([1]))


def test_misuse_of_the_two_styles():
    x = sg.tensor(1.0)
    for derive in (sg.grad, sg.value_and_grad, sg.jacobian):
        with pytest.raises(ArgumentError, match="needs to know by what"):
            derive(x)
    for derive in (sg.grad, sg.value_and_grad, sg.jacobian, sg.hessian):
        with pytest.raises(ArgumentError, match="differentiated by its first argument"):
            derive(sg.exp, x)
        with pytest.raises(ArgumentError, match="expected a tensor or a function of tensors, got float"):
            derive(1.0, x)
    with pytest.raises(ArgumentError, match="hessian takes one tensor"):
        sg.hessian(x, [x])
    for call in (lambda f: sg.grad(f)(1.0), lambda f: sg.vjp(f, 1.0), lambda f: sg.jvp(f, 1.0, 1.0)):
        with pytest.raises(GradientError, match="returns a tensor, this one returned float"):
            call(float)


# Functions


def test_the_gradient_of_a_function():
    def f(x, p, scale=1.0):
        """The p-th power, scaled."""
        return scale * (x**p).sum()

    slope = sg.grad(f)
    assert slope([2.0, 3.0], 2, scale=10.0).tolist() == [40.0, 60.0]
    assert slope(np.array([2.0, 3.0]), 3).tolist() == [12.0, 27.0]
    assert slope([2, 3], 2).dtype == sg.float64
    assert (slope.__name__, slope.__doc__) == ("f", "The p-th power, scaled.")
    value, found = sg.value_and_grad(f)([2.0, 3.0], 2)
    assert (float(value), found.tolist()) == (13.0, [4.0, 6.0])


def test_functions_compose():
    third = sg.grad(sg.grad(sg.grad(lambda x: x**5)))
    assert float(third(2.0)) == 60 * 4
    x = sg.tensor(2.0)
    assert float(sg.grad(sg.grad(lambda y: y**3)(x), x)) == 6 * 2.0


def test_an_argument_is_not_the_tensor_that_the_function_uses_besides():
    x = sg.tensor(3.0)
    assert float(sg.grad(lambda y: x * y)(x)) == 3.0
    outer = sg.grad(lambda a: a * sg.grad(lambda b: a * b)(a))  # a times da: a^2
    assert float(outer(x)) == 6.0


def test_an_argument_passed_twice_is_two_arguments():
    x = sg.tensor(3.0)
    _, pullback = sg.vjp(lambda a, b: a * a * b, x, x)
    assert [float(g) for g in pullback(1.0)] == [18.0, 9.0]
    assert float(sg.jvp(lambda a, b: a * a * b, [x, x], [1.0, 0.0])[1]) == 18.0


def test_third_derivatives():
    x = sg.tensor(0.7)
    derivatives = [sg.sin(x) * sg.exp(x)]
    for _ in range(4):
        derivatives.append(sg.grad(derivatives[-1], x))
    s, c, e = np.sin(0.7), np.cos(0.7), np.exp(0.7)
    close(derivatives, [s * e, (s + c) * e, 2 * c * e, 2 * (c - s) * e, -4 * s * e])


# Forward and reverse


def f(x, w):
    return sg.tanh(w @ x) * sg.exp(x[0])


def jacobians():
    """d f_i / d x_j and d f_i / d w_kl, written out."""
    t, e = np.tanh(A @ X), np.exp(X[0])
    by_x = (1 - t * t)[:, None] * A * e
    by_x[:, 0] += t * e
    by_w = np.einsum("i,ik,l->ikl", (1 - t * t) * e, np.eye(3), X)
    return by_x, by_w


def test_vjp():
    u = RNG.standard_normal(3)
    y, pullback = sg.vjp(f, X, A)
    by_x, by_w = jacobians()
    close(y, np.tanh(A @ X) * np.exp(X[0]))
    close(pullback(u)[0], u @ by_x)
    close(pullback(u)[1], np.einsum("i,ikl->kl", u, by_w))
    with pytest.raises(ShapeError, match=re.escape("a cotangent has its output's shape (3,), got (2,)")):
        pullback([1.0, 2.0])


def test_jvp():
    t, s = RNG.standard_normal(3), RNG.standard_normal((3, 3))
    y, tangent = sg.jvp(f, (X, A), (t, s))
    by_x, by_w = jacobians()
    close(y, np.tanh(A @ X) * np.exp(X[0]))
    close(tangent, by_x @ t + np.einsum("ikl,kl->i", by_w, s))


def test_jvp_is_the_transpose_of_vjp():
    t, s, u = RNG.standard_normal(3), RNG.standard_normal((3, 3)), RNG.standard_normal(3)
    tangent = sg.jvp(f, (X, A), (t, s))[1].numpy()
    by_x, by_w = (g.numpy() for g in sg.vjp(f, X, A)[1](u))
    close(u @ tangent, np.sum(by_x * t) + np.sum(by_w * s))


def test_jvp_at_a_kink_is_the_transpose_of_vjp():
    x, t = np.array([0.0, 1.0, -1.0]), np.array([1.0, 2.0, 4.0])
    assert sg.jvp(sg.relu, x, t)[1].tolist() == [0.0, 2.0, 0.0]
    assert sg.jvp(lambda x: sg.maximum(x, 0.0), x, t)[1].tolist() == [0.5, 2.0, 0.0]


def test_a_jvp_can_be_differentiated():
    x, t = sg.tensor(X), sg.tensor(np.ones(3))
    slope = sg.jvp(lambda x: (x**3).sum(), x, t)[1]
    close(sg.grad(slope, x), 6 * X)
    close(sg.grad(slope, t), 3 * X**2)


def test_jvp_of_what_does_not_depend_is_zero():
    y, t = sg.jvp(lambda x: sg.ones((2,)), X, X)
    assert (y.tolist(), t.tolist()) == ([1.0, 1.0], [0.0, 0.0])


def test_bad_tangents():
    with pytest.raises(ArgumentError, match="2 arguments, 1 tangents"):
        sg.jvp(f, (X, A), (X,))
    with pytest.raises(ShapeError, match=re.escape("shape (3,), got (2,)")):
        sg.jvp(f, (X, A), ([1.0, 2.0], A))


def test_jacobian():
    by_x, by_w = jacobians()
    x, w = sg.tensor(X), sg.tensor(A)
    close(sg.jacobian(f(x, w), x), by_x)
    found = sg.jacobian(f(x, w), {"w": w})["w"]
    assert found.shape == (3, 3, 3)
    close(found, by_w)
    close(sg.jacobian(f)(X, A), by_x)


def test_jacobian_of_shapes_that_are_empty_or_scalar():
    assert sg.jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert sg.jacobian(lambda x: x)(sg.zeros((0,))).shape == (0, 0)
    close(sg.jacobian(lambda x: (x * x).sum())(X), 2 * X)
    assert float(sg.jacobian(lambda x: x * x)(3.0)) == 6.0
    assert sg.jacobian(lambda x: sg.ones(2))(X).tolist() == np.zeros((2, 3)).tolist()


def test_hessian_of_a_quadratic_form():
    x = sg.tensor(X)
    close(sg.hessian(x @ (sg.tensor(A) @ x), x), A + A.T)


def test_hessian_of_a_log_sum_of_exponentials():
    p = np.exp(X) / np.exp(X).sum()
    close(sg.hessian(sg.logsumexp)(X), np.diag(p) - np.outer(p, p))


def test_hessian_of_the_norm():
    n = np.linalg.norm(X)
    close(sg.hessian(sg.norm)(X), (np.eye(3) - np.outer(X, X) / n**2) / n)


SMOOTH_THROUGH_KINKS = {  # second derivatives at the point, in closed form
    "norm(x)**2": (lambda x: sg.norm(x) ** 2, [0.0, 0.0], [[2, 0], [0, 2]]),
    "norm(x)**4": (lambda x: sg.norm(x) ** 4, [0.0, 0.0], [[0, 0], [0, 0]]),
    "exp(-norm(x)**2)": (lambda x: sg.exp(-(sg.norm(x) ** 2)), [0.0, 0.0], [[-2, 0], [0, -2]]),
    "cos(norm(x - 1)) y": (lambda x: sg.cos(sg.norm(x - 1)) * x[0], [1.0, 1.0], [[-1, 0], [0, -1]]),
    "|x||x|": (lambda x: (abs(x) * abs(x)).sum(), [0.0, 3.0], [[2, 0], [0, 2]]),
    "|x|**2": (lambda x: (abs(x) ** 2).sum(), [0.0, 0.0], [[2, 0], [0, 2]]),
    "relu(x)**2 + relu(-x)**2": (lambda x: (sg.relu(x) ** 2 + sg.relu(-x) ** 2).sum(), [0.0, 1.0], [[2, 0], [0, 2]]),
    "max(x, -x)**2": (lambda x: (sg.maximum(x, -x) ** 2).sum(), [0.0, 0.0], [[2, 0], [0, 2]]),
    "the largest of x and y, with -": (lambda x: (sg.max(x) - sg.max(x)) * x[0], [1.0, 1.0], [[0, 0], [0, 0]]),
    "(relu(x) - relu(-x))**2": (lambda x: (sg.relu(x) - sg.relu(-x)).sum() ** 2, [0.0, 0.0], [[2, 2], [2, 2]]),
    "clip(x, 0, 1) and the rest": (
        lambda x: (sg.clip(x, 0, 1) + sg.minimum(x, 0) + sg.maximum(x, 1) - 1).sum() ** 2, [1.0, 0.0], [[2, 2], [2, 2]],
    ),
    "std(x)**2": (lambda x: 9 * sg.std(x) ** 2, [1.0, 1.0, 1.0], 6 * np.eye(3) - 2),
    "sqrt(sum x**2)**2": (lambda x: sg.sqrt((x * x).sum()) ** 2, [0.0, 0.0], [[2, 0], [0, 2]]),
    "sqrt(sum (x - 1)**2)**2": (lambda x: sg.sqrt(((x - 1) ** 2).sum()) ** 2, [1.0, 1.0], [[2, 0], [0, 2]]),
    "sqrt(x**4)": (lambda x: sg.sqrt(x**4).sum(), [0.0, 2.0], [[2, 0], [0, 2]]),
    "((x**2)**0.75)**(4/3)": (lambda x: (((x * x) ** 0.75) ** (4 / 3)).sum(), [0.0, 1.0], [[2, 0], [0, 2]]),
    "x |x| sign(x)": (lambda x: (x * abs(x) * sg.sign(x)).sum(), [0.0, 3.0], [[2, 0], [0, 2]]),
    "x sqrt(x**2) sign(x)": (lambda x: (x * sg.sqrt(x * x) * sg.sign(x)).sum(), [0.0, 3.0], [[2, 0], [0, 2]]),
    "|x**2|": (lambda x: abs(x * x).sum(), [0.0, 1.0], [[2, 0], [0, 2]]),
    "max(x**2, -x**2)": (lambda x: sg.maximum(x * x, -x * x).sum(), [0.0, 1.0], [[2, 0], [0, 2]]),
    "the largest of x**2 and 0": (lambda x: sg.max(sg.stack([x[0] ** 2, 0 * x[1]])), [0.0, 0.0], [[2, 0], [0, 0]]),
    "sqrt(relu(x)) where relu is flat": (lambda x: sg.sqrt(sg.relu(x)).sum(), [-1.0, 4.0], [[0, 0], [0, -1 / 32]]),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH_THROUGH_KINKS)
def test_hessian_on_a_kink_that_leaves_the_function_smooth(name):
    f, at, expected = SMOOTH_THROUGH_KINKS[name]
    with sg.using_dtype("float64"):
        close(sg.hessian(f)(at), np.array(expected, float))
        close(sg.compile(lambda x: sg.hessian(f(x), x))(sg.tensor(at)), np.array(expected, float))


CANCELLING = {  # smooth at 0, where their terms are not
    "cosh(norm(x))": lambda x: sg.exp(sg.norm(x)) + sg.exp(-sg.norm(x)),
    "log(2 cosh(norm(x)))": lambda x: sg.logsumexp(sg.stack([sg.norm(x), -sg.norm(x)])),
    "with sqrt": lambda x: sg.exp(sg.sqrt(x @ x)) + sg.exp(-sg.sqrt(x @ x)),
    "softplus": lambda x: sg.softplus(sg.norm(x)) + sg.softplus(-sg.norm(x)),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_a_hessian_that_cancels_beside_a_kink_is_not_known(name):
    f = CANCELLING[name]
    with sg.using_dtype("float64"):
        with pytest.raises(GradientError, match="or terms cancel beside it"):
            sg.hessian(f)([0.0, 0.0])
        assert np.isnan(sg.compile(lambda x: sg.hessian(f(x), x))(np.zeros(2))).all()
        assert np.isfinite(sg.hessian(f)([0.1, 0.0]).numpy()).all()


def test_compiled_hessian_of_a_function_with_kinks():
    x = np.array([0.0, -2.0])
    close(sg.compile(sg.hessian(lambda x: (abs(x) * abs(x)).sum()))(x), 2 * np.eye(2))
    close(sg.compile(sg.hessian(lambda x: (sg.relu(x) ** 2).sum()))(x + 3), 2 * np.eye(2))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: abs(1 - sg.cos(x)),
        lambda x: sg.sqrt(1 - sg.cos(x)) ** 2,
        lambda x: sg.maximum(sg.exp(x) + sg.exp(-x), 2),
    ],
)
def test_hessian_says_so_where_slopes_do_not_tell_the_side_of_a_kink(f):
    with pytest.raises(GradientError, match="second derivatives at this point are not known"):
        sg.hessian(f)(0.0)
    assert np.isnan(float(sg.compile(sg.hessian(f))(sg.tensor(0.0))))
    close(sg.hessian(f)(1.0), sg.compile(sg.hessian(f))(sg.tensor(1.0)))


def test_hessian_on_a_kink_of_the_slope_is_what_the_gradient_of_the_gradient_is():
    for f in (lambda x: (x * abs(x)).sum(), lambda x: sg.norm(x), lambda x: (sg.relu(x) ** 2).sum()):
        x = sg.tensor(np.zeros(2))
        close(sg.hessian(f(x), x), sg.jacobian(sg.grad(f(x), x), x).numpy())


def test_hessian_of_a_matrix_function():
    found = sg.hessian(lambda w: (w @ w).sum())(A).numpy()
    ones = np.ones((3, 3))
    expected = np.einsum("jk,il->ijkl", np.eye(3), ones) + np.einsum("li,kj->ijkl", np.eye(3), ones)
    close(found, expected)


def test_mixed_second_derivatives():
    a, b = sg.tensor(X), sg.tensor(X[::-1].copy())
    y = (a**2 * b**3).sum()
    close(sg.jacobian(sg.grad(y, a), b), np.diag(6 * X * X[::-1] ** 2))
