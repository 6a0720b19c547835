"""What is counted a part at a time, against the same of all at once."""

from collections import Counter

import numpy as np
import polars as pl

from subgrad.data.kinds import totals
from subgrad.data.kinds.totals import Counts, Moments


def test_moments_of_parts_are_those_of_all():
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=1000) * 1e-3 + 1e6, rng.normal(size=1000) * 1e300, np.full(10, 3.0)):
        found = Moments()
        for part in np.split(values, [1, 1, len(values) // 3]):
            found = found.and_(Moments.of(part))
        scale = np.abs(values).max()
        expected = np.mean(values / scale) * scale, np.std(values / scale) * scale
        np.testing.assert_allclose([found.mean, found.std], expected, rtol=1e-9)
        assert (found.count, found.low, found.high) == (len(values), values.min(), values.max())


def test_moments_of_many_columns_are_those_of_each():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(5000, 9)).astype("f4", order="F") * np.array([1, 1e-30, 1e30, 0, 5, 7, 1, 1, 1], "f4")
    values[3, [4, 5]], values[:, 6] = (np.nan, np.inf), np.nan
    expected = [Moments.of(column[np.isfinite(column)].astype(float)) for column in values.T]
    assert Moments.of_columns(values) == expected
    assert Moments.of_columns(values[:0]) == [Moments()] * 9


def test_counts_are_exact_while_values_are_few_and_of_a_known_error_after(monkeypatch):
    monkeypatch.setattr(totals, "KEPT", 20)
    rng = np.random.default_rng(0)
    values = [str(v) for v in rng.zipf(1.3, 20_000) % 5000]
    few, many = Counts(), Counts()
    for start in range(0, 20_000, 1000):
        many.add(pl.Series(values[start : start + 1000]))
        few.add(pl.Series(["a", None, "b", "a"]))
    assert dict(few.frame.rows()) == {"a": 40, "b": 20}
    assert few.forgotten == 0
    true, found = Counter(values), dict(many.frame.rows())
    assert len(found) <= 20
    assert 0 < many.forgotten <= 20_000 / 20
    for value, count in true.most_common(5):
        assert 0 <= count - found[value] <= many.forgotten
    assert max(count for value, count in true.items() if value not in found) <= many.forgotten


def test_counts_of_no_values():
    found = Counts()
    found.add(pl.Series([None], dtype=pl.String))
    assert found.frame.rows() == []
    assert found.frame.columns == ["text", "count"]
