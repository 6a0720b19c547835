"""Prediction sets, against the definition of conformal prediction."""

import numpy as np
import pytest

from subgrad import errors
from subgrad.calibration import PredictionSets


def test_the_threshold_is_the_order_statistic_of_the_definition():
    p = np.random.default_rng(0).permutation(np.arange(1, 100) / 100)
    assert PredictionSets.fit(p, 0.9).threshold == 0.1  # the tenth of 99: (99 + 1) * 0.1
    assert PredictionSets.fit(p, 0.99).threshold == 0.01


def test_coverage_of_exchangeable_rows():
    """The mean over many calibrations is between the level and that plus 1 / (n + 1)."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(400):
        p = rng.random((25, 1)) * [1, 0] + [0, 1]
        p[:, 1] -= p[:, 0]
        right = (rng.random(25) < p[:, 1]).astype(int)
        own = p[np.arange(25), right]
        inside.append((own[24:] >= PredictionSets.fit(own[:24], 0.8).threshold).mean())
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)


def test_a_set_is_never_empty():
    assert PredictionSets(0.5, 0.9).of(np.array([[0.4, 0.6]])).tolist() == [[False, True]]


def test_too_few_rows():
    with pytest.raises(errors.DataError, match=r"a set of 0\.9 takes 9 rows .* there are 8"):
        PredictionSets.fit(np.full(8, 0.5), 0.9)
    for level in (1, "0.9", None):
        with pytest.raises(errors.ArgumentError, match=f"between 0 and 1, got {level!r}"):
            PredictionSets.fit(np.full(8, 0.5), level)
