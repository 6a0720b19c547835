"""Every op, its gradients and whole training steps: native code against the NumPy interpreter."""

import numpy as np
import pytest

import subgrad as sg
from samples import FLAT, KINKS, SMOOTH
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder


def cases(*tables):
    return [
        pytest.param(f, xs, id=f"{name}-{i}")
        for t in tables
        for name, samples in t.items()
        for i, (f, *xs) in enumerate(samples)
    ]


def both(outputs, inputs, arrays, **options):
    """The values by the interpreter and by native code."""
    outputs = [o.node for o in outputs]
    return Interpreter(inputs, outputs)(arrays), Program(inputs, outputs, **options)(arrays)


def with_gradients(f, xs, dtype):
    """The placeholders, the arrays, and the outputs: f, its gradients along a fixed cotangent, theirs again."""
    arrays = [np.asarray(x, dtype if np.asarray(x).dtype.kind == "f" else None) for x in xs]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    active = [i for i in inputs if i.dtype.kind == "f"]
    y = f(*inputs)
    cotangent = sg.tensor(np.cos(np.arange(y.size)).reshape(y.shape), y.dtype)
    first = sg.grad(y, active, cotangent)
    total = sg.zeros((), dtype)
    for g in first:
        total = total + (g * g).sum()
    return inputs, arrays, [y, *first, *sg.grad(total, active)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("f", "xs"), cases(SMOOTH, KINKS))
def test_ops_and_their_derivatives(f, xs, dtype):
    with sg.using_dtype(dtype):
        inputs, arrays, outputs = with_gradients(f, xs, dtype)
        expected, found = both(outputs, inputs, arrays)
    loose, tight = (2e-5, 2e-6) if dtype == "float32" else (1e-11, 1e-12)
    for e, n in zip(expected, found, strict=True):
        np.testing.assert_allclose(n, e, rtol=loose, atol=tight * (1 + np.abs(e).max(initial=0)))


@pytest.mark.parametrize(("f", "xs"), cases(KINKS))
def test_kinks_are_bit_equal(f, xs):
    arrays = [np.asarray(x, np.float32) for x in xs]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    y = f(*inputs)
    expected, found = both([y, *sg.grad(y.sum(), inputs)], inputs, arrays)
    for e, n in zip(expected, found, strict=True):
        on = arrays[0] == 0 if e.shape == arrays[0].shape else np.full(e.shape, True)
        np.testing.assert_array_equal(n[on], e[on])
        np.testing.assert_allclose(n, e, rtol=1e-6)


FLAT_CASES = {
    "equal": lambda x, i: x == x.T,
    "not_equal": lambda x, i: i != 1,
    "less": lambda x, i: x < 0.5,
    "less_equal": lambda x, i: i <= 1,
    "logical_and": lambda x, i: (x > 0) & (x < 1),
    "logical_or": lambda x, i: (x < 0) | (x > 1),
    "logical_not": lambda x, i: ~(x > 0),
    "isnan": lambda x, i: sg.isnan(sg.log(x)),
    "isfinite": lambda x, i: sg.isfinite(1 / sg.relu(x)),
    "argmax": lambda x, i: x.argmax(1),
    "argmin": lambda x, i: x.argmin(0),
    "argsort": lambda x, i: sg.argsort(i, 1),
    "one_hot": lambda x, i: sg.one_hot(i, 5),
    "right_shift": lambda x, i: sg.right_shift(i - 2, i),
    "full": lambda x, i: sg.full((3, 2), 2.5),
    "arange": lambda x, i: sg.arange(7) * 2,
    "uniform": lambda x, i: sg.random.uniform([3, 4], (5, 7), 2),
}


def test_every_flat_op_has_a_case():
    assert set(FLAT_CASES) == FLAT - {"in_range"}  # it notes what is out of range: tests/compile/codegen/test_checks.py


@pytest.mark.parametrize("name", FLAT_CASES)
def test_ops_without_derivatives_are_bit_equal(name):
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((9, 9)).astype(np.float32), rng.integers(0, 4, (3, 6))]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    expected, found = both([FLAT_CASES[name](*inputs)], inputs, arrays)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[0].dtype == expected[0].dtype
