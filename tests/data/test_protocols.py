"""Data by the protocols of Arrow and DLPack: the same numbers, in the same memory where that can be."""

import numpy as np
import polars as pl
import pytest

import subgrad as sg
from subgrad.data import as_array, table_from_frame
from subgrad.fit.arrays import as_array as for_model


def offering(data, *names):
    """An object of a library that nobody here knows: it has these methods of ``data``."""
    return type("Foreign", (), {name: staticmethod(getattr(data, name)) for name in names})()


def test_a_table_of_arrow_is_a_frame():
    frame = pl.DataFrame({"a": [1.5, 2.5], "b": [1, None], "c": ["x", "y"]})
    arrow = offering(frame, "__arrow_c_stream__")
    np.testing.assert_array_equal(as_array(offering(frame["a", "b"], "__arrow_c_stream__")), [[1.5, 1], [2.5, np.nan]])
    assert table_from_frame(arrow)["c"].tolist() == ["x", "y"]
    with pytest.raises(sg.errors.DataError, match="column 'c' holds text"):
        as_array(arrow)


def test_a_frame_without_values_is_refused():
    lazy = pl.DataFrame({"x": [1.0, 2.0]}).lazy()
    for given in (as_array, table_from_frame, lambda data: sg.tabular.fit_tabular(data, "x")):
        with pytest.raises(sg.errors.DataError, match="a LazyFrame has no values yet"):
            given(lazy)


def test_columns_of_arrow_and_arrays_by_dlpack_are_not_copied():
    rows = np.arange(12, dtype="f4").reshape(4, 3)
    lists = pl.DataFrame({"x": pl.Series(rows, dtype=pl.Array(pl.Float32, 3))})
    own = lists["x"].to_numpy(allow_copy=False)
    for given in (offering(lists, "__arrow_c_stream__"), lists):
        assert np.shares_memory(for_model(given, "X", np.dtype("f4")), own)
    column = pl.DataFrame({"y": rows[:, 0]})
    found = for_model(offering(column, "__arrow_c_stream__"), "y", np.dtype("f4"))
    assert found.shape == (4, 1)
    assert np.shares_memory(found, column["y"].to_numpy(allow_copy=False))
    given = for_model(offering(rows, "__dlpack__", "__dlpack_device__"), "X", np.dtype("f4"))
    assert np.shares_memory(given, rows)
    np.testing.assert_array_equal(given, rows)


def test_pyarrow_trains():
    pa = pytest.importorskip("pyarrow")
    X = pa.table({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 1.0]})
    y = pa.array([0.0, 1.0, 2.0])
    found, expected = sg.nn.Linear(2, 1, seed=0), sg.nn.Linear(2, 1, seed=0)
    sg.fit(found, X, y, loss="mse", epochs=2)
    sg.fit(expected, np.array([[0, 1], [1, 0], [2, 1]], float), [0.0, 1.0, 2.0], loss="mse", epochs=2)
    assert (found.weight.numpy() == expected.weight.numpy()).all()
    assert np.shares_memory(as_array(y), np.asarray(y))
