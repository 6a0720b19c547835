"""Native code that makes features of numbers, against NumPy, bit for bit."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from subgrad.data import TablePreprocessor, table_from_frame
from subgrad.data.kinds import native_scaling
from subgrad.data.kinds.native_scaling import Learnt, scale
from subgrad.data.kinds.number import NumberColumn, SideBySide

rng = np.random.default_rng(0)
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45]


def column(dtype, rows):
    values = rng.normal(3, 10, rows)
    where = rng.random(rows) < 0.2
    values[where] = rng.choice(ODD, where.sum())
    return values.astype(dtype)


@pytest.mark.parametrize("rows", [0, 1, 5, 16, 33, 1000])
@pytest.mark.parametrize("columns", [1, 7])
def test_native_features_have_the_bits_of_numpy(rows, columns):
    dtypes = [np.float32, np.float64] * columns
    given = [column(dtype, rows) for dtype in dtypes[:columns]]
    kinds = [NumberColumn(f"c{i}", NumberColumn.usual, 0.5 * i, 2.0 + i, 0.1 + i, i % 2) for i in range(columns)]
    ends = np.cumsum([0, *(len(kind.features) for kind in kinds)])
    order = rng.permutation(ends[-1])  # features in another order than columns
    together = SideBySide(kinds, [order[i:j] for i, j in pairwise(ends)])
    expected = np.empty((rows, ends[-1]), np.float32)
    together.encode_matrix(np.stack(given).T, expected)
    whole = np.full((rows + 2, ends[-1] + 3), 7, np.float32)  # a part of a larger array
    scale(given, together.learnt, whole[1:-1, 1:-2])
    np.testing.assert_array_equal(whole[1:-1, 1:-2].view(np.int32), expected.view(np.int32))
    whole[1:-1, 1:-2] = 7
    assert (whole == 7).all()


def test_tables_are_scaled_natively_where_it_pays(monkeypatch):
    frame = pl.DataFrame({
        "short": rng.normal(size=999).astype("f4"), "long": rng.normal(size=999), "whole": rng.integers(-9, 9, 999),
        "missing": pl.Series([None, 1.5, float("nan")] * 333), "small": pl.Series(range(999)).cast(pl.UInt16),
        "kind": ["a", "b", "c"] * 333, "y": rng.normal(size=999),
    })  # fmt: skip
    table = table_from_frame(pl.concat([frame.head(500), frame.tail(499)], rechunk=False))
    prepared = TablePreprocessor().fit(table, "y")
    expected, calls = prepared.transform(table), []
    for name in ("WORTH", "WORTH_LOADING"):
        monkeypatch.setattr(native_scaling, name, 1)
    monkeypatch.setattr("subgrad.data.kinds.number.scale", lambda *given: (calls.append(1), scale(*given)))
    np.testing.assert_array_equal(prepared.transform(table), expected)
    assert calls == [1]


def test_what_does_not_fit_is_not_written():
    learnt = Learnt(*np.zeros((2, 1)), np.ones(1), np.array([0]), np.array([-1]))
    short = np.zeros((3, 1), np.float32)
    for columns, features, places in (
        ([np.zeros(2, "f4")], short, 0), ([np.zeros(6, "f4")[::2]], short, 0), ([np.zeros(3, "f4")], short, 1),
        ([np.zeros(3, "f4")], np.zeros((3, 1)), 0), ([np.zeros(3, "i4")], short, 0),
        ([np.zeros(3, "f4")], np.zeros((3, 4), np.float32)[:, ::2], 0),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="do not fit"):
            scale(columns, learnt._replace(places=np.array([places])), features)
