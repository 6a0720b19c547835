"""Views against the strides that NumPy gives the same moves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from subgrad.compile.kernels.views import contiguous, only_unit_axes, restrided, source, view
from subgrad.compile.passes.simplify import expand
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder

steady = settings(deadline=None, derandomize=True, max_examples=100)


@st.composite
def shapes_of(draw, size):
    """A shape with so many elements, ones included."""
    shape = []
    while size > 1:
        n = draw(st.sampled_from([d for d in range(2, size + 1) if size % d == 0]))
        shape.append(n)
        size //= n
    for _ in range(draw(st.integers(0, 2))):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    return tuple(shape)


@st.composite
def moves(draw):
    """Functions to apply one after the other, to tensors and to arrays alike."""
    array = np.arange(24).reshape(draw(shapes_of(24)))
    shape, found = array.shape, []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["transpose", "slice", "reshape", "broadcast"]))
        if kind == "transpose":
            axes = tuple(draw(st.permutations(range(array.ndim))))
            step = (sg.transpose, np.transpose, axes)
        elif kind == "slice":
            key = tuple(slice(draw(st.integers(0, n - 1)), None, draw(st.integers(1, 2))) for n in array.shape)
            step = (lambda x, k: x[k], lambda x, k: x[k], key)
        elif kind == "reshape":
            step = (sg.reshape, np.reshape, draw(shapes_of(array.size)))
        else:
            target = tuple(draw(st.integers(1, 3)) if n == 1 else n for n in array.shape)
            step = (sg.broadcast_to, np.broadcast_to, (draw(st.integers(1, 2)), *target))
        array = step[1](array, step[2])
        if array.size > 200:
            break
        found.append(step)
    return shape, found


@steady
@given(moves())
def test_a_chain_of_moves_is_read_at_the_right_places(chain):
    shape, steps = chain
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    node = placeholder(shape, "float32")
    nodes = {node: array}
    for on_tensors, on_arrays, how in steps:
        node, array = on_tensors(node, how), on_arrays(array, how)
        nodes[node] = array
    found = view(node)
    memory = np.ascontiguousarray(nodes[found.source]).reshape(-1)
    strides = [s * memory.itemsize for s in found.strides]
    seen = np.lib.stride_tricks.as_strided(memory[found.offset :], node.shape, strides)
    np.testing.assert_array_equal(seen, array)
    assert source(node) is found.source


@steady
@given(st.data())
def test_restrided_gives_what_numpy_can_do_without_a_copy(data):
    shape = data.draw(shapes_of(24))
    array = np.arange(24, dtype=np.int8).reshape(shape).transpose(data.draw(st.permutations(range(len(shape)))))
    target = data.draw(shapes_of(24))
    found = restrided(array.shape, array.strides, target)
    without_copy = np.shares_memory(array.reshape(target), array)
    assert (found is not None) == without_copy
    if found is not None:
        np.testing.assert_array_equal(np.lib.stride_tricks.as_strided(array, target, found), array.reshape(target))


@steady
@given(st.lists(st.integers(1, 5), max_size=4))
def test_contiguous_strides_are_numpys(shape):
    assert contiguous(tuple(shape)) == tuple(s // 4 for s in np.empty(shape, np.float32).strides)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.T.flatten(),
        lambda x: x[:, ::-1].flatten(),
        lambda x: x[1:].reshape(4, 1, 2),
        lambda x: sg.exp(x).T.reshape(3, 4) * x,
        lambda x: x.T.flatten() * x.flatten(),
        lambda x: (x.T.reshape(2, 6).T @ x.T.reshape(2, 6)).flatten(),
        lambda x: sg.broadcast_to(x[:1], (3, 4)).reshape(6, 2),
        lambda x: [x.T, x.T.reshape(2, 6), x.T.reshape(2, 6).T.flatten()],
        lambda x: sg.cumsum(x.T.flatten()).reshape(4, 3).T + x,
    ],
)
def test_native_code_reads_through_moves(f):
    x = placeholder((3, 4), "float32")
    found = f(x)
    found = found if isinstance(found, list) else [found]
    outputs = [*found, *map(sg.tanh, found)]
    array = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    for threads in (1, 2):
        results = Program([x], outputs, n_threads=threads)([array])
        for e, n in zip(Interpreter([x], outputs)([array]), results, strict=True):
            np.testing.assert_allclose(n, e, rtol=1e-5)


def test_a_reshape_that_needs_a_copy_starts_a_new_view():
    x = placeholder((2, 3), "float32")
    moved = x.T
    assert source(moved) is x
    assert source(moved.reshape(6)) is moved


def test_only_unit_axes():
    x = placeholder((2, 1, 3), "float32")
    assert only_unit_axes(x.reshape(2, 3))
    assert only_unit_axes(x.reshape(1, 2, 3, 1))
    assert not only_unit_axes(x.reshape(3, 1, 2))
    assert not only_unit_axes(x.reshape(6))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: sg.windows(x, (2, 2)),
        lambda x: sg.windows(x.T, (3, 2), (1, 2), (1, 1))[::-1, :, 1:],
        lambda x: sg.windows(sg.tanh(x), 3, 2)[:, 1].reshape(-1),
        lambda x: sg.windows(x, (2, 3))[:, [1, 0]],
        lambda x: sg.windows(x, (2, 3))[..., [1, 0], :],
        lambda x: sg.windows(sg.exp(x), 2)[[2, 0, 1], [0, 2, 2], [1, 1, 0]],
        lambda x: sg.einsum("ijkl,kl->ij", sg.windows(x, (2, 2)), x[:2, :2]),
        lambda x: sg.fold(sg.windows(x, (2, 2), 1, (2, 1)), x.shape, 1, (2, 1)),
    ],
)
def test_native_code_reads_windows_in_place(f, threads):
    x = placeholder((6, 5), "float32")
    y = f(x)
    outputs = [y, y * 2, sg.grad((y * y).sum(), x)]
    array = np.random.default_rng(0).standard_normal((6, 5)).astype(np.float32)
    found = Program([x], outputs, n_threads=threads)([array])
    for e, n in zip(Interpreter([x], outputs)([array]), found, strict=True):
        np.testing.assert_allclose(n, e, rtol=1e-5, atol=1e-5)


def test_windows_of_a_view_are_a_view():
    x = placeholder((4, 6, 8), "float32")
    seen = sg.windows(x.transpose(1, 0, 2), (2, 3), (1, 2), (2, 1))
    found = view(expand(seen))
    assert found.source is x
    assert (found.offset, found.strides) == (0, (8, 48, 2, 96, 1))
