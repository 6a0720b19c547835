"""Formulas: what the grammar has means what Python means by it, and nothing else gets through."""

from __future__ import annotations

import math

import numpy as np
import pytest

import subgrad as sg
from subgrad.approx import Expression
from subgrad.errors import ArgumentError, ShapeError

POINTS = np.random.default_rng(0).uniform(-2, 2, (50, 3))

FORMULAS = {  # each beside the same in NumPy
    "exp(-x**2)*sin(5*x)": lambda x, y, z: np.exp(-(x**2)) * np.sin(5 * x),
    "-x**2 + 2**y - z": lambda x, y, z: -(x**2) + 2**y - z,
    "1/(1 + x*x + y*y)": lambda x, y, z: 1 / (1 + x * x + y * y),
    "max(x, y) - min(y, 0) + abs(z)": lambda x, y, z: np.maximum(x, y) - np.minimum(y, 0) + np.abs(z),
    "where(x <= y, x, 2*pi)": lambda x, y, z: np.where(x <= y, x, 2 * np.pi),
    "where(x - y > 0.5, tanh(z), log(1 + x**2))": lambda x, y, z: np.where(x - y > 0.5, np.tanh(z), np.log(1 + x**2)),
    "relu(x) + sigmoid(y) * sqrt(abs(z))": lambda x, y, z: np.maximum(x, 0) + np.sqrt(abs(z)) / (1 + np.exp(-y)),
    "x1 * x3 - +x2": lambda x, y, z: x * z - y,
    "pow(abs(x), 1.5) + e": lambda x, y, z: np.abs(x) ** 1.5 + np.e,
    "2.5e-3": lambda x, y, z: 0 * x + 2.5e-3,
    "sin(1)/cos(1)": lambda x, y, z: 0 * x + math.tan(1),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_mean_what_numpy_means(text):
    np.testing.assert_allclose(Expression(text)(POINTS).numpy(), FORMULAS[text](*POINTS.T), rtol=1e-13)


def test_the_number_of_variables_follows_from_the_formula():
    found = {text: Expression(text).dimensions for text in ("1", "x", "y", "x*z", "x12 + x3")}
    assert found == {"1": 1, "x": 1, "y": 2, "x*z": 3, "x12 + x3": 12}
    with pytest.raises(ShapeError, match=r"\(N, 3\), got \(50, 2\)"):
        Expression("x*z")(POINTS[:, :2])


def test_the_dtype_is_that_of_the_points():
    assert Expression("2*x + 1")(POINTS).dtype == np.float64
    assert Expression("2*x + sin(1)")(sg.tensor(POINTS)).dtype == np.float32


REFUSED = [
    "", "x +", "x^2", "x.real", "x[0]", "[x]", "lambda: x", "x if x else 1", "x := 1", "not x", "x and y", "x < y",
    "x == y", "where(x, 1, 2)", "where(x == 0, 1, 2)", "where(0 < x < 1, 1, 2)", "where(x < 0, 1)", "foo(x)", "sin",
    "sin()", "sin(x, y)", "sin(*x)", "sin(x=x)", "sin(x)(y)", "max(x)", "a", "x0", "x100", "pi(x)", "e2", "__x",
    "__import__('os').system('true')", "(1).__class__", "print(x)", "eval(x)", "f'{x}'", "'x'", "b'x'", "True", "None",
    "...", "1j", "x // y", "x % y", "x @ y", "~x", "x | y", "1e999", "1" * 400, "x; y", "x\ny", "\x00",
    "-" * 500 + "x", "x" * 3000, "(" * 999, "1(2)", "{x: y}", "(x, y)", "yield x", "await x",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_in_the_grammar_is_refused(text):
    with pytest.raises(ArgumentError) as error:
        Expression(text)
    assert len(str(error.value)) < 400


def test_a_message_says_where_and_what():
    with pytest.raises(ArgumentError, match=r"character 10 of 'exp\(x\) \+ foo\(y\)': expected a function out of abs"):
        Expression("exp(x) + foo(y)")
    with pytest.raises(ArgumentError, match=r"expected \*\* for a power, got \^"):
        Expression("x^2")


@pytest.mark.parametrize("text", ["x**9**9**9", "9**9**9**9*x", "5/0*x", "x + log(0)", "sqrt(-1)*x", "2**1024"])
def test_numbers_are_finite(text):
    """Powers of Python integers would take all memory."""
    with pytest.raises(ArgumentError, match="finite numbers"):
        Expression(text)
