"""Ops and derivatives that a user writes: `defop` and `custom_vjp`."""

import re

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, CheckError, GradientError, ShapeError
from subgrad.graph.op import TABLE, Kink
from subgrad.ops import rules


def test_an_op_from_its_reference():
    @sg.defop(vjp=lambda g, y, x: (3 * x * x * g,))
    def cubed(x):
        """x to the third."""
        return x**3

    x = sg.tensor([1.0, 2.0])
    assert cubed(x).tolist() == [1.0, 8.0]
    assert sg.grad(cubed(x).sum(), x).tolist() == [3.0, 12.0]
    assert float(sg.grad(sg.grad(lambda x: cubed(x)))(2.0)) == 12.0
    assert sg.jvp(cubed, x, sg.tensor([1.0, 10.0]))[1].tolist() == [3.0, 120.0]
    assert (cubed.__name__, cubed.__doc__, repr(cubed)) == ("cubed", "x to the third.", "<op cubed>")
    assert TABLE["cubed"] is cubed
    assert sg.check(cubed, [0.5, -2.0]).kinks == 0


def test_an_op_of_two_tensors_broadcasts_and_matches_dtypes():
    mix = sg.defop(lambda a, b: a * b * b, name="mix", vjp=lambda g, y, a, b: (g * b * b, 2 * g * a * b))
    x = sg.tensor([[1.0], [2.0]], "float64")
    y = mix(x, np.array([3, 4]))
    assert (y.dtype, y.tolist()) == (sg.float64, [[9.0, 16.0], [18.0, 32.0]])
    assert sg.grad(y.sum(), x).tolist() == [[25.0], [25.0]]
    with pytest.raises(ShapeError, match="do not broadcast together"):
        mix(sg.zeros(2, "float64"), [1.0, 2.0, 3.0])


def test_an_op_with_attributes():
    @sg.defop(vjp=lambda g, y, x, *, by: (by * g,))
    def stretched(x, by):
        return by * x

    x = sg.tensor([1.0, 2.0])
    assert stretched(x, by=3.0).tolist() == [3.0, 6.0]
    assert sg.grad(stretched(x, by=3.0).sum(), x).tolist() == [3.0, 3.0]
    assert sg.check(lambda x: stretched(x, by=3.0), [1.0, 2.0]).first < 1e-8


