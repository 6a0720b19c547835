"""A short form of `bench.nonsmooth.soundness`: of random networks nothing false is proven, and all bounds hold."""

from collections import Counter

import pytest

pytest.importorskip("flint")
from bench.nonsmooth.soundness import row_of


def test_of_random_networks_nothing_false_is_proven_and_all_bounds_hold():
    rows = [row_of(seed, budget=20) for seed in range(24)]
    assert [row for row in rows if row["fault"]] == []
    found = Counter((row["side"], row["status"]) for row in rows)
    assert found["false", "proven"] == 0
    assert found["perhaps true", "proven"] >= 5
    assert found["false", "refuted"] >= 5
    assert sum(row["proof"] == "checked" for row in rows) >= 5
    assert {"boxes in native code", "boxes in NumPy", "signs of units"} <= {row["way"] for row in rows}


@pytest.mark.parametrize("seed", [346, 754, 1035, 1350, 1586, 2421, 2998])
def test_proofs_that_the_checker_once_refused(seed):
    """Magnitudes of what is known up to a ball, lines that leave the range of a sigmoid, boxes of many inputs or long
    ones, factors that are hardly known beside 1, an input that does not matter where another does."""
    row = row_of(seed, budget=80)
    assert (row["status"], row["proof"], row["fault"]) == ("proven", "checked", "")
