"""Tables from NPZ, Parquet, pandas and polars, and the table itself."""

from __future__ import annotations

import datetime
import io
import tracemalloc
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import datasets

from subgrad.data import (
    Table,
    TablePreprocessor,
    as_array,
    is_frame,
    read_npz,
    read_parquet,
    read_table,
    table_from_frame,
)  # fmt: skip
from subgrad.errors import DataError, FileError, SubgradError

DAY = datetime.datetime(2024, 2, 29)
CONTENT = {
    "whole": [1, 2, 3],
    "holes": [1.5, None, 2.5],
    "word": ["a", None, "b"],
    "flag": [True, False, None],
    "day": [DAY, None, DAY],
}


def check_content(table: Table) -> None:
    assert list(table) == list(CONTENT)
    assert table["whole"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(table["holes"], [1.5, np.nan, 2.5])
    assert table["word"].tolist() == ["a", None, "b"]
    assert table["flag"].tolist() == ["true", "false", None]
    assert table["day"][1] is None
    assert table["day"][0].startswith("2024-02-29T00:00:00")


def pandas_nullable() -> pd.DataFrame:
    types = {"whole": "Int64", "holes": "Float64", "word": "string", "flag": "boolean"}
    return pd.DataFrame(CONTENT).astype(types)


def pandas_category() -> pd.DataFrame:
    return pd.DataFrame(CONTENT).astype({"word": "category"})


FRAMES = [lambda: pd.DataFrame(CONTENT), pandas_nullable, pandas_category, lambda: pl.DataFrame(CONTENT)]


@pytest.mark.parametrize("make", FRAMES)
def test_frames_become_tables(make):
    assert is_frame(make())
    check_content(table_from_frame(make()))


@pytest.mark.parametrize("make", FRAMES)
def test_parquet_files_become_tables(tmp_path, make):
    file = tmp_path / "table.parquet"
    frame = make()
    frame.write_parquet(file) if isinstance(frame, pl.DataFrame) else frame.to_parquet(file)
    check_content(read_table(file))


def test_a_stored_pandas_index_is_left_out(tmp_path):
    pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]).to_parquet(tmp_path / "table.parquet")
    assert list(read_parquet(tmp_path / "table.parquet")) == ["x"]


def test_a_table_takes_what_python_has():
    check_content(Table(CONTENT))
    table = Table(
        {"d": [Decimal("0.5"), None], "m": [1, "x"], "e": ["", None], "t": np.array(["NaT", DAY], "M8[s]")}
    )
    np.testing.assert_array_equal(table["d"], [0.5, np.nan])
    assert table["m"].tolist() == ["1", "x"]
    assert np.isnan(table["e"]).all()
    assert table["t"].tolist() == [None, "2024-02-29T00:00:00"]


@pytest.mark.parametrize("library", [pd, pl])
def test_arrays_from_frames(library):
    frame = library.DataFrame({"a": [1, 2], "b": [0.5, None], "c": [True, False]})
    np.testing.assert_array_equal(as_array(frame), [[1, 0.5, 1], [2, np.nan, 0]])
    assert as_array(frame["a"]).dtype == np.int64
    assert as_array(frame["c"]).dtype == bool
    assert as_array(library.Series(["u", None])).tolist() == ["u", None]
    with pytest.raises(DataError, match="column 'word' holds text"):
        as_array(library.DataFrame({"word": ["x", "y"]}))
    with pytest.raises(DataError, match="no columns"):
        as_array(library.DataFrame())


def test_what_is_no_frame():
    array = np.ones(3, dtype=np.float32)
    assert as_array(array) is array
    assert not is_frame(array)
    with pytest.raises(DataError, match="expected a DataFrame of pandas or polars, got ndarray"):
        table_from_frame(array)
    with pytest.raises(DataError, match="a LazyFrame has no values yet"):
        table_from_frame(pl.LazyFrame({"a": [1]}))


def test_repeated_names_in_a_frame():
    with pytest.raises(DataError, match="the DataFrame has more than one column named 'a'"):
        table_from_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("library", [pd, pl])
