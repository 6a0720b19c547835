"""Second-order conditions at points on kinks: closed forms, and random functions against many points nearby."""

from __future__ import annotations

import math

import numpy as np
import pytest
from problems import cb3, crescent, dem, lq, mifflin1, mifflin2, ql

import subgrad as sg
from subgrad.kinks.minimize.second_order.optimality import second_order
from subgrad.kinks.problem import flat_problem


def judged(f, x, delta=1e-6):
    return second_order(flat_problem(f, x), sg.is_stationary(f, x, delta=delta))


ROOT = math.sqrt(0.5)

# name: (f, its minimum, the least second derivative of f with the right slopes along the kinks, by hand)
MINIMA = {
    "smooth": (lambda x: (x[0] - 1) ** 2 + 2 * (x[1] + 2) ** 2, [1, -2], 2),
    "|x| + x^2": (lambda x: abs(x[0]) + x[0] ** 2, [0], math.inf),
    "a rise on both sides beats a curve downwards": (lambda x: 2 * abs(x[0]) - x[0] ** 2, [0], math.inf),
    "Rosenbrock": (lambda x: 10 * abs(x[1] - x[0] ** 2) + (x[0] - 1) ** 2, [1, 1], 2 / 5),  # along (1, 2) / sqrt 5
    "Mifflin 1": (mifflin1, [1, 0], 1),  # 20 s 2 with the slope s = 1 / 40
    "Mifflin 2": (mifflin2, [1, 0], 1),
    "Crescent": (crescent, [0, 0], 1),  # (2 s - 1) 2 with s = 3 / 4
    "LQ": (lq, [ROOT, ROOT], math.sqrt(2)),
    "QL": (ql, [1.2, 2.4], 2),
    "three pieces that meet": (dem, [0, -3], math.inf),
    "CB3": (cb3, [1, 1], math.inf),
    "a kink in a kink": (lambda x: 2 * abs(abs(x[0]) - x[1]) + x[1] + x[1] ** 2, [0, 0], math.inf),
    "a kink in a kink, along it": (
        lambda x: 2 * abs(abs(x[0] - x[2] ** 2) - x[1]) + x[1] + 3 * x[2] ** 2, [0, 0, 0], 6,
    ),
    "a minimum of two pieces is smooth beside": (lambda x: sg.minimum(x[0] ** 2, 1 + x[0]) + abs(x[1]), [0, 0], 2),
    "kinks that depend on each other": (lambda x: abs(x[0]) + abs(x[1]) + abs(x[0] + x[1]), [0, 0], math.inf),
    "the largest of three": (lambda x: abs(x - 0.5).max(), [0.5, 0.5, 0.5], math.inf),
    "the larger of two, twice": (
        lambda x: sg.maximum(x[0], x[1]) + sg.maximum(2 * x[1], 2 * x[0]) - 1.5 * (x[0] + x[1]) + x @ x, [0, 0], 2,
    ),
    "one kink in two sizes": (lambda x: abs(x[0]) + abs(2 * x[0]) + 3 * (x[1] - 0.3) ** 2, [0, 0.3], 6),
}  # fmt: skip


@pytest.mark.parametrize("name", MINIMA)
def test_strict_local_minima(name):
    f, x, least = MINIMA[name]
    found = judged(f, np.array(x, float) + 1e-8)
    assert found.verdict == "strict local minimum", found
    assert found
    assert found.curvature == pytest.approx(least)
    np.testing.assert_allclose(found.x, x, atol=1e-12)
    assert np.linalg.norm(found.x - x - 1e-8) <= found.distance < 1e-6
    assert "strict local minimum within" in str(found)


