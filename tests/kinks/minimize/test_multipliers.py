"""The method of multipliers: smoothed kinks against what they stand for, and minima on many kinks at once."""

from __future__ import annotations

import numpy as np
import pytest
from problems import scalable

import subgrad as sg
from subgrad.kinks.minimize.multipliers.smoothed_kinks import SmoothedKinks
from subgrad.kinks.problem import flat_problem

KINKS = {
    "of one variable": lambda x: (sg.relu(x) + abs(x - 0.1) + sg.clip(2 * x, -0.5, 0.25)).sum(),
    "of two": lambda x: (sg.maximum(x[:-1], 2 * x[1:]) + sg.minimum(x[1:], 0.3 - x[:-1])).sum(),
    "of rows": lambda x: sg.stack([x, 2 * x, 0.1 - x]).max(0).sum() + (x * x - x).min(),
    "nested": lambda x: sg.maximum(abs(x), sg.relu(2 * x) - 0.3).max() + abs(x.sum()),
}


@pytest.mark.parametrize("name", KINKS)
def test_smoothed_kinks_are_smooth_near_the_function_and_are_it_for_the_right_multipliers(name):
    rng = np.random.default_rng(0)
    problem = flat_problem(KINKS[name], rng.standard_normal(5))
    smooth, x = SmoothedKinks(problem), problem.start
    smooth.stiffness = np.full(len(smooth.nodes), 10.0)
    found = smooth(x)
    for unit in np.eye(5):
        ahead, behind = (smooth(x + h * unit).value for h in (1e-5, -1e-5))
        assert (ahead - behind) / 2e-5 == pytest.approx(found.gradient @ unit, abs=1e-5)
    assert abs(found.value - problem.value(x)) < 2
    for _ in range(300):  # away from its kinks the slopes become those of the function
        smooth.multipliers = smooth(x).slopes
    assert smooth(x).value == pytest.approx(problem.value(x), abs=1e-9)
    np.testing.assert_allclose(smooth(x).gradient, problem.gradient(x), atol=1e-9)


MANY = ["Chained LQ", "Chained CB3 I", "Chained crescent II"]


@pytest.mark.parametrize("name", MANY)
def test_minima_on_hundreds_of_kinks_are_certified(name):
    problem = next(p for p in scalable(200) if p.name == name)
    found = sg.minimize(problem.f, problem.start)
    assert abs(problem.error(found.fun)) < 1e-8
    assert found.success, found
    assert found.nfev < 2000
    assert sg.verify_certificate(found.certificate, problem.f)


def test_slopes_that_all_differ_take_one_gradient_each():
    """The sum of a_i |x_i + x_{i+1}| less a linear function: the multipliers are known, and any two of them differ."""
    n = 120
    rng = np.random.default_rng(1)
    rows = np.eye(n) + np.eye(n, k=1)
    weights, slopes = rng.uniform(1, 2, n), rng.uniform(-0.9, 0.9, n)
    pull = rows.T @ (weights * slopes)

    def f(x):
        return (sg.tensor(weights, "float64") * abs(sg.tensor(rows, "float64") @ x - 1)).sum() - x @ sg.tensor(
            pull, "float64"
        )

    found = sg.minimize(f, np.zeros(n), "multipliers")
    np.testing.assert_allclose(rows @ found.x, 1, atol=1e-8)
    assert found.success, found
    assert n < len(found.certificate.points) <= n + 1


def test_kinks_that_the_method_does_not_know_are_left_to_bfgs():
    for f in (lambda x: (x * x).sum(), lambda x: sg.norm(x - 1) + x[0] / 2):
        found = sg.minimize(f, [3.0, 4.0], "multipliers")
        assert found.success, found
