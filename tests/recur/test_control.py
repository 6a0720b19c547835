"""Branches and loops by tensors: at the prompt, compiled, and with gradients."""

import numpy as np
import pytest

import subgrad as sg
from subgrad.errors import ArgumentError, NotTraceableError, ShapeError


def branch(c, x):
    return sg.cond(c > 0, lambda x: (x * x, x), lambda x: (sg.log(x), -x), x)


def test_a_branch_and_its_gradient_at_the_prompt_and_compiled():
    def f(c, x):
        y = branch(c, x)[0]
        return y, sg.grad(y.sum(), x)

    for g in (f, sg.compile(f)):
        for c, y, slope in ((1.0, 9.0, 6.0), (-1.0, np.log(3.0), 1 / 3)):
            found = g(sg.tensor(c), sg.tensor([3.0]))
            np.testing.assert_allclose([np.asarray(v).item() for v in found], [y, slope], rtol=1e-6)
    found = sg.compile(f)(sg.tensor(1.0), sg.tensor([-3.0]))  # the other side is NaN there
    assert np.asarray(found[1]).tolist() == [-6.0]


def test_a_loop_over_integers():
    power = lambda x: sg.fori_loop(0, 3, lambda i, y: y * x, sg.ones_like(x))  # noqa: E731
    x = sg.tensor([2.0, 3.0])
    assert power(x).tolist() == [8.0, 27.0]
    assert sg.grad(power(x).sum(), x).tolist() == [12.0, 27.0]
    assert np.asarray(sg.compile(power)(x)).tolist() == [8.0, 27.0]
    assert sg.fori_loop(3, 3, lambda i, y: y + 1, x) is x


def test_a_loop_with_a_condition():
    halve = lambda x, n=None: sg.while_loop(lambda x: x > 1, lambda x: x / 2, x, n)  # noqa: E731
    x = sg.tensor(40.0)
    assert float(halve(x)) == float(halve(x, 9)) == float(sg.compile(lambda x: halve(x, 9))(x)) == 0.625
    assert float(sg.grad(halve(x), x)) == float(sg.grad(halve(x, 9), x)) == 1 / 64
    assert float(halve(x, 2)) == 10.0
    start = {"k": sg.tensor(0), "x": x}
    pair = sg.while_loop(lambda s: s["k"] < 3, lambda s: {"k": s["k"] + 1, "x": s["x"] * 2}, start)
    assert float(pair["x"]) == 320.0


def test_bad_arguments():
    with pytest.raises(NotTraceableError, match="while_loop needs max_steps in a traced function"):
        sg.compile(lambda x: sg.while_loop(lambda x: x > 1, lambda x: x / 2, x))(3.0)
    with pytest.raises(ShapeError, match="cond needs a scalar bool as its condition, got float32"):
        sg.cond(sg.ones(2), lambda: 1, lambda: 2)
    with pytest.raises(ShapeError, match="two sides of a branch return trees of one form"):
        sg.compile(lambda c, x: sg.cond(c > 0, lambda: x, lambda: sg.stack([x, x])))(1.0, 2.0)
    with pytest.raises(ArgumentError, match="fori_loop takes integers as bounds, got 2.5"):
        sg.fori_loop(0, 2.5, lambda i, x: x, 1.0)
    with pytest.raises(ArgumentError, match="while_loop takes a number of steps of 0 or more, got -1"):
        sg.while_loop(lambda x: x > 1, lambda x: x, 1.0, -1)


def test_what_is_not_taken_reads_nothing():
    table = sg.tensor([1.0, 2.0, 4.0])
    total = lambda n: sg.while_loop(  # noqa: E731
        lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] + table[c[0]]), (sg.tensor(0), sg.tensor(0.0)), 6
    )[1]
    at = lambda i: sg.cond(i < 3, lambda: table[i], lambda: sg.cond(i < 5, lambda: table[i - 2], lambda: table[0]))  # noqa: E731
    for f in (lambda n: float(total(sg.tensor(n))), lambda n: float(sg.compile(total)(np.array(n)))):
        assert [f(n) for n in (0, 2, 3)] == [0.0, 3.0, 7.0]
    assert [float(sg.compile(at)(np.array(i))) for i in (2, 3, 4, 9)] == [4.0, 2.0, 4.0, 1.0]
    with pytest.raises(ShapeError, match="index 3 is out of range"):
        sg.compile(total)(np.array(4))
    with pytest.raises(ShapeError, match="index -9 is out of range"):
        sg.compile(at)(np.array(-9))
