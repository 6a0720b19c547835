"""Tensors without elements: native code gives what the reference gives, and writes nowhere."""

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.compile.pipeline import simplify
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.order import toposort
from subgrad.graph.tensor import placeholder

ANY = [
    lambda x: x.sum(),
    lambda x: x.sum(0) + x.mean(0),
    lambda x: x.max(()),
    lambda x: sg.cumsum(x, -1),
    lambda x: 3 - x[..., 1:],
    lambda x: sg.where(x > 0, x, 1).T * 2,
    lambda x: sg.sin(x).reshape(x.size),
    lambda x: sg.stack([x, x * 2], -1),
    lambda x: sg.pad(x, 1, 7),
    lambda x: sg.concatenate([sg.pad(sg.exp(x), 1), sg.pad(x, 1)]),
    lambda x: sg.concatenate([x, sg.ones((2, *x.shape[1:]), x.dtype)]),
    lambda x: sg.broadcast_to(x, (2, *x.shape)) + 1,
    lambda x: sg.einsum("i...,i...->...", x, x),
    lambda x: sg.einsum("i,j->ij", x.reshape(x.size), x.reshape(x.size)),
    lambda x: sg.norm(x, 0),
    lambda x: x[np.zeros((0, 2), int)],
    lambda x: sg.one_hot(x.astype("int64"), 3, x.dtype),
    lambda x: sg.random.uniform([1, 2], x.shape, 0, x.dtype) * x,
    lambda x: sg.vmap(lambda r: sg.grad((sg.sin(r) ** 2).sum(), r))(x),
    lambda x: sg.scan(lambda c, r: (sg.tanh(c + r.sum()), c), sg.ones((), x.dtype), x)[0],
    lambda x: sg.scan(lambda c, r: (c + r, c * r), sg.ones(x.shape[1:], x.dtype), x, reverse=True)[1],
    lambda x: sg.scan(lambda c, t: (sg.sin(c + t), (c * t).sum()), x, sg.ones((3,), x.dtype))[1],
]

TABLES = [
    lambda x: sg.softmax(x * 2, 1 if x.shape[1] else 0),
    lambda x: sg.standardize(x, 1 if x.shape[1] else 0),
    lambda x: sg.logsumexp(x, 1 if x.shape[1] else 0),
    lambda x: x.max(1 if x.shape[1] else 0),
    lambda x: x @ sg.ones((x.shape[1], 2), x.dtype),
    lambda x: x.T @ x,
    lambda x: sg.convolve(sg.pad(x[:, :, None], 1)[1:-1, 1:-1], sg.ones((2, x.shape[1], 3), x.dtype), padding=1),
    lambda x: sg.max_pool(sg.broadcast_to(x[:, :, None], (*x.shape, 5)), 2),
]


def same(inputs, outputs, arrays, threads=1):
    outputs = [o.node for o in outputs]
    expected, found = Interpreter(inputs, outputs)(arrays), Program(inputs, outputs, n_threads=threads)(arrays)
    for e, n in zip(expected, found, strict=True):
        assert (n.shape, n.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(n, e, rtol=1e-12)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 4), (0, 1), (2, 0, 3), (1, 1), (1,)], ids=str)
def test_ops_and_their_gradients(shape):
    x = placeholder(shape, "float64")
    values = [f(x) for f in ANY + (TABLES if len(shape) == 2 else [])]
    first = sg.grad(sum((v * v).sum() for v in values), x)
    same([x], [*values, first, sg.grad((first * first).sum(), x)], [np.full(shape, 0.5)])


@pytest.mark.parametrize("shape", [(5, 0), (0, 5), (3, 0, 5), (0, 3, 4)], ids=str)
def test_threads_share_nothing(shape):
    x = placeholder(shape, "float64")
    same([x], [sg.sin(x), x.sum(0), x.reshape((0, 7)), sg.broadcast_to(x, (2, *shape))], [np.zeros(shape)], threads=2)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32"])
def test_integers(dtype):
    x = placeholder((3, 0), dtype)
    values = [x.sum(1), x.sum(()), sg.cumsum(x, 1), sg.clip(x, 0, 1), sg.pad(x, 1, 1), x.max(0), x.argmax(0), x.T < 1]
    same([x], values, [np.zeros((3, 0), dtype)])


def test_an_empty_block_between_others_and_its_gradient():
    inputs = [placeholder(s, "float64") for s in ((3, 0), (3, 5), (3, 0))]
    y = (sg.concatenate([sg.sin(i) for i in inputs], axis=1) ** 2).sum()
    same(inputs, [y, *sg.grad(y, inputs)], [np.ones(i.shape) for i in inputs])


def test_images_without_a_batch_and_the_gradient_of_kernels():
    x, w = placeholder((0, 4, 6, 6), "float64"), placeholder((6, 2, 3, 3), "float64")
    y = sg.relu(sg.convolve(x, w, 2, 1, groups=2))
    same([x, w], [y, *sg.grad(y.sum(), [x, w])], [np.zeros(x.shape), np.ones(w.shape)])


def test_networks_answer_no_rows():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 3))
    assert net.predict(np.zeros((0, 1, 5, 5), np.float32)).shape == (0, 3)
    assert nn.GRU(3, 4, returns="last").predict(np.zeros((2, 0, 3), np.float32)).tolist() == np.zeros((2, 4)).tolist()


def test_loops_without_steps_and_tensors_without_elements_leave_the_graph():
    x, c = placeholder((0, 3), "float64"), placeholder((3,), "float64")
    last, rows = sg.scan(lambda c, r: (sg.sin(c + r), c * r), c, x)
    same([x, c], [last * 2, rows], [np.zeros((0, 3)), np.ones(3)])
    made = simplify([o.node for o in (last * 2, sg.exp(x).sum(0) + last)])
    assert {n.op.name for n in toposort(made)} <= {"input", "full", "mul", "add"}
