"""Random DAGs and their gradients: native code on one and two threads against the NumPy interpreter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subgrad as sg
from diff.test_random_graphs import graphs, points
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder

steady = settings(deadline=None, derandomize=True, max_examples=10)


def loss_and_gradients(f, shapes, dtype):
    inputs = [placeholder(s, dtype) for s in shapes]
    loss = f(*inputs)
    return inputs, [loss, *sg.grad(loss, inputs)]


def agree(found, expected, tolerance):
    for e, n in zip(expected, found, strict=True):
        assert n.dtype == e.dtype
        np.testing.assert_allclose(n, e, rtol=tolerance, atol=tolerance * (1 + np.abs(e).max(initial=0)))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@steady
@given(graphs(), st.integers(0, 99))
def test_native_agrees_with_the_interpreter(dtype, tolerance, threads, case, seed):
    f, shapes = case
    with sg.using_dtype(dtype):
        inputs, outputs = loss_and_gradients(f, shapes, dtype)
        arrays = [np.asarray(x, dtype) for x in points(shapes, seed)]
        expected = Interpreter(inputs, outputs)(arrays)
        agree(Program(inputs, outputs, n_threads=threads)(arrays), expected, tolerance)


@settings(steady, max_examples=5)
@given(graphs(), st.integers(0, 99))
def test_the_number_of_threads_does_not_change_a_bit(case, seed):
    f, shapes = case
    with sg.using_dtype("float32"):
        inputs, outputs = loss_and_gradients(f, shapes, "float32")
        arrays = [np.asarray(x, "float32") for x in points(shapes, seed)]
        one, two, three = (Program(inputs, outputs, n_threads=n)(arrays) for n in (1, 2, 3))
    for a, b, c in zip(one, two, three, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


GUARD = 64  # elements before and behind a result


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: sg.tanh(sg.einsum("ij,ij->i", x, x)),
        lambda x: sg.tanh(sg.einsum("ij,ij->", x, x)),
        lambda x: sg.tanh(x @ x[0]),
        lambda x: sg.tanh(x[0] @ x.T),
        lambda x: sg.relu(x @ x.T),
        lambda x: sg.einsum("ij,kj->kij", x, x) + 1,
        lambda x: sg.softmax(x, 0),
        lambda x: sg.exp(x.T) * 2,
        lambda x: sg.pad(sg.exp(x), 1)[:, 2:],
        lambda x: sg.cumsum(x, 1) > 0,
        lambda x: x.argmax(1),
    ],
)
@pytest.mark.parametrize("shape", [(2, 1), (7, 33)])
def test_nothing_is_written_beside_the_results(shape, f, threads):
    x = placeholder(shape, "float32")
    outputs = [f(x), f(x + 1)]
    program = Program([x], outputs, n_threads=threads)
    array = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    rooms = [np.full(o.size + 2 * GUARD, 7, o.dtype) for o in outputs]
    results = [room[GUARD:-GUARD].reshape(o.shape) for room, o in zip(rooms, outputs, strict=True)]
    program.run([array], results)
    for room, e, n in zip(rooms, Interpreter([x], outputs)([array]), results, strict=True):
        np.testing.assert_allclose(n, e, rtol=1e-5, atol=1e-6)
        assert (room[:GUARD] == room.dtype.type(7)).all()
        assert (room[-GUARD:] == room.dtype.type(7)).all()


NEXT = [
    lambda a, b: a,
    lambda a, b: b,
    lambda a, b: a.T,
    lambda a, b: b.T,
    lambda a, b: a[::-1],
    lambda a, b: b[:, ::-1] * 0.5 + a,
    lambda a, b: 0.1 * (a @ b),
    lambda a, b: sg.tanh(a) - 0.2 * (b @ a.T),
    lambda a, b: a - 0.1 * sg.sin(a.sum(0)),
    lambda a, b: 0.9 * a + a.reshape(9)[::-1].reshape(3, 3) * 0.1,
    lambda a, b: sg.maximum(a, b),
    lambda a, b: sg.softmax(a, 1) + b.max(),
]


def looped(inputs, outputs, arrays, steps):
    """The variables after so many steps of the interpreter, and what was measured in each."""
    program, n, measured = Interpreter(inputs, outputs), len(inputs), []
    for _ in range(steps):
        found = program(arrays)
        arrays = found[:n]
        measured.append(found[n])
    return [*arrays, np.stack(measured)]


@pytest.mark.parametrize("threads", [1, 2])
@settings(steady, max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(NEXT), st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=4))
def test_variables_in_place_follow_a_loop(threads, choices):
    """Each new value is made of old ones, in any order and from any place, so that none may be overwritten early."""
    inputs = [placeholder((3, 3), "float64") for _ in range(3)]
    outputs = [f(inputs[i], inputs[j]) for f, i, j in choices]
    start = [np.random.default_rng(k).standard_normal((3, 3)) for k in range(3)]
    variables = {k: k for k in range(3)}
    program = Program(inputs, outputs, variables=variables, measured=[3], n_threads=threads)
    found = program([s.copy() for s in start], 4)
    agree(found, looped(inputs, outputs, start, 4), 1e-12)
