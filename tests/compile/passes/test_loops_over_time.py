"""Loops as native code: against the interpreter, on one thread and on several; their size, memory and threads."""

import numpy as np
import pytest

import subgrad as sg
from recur.recurrences import CASES, lstm, mixes_examples, normal, objective, rnn, without_examples
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.runtime.program import Program
from subgrad.graph.tensor import placeholder
from subgrad.graph.tree import leaves

pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True)
def double():
    with sg.using_dtype("float64"):
        yield


def traced(f, arrays):
    """The inputs and outputs of a program for f, its gradients, and the gradients of those."""
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    outputs = [o.node for o in leaves(f(*inputs))]
    floats = [i for i in inputs if i.dtype.kind == "f"]
    first = sg.grad(objective(outputs), floats)
    second = sg.grad(sum((g**2).sum() for g in first), floats)
    return inputs, outputs, [n.node for n in (*outputs, *first, *second)]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("f", "arrays"), CASES.values(), ids=CASES)
def test_native_is_interpreted(f, arrays, threads):
    inputs, _, everything = traced(f, arrays)
    wanted = Interpreter(inputs, everything)(arrays)
    program = Program(inputs, everything, n_threads=threads)
    for _ in range(2):  # a second call finds the arena in use
        for got, exact in zip(program(arrays), wanted, strict=True):
            np.testing.assert_allclose(got, exact, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(("f", "arrays"), CASES.values(), ids=CASES)
def test_results_alone_are_right_as_well(f, arrays):
    inputs, outputs, _ = traced(f, arrays)
    for got, exact in zip(Program(inputs, outputs)(arrays), Interpreter(inputs, outputs)(arrays), strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-12, atol=1e-13)


def test_the_code_is_the_same_for_any_number_of_steps():
    def length_of_code(n):
        arrays = [normal(4, 4), normal(4, 3), normal(4), np.ones((n, 2, 3)), normal(2, 4)]
        inputs, _, everything = traced(rnn, arrays)
        return len(Program(inputs, everything, n_threads=1).ir)

    assert length_of_code(20_000) < 1.5 * length_of_code(200)  # what is left over by the tiles of rows differs


def test_ten_thousand_steps_train():
    with sg.using_dtype("float32"):
        rng = np.random.default_rng(0)
        w, out = (sg.Parameter(rng.normal(size=s) * 0.3) for s in ((4, 4), (4,)))
        x = rng.normal(size=(10_000, 4)).astype("float32")
        y = np.convolve(x[:, 0], [0.5, 0.3, 0.2])[: len(x)].astype("float32")
        adam = sg.Adam(0.01)

        @sg.compile
        def step(x, y, state):
            _, hs = sg.scan(lambda h, row: (sg.tanh(w @ h + row),) * 2, sg.zeros(4), x)
            loss = ((hs @ out - y) ** 2).mean()
            return loss, sg.update([w, out], sg.grad(loss, [w, out]), adam, state)

        state, losses = adam.init([w, out]), []
        for _ in range(60):
            loss, state = step(x, y, state)
            losses.append(float(loss))
        assert losses[-1] < 0.3 * losses[0]


def source(f, arrays, threads=2):
    inputs, outputs, _ = traced(f, arrays)
    slopes = sg.grad(objective(outputs), inputs)
    return Program(inputs, [n.node for n in slopes], n_threads=threads).source()


def test_threads_do_not_wait_for_each_other_from_step_to_step():
    text = source(lstm, CASES["lstm"][1])
    assert text.count("loop of") == 2
    assert "    -- barrier --" not in text


def test_one_thread_does_steps_that_would_have_to_wait():
    small = source(mixes_examples, CASES["mixes examples"][1])
    assert "    -- barrier --" not in small
    large = source(mixes_examples, [normal(256, 256), normal(64, 256), normal(2, 64, 256)])
    assert "    -- barrier --" in large
    vector = source(without_examples, CASES["without examples"][1])
    assert all("one thread" in line for line in vector.splitlines() if line.startswith("    "))


def test_a_carry_that_is_a_result_lies_where_the_result_is():
    inputs, outputs, _ = traced(rnn, CASES["rnn"][1])
    program = Program(inputs, [outputs[1]], n_threads=1)
    steps, rows, width = outputs[1].shape
    (history,) = [i for i in program.memory.intervals if i.size == (steps + 1) * rows * width * 8]
    assert history.first <= history.last


def test_a_carry_nobody_else_reads_takes_two_places_whatever_the_length():
    def arena(n):
        arrays = [normal(4, 4), normal(2, 4), normal(n, 2, 4)]
        f = lambda w, h, xs: sg.scan(lambda h, x: (sg.tanh(h @ w + x), None), h, xs)  # noqa: E731
        inputs, outputs, _ = traced(f, arrays)
        return Program(inputs, outputs, n_threads=1).memory.size

    assert arena(5) == arena(500)


def test_a_loop_in_a_program_of_many_steps():
    w = sg.Parameter(np.eye(3) * 0.5)

    @sg.compile
    def step(total, xs):
        h, ys = sg.scan(lambda h, x: (sg.tanh(h @ w + x),) * 2, sg.zeros((2, 3)), xs)
        loss = (ys**2).mean()
        w.assign(w - 0.1 * sg.grad(loss, w))
        return total + h, loss

    xs = np.random.default_rng(0).normal(size=(6, 5, 2, 3))
    total, losses = step.scan(np.zeros((2, 3)), xs)
    after = w.numpy()
    w.assign(np.eye(3) * 0.5)
    wanted, t = [], np.zeros((2, 3))
    for x in xs:
        t, loss = step(t, x)
        wanted.append(loss)
    np.testing.assert_allclose(losses, wanted, rtol=1e-12)
    np.testing.assert_allclose(total, t, rtol=1e-12)
    np.testing.assert_allclose(after, w.numpy(), rtol=1e-12)


PARTS_OF_A_CARRY = {
    "a slice": lambda c, t: (c * t, c[1:]),
    "a pad": lambda c, t: (c * t, sg.pad(c, 1)),
    "reversed": lambda c, t: (c * t, c[::-1]),
    "a sum of what is joined": lambda c, t: (sg.concatenate([c[:2] * t[:2], c[2:] * t[2:]]), c.sum()),
    "shifted": lambda c, t: (sg.concatenate([c[1:], t[:1]]), c * c[0]),
    "a slice of what comes after": lambda c, t: (c * t, (c * t)[:3]),
}


@pytest.mark.parametrize("body", PARTS_OF_A_CARRY.values(), ids=PARTS_OF_A_CARRY)
@pytest.mark.parametrize("wrt", [0, 1])
def test_the_gradient_by_one_input_alone_where_results_are_parts_of_the_carry(body, wrt):
    arrays = [normal(5), normal(3, 5)]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    slope = [sg.grad((sg.scan(body, *inputs)[1] ** 2).sum(), inputs[wrt]).node]
    wanted = Interpreter(inputs, slope)(arrays)
    np.testing.assert_allclose(Program(inputs, slope)(arrays), wanted, rtol=1e-10, atol=1e-12)


SOURCES = {
    "arange": lambda: sg.arange(4, dtype="float64"),
    "full": lambda: sg.full((4,), 2.0),
    "computed": lambda: sg.exp(sg.arange(4, dtype="float64")),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_no_input_goes_into_is_computed_inside_of_loops_and_around_them(source):
    made, xs = source(), placeholder((3,), "float64")
    last, rows = sg.scan(lambda c, x: (made, c.sum() + x), made, xs)
    back, more = sg.scan(lambda c, x: (made, (made, c * x)), last + made, xs, reverse=True)
    outputs = [o.node for o in (last, rows, back, *more, made + 1)]
    wanted = Interpreter([xs], outputs)([np.arange(3.0)])
    for got, exact in zip(Program([xs], outputs)([np.arange(3.0)]), wanted, strict=True):
        np.testing.assert_allclose(got, exact, rtol=1e-14)