def test_columns_of_lists_are_left_out(library):
    table = table_from_frame(library.DataFrame({"a": [[1], [2, 3]], "b": [1, 2]}))
    assert list(table) == ["b"]
    assert table.notes == ["Column 'a' was left out: it holds list."]


def test_npz_with_columns_and_matrices(tmp_path):
    digits = datasets.load_digits()
    np.savez_compressed(tmp_path / "digits.npz", X=digits.images, y=digits.target)
    table = read_table(tmp_path / "digits.npz")
    assert list(table) == [f"X{i}" for i in range(64)] + ["y"]
    np.testing.assert_array_equal(np.column_stack(list(table.values())[:64]), digits.data)
    np.testing.assert_array_equal(table["y"], digits.target)


def test_npz_without_rows_and_numbers_of_another_machine(tmp_path):
    np.savez(tmp_path / "none.npz", X=np.zeros((0, 3)), y=np.zeros(0, int))
    with pytest.raises(FileError, match=r"has no rows: 'X' has the shape \(0, 3\)"):
        read_npz(tmp_path / "none.npz")
    columns = {f"{code}": np.array([1, 0, 200], np.dtype(code)) for code in (">i8", ">u2", ">f4", "<i4", ">f8")}
    np.savez(tmp_path / "other.npz", **columns)
    for table in (read_npz(tmp_path / "other.npz"), Table(columns)):
        for code, values in columns.items():
            assert table[code].tolist() == values.tolist()


def test_npz_never_unpickles(tmp_path):
    np.savez(tmp_path / "objects.npz", a=np.array([print], dtype=object))
    with pytest.raises(FileError, match="is not an NPZ archive of plain arrays: .*allow_pickle=False"):
        read_npz(tmp_path / "objects.npz")


def test_unusable_npz_files(tmp_path):
    np.savez(tmp_path / "good.npz", a=np.arange(1000))
    content = (tmp_path / "good.npz").read_bytes()
    np.save(tmp_path / "single.npy", np.arange(3))
    for damaged in (b"", b"no archive", content[:-50], content[:200] + b"!" + content[201:]):
        (tmp_path / "bad.npz").write_bytes(damaged)
        with pytest.raises(FileError, match="is not an NPZ archive"):
            read_npz(tmp_path / "bad.npz")
    with pytest.raises(FileError, match="is not an NPZ archive"):
        read_npz(tmp_path / "single.npy")
    np.savez(tmp_path / "scalar.npz", a=1.0)
    with pytest.raises(FileError, match="'a' is a single value"):
        read_npz(tmp_path / "scalar.npz")
    np.savez(tmp_path / "lengths.npz", a=[1, 2], b=[1])
    with pytest.raises(DataError, match="equal lengths; these have 'a' 2, 'b' 1"):
        read_npz(tmp_path / "lengths.npz")
    np.savez(tmp_path / "clash.npz", X=np.ones((2, 2)), X0=[1, 2])
    with pytest.raises(DataError, match="more than one column named 'X0'"):
        read_npz(tmp_path / "clash.npz")


