"""Data for the linear models."""

import numpy as np
import pytest


@pytest.fixture
def two_clouds():
    """X (40, 2) and labels 0 and 1, which no line separates without errors."""
    rng = np.random.default_rng(1)
    y = np.arange(40) % 2
    return rng.normal(size=(40, 2)) + y[:, None], y
