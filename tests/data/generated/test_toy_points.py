"""Made-up data against scikit-learn's, and against their formulas."""

import numpy as np
import pytest
from sklearn import datasets

from subgrad import data
from subgrad.errors import ArgumentError


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (data.make_moons(101), datasets.make_moons(101, shuffle=False)),
        (data.make_circles(60, factor=0.3), datasets.make_circles(60, shuffle=False, factor=0.3)),
    ],
)
def test_without_noise_they_are_the_points_of_scikit_learn(made, expected):
    X, y = made
    assert (X.dtype, y.dtype) == (np.float32, np.int64)
    apart = np.abs(X[:, None] - expected[0][None]).sum(2) + 10 * (y[:, None] != expected[1][None])
    assert max(apart.min(0).max(), apart.min(1).max()) < 1e-5
    assert np.bincount(y).tolist() == np.bincount(expected[1]).tolist()


def test_noise_has_the_deviation_that_was_asked_for():
    X, y = data.make_blobs(4000, centers=[[0, 0, 0], [5, 5, 5]], cluster_std=0.5, seed=3)
    for label, middle in ((0, 0), (1, 5)):
        np.testing.assert_allclose(X[y == label].mean(0), middle, atol=0.05)
        np.testing.assert_allclose(X[y == label].std(0), 0.5, atol=0.03)
    X, _ = data.make_circles(4000, noise=0.05, factor=0.0)
    assert X[np.linalg.norm(X, axis=1) < 0.5].std() == pytest.approx(0.05, abs=0.005)


def test_spirals_turn():
    X, y = data.make_spirals(300, n_classes=3, turns=0.5)
    radius, angle = np.linalg.norm(X, axis=1), np.arctan2(X[:, 1], X[:, 0])
    expected = 2 * np.pi * (0.5 * radius + y / 3)
    np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * expected), atol=1e-4)


def test_a_sheet_that_is_rolled_up():
    X, t = data.make_swiss_roll(500)
    np.testing.assert_allclose(X[:, [0, 2]], np.stack([t * np.cos(t), t * np.sin(t)], 1), atol=1e-4)
    assert t.min() >= 1.5 * np.pi
    assert t.max() <= 4.5 * np.pi
    assert 0 <= X[:, 1].min() <= X[:, 1].max() <= 21


def test_the_seed_decides():
    a, b, c = (data.make_moons(20, noise=0.2, seed=seed)[0] for seed in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: data.make_moons(1), "n_samples is a number of 2 or more, got 1"),
        (lambda: data.make_moons(10, noise=-1), "a deviation is a number of 0 or more, got -1"),
        (lambda: data.make_circles(10, factor=1.0), "factor lies in"),
        (lambda: data.make_blobs(10, centers=0), "1 or more centers"),
        (lambda: data.make_blobs(10, centers=[1.0, 2.0]), r"centers have the shape \(clouds, features\), got \(2,\)"),
        (lambda: data.make_spirals(10, n_classes=11), "n_classes is a number from 1"),
        (lambda: data.make_swiss_roll(10, seed=0.5), "a seed is an integer"),
    ],
)
def test_what_cannot_be_made(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()
