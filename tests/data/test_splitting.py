"""Splitting into training and test examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import datasets

from subgrad.data import train_test_split
from subgrad.errors import ArgumentError, DataError

fractions = st.floats(0.01, 0.99)


@given(st.integers(2, 200), fractions, st.integers(0, 2**32))
def test_each_example_is_on_one_side(n, fraction, seed):
    train, test = train_test_split(n, fraction, seed)
    assert sorted([*train, *test]) == list(range(n))
    assert len(test) == min(max(round(n * fraction), 1), n - 1)


@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=60), fractions, st.integers(0, 99))
def test_each_class_of_two_is_on_both_sides(labels, fraction, seed):
    counts = {label: labels.count(label) for label in labels}
    if max(counts.values()) == 1:
        with pytest.raises(DataError, match="nothing is left to test on"):
            train_test_split(len(labels), fraction, seed, stratify=labels)
        return
    train, test = train_test_split(len(labels), fraction, seed, stratify=labels)
    assert sorted([*train, *test]) == list(range(len(labels)))
    for label, count in counts.items():
        in_test = sum(labels[i] == label for i in test)
        assert in_test == 0 if count == 1 else 1 <= in_test < count
        assert abs(in_test - fraction * count) <= 1


def test_the_digits_keep_their_proportions():
    y = datasets.load_digits().target
    train, test = train_test_split(len(y), stratify=y)
    assert (len(train), len(test)) == (1438, 359)
    assert np.bincount(y[test]).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_the_seed_decides():
    labels = np.arange(100) % 3
    first, again, other = (train_test_split(100, seed=seed, stratify=labels)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_example_is_drawn_equally_often():
    drawn = np.zeros(10)
    for seed in range(2000):
        drawn[train_test_split(10, 0.3, seed)[1]] += 1
    # 600 expected each, with a standard deviation of sqrt(2000 * 0.3 * 0.7) = 20.5.
    assert np.all(np.abs(drawn - 600) < 5 * 20.5)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20, float("nan")])
def test_fractions_outside_the_domain(fraction):
    with pytest.raises(ArgumentError, match="fraction needs to lie between 0 and 1"):
        train_test_split(10, fraction)


def test_what_cannot_be_split():
    with pytest.raises(ArgumentError, match="at least 2 examples, got 1"):
        train_test_split(1)
    with pytest.raises(DataError, match=r"need the shape \(3,\), got \(2,\)"):
        train_test_split(3, stratify=[0, 1])
    for missing in ([0.0, np.nan, 1.0], np.array(["a", None, "b"], dtype=object)):
        with pytest.raises(DataError, match="missing in some rows"):
            train_test_split(3, stratify=missing)