def test_an_op_with_a_shape_rule():
    def rule(x):
        if x.ndim != 1:
            raise ShapeError(f"pairs needs a vector, got shape {x.shape}")
        return (x.shape[0] // 2,), x.dtype

    @sg.defop(shape=rule, prepare=lambda x: ([sg.tensor(x) if not isinstance(x, sg.Tensor) else x], {}))
    def pairs(x):
        return x[::2] + x[1::2]

    assert pairs([1.0, 2.0, 3.0, 4.0]).tolist() == [3.0, 7.0]
    with pytest.raises(ShapeError, match=re.escape("pairs needs a vector, got shape (1, 2)")):
        pairs([[1.0, 2.0]])
    x = sg.tensor([1.0, 2.0])
    with pytest.raises(GradientError, match="pairs has no derivative"):
        sg.grad(pairs(x).sum(), x)


def test_an_op_with_a_kink():
    hinge = sg.defop(
        lambda x: np.maximum(1 - x, 0),
        name="hinge_by_hand",
        vjp=lambda g, y, x: (sg.where(x < 1, -g, 0),),
        one_sided_jvp=lambda y, xs, ts: sg.where(xs[0] < 1, -ts[0], sg.where(xs[0] == 1, sg.relu(-ts[0]), 0)),
        kink=Kink(lambda x: x == 1, lambda x: [(-np.ones_like(x), np.zeros_like(x))]),
    )
    assert sg.check(hinge, [0.0, 1.0, 2.0]).kinks == 1
    assert sg.check(hinge, [0.0, 2.0]).kinks == 0


def test_the_former_name_of_the_one_sided_derivative():
    with pytest.warns(DeprecationWarning, match="one_sided_jvp"):
        op = sg.defop(lambda x: 2 * x, name="former", dird=lambda y, xs, ts: 2 * ts[0])
    assert op.one_sided_jvp is not None


def test_an_op_with_an_argument_that_has_no_derivative():
    chosen = sg.defop(lambda x, m: x * m, name="masked", vjp=lambda g, y, x, m: (g * m, None))
    x, m = sg.tensor([1.0, 2.0]), sg.tensor([0.0, 1.0])
    assert [g.tolist() for g in sg.grad(chosen(x, m).sum(), [x, m])] == [[0.0, 1.0], [0.0, 0.0]]


def test_built_in_names_are_taken():
    before = TABLE["exp"]
    with pytest.raises(ArgumentError, match="there is a built-in op named 'exp' already: choose another name"):
        sg.defop(lambda x: x, name="exp")
    assert TABLE["exp"] is before


def test_an_own_op_may_be_defined_again():
    first = sg.defop(lambda x: x, name="again")
    second = sg.defop(lambda x: 2 * x, name="again")
    assert TABLE["again"] is second
    assert (first([1.0]).tolist(), second([1.0]).tolist()) == ([1.0], [2.0])


def test_a_vjp_of_the_wrong_shape():
    wrong = sg.defop(lambda x: 2 * x, name="wrong_shape", vjp=lambda g, y, x: (g.sum(),))
    x = sg.tensor([1.0, 2.0])
    with pytest.raises(GradientError) as caught:
        sg.grad(wrong(x).sum(), x)
    assert "the vjp of wrong_shape gave a cotangent float32() for an input float32(2,)" in str(caught.value)
    assert "test_custom_ops.py:" in str(caught.value)


def test_a_vjp_of_the_wrong_dtype():
    wrong = sg.defop(lambda x: 2 * x, name="wrong_dtype", vjp=lambda g, y, x: ((2 * g).astype("float64"),))
    x = sg.tensor([1.0, 2.0])
    with pytest.raises(GradientError, match=re.escape("gave a cotangent float64(2,) for an input float32(2,)")):
        sg.grad(wrong(x).sum(), x)


def test_a_vjp_that_is_not_linear_in_its_cotangent():
    wrong = sg.defop(lambda x: 2 * x, name="not_linear", vjp=lambda g, y, x: (g * g,))
    with pytest.raises(GradientError, match="the vjp of not_linear is not linear in its cotangent"):
        sg.jvp(wrong, sg.tensor([1.0]), sg.tensor([1.0]))


def test_a_reference_that_breaks_its_shape_rule():
    wrong = sg.defop(lambda x: x[:1], name="breaks_its_rule")
    y = wrong([1.0, 2.0])
    with pytest.raises(ShapeError, match=re.escape("the reference of breaks_its_rule gave (1,), its rule says (2,)")):
        y.numpy()


# A backward pass by hand


def test_custom_vjp():
    calls = []

    def backward(g, y, a, b):
        calls.append((y.tolist(), a.tolist(), b.tolist()))
        return g * b, g * a

    product = sg.custom_vjp(lambda a, b: a * b, backward)
    a, b = sg.tensor([1.0, 2.0]), sg.tensor([3.0, 4.0])
    assert [g.tolist() for g in sg.grad(product(a, b).sum(), [a, b])] == [[3.0, 4.0], [1.0, 2.0]]
    assert calls == [([3.0, 8.0], [1.0, 2.0], [3.0, 4.0])]
    assert sg.check(product, [1.0, 2.0], [3.0, 4.0]).kinks == 0


def test_custom_vjp_replaces_the_derivative():
    clipped = sg.custom_vjp(lambda x: x, lambda g, y, x: sg.clip(g, -1, 1))
    x = sg.tensor([1.0, 2.0, 3.0])
    assert sg.grad(clipped(x), x, cotangent=[-5.0, 0.5, 5.0]).tolist() == [-1.0, 0.5, 1.0]


def test_custom_vjp_of_parameters_and_of_none():
    w = sg.Parameter([2.0])
    f = sg.custom_vjp(lambda w, x: w * x, lambda g, y, w, x: (g * x, None))
    x = sg.tensor([3.0], requires_grad=True)
    f(w, x).sum().backward()
    assert (w.grad.tolist(), x.grad.tolist()) == ([3.0], [0.0])


def test_custom_vjp_can_be_differentiated_again():
    sine = sg.custom_vjp(sg.sin, lambda g, y, x: g * sg.cos(x))
    with sg.using_dtype("float64"):
        np.testing.assert_allclose(float(sg.grad(sg.grad(lambda x: sine(x)))(0.7)), -np.sin(0.7))


def test_custom_vjp_keeps_the_name():
    def square_root(x):
        """A root."""
        return sg.sqrt(x)

    f = sg.custom_vjp(square_root, lambda g, y, x: g / (2 * y))
    assert (f.__name__, f.__doc__) == ("square_root", "A root.")


def test_custom_vjp_with_the_wrong_count():
    f = sg.custom_vjp(lambda a, b: a * b, lambda g, y, a, b: g)
    x = sg.tensor([1.0])
    with pytest.raises(GradientError, match="the backward of a function of 2 tensors returned 1 cotangents"):
        sg.grad(f(x, x).sum(), x)


def test_check_catches_a_wrong_custom_vjp():
    def product(x):
        return x * x

    with pytest.raises(CheckError, match="the vjp disagrees with finite differences: .* in product"):
        sg.check(sg.custom_vjp(product, lambda g, y, x: g * x), [3.0])


def test_the_derivative_of_what_an_op_is_made_of():
    """Without a vjp of its own, with attributes, with one tensor as two inputs, and differentiated twice."""

    def bent(x, y, *, a=2.0):
        return np.tanh(a * x) * y

    op = sg.defop(bent, prepare=lambda x, y, a=2.0: (rules.numbers(x, y)[0], {"a": a}),
                  expand=lambda x, y, *, a: sg.tanh(a * x) * y)  # fmt: skip
    same = lambda x, y: sg.tanh(2.0 * x) * y  # noqa: E731
    x, y = sg.tensor([0.3, -0.2], dtype="float64"), sg.tensor([1.5, 0.5], dtype="float64")
    for f in (lambda f: f(x, y).sum(), lambda f: f(x, x).sum(), lambda f: sg.grad((f(x, y) ** 2).sum(), x).sum()):
        np.testing.assert_allclose(sg.grad(f(op), x).numpy(), sg.grad(f(same), x).numpy(), rtol=1e-12)
    np.testing.assert_allclose(sg.compile(sg.grad(lambda v: op(v, v).sum()))(x), sg.grad(same(x, x).sum(), x).numpy())
    sg.check(op, x, y)


def test_a_kink_of_an_op_without_a_vjp():
    soft = sg.defop(
        lambda x: np.maximum(x, 0) * 2, name="soft", kink=sg.Kink.linear([0], [0, 2]), expand=lambda x: sg.relu(x) * 2
    )
    x = sg.tensor([0.0, 1.0])
    assert sg.grad(soft(x).sum(), x).tolist() == [0.0, 2.0]
    assert float(sg.directional_derivative(lambda v: soft(v).sum(), x, [1.0, 1.0])) == 4.0
    assert float(sg.directional_derivative(lambda v: soft(v).sum(), x, [-1.0, 1.0])) == 2.0
