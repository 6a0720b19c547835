"""Paths with the fewest lines: they stay in their tubes, and no path with knots on a grid has fewer lines."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from subgrad.approx.univariate.minimum_link import minimum_link


def inside(path, x, low, high):
    """Whether the path runs from end to end, forwards, and between low and high."""
    knots, values = np.array(path.knots), np.array(path.values)
    assert (knots[0], knots[-1]) == (x[0], x[-1])
    assert (np.diff(knots) >= 0).all()
    at = np.concatenate([np.interp(x, knots, values), values])
    below, above = (np.concatenate([side, np.interp(knots, x, side)]) for side in (low, high))
    return bool((at >= below - 1e-9).all() and (at <= above + 1e-9).all())


def fewest_on_a_grid(x, low, high, between=3, heights=21):
    """The fewest lines of a path with knots on a grid in the tube, by trying all of them."""
    grid = np.unique(np.concatenate([np.linspace(a, b, between + 1) for a, b in pairwise(x)]))
    bottom, top = np.interp(grid, x, low), np.interp(grid, x, high)
    y = np.linspace(bottom, top, heights, axis=1)
    best = np.full(y.shape, 99)
    best[0] = 0
    for i in range(len(grid)):
        for a in range(heights):
            for j in range(i + 1, len(grid)):
                at = y[i, a] + np.outer((y[j] - y[i, a]) / (grid[j] - grid[i]), grid[i + 1 : j + 1] - grid[i])
                free = ((at >= bottom[i + 1 : j + 1] - 1e-12) & (at <= top[i + 1 : j + 1] + 1e-12)).all(axis=1)
                best[j] = np.where(free, np.minimum(best[j], best[i, a] + 1), best[j])
    return best[-1].min()


@pytest.mark.parametrize("seed", range(8))
def test_no_path_has_fewer_lines(seed):
    random = np.random.default_rng(seed)
    m = random.integers(3, 7)
    x, centre, half = random.uniform(0.2, 1, m).cumsum(), random.normal(size=m), random.uniform(0.05, 0.8, m)
    path = minimum_link(x, centre - half, centre + half)
    assert inside(path, x, centre - half, centre + half)
    assert len(path) <= fewest_on_a_grid(x, centre - half, centre + half)


def test_paths_stay_in_tubes_that_are_shut_in_places():
    random = np.random.default_rng(0)
    for _ in range(300):
        m = random.integers(2, 60)
        x, centre = random.uniform(0.01, 1, m).cumsum(), random.normal(size=m).cumsum()
        half = random.uniform(0, 1, m) * (random.random(m) < 0.8)
        assert inside(minimum_link(x, centre - half, centre + half), x, centre - half, centre + half)


def test_a_path_ends_early_when_it_has_too_many_lines():
    zigzag = np.arange(1000.0) % 2
    assert len(minimum_link(np.arange(1000.0), zigzag, zigzag)) == 999
    assert len(minimum_link(np.arange(1000.0), zigzag, zigzag, most=10)) == 11


def test_one_line_may_have_to_be_horizontal():
    """A half of x² has room for one at 0 alone; in random tubes it goes on where there is one."""
    x = np.linspace(0, 1, 200)
    tube = x, x**2 - 0.021, x**2 + 0.021  # lines are 0.41 long, the horizontal one half of that
    plain, level = minimum_link(*tube), minimum_link(*tube, level=0)
    assert (len(plain), plain.units, len(level), level.units) == (3, 3, 3, 2)
    assert inside(level, *tube)
    assert minimum_link(*tube, level=1).knots[-1] < 1
    found = 0
    random = np.random.default_rng(0)
    for _ in range(300):
        m, number = random.integers(5, 60), int(random.integers(0, 4))
        x, centre = random.uniform(0.01, 1, m).cumsum(), random.normal(size=m).cumsum()
        half = random.uniform(0, 2, m)
        path = minimum_link(x, centre - half, centre + half, level=number)
        if path.knots[-1] == x[-1] and len(path) > number:
            assert inside(path, x, centre - half, centre + half)
            assert path.values[number] == path.values[number + 1]
            found += 1
    assert found > 50