def test_unusable_parquet_files(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(FileError, match=r"cannot read .*bad.parquet as Parquet"):
        read_parquet(tmp_path / "bad.parquet")
    with pytest.raises(FileError, match=r"cannot read .*none.parquet: No such file"):
        read_parquet(tmp_path / "none.parquet")


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.npz", "table.parquet"])
def test_damage_anywhere_is_an_error_of_ours_or_none(tmp_path, name):
    """Bytes are changed and files cut off at random. A format without checksums cannot notice each change."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=30), "c": rng.choice(list("abc"), 30)})
    match name.rsplit(".", 1)[1]:
        case "npz":
            np.savez_compressed(tmp_path / name, x=frame["x"], y=frame["x"] > 0)
        case "parquet":
            frame.to_parquet(tmp_path / name)
        case _:
            frame.to_csv(tmp_path / name)
    intact = (tmp_path / name).read_bytes()
    noticed = 0
    for _ in range(300):
        damaged = bytearray(intact[: rng.integers(len(intact)) if rng.random() < 0.3 else None])
        for place in rng.integers(len(damaged), size=2) if damaged else ():
            damaged[place] ^= rng.integers(1, 256)
        (tmp_path / name).write_bytes(damaged)
        try:
            read_table(tmp_path / name)
        except SubgradError:
            noticed += 1
    assert noticed > 100


def test_other_endings_are_refused_with_what_is_supported():
    with pytest.raises(FileError, match=r"supported are .csv, .tsv, .txt, .npz, .parquet, .pq, .arrow"):
        read_table("table.json")


def test_tables_that_cannot_be():
    with pytest.raises(DataError, match="equal lengths"):
        Table({"a": [1], "b": [1, 2]})
    with pytest.raises(DataError, match=r"column 'a' needs one dimension, it has the shape \(1, 2\)"):
        Table({"a": [[1, 2]]})
    with pytest.raises(DataError, match="column 'a' holds complex"):
        Table({"a": [1j]})
    with pytest.raises(
        DataError, match=r"no columns 'Ages' \(did you mean 'age'\?\), 'y'; it has 1: 'age'"
    ):
        Table({"age": [1]}).require(["Ages", "y"])


def test_an_array_that_says_it_is_longer_than_its_file(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("y.npy", head.getvalue() + bytes(800))
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="ends before the"):
            read_table(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 1e7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("names", "left"),
    [
        (["x_train", "y_train", "x_test", "y_test"], ["x_train", "y_train"]),
        (["trainX", "trainY", "testX", "testY"], ["trainX", "trainY"]),
        (["train_images", "train_labels", "t10k_images", "val_labels"], ["train_images", "train_labels"]),
        (["value_train", "interval_train", "value_test"], ["value_train", "interval_train"]),
        (["strain", "interval", "latest", "y"], ["strain", "interval", "latest", "y"]),
    ],
)
def test_arrays_to_test_on_are_those_called_as_others_to_train_on(tmp_path, names, left):
    np.savez(tmp_path / "t.npz", **{name: np.zeros(3 if name in left else 2) for name in names})
    assert list(read_npz(tmp_path / "t.npz")) == left


@pytest.mark.parametrize("write", ["to_csv", "to_parquet"])
def test_an_index_of_dates_is_a_column(tmp_path, write):
    days = pd.date_range("2024-01-30", periods=3)
    path = tmp_path / f"t.{write.removeprefix('to_')}"
    getattr(pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=days), write)(path)
    table = read_table(path)
    assert sorted(table) == ["date", "x"]
    seconds = (days - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    np.testing.assert_array_equal(table.format("date").read(table.series("date")), seconds)
    assert any("holds dates: it is called 'date'" in note for note in table.notes)


@pytest.mark.parametrize("kind", ["list", "struct", "binary"])
def test_that_a_column_was_left_out_is_said_where_it_is_missed(tmp_path, kind):
    odd = {"list": [[1]], "struct": [{"u": 1}], "binary": [b"\xff"]}[kind]
    pl.DataFrame({"x": [1.0] * 3, "y": odd * 3}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="it has 1: 'x'. Column 'y' was left out: it holds "):
        read_table(tmp_path / "t.parquet").require(["y"])


def test_json_lines_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "t.ndjson").write_text('\ufeff{"a": 1}\n{"a": 2}\n', encoding="utf-8")
    assert read_table(tmp_path / "t.ndjson")["a"].tolist() == [1, 2]


def test_integers_among_objects_keep_their_dtype():
    labels = pd.Series([2**60 + 1, 2**60 + 2], dtype=object)
    assert as_array(labels).tolist() == labels.tolist()


def test_names_that_are_numbers():
    frame = pd.DataFrame({0: [1.5, 2.5, 3.5, 4.5], 1: ["a", "b", "a", "b"]})
    prepared = TablePreprocessor().fit(table_from_frame(frame), 1)
    assert (prepared.feature_names, prepared.classes) == (["0"], ["a", "b"])
    assert list(Table({0: [1], "y": [2]})) == ["0", "y"]
    with pytest.raises(DataError, match="the table has more than one column named '0'"):
        Table({0: [1], "0": [2]})


@pytest.mark.parametrize("write", ["parquet", "arrow", "frame"])
def test_times_of_a_zone_that_is_an_offset(tmp_path, write):
    pa = pytest.importorskip("pyarrow")
    data = pa.table({"t": pa.array([0, 86400], pa.timestamp("s", "+05:30")), "x": [1, 2]})
    path = tmp_path / f"t.{write}"
    if write == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(data, path)
    elif write == "arrow":
        with pa.ipc.new_file(path, data.schema) as file:
            file.write_table(data)
    table = table_from_frame(data) if write == "frame" else read_table(path)
    times, ahead = table.format("t").read_local(table.series("t"))
    assert (times.tolist(), ahead.tolist()) == ([0, 86400], [19800, 19800])


def test_a_column_of_arrow_that_polars_does_not_know_is_named():
    pa = pytest.importorskip("pyarrow")
    data = pa.table({"x": [1, 2], "odd": pa.array([pa.MonthDayNano([1, 2, 3])] * 2)})
    with pytest.raises(DataError, match="column 'odd' holds month_day_nano_interval, which polars cannot read"):
        table_from_frame(data)


def test_whole_numbers_of_pandas_with_a_hole_stay_exact():
    frame = pd.DataFrame({"y": pd.array([2**60 + 1, None, 2**60 + 2], "Int64")})
    assert table_from_frame(frame).series("y").to_list() == [2**60 + 1, None, 2**60 + 2]


def test_text_that_is_no_unicode():
    with pytest.raises(DataError, match="column 'a' holds text that is no Unicode"):
        Table({"a": ["\ud800", "b"]})


def test_what_has_no_value_for_each_row_of_an_archive_is_left_out(tmp_path):
    beside = {"seed": np.array(3), "feature_names": np.array(["a", "b"]), "version": np.array("1.0")}
    np.savez(tmp_path / "t.npz", X=np.ones((5, 2)), y=np.array(list("pqpqp")), **beside)
    table = read_npz(tmp_path / "t.npz")
    assert list(table) == ["X0", "X1", "y"]
    assert table.notes == [
        "The arrays 'seed', 'feature_names', 'version' were left out: they have no value for each row."
    ]


def test_an_array_of_objects_is_said_to_be_one(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.ones((60, 2)), y=np.array([1] * 60, object))
    with pytest.raises(FileError, match="allow_pickle=False"):
        read_npz(tmp_path / "t.npz")


def test_numbers_in_the_cells_of_a_workbook_are_numbers_whatever_a_model_knows_of_texts(tmp_path):
    pytest.importorskip("fastexcel")
    book = pytest.importorskip("xlsxwriter").Workbook(str(tmp_path / "t.xlsx"))
    sheet = book.add_worksheet()
    rows = [["price", "zip", "comma", "flag", "mixed", "none"], [0.13, "01234", "0,5", True, 1, None], [],
            [1234.5, "02345", "1,5", False, "x", None], [7, "34567", "2", True, 2.5, None]]  # fmt: skip
    for i, row in enumerate(rows, 2):
        for j, value in enumerate(row):
            sheet.write(i, j, value)
    book.close()
    table = read_table(tmp_path / "t.xlsx")
    assert table.series("price").to_list() == [0.13, 1234.5, 7]
    assert table.series("zip").to_list() == ["01234", "02345", "34567"]
    assert table["comma"].tolist() == [0.5, 1.5, 2]
    assert table["flag"].tolist() == ["true", "false", "true"]
    assert table["mixed"].tolist() == ["1", "x", "2.5"]
    texts = Table({"price": ["0,5", "1,5", "2,25", "3,5"], "y": list("abab")})
    prepared = TablePreprocessor().fit(texts, "y")
    wanted = prepared.transform(Table({"price": [0.13, 1234.5, 7.0]}))
    np.testing.assert_array_equal(prepared.transform(table), wanted)
