"""Attacks and proofs of what networks answer near given inputs."""

import itertools

import numpy as np
import pytest

import subgrad as sg
from subgrad import nn
from subgrad.bounds import Robust, ball
from subgrad.errors import ArgumentError, DataError, ShapeError
from subgrad.robust import evaluate, pgd, verified

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(30, 3)).astype(np.float32)
Y = (X.sum(1) > 1.5).astype(int) + (X[:, 0] > 0.8)


@pytest.fixture(scope="module")
def net():
    made = sg.models.mlp(3, 8, 3, seed=0)
    sg.fit(made, X, Y, loss="cross_entropy", optimizer=sg.Adam(0.05), epochs=60, verbose=False)
    return made


def margins(net, x, y):
    scores = net(x).numpy().copy()
    own = scores[np.arange(len(y)), y].copy()
    scores[np.arange(len(y)), y] = -np.inf
    return scores.max(1) - own


def test_an_attack_stays_near_and_within_limits_and_makes_things_worse(net):
    found = pgd(net, X, Y, 0.1, low=0, high=1, steps=10, restarts=2)
    assert np.abs(found - X).max() <= 0.1 + 1e-6
    assert found.min() >= 0
    assert found.max() <= 1
    before, after = margins(net, X, Y), margins(net, found, Y)
    assert (after >= before).all()
    assert (after > before).any()
    corners = [np.clip(X + 0.1 * np.array(c, np.float32), 0, 1) for c in itertools.product((-1, 1), repeat=3)]
    worst = np.max([margins(net, c, Y) for c in corners], axis=0)
    assert (after >= worst - 0.05 * np.abs(worst)).mean() > 0.8


def test_the_same_seed_gives_the_same_attack(net):
    a, b = (pgd(net, X, Y, 0.1, steps=3, restarts=2, seed=5) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_what_is_verified_is_proven_by_verify_and_never_broken(net):
    for radius in (0.01, 0.05):
        proven = verified(net, X, Y, radius)
        assert proven[:6].any()
        for x, y, sure in zip(X[:6], Y, proven, strict=False):
            assert not sure or sg.verify(net, ball(x, radius), Robust(int(y)))
        points = X + radius * RNG.choice([-1, 1], (50, *X.shape)).astype(np.float32)
        assert all((net(p).numpy().argmax(1) == Y)[proven].all() for p in points)


def test_a_search_proves_more_and_accuracies_are_in_order(net):
    at_once, searched = verified(net, X, Y, 0.15), verified(net, X, Y, 0.15, timeout=5.0)
    assert (searched >= at_once).all()
    assert searched.sum() > at_once.sum()
    found = evaluate(net, X, Y, 0.15, steps=10, restarts=2, timeout=5.0)
    assert found["verified_accuracy"] <= found["pgd_accuracy"] <= found["accuracy"]
    assert found["verified_accuracy"] == pytest.approx(searched.mean())
    assert found["accuracy"] == pytest.approx((net(X).numpy().argmax(1) == Y).mean())


def test_images_go_through_convolutions():
    net = nn.Sequential(nn.Conv2d(1, 2, 3, seed=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2, seed=1))
    x = RNG.uniform(size=(8, 1, 4, 4))
    y = net(x).numpy().argmax(1)
    assert verified(net, x, y, 1e-4).all()
    assert not verified(net, x, 1 - y, 1e-4).any()
    assert pgd(net, x, y, 0.1, steps=2, restarts=1).shape == x.shape


def test_what_cannot_be_attacked_is_refused(net):
    with pytest.raises(ArgumentError, match=r"integers \(N,\) as classes"):
        pgd(net, X, X, 0.1)
    with pytest.raises(ArgumentError, match="epsilon of verified needs to be"):
        verified(net, X, Y, -0.1)
    for ask in (pgd, verified):
        with pytest.raises(DataError, match=r"inputs cannot leave \[0, 0\.1\], and they go from 0\.0.* to 0\.9"):
            ask(net, X, Y, 0.1, low=0, high=0.1)
        with pytest.raises(ArgumentError, match="low of .* lies below high, got 1 and 0"):
            ask(net, X, Y, 0.1, low=1, high=0)
    with pytest.raises(ShapeError, match="two classes or more"):
        pgd(nn.Linear(3, 1), X, Y, 0.1)
    with pytest.raises(ShapeError, match="the network has 3 scores"):
        verified(net, X, Y + 5, 0.1)
    with pytest.raises(ArgumentError, match="evaluate takes a subgrad.nn.Module"):
        evaluate(lambda x: x, X, Y, 0.1)
