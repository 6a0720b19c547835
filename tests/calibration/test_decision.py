"""Decisions between classes of unequal frequency."""

import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from subgrad.calibration import Decision
from subgrad.errors import DataError


def gaussians(n, frequencies, seed):
    """Classes that are normal around their places; x, and the true probabilities."""
    rng = np.random.default_rng(seed)
    y = rng.choice(len(frequencies), n, p=frequencies)
    x = rng.normal(1.5 * y, 1)
    density = frequencies * np.exp(-((x[:, None] - 1.5 * np.arange(len(frequencies))) ** 2) / 2)
    return y, density / density.sum(1, keepdims=True)


@pytest.mark.parametrize("frequencies", [[0.95, 0.05], [0.9, 0.07, 0.03]])
def test_of_true_probabilities_the_best_decision_is_known(frequencies):
    """The largest p / frequency (here of many rows, so the choice comes near it)."""
    frequencies = np.array(frequencies)
    y, p = gaussians(20_000, frequencies, 0)
    found = Decision.fit(y, p)
    np.testing.assert_allclose(np.log(found.weights), np.log(frequencies.max() / frequencies), rtol=0.2, atol=0.2)
    y, p = gaussians(20_000, frequencies, 1)
    best = balanced_accuracy_score(y, (p / frequencies).argmax(1))
    assert balanced_accuracy_score(y, found.decide(p)) > best - 0.01 > balanced_accuracy_score(y, p.argmax(1)) + 0.05


def test_a_choice_says_what_it_gained():
    y, p = gaussians(500, np.array([0.9, 0.1]), 0)
    found = Decision.fit(y, p)
    assert found.before == pytest.approx(balanced_accuracy_score(y, p.argmax(1)))
    assert found.after == pytest.approx(balanced_accuracy_score(y, found.decide(p)))
    np.testing.assert_array_equal(found.decide(p), p[:, 1] > found.threshold)
    assert Decision.from_plain(json.loads(json.dumps(found.to_plain()))) == found


def test_nothing_changes_where_nothing_is_gained():
    found = Decision.fit([0, 0, 0, 1], [[0.9, 0.1]] * 3 + [[0.1, 0.9]])
    assert found.weights == (1, 1)
    assert found.threshold == 0.5


def test_a_class_that_does_not_occur():
    with pytest.raises(DataError, match="class 2 does not occur in the 4 rows"):
        Decision.fit([0, 0, 1, 1], np.full((4, 3), 1 / 3))


def test_what_the_probabilities_do_not_know():
    with pytest.raises(DataError, match="probabilities of 2 classes, and the truth has 2"):
        Decision.fit([0, 1, 2], np.full((3, 2), 0.5))
    with pytest.raises(DataError, match="not negative"):
        Decision.fit([0, 1], np.full((2, 2), 0.5), [1, -1])
