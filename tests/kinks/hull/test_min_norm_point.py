"""The point of least norm in a hull, and the quadratic programs of bundle methods, against other solvers."""

import numpy as np
import pytest
from nested_kinks import holds_zero
from scipy.optimize import minimize, nnls

from subgrad.kinks.hull.min_norm_point import Hull, least_norm


def test_least_norm_meets_the_conditions_of_optimality():
    rng = np.random.default_rng(0)
    for _ in range(200):
        m, n = rng.integers(1, 12, 2)
        points = rng.standard_normal((m, n)) + rng.integers(0, 2) * rng.standard_normal(n)
        p, weights = least_norm(points)
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(weights @ points, p, atol=1e-12)
        assert (points @ p >= p @ p - 1e-10).all()  # necessary and sufficient: no point lies before the plane at p
        assert (np.linalg.norm(p) < 1e-9) == holds_zero(points)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_least_norm_of_degenerate_points(scale):
    points = scale * np.array([[1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [1.0, 0.0], [2.0, 0.0]])
    np.testing.assert_allclose(least_norm(points)[0] / scale, [1, 0], atol=1e-12)
    np.testing.assert_array_equal(least_norm(0 * points)[0], [0, 0])


def spread(rng, m, n):
    """Points of some kind: in general position, apart from 0, rounded, repeated, in a plane, of sizes far apart."""
    points = rng.standard_normal((m, n))
    kind = rng.integers(6)
    if kind == 1:
        points += 3
    elif kind == 2:
        points = np.round(points)
    elif kind == 3:
        points = np.vstack([points, points[::2]])
    elif kind == 4:
        points = rng.standard_normal((m, 2)) @ rng.standard_normal((2, n)) + 1
    elif kind == 5:
        points *= 10.0 ** rng.integers(-6, 7)
    return points


def test_least_norm_is_what_least_squares_with_weights_of_one_sign_find():
    """The weights that bring (points, 1) nearest to (0, 1) are a multiple of those of the nearest point."""
    rng = np.random.default_rng(1)
    for _ in range(300):
        points = spread(rng, *rng.integers(1, 25, 2))
        size = np.abs(points).max() or 1.0
        n = points.shape[1]
        weights = nnls(np.vstack([points.T / size, np.ones(len(points))]), np.eye(1, n + 1, n)[0])[0]
        expected = weights @ points / weights.sum()
        np.testing.assert_allclose(least_norm(points)[0], expected, rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("warm", [False, True])
def test_quadratic_programs_meet_the_conditions_of_optimality(warm):
    """More points than dimensions: the linear part falls without end along what is affinely dependent."""
    rng = np.random.default_rng(2)
    for _ in range(300):
        points = spread(rng, *rng.integers(1, 25, 2))
        linear = rng.exponential(size=len(points)) * 10.0 ** rng.integers(-3, 4) * np.abs(points).max() ** 2
        start = rng.random(len(points)) * (rng.random(len(points)) < 0.3)
        start = start / start.sum() if warm and start.any() else None
        weights = Hull(points).least(linear, start)
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1, abs=1e-12)
        slopes = points @ (weights @ points) + linear
        size = np.abs(points).max() ** 2 + np.abs(linear).max()
        assert weights @ slopes - slopes.min() <= 1e-12 * size  # convex: no vertex lies lower


def test_quadratic_programs_agree_with_sequential_programming():
    rng = np.random.default_rng(3)
    for _ in range(25):
        m, n = rng.integers(2, 9, 2)
        points, linear = rng.standard_normal((m, n)), rng.standard_normal(m)

        def value(w, points=points, linear=linear):
            return np.sum((w @ points) ** 2) / 2 + linear @ w

        other = minimize(
            value, np.full(m, 1 / m), method="SLSQP", bounds=[(0, 1)] * m, tol=1e-12,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        )  # fmt: skip
        assert value(Hull(points).least(linear)) == pytest.approx(other.fun, abs=1e-8)
