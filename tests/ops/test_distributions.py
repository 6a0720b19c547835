"""Draws of several distributions: moments, shapes, gradients to their parameters, the same bits in native code."""

import re

import numpy as np
import pytest
import scipy.stats

import subgrad as sg
from subgrad.errors import ArgumentError

R = sg.random
DRAWS = {
    "normal": (lambda n: R.normal((n,), 1.0, 2.0), scipy.stats.norm(1, 2)),
    "exponential": (lambda n: R.exponential(2.0, (n,)), scipy.stats.expon(scale=2)),
    "gumbel": (lambda n: R.gumbel((n,)), scipy.stats.gumbel_r()),
    "truncated normal": (lambda n: R.truncated_normal((n,), -1, 2), scipy.stats.truncnorm(-1, 2)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_have_their_distribution(name):
    draw, expected = DRAWS[name]
    x = draw(2000).numpy()
    assert x.dtype == np.float32
    assert scipy.stats.kstest(x, expected.cdf).pvalue > 1e-3
    assert draw(0).shape == (0,)


def test_a_tail_of_the_normal_distribution_has_its_quantiles_in_float32():
    sg.manual_seed(0)
    x = R.truncated_normal((4000,), 5.0, 9.0)
    assert x.dtype == sg.float32
    assert scipy.stats.kstest(x.numpy(), scipy.stats.truncnorm(5.0, 9.0).cdf).pvalue > 0.01


def test_integers_and_choices_are_even():
    x = R.randint(-2, 3, (5000,)).numpy()
    assert x.dtype == np.int64
    assert scipy.stats.chisquare(np.bincount(x + 2, minlength=5)).pvalue > 1e-3
    p = np.array([0.5, 0.0, 0.25, 0.25])
    found = np.bincount(R.choice(4, (4000,), p=p).numpy(), minlength=4)
    assert found[1] == 0
    assert scipy.stats.chisquare(found[[0, 2, 3]], 4000 * p[[0, 2, 3]]).pvalue > 1e-3
    found = np.bincount(R.categorical(np.log(p + 1e-30), shape=(4000,)).numpy(), minlength=4)
    assert scipy.stats.chisquare(found[[0, 2, 3]], 4000 * p[[0, 2, 3]]).pvalue > 1e-3


def test_permutations_hold_each_once():
    assert sorted(R.permutation(9).tolist()) == list(range(9))
    x = np.arange(12).reshape(6, 2)
    rows = R.permutation(x).numpy()
    assert sorted(rows[:, 0].tolist()) == x[:, 0].tolist()
    assert (rows[:, 1] == rows[:, 0] + 1).all()
    assert sorted(R.choice(x, 6, replace=False).numpy()[:, 0].tolist()) == x[:, 0].tolist()
    assert R.categorical(np.zeros((2, 3)), axis=0, shape=4).shape == (4, 3)


def test_a_seed_gives_the_same_draws_and_parameters_have_gradients():
    def draws():
        sg.manual_seed(3)
        return [R.normal((3,)).tolist(), R.randint(9, shape=(3,)).tolist(), R.permutation(5).tolist()]

    assert draws() == draws()
    mean, std = sg.tensor(1.0), sg.tensor(2.0)
    x = R.normal((4,), mean, std)
    by_mean, by_std = sg.grad(x.sum(), [mean, std])
    assert float(by_mean) == 4
    np.testing.assert_allclose(float(by_std), ((x - 1) / 2).sum().numpy(), rtol=1e-5)


def test_a_compiled_function_draws_anew_and_as_the_interpreter():
    def step(x):
        return x + R.normal((3,)), R.randint(100, shape=(4,)), R.permutation(6)

    f = sg.compile(step)
    first, second = f(np.zeros(3, np.float32)), f(np.zeros(3, np.float32))
    assert (first[0] != second[0]).any()
    assert sorted(np.asarray(first[2]).tolist()) == list(range(6))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: R.truncated_normal((2,), 1, 1), "truncated_normal needs low below high, got 1 and 1"),
        (lambda: R.randint(3, 3), "randint needs low below high, by at most 2**52, got 3 and 3"),
        (lambda: R.choice(2, 3, replace=False), "choice of 3 elements of 2 needs replace=True"),
        (lambda: R.choice(3, 2, replace=False, p=[1, 0, 0]), "choice of 2 elements of 1 needs replace=True"),
        (lambda: R.choice(3, p=[0.1, -0.2, 1.1]), "choice needs probabilities p, of 0 or more and of sum 1"),
        (lambda: R.choice(3, p=[0.1, 0.2, 0.1]), "got the sum 0.4"),
        (lambda: R.choice(2.5), "choice takes an integer or a tensor with rows, got 2.5"),
        (lambda: R.permutation(2.5), "permutation takes an integer or a tensor with rows, got 2.5"),
        (lambda: R.randint(0, 2.5), "randint takes integers, got 0 and 2.5"),
        (lambda: R.exponential(-1.0), "exponential needs a scale of 0 or more, got -1.0"),
        (lambda: R.normal(std=[1.0, np.nan]), "normal needs a std of 0 or more"),
        (lambda: R.truncated_normal((2,), 8, 9), "truncated_normal has too few digits so far out"),
        (lambda: R.uniform((2,)), "sg.random.draw(shape) needs none"),
        (lambda: sg.manual_seed("a"), "a seed is an integer, got 'a'"),
    ],
)
def test_bad_arguments(wrong, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        wrong()
