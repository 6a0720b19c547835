"""Transposes move down the graph, folds are gathered; values stay the same."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import ops
from subgrad.compile.passes.layout import groups_of_axes, relaid, sink, transposed
from subgrad.compile.passes.scatter_to_gather import scatter_to_gather
from subgrad.compile.passes.simplify import rewrite
from subgrad.compile.pipeline import simplify
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder

RNG = np.random.default_rng(0)


def block(x, w):
    """Convolution, normalisation, relu, a second convolution, a residual sum and a pooling."""
    h = sg.relu(sg.standardize(sg.convolve(x, w, padding=1), (0, 2, 3)))
    return sg.max_pool(sg.relu(sg.convolve(h, w, padding=1) + h), 2)


def named(outputs, *names):
    return [n for n in toposort(outputs) if n.op.name in names]


def agree(inputs, outputs, arrays, tolerance=1e-12, threads=2):
    found = Program(inputs, outputs, n_threads=threads)(arrays)
    for native, expected in zip(found, Interpreter(inputs, outputs)(arrays), strict=True):
        np.testing.assert_allclose(native, expected, rtol=tolerance, atol=tolerance * (1 + np.abs(expected).max()))


def test_all_that_follows_a_convolution_has_its_channels_last():
    x, w = placeholder((4, 8, 6, 6), "float64"), placeholder((8, 8, 3, 3), "float64")
    loss = block(x, w).sum()
    outputs = simplify([loss, *sg.grad(loss, [w])])
    images = [n for n in named(outputs, "relu", "where", "pad", "max", "add", "mul") if n.ndim == 4 and 8 in n.shape]
    inner = [n for n in images if n.inputs[0] is not x and n.shape[0] == 4]
    assert len(inner) > 6
    assert all(n.shape[-1] == 8 for n in inner)


def test_a_second_pass_changes_nothing():
    x, w = placeholder((1, 8, 6, 6), "float64"), placeholder((8, 8, 3, 3), "float64")
    once = simplify([block(x, w)])
    assert [n.shape for n in toposort(simplify(once))] == [n.shape for n in toposort(once)]


@pytest.mark.parametrize(
    "f",
    [
        lambda y: sg.relu(y) + 1,
        lambda y: y.sum((1, 3)),
        lambda y: y.max(2, keepdims=True),
        lambda y: sg.pad(y, [(0, 0), (1, 2), (0, 0), (3, 0)]),
        lambda y: y[:, ::-1, 1:, :2],
        lambda y: sg.concatenate([y, 2 * y], 2),
        lambda y: sg.windows(y, (2, 2)),
        lambda y: sg.windows(y, 2, 2).reshape(y.shape[0], -1),
        lambda y: y.reshape(y.shape[0], y.shape[1], -1),
        lambda y: y.reshape(1, *y.shape),
        lambda y: sg.broadcast_to(y.sum(1, keepdims=True), y.shape) * y,
        lambda y: y.transpose(3, 0, 1, 2) * 2,
    ],
)
def test_sinking_keeps_values(f):
    x = placeholder((2, 3, 4, 5), "float64")
    y = f(transposed(sg.cumsum(x, 1), (0, 3, 1, 2)))
    array = RNG.standard_normal((2, 3, 4, 5))
    (expected,) = Interpreter([x], [y])([array])
    (found,) = Interpreter([x], rewrite([y], sink))([array])
    np.testing.assert_array_equal(found, expected)
    agree([x], [y], [array])


def test_axes_that_are_joined():
    assert groups_of_axes((2, 3, 4), (6, 4)) == [([0, 1], [0]), ([2], [1])]
    assert groups_of_axes((1, 3, 4), (1, 12)) == [([0], [0]), ([1, 2], [1])]
    assert groups_of_axes((6,), (2, 3)) == [([0], [0, 1])]


def test_a_variable_is_kept_as_it_is_computed():
    x, w = placeholder((2, 4, 5, 5), "float64"), placeholder((3, 4, 3, 3), "float64")
    loss = sg.square(sg.convolve(x, w)).sum()
    new = w - 0.01 * sg.grad(loss, w)
    inputs, _, orders = relaid([x, w], simplify([loss, new]), {1: 1})
    assert inputs[1].shape == (3, 3, 4, 3)
    assert orders == {1: (3, 2, 0, 1)}
    program = Program([x, w], [loss, new], variables={1: 1}, n_threads=2)
    a, b = RNG.standard_normal((2, 4, 5, 5)), RNG.standard_normal((3, 4, 3, 3))
    values = [a, b.copy()]
    program(values, 3)
    for _ in range(3):
        _, b = Interpreter([x, w], [loss, new])([a, b])
    np.testing.assert_allclose(values[1], b, rtol=1e-12)


@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (2, 1, 0), (2, 3, 0)])
def test_gradients_of_poolings_are_gathered(size, stride, padding):
    x = placeholder((2, 3, 7, 7), "float64")
    array = np.round(RNG.standard_normal((2, 3, 7, 7)) * 2) / 2  # with ties
    for pool in (sg.max_pool, sg.avg_pool):
        y = pool(x, size, stride, padding)
        g = sg.grad((y * y).sum(), x)
        (fold,) = named([g], "fold")
        expanded = rewrite(fold.inputs, lambda n: n if n.op.expand is None else n.op.expand(*n.inputs, **n.attrs))
        assert scatter_to_gather(ops.fold(expanded[0], **fold.attrs)) is not None
        largest = max(n.size for k in Program([x], [y, g]).kernels for n in k.stores)
        assert largest <= 2 * 3 * (7 + 2 * padding + 2 * size) ** 2  # nothing as large as all windows
        agree([x], [y, g], [array])