# name: (f, a stationary point, a minimum to which minimize comes from there)
OTHERS = {
    "saddle": (lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [0, 0], -1 / 4),
    "down along a curved kink": (lambda x: 10 * abs(x[1] - x[0] ** 2) - x[0] ** 2 + x[0] ** 4, [0, 0], -1 / 4),
    "down along a kink in a kink": (
        lambda x: 4 * abs(abs(x[0] - x[2] ** 2) - x[1]) + x[1] - x[2] ** 2 + x[2] ** 4, [0, 0, 0], -1 / 4,
    ),
    "down along one kink in two sizes": (lambda x: abs(x[0]) + abs(2 * x[0]) - x[1] ** 2 + x[1] ** 4, [0, 0], -1 / 4),
    "up to a ridge": (lambda x: x[0] ** 2 - abs(x[0]) + x[1] ** 2, [0, 0], -1 / 4),
    "the smaller of two": (lambda x: sg.minimum(x[0], -x[0]) + x[0] ** 2, [0], -1 / 4),
    "Rosenbrock upside down along its valley": (
        lambda x: 10 * abs(x[1] - x[0] ** 2) - (x[0] - 1) ** 2 + (x[0] - 1) ** 4, [1, 1], -1 / 4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_no_local_minima_are_left(name):
    f, x, value = OTHERS[name]
    found = judged(f, np.array(x, float), delta=0.0)
    assert found.verdict == "not a local minimum", found
    t = 1e-3
    way = t * found.direction + t**2 * found.bend
    lower, here = (f(sg.tensor(x, "float64")).item() for x in (found.x + way, found.x))
    assert lower < here - 1e-9
    best = sg.minimize(f, np.array(x, float))
    assert best.fun == pytest.approx(value, abs=1e-8)
    assert best.second_order, best.second_order


UNKNOWN = {
    "x^4": (lambda x: x[0] ** 4, [0], "stationary point"),
    "a constant": (lambda x: 0 * x[0] + 1, [0], "stationary point"),
    "a valley with a flat floor": (lambda x: abs(x[0] + x[1]), [1, -1], "stationary point"),
    "kinks that meet at no float": (lambda x: abs(3 * x[0] - 1) + abs(6 * x[0] - 2), [1 / 3], "depend on each other"),
    "kinks that nearly meet": (lambda x: abs(x[0]) + abs(x[0] - 1e-17), [0], ""),
    "a kink of which nothing is left": (lambda x: abs(x[0]) + abs(x[1]) - abs(x[0]), [0, 0], ""),
    "a norm": (lambda x: sg.norm(x), [0, 0], "another kink"),
    "a square of a kink": (lambda x: sg.relu(x[0]) ** 2, [0], ""),
    "a slope of one side": (lambda x: sg.relu(x[0]) + x[0] ** 2, [0], ""),
    "no curvature along the kink": (lambda x: abs(x[0]) + x[1] ** 4, [0, 0], ""),
    "a root": (lambda x: (x[0] ** 2) ** 0.75, [0], ""),
    "a jump of the second derivative": (lambda x: sg.where(x[0] > 0, x[0] ** 2, 2 * x[0] ** 2), [0], "another kink"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_decided_is_unknown(name):
    f, x, reason = UNKNOWN[name]
    found = judged(f, np.array(x, float))
    assert found.verdict == "unknown"
    assert not found
    assert reason in found.reason
    assert 0 < len(found.reason) < 120


def test_plain_functions_and_points_that_are_not_stationary_are_unknown():
    found = sg.minimize(lambda x: (x @ x, 2 * x), [1.0, 2.0], jac=True)
    assert "plain function" in found.second_order.reason
    found = sg.minimize(lambda x: (x * x).sum(), [5.0, 5.0], "subgradient", max_iter=2)
    assert "not found stationary" in found.second_order.reason


def test_bounds_and_constraints():
    f = lambda x: (x[0] - 2) ** 2 + 3 * (x[1] + 1) ** 2 + abs(x[2])  # noqa: E731
    found = sg.minimize(f, [0.5, 0.5, 0.5], bounds=[(0, 1), (None, None), (-1, 1)])
    assert found.second_order.curvature == pytest.approx(6)  # x0 is at its bound, x2 on a kink
    flat = sg.minimize(lambda x: (x[0] - 1) ** 2 + x[1] ** 2, [0.5, 0.5], bounds=[(0, 1), (None, None)])
    assert flat.second_order.verdict == "unknown"  # at the bound the slope is 0
    disc = {"type": "ineq", "fun": lambda x: 2 - (x * x).sum()}
    found = sg.minimize(lambda x: x[0] + x[1], [0.0, 0.0], constraints=disc)
    assert found.second_order.curvature == pytest.approx(1)  # 2 times the multiplier, which is 1 / 2
    circle = {"type": "eq", "fun": lambda x: 2 - (x * x).sum()}
    found = sg.minimize(lambda x: x[0] + x[1], [1.0, 1.0], constraints=circle)
    np.testing.assert_allclose(found.x, [-1, -1], atol=1e-5)  # the start is the largest value on the circle
    assert found.second_order


class Piecewise:
    """x.H.x / 2 + sum_k w_k (|z_k| - s_k z_k) with z_k = a_k.x + x.B_k.x / 2, all of x - c: stationary at c."""

    def __init__(self, rng, n, m):
        self.c, self.n = rng.standard_normal(n), n
        self.H, self.a = _symmetric(rng, n), rng.standard_normal((m, n))
        self.B = np.array([_symmetric(rng, n) for _ in range(m)]).reshape(m, n, n)
        self.w, self.s = rng.uniform(0.5, 2, m), rng.uniform(-0.8, 0.8, m)
        if m and rng.random() < 0.2:
            self.w[0] = -self.w[0]

    def __call__(self, x):
        d = x - self.c
        y = d @ self.H @ d / 2
        for a, B, w, s in zip(self.a, self.B, self.w, self.s, strict=True):
            z = d @ a + d @ B @ d / 2
            y = y + float(w) * (abs(z) - float(s) * z)
        return y

    def nearby(self, rng, count, size):
        """Points at about a distance: on all kinks, up to its fourth power, and a little beside them on all sides."""
        null = np.eye(self.n) - np.linalg.pinv(self.a) @ self.a
        for _ in range(count):
            way = null @ rng.standard_normal(self.n)
            d = size * way / (np.linalg.norm(way) or 1.0)
            beside = size**2 * rng.standard_normal(len(self.a)) * rng.choice([0, 0.01, 0.1, 1])
            for _ in range(4):
                z = self.a @ d + np.einsum("i,kij,j->k", d, self.B, d) / 2
                d = d - np.linalg.pinv(self.a) @ (z - beside)
            yield self.c + d


def _symmetric(rng, n):
    a = rng.standard_normal((n, n))
    return a + a.T + np.eye(n)


def test_random_piecewise_quadratic_functions_against_many_points_nearby():
    rng = np.random.default_rng(5)
    verdicts = []
    for _ in range(16):
        n = int(rng.integers(1, 5))
        f = Piecewise(rng, n, int(rng.integers(0, n + 1)))
        certificate = sg.is_stationary(f, f.c, delta=1e-6)
        if certificate.claim != "stationary":  # from a ridge it sees the way down
            continue
        found = second_order(flat_problem(f, f.c), certificate)
        verdicts.append(found.verdict)
        least = min(f(x) for x in f.nearby(rng, 200, 1e-3))
        assert found.verdict == ("strict local minimum" if least > -1e-12 else "not a local minimum"), found
        if not found:
            t = 1e-3
            assert f(found.x + t * found.direction + t**2 * found.bend) < 0
    assert 2 < verdicts.count("strict local minimum") < 14


def test_random_functions_with_kinks_that_depend_on_each_other():
    """Small numbers of few bits: more kinks than variables, and kinks that are others in another size."""
    rng = np.random.default_rng(3)
    minima = 0
    for _ in range(30):
        n = int(rng.integers(1, 4))
        f = Piecewise(rng, n, 0)
        f.c, f.H = rng.integers(-8, 9, n) / 8, np.round(4 * f.H) / 4
        rows = rng.integers(-2, 3, (int(rng.integers(1, n + 2)), n)).astype(float)
        f.a = np.concatenate([rows, rng.choice([-2.0, 0.5, 1.0], (1, 1)) * rows[:1]])
        m = len(f.a)
        f.B, f.w, f.s = np.zeros((m, n, n)), rng.choice([0.5, 1.0, 2.0], m), rng.choice([-0.5, 0.0, 0.25], m)
        if not f.a.any(1).all():
            continue
        certificate = sg.is_stationary(f, f.c, delta=1e-6)
        found = second_order(flat_problem(f, f.c), certificate)
        least = min(f(x) for x in f.nearby(rng, 200, 1e-3))
        minima += bool(found)
        if found:
            assert least > -1e-12
        elif found.verdict == "not a local minimum":
            assert f(found.x + 1e-3 * found.direction + 1e-6 * found.bend) < 0
    assert minima > 5


@pytest.mark.parametrize("scale", [1e-2, 1e4, 1e6])
def test_a_saddle_on_a_kink_is_left_in_any_units_of_f(scale):
    f = OTHERS["down along a curved kink"][0]
    found = sg.minimize(lambda x: scale * f(x), np.zeros(2))
    assert found.fun / scale == pytest.approx(-1 / 4, abs=1e-6)
