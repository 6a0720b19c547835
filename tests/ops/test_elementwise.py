"""Elementwise functions against NumPy and SciPy, and what they say to bad arguments."""

import re

import numpy as np
import pytest
import scipy.special

import subgrad as sg
from samples import SMOOTH
from subgrad.errors import ArgumentError, DataError, DTypeError, ShapeError
from subgrad.graph.op import TABLE
from subgrad.graph.order import toposort

POINTS = np.array([-30.0, -3.0, -1.0, -0.5, -1e-6, 0.0, 1e-6, 0.5, 1.0, 3.0, 30.0])
REFERENCES = {
    "abs": np.abs,
    "cos": np.cos,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "exp": np.exp,
    "expm1": np.expm1,
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "huber": lambda x: scipy.special.huber(1, x),
    "leaky_relu": lambda x: np.maximum(x, 0.01 * x),
    "neg": np.negative,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": scipy.special.expit,
    "sign": np.sign,
    "silu": lambda x: x * scipy.special.expit(x),
    "sin": np.sin,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "square": np.square,
    "tanh": np.tanh,
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_functions_of_one_tensor(name):
    found, expected = getattr(sg, name)(sg.tensor(POINTS, "float64")).numpy(), REFERENCES[name](POINTS)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)
    single = getattr(sg, name)(sg.tensor(POINTS)).numpy()
    np.testing.assert_allclose(single, expected, rtol=2e-6, atol=2e-6)


def test_erfc_keeps_its_digits_far_out():
    x = np.array([3.0, 9.0, 20.0, 26.5])
    expected = scipy.special.erfc(x)
    np.testing.assert_allclose(sg.erfc(sg.tensor(x, "float64")).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(sg.compile(sg.erfc)(sg.tensor(x, "float64")), expected, rtol=1e-13)
    single = np.linspace(0, 9, 50, dtype=np.float32)
    np.testing.assert_allclose(sg.compile(sg.erfc)(single), scipy.special.erfc(single.astype(float)), rtol=5e-7)


@pytest.mark.parametrize("name", ["log", "log1p", "sqrt"])
def test_functions_of_a_positive_tensor(name):
    x = np.array([1e-30, 1e-3, 1.0, 2.0, 1e30])
    np.testing.assert_allclose(getattr(sg, name)(sg.tensor(x, "float64")).numpy(), getattr(np, name)(x), rtol=1e-14)


def test_parameters_of_activations():
    x = sg.tensor(POINTS, "float64")
    np.testing.assert_allclose(sg.leaky_relu(x, 0.3).numpy(), np.where(POINTS > 0, POINTS, 0.3 * POINTS))
    np.testing.assert_allclose(sg.elu(x, 0.3).numpy(), np.where(POINTS > 0, POINTS, 0.3 * np.expm1(POINTS)))
    np.testing.assert_allclose(sg.huber(x, 2.0).numpy(), scipy.special.huber(2.0, POINTS))
    with pytest.raises(ArgumentError, match="delta of 0 or more, got -1"):
        sg.huber(x, -1.0)


@pytest.mark.parametrize("p", [-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4])
def test_powers(p):
    x = np.array([0.5, 1.0, 3.0])
    for found in (sg.tensor(x, "float64") ** p, sg.pow(sg.tensor(x, "float64"), np.full(3, p))):
        np.testing.assert_allclose(found.numpy(), x**p, rtol=1e-14)
    if p > 0:
        np.testing.assert_allclose((p ** sg.tensor(x, "float64")).numpy(), p**x, rtol=1e-14)
    if p == int(p):
        np.testing.assert_allclose((sg.tensor(-x, "float64") ** p).numpy(), (-x) ** p, rtol=1e-14)


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (None, 0.5), (-0.5, None), (2, 2), (np.float32(-1), np.int64(2))])
def test_clip(low, high):
    expected = np.clip(POINTS, low, high)
    np.testing.assert_array_equal(sg.clip(sg.tensor(POINTS, "float64"), low, high).numpy(), expected)


def test_clip_between_tensors():
    low, high = np.full(11, -1.0), np.linspace(-1, 4, 11)
    x = sg.tensor(POINTS, "float64")
    np.testing.assert_array_equal(sg.clip(x, low, high).numpy(), np.clip(POINTS, low, high))
    assert sg.clip(POINTS, sg.tensor(-1.0)).shape == (11,)


def test_clip_of_integers_keeps_them_where_the_bounds_allow():
    x = sg.tensor([0, 100, 200], "uint8")
    assert sg.clip(x, 50, 150).dtype == sg.uint8
    assert sg.clip(x, 50, 150).tolist() == [50, 100, 150]
    assert sg.clip(x, 0.5, 150).tolist() == [0.5, 100.0, 150.0]
    assert sg.clip(x, -300, 300).tolist() == [0, 100, 200]


