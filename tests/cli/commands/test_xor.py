"""The story of XOR: each number that it prints is the true one."""

import math
import re

import numpy as np
import pytest
from command import succeed

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
Y = np.array([-1, 1, 1, -1])


@pytest.fixture(scope="module")
def story():
    return succeed("xor")


def binomial(w1, w2, b):
    return np.mean(np.log1p(np.exp(-2 * Y * (X @ [w1, w2] + b))))


def rows(story, heading):
    """The numbers in the lines of the table under ``heading``."""
    lines = story.split(heading)[1].split("──\n")[1].split("\n\n")[0].splitlines()
    return [[float(n) for n in re.findall(r"(?<![\w(])[-+]?\d[\d.e+-]*(?![\w,)])", line)] for line in lines]


def test_the_gradient_at_zero_is_exactly_zero_and_the_loss_is_ln_2(story):
    assert "the gradient is exactly (0.0, 0.0, 0.0)" in " ".join(story.split())
    assert story.count(f"{math.log(2):.12f}") == 2
    assert "with the gradient (0.0, 0.0, 0.0)" in " ".join(story.split())  # the hinge loss


def test_the_gradient_of_each_point(story):
    table = rows(story, "1. A linear classifier")[:4]
    for (x1, x2), y, (label, f, loss, *slope) in zip(X, Y, table, strict=True):
        assert (label, f) == (y, 0)
        assert loss == pytest.approx(math.log(2), abs=1e-6)
        assert slope == [-y * x1, -y * x2, -y]  # the derivative of ln(1 + exp(-2yf)) by f is -y at f = 0


def test_other_classifiers_are_worse(story):
    for w1, w2, b, loss, above, *_ in rows(story, "Why that is the optimum"):
        assert loss == pytest.approx(binomial(w1, w2, b), abs=1e-6)
        assert above == pytest.approx(loss - math.log(2), abs=2e-6)
        assert above > 0


def test_the_hidden_layer_separates_the_points(story):
    *_, last = rows(story, "The others can lower E.")
    step, loss, _, *scores = last[:7]
    assert step == 128
    assert loss < 0.05
    assert np.all(np.array(scores) * Y > 0)
    assert loss == pytest.approx(np.mean(np.log1p(np.exp(-2 * Y * np.array(scores)))), abs=1e-3)