def test_tests_of_floats():
    x = sg.tensor([np.nan, np.inf, -np.inf, 0.0])
    assert sg.isnan(x).tolist() == [True, False, False, False]
    assert sg.isfinite(x).tolist() == [False, False, False, True]


def test_where_is_numpys():
    c, a, b = np.array([True, False]), np.array([1.0, 2.0]), np.array([[3.0], [4.0]])
    np.testing.assert_array_equal(sg.where(c, a, b).numpy(), np.where(c, a, b))
    assert sg.where(True, 1, 2.0).item() == 1.0
    assert sg.where(c, sg.tensor([1, 2]), 0).dtype == sg.int64


X = sg.tensor([1.0, 2.0])


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: sg.where(X, 1.0, 0.0), DTypeError, "where needs a bool condition, got float32; compare with 0 first"),
        (lambda: sg.where([True, False, True], X, 0), ShapeError, "shapes (3,), (2,), () do not broadcast together"),
        (lambda: sg.logical_not(X), DTypeError, "logic needs bool tensors, got float32"),
        (lambda: -sg.tensor([True]), DTypeError, "bools have no sign and no difference"),
        (lambda: sg.tensor([True]) - sg.tensor([False]), DTypeError, "bools have no sign and no difference"),
        (lambda: sg.sign([True]), DTypeError, "bools have no sign and no difference"),
        (lambda: sg.clip(X), ArgumentError, "clip needs a lower bound, an upper bound, or both"),
        (lambda: sg.clip(X, 2, 1), ArgumentError, "clip has its lower bound 2 above its upper bound 1"),
        (lambda: X + "1", DataError, "a tensor needs real numbers, got str"),
        (lambda: X * 1j, DataError, "a tensor needs real numbers, got complex"),
        (lambda: X**1j, DataError, "a tensor needs real numbers, got complex"),
        (lambda: X + None, DataError, "a tensor needs real numbers, got NoneType"),
        (lambda: X * [[1.0], [1.0, 2.0]], DataError, "a tensor needs rectangular data"),
        (lambda: sg.maximum(X, [1.0, 2.0, 3.0]), ShapeError, "shapes (2,), (3,) do not broadcast together"),
        (lambda: sg.random.uniform([1, 0], (2,), dtype="int64"), DTypeError, "are float32 or float64, got int64"),
        (lambda: sg.random.uniform([1, 0, 2], (2,)), ArgumentError, "a seed is two int64 numbers (seed, step)"),
        (lambda: sg.random.bernoulli(1.5, (2,)), ArgumentError, "a probability lies in [0, 1], got 1.5"),
    ],
)
def test_bad_arguments(wrong, error, message):
    with pytest.raises(error, match=re.escape(message)):
        wrong()


# What an op says it is made of


@pytest.mark.parametrize("name", [n for n in SMOOTH if TABLE[n].expand])
def test_an_expansion_agrees_with_the_reference(name):
    op, seen = TABLE[name], 0
    with sg.using_dtype("float64"):
        for f, *xs in SMOOTH[name]:
            points = [sg.tensor(x) for x in xs]
            y, pullback = sg.vjp(f, *points)
            for node in toposort([y, *pullback(sg.ones(y.shape))]):
                if node.op is op:
                    seen += 1
                    made = op.expand(*node.inputs, **node.attrs)
                    assert (made.shape, made.dtype) == (node.shape, node.dtype)
                    np.testing.assert_allclose(made.numpy(), node.numpy(), rtol=1e-12, atol=1e-14)
    assert seen


# Not functions of a vector alone.
OF_SHAPES = {"custom", "windows", "fold", "convolve", "convolve_input", "convolve_weight"}

OF_MORE = {
    "power": lambda x: x**3,
    "clip": lambda x: sg.clip(x, -2, 2),
    "atan2": lambda x: sg.atan2(x, x),
}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e4, -1e4, 1e38])
@pytest.mark.parametrize("name", [n for n in SMOOTH if TABLE[n].expand and n not in OF_SHAPES])
def test_an_expansion_agrees_with_the_reference_at_extremes(name, value):
    f = OF_MORE.get(name) or getattr(sg, name)
    (node,) = [n for n in toposort([f(sg.tensor([value, value, 1.0]))]) if n.op.name == name]
    np.testing.assert_allclose(node.op.expand(*node.inputs, **node.attrs).numpy(), node.numpy(), rtol=1e-5)
