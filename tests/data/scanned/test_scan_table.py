"""Rows in files, against the same rows read as one table."""

import json
import os

import numpy as np
import polars as pl
import pytest

from subgrad.data import TablePreprocessor, read_table, scan_table, table_from_frame
from subgrad.data.kinds import native_scaling
from subgrad.data.scanned import survey
from subgrad.data.scanned.files import ParquetFile
from subgrad.errors import ArgumentError, DataError, FileError

rng = np.random.default_rng(0)
N = 1500
FRAME = pl.DataFrame(
    {
        "row": range(1, N + 1),
        "size": np.where(rng.random(N) < 0.1, np.nan, rng.lognormal(size=N)),
        "rooms": rng.integers(1, 9, N),
        "kind": rng.choice(["house", "flat", 'a "villa",\nby the sea', None], N),
        "garden": rng.choice([True, False], N),
        "since": pl.Series(rng.integers(0, 9000, N)).cast(pl.Date),
        "same": ["x"] * N,
        "price": np.where(rng.random(N) < 0.05, None, rng.normal(size=N).round(3)).tolist(),
    }
).with_columns(pl.col("price").cast(pl.Float64))


def parted(folder, ending, frame=FRAME):
    """Three files of the frame."""
    for i, start in enumerate(range(0, len(frame), 500)):
        part = frame.slice(start, 500)
        if ending == "parquet":
            part.write_parquet(folder / f"{i}.parquet", row_group_size=200)
        elif ending == "arrow":
            part.write_ipc(folder / f"{i}.arrow")
        else:
            part.write_csv(folder / f"{i}.csv")
    return folder


def numbers_of(value, found):
    """The numbers of plain JSON, in order, and all else."""
    if isinstance(value, dict):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, list):
        return [x for part in value for x in numbers_of(part, found)]
    if isinstance(value, float):
        found.append(value)
        return []
    return [value]


def assert_same_preparation(scanned, whole):
    own, expected = [], []
    assert numbers_of(json.loads(scanned.to_json()), own) == numbers_of(json.loads(whole.to_json()), expected)
    np.testing.assert_allclose(own, expected, rtol=1e-12)


@pytest.mark.parametrize("source", ["parquet", "arrow", "csv", "frame"])
def test_rows_are_prepared_as_those_of_the_table_are(tmp_path, source):
    given = FRAME.lazy() if source == "frame" else parted(tmp_path, source)
    rows = scan_table(given, "price", memory="4MB")
    table = table_from_frame(FRAME)
    whole = TablePreprocessor().fit(table, "price")
    assert_same_preparation(rows.preparation, whole)
    assert rows.features == len(whole.feature_names)
    known = table.take(np.isfinite(table["price"]))
    X, y = (np.concatenate(one) for one in zip(*rows.parts(np.dtype("f4")), strict=True))
    np.testing.assert_allclose(X, whole.transform(known), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(y, whole.target(known), rtol=1e-5, atol=1e-6)
    assert len(rows) == known.rows
    assert len(np.concatenate([*rows.inputs(np.dtype("f4"))])) == N


def test_native_code_prepares_rows_with_the_same_bits(tmp_path, monkeypatch):
    rows = scan_table(parted(tmp_path, "parquet"), "price", memory="4MB")
    expected = [np.concatenate(one) for one in zip(*rows.parts(np.dtype("f4")), strict=True)]
    for name in ("WORTH", "WORTH_LOADING"):
        monkeypatch.setattr(native_scaling, name, 1)
    found = [np.concatenate(one) for one in zip(*rows.parts(np.dtype("f4")), strict=True)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_row_group_of_two_lots_is_read_once(tmp_path, monkeypatch):
    frame = FRAME.select("size", "rooms", price=pl.Series(rng.normal(size=N)))
    for i in range(2):
        frame.slice(750 * i, 750).write_parquet(tmp_path / f"{i}.parquet", row_group_size=750)
    rows = scan_table(tmp_path, "price", memory=1 << 16)
    order = rows.order(0, 0, True, np.dtype("f4"))
    assert [len(group) for group in order.groups] == [1] * 4
    read, own = [], ParquetFile.read
    monkeypatch.setattr(ParquetFile, "read", lambda file, *given: (read.append(file.path.name), own(file, *given))[1])
    found = np.concatenate([X for X, _ in rows.groups(order)])
    assert sorted(read) == ["0.parquet", "1.parquet"]
    every = np.concatenate([X for X, _ in rows.parts(np.dtype("f4"))])
    assert sorted(map(tuple, found)) == sorted(map(tuple, every))
    assert len(found) == N


def test_texts_of_a_file_are_read_as_the_whole_file_is(tmp_path):
    lines = [f'"{i // 7},{i % 7}5 €";{1 + i % 28}.{1 + i % 12}.2023;{"ab"[i % 2]}' for i in range(900)]
    path = tmp_path / "rents.csv"
    path.write_text("\n".join(["price;since;kind", *lines]), encoding="utf-8")
    rows = scan_table(path, "kind", memory=1 << 19)
    assert len(rows.counts) > 3
    assert_same_preparation(rows.preparation, TablePreprocessor().fit(read_table(path), "kind"))


def test_a_sample_stands_for_what_cannot_be_counted(monkeypatch):
    monkeypatch.setattr(survey, "SAMPLE", 400)
    frame = FRAME.with_columns(
        rare=pl.Series([0.0] * (N - 1) + [1.0]), word=pl.Series(["often"] * (N - 1) + ["once"]),
        key=pl.Series([f"k{i}" for i in range(N)]),
    )  # fmt: skip
    rows = scan_table(frame.lazy(), "price", memory="4MB")
    whole = TablePreprocessor().fit(table_from_frame(frame), "price")
    found, expected = rows.preparation, whole
    assert found.feature_names == expected.feature_names
    assert {"rare", "word=once"} <= {*found.feature_names}
    for own, of_all in zip(found.columns, expected.columns, strict=True):
        exact = {"median": 0, "mean": 0, "std": 0}  # with the median in the place of what is missing
        assert {**vars(own), **exact} == {**vars(of_all), **exact}
        assert getattr(own, "std", 0) == pytest.approx(getattr(of_all, "std", 0), rel=1e-2)
    size = FRAME["size"].fill_nan(None)
    rank = (size.drop_nulls() < found.columns[0].median).mean()
    assert abs(rank - 0.5) < 4 * 0.5 / np.sqrt(400)
    assert "rows, chosen at random; all else is of all rows." in found.describe()[1]


def test_a_split_has_each_row_once_and_learns_from_its_first_part():
    frame = FRAME.with_columns(price=pl.Series(rng.normal(size=N)))
    learnt, held_out = scan_table(frame.lazy(), "price", columns=["row"], memory="4MB").split(0.3, seed=1)
    parts = [np.concatenate([y for _, y in part.parts(np.dtype("f8"))]) for part in (learnt, held_out)]
    target = learnt.preparation._target
    both = np.sort(np.concatenate(parts) * target.std + target.mean)
    np.testing.assert_allclose(both, np.sort(frame["price"]), rtol=1e-6, atol=1e-6)
    assert abs(len(held_out) - 0.3 * N) < 100
    assert abs(parts[0].mean()) < 1e-6 < 1e-4 < abs(parts[1].mean())
    again, rest = learnt.split(0.5)
    assert len(again) + len(rest) == len(learnt)
    assert abs(len(rest) - len(learnt) / 2) < 100


def test_a_preparation_goes_on_to_other_rows(tmp_path):
    rows = scan_table(FRAME.lazy(), "price")
    other = scan_table(FRAME.head(100).drop("same").lazy(), preparation=rows.preparation)
    assert other.preparation is rows.preparation
    assert len(other) == FRAME.head(100)["price"].count()
    with pytest.raises(ArgumentError, match="is for the target 'price', got 'size'"):
        scan_table(FRAME.lazy(), "size", preparation=rows.preparation)
    with pytest.raises(ArgumentError, match="say which column is the target"):
        scan_table(FRAME.lazy())


def test_errors_name_the_file(tmp_path):
    parted(tmp_path, "parquet")
    path = tmp_path / "1.parquet"
    whole = path.read_bytes()

    def says(text):
        return pytest.raises(FileError, match=text)

    FRAME.drop("size").write_parquet(path)
    with says("1.parquet has no column 'size', which .*0.parquet has"):
        scan_table(tmp_path, "price")
    FRAME.with_columns(more=1).write_parquet(path)
    with says("0.parquet has no column 'more', which .*1.parquet has"):
        scan_table(tmp_path, "price")
    FRAME.with_columns(size=pl.col("size").cast(pl.String)).write_parquet(path)
    with says(r"1.parquet: column 'size' holds text \(String\), and in .*0.parquet it holds numbers \(Float64\)"):
        scan_table(tmp_path, "price")
    path.write_bytes(whole[: len(whole) // 2])
    with says("cannot read .*1.parquet as Parquet: it does not end with a footer"):
        scan_table(tmp_path, "price")
    path.write_bytes(whole[:40] + b"\0" * 400 + whole[440:])
    with says("cannot read .*1.parquet: "):
        len(scan_table(tmp_path, "price"))
    path.write_bytes(whole)
    rows = scan_table(tmp_path, "price")
    assert len(rows)
    for changed in (FRAME.head(300), FRAME.slice(500, 500).with_columns(size=0.0)):
        changed.write_parquet(path)
        with says("cannot read .*1.parquet: it has changed since its rows were counted"):
            rows.head(N)


def test_columns_of_one_kind_may_differ_in_type(tmp_path):
    hours = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 9), "1h", eager=True)
    first = pl.DataFrame({"at": hours, "gap": range(193), "kind": ["u", "v", "u"] * 64 + ["v"], "y": hours.dt.hour()})
    other = first.with_columns(
        pl.col("at").dt.replace_time_zone("UTC"), gap=pl.duration(seconds="gap"),
        kind=pl.col("kind").cast(pl.Categorical), y=pl.col("y").cast(pl.Float32),
    )  # fmt: skip
    for name, frame in (("0", first.with_columns(gap=None)), ("1", first), ("2", other)):
        frame.write_parquet(tmp_path / f"{name}.parquet")
    rows = scan_table(tmp_path, "y", task="regression")
    whole = TablePreprocessor().fit(table_from_frame(pl.concat([first.with_columns(gap=None), first, first],
                                                               how="vertical_relaxed")), "y", "regression")  # fmt: skip
    assert_same_preparation(rows.preparation, whole)
    X, _ = zip(*rows.parts(np.dtype("f4")), strict=True)
    np.testing.assert_array_equal(np.concatenate(X)[193:386], np.concatenate(X)[386:])


def test_rows_to_predict_need_no_target(tmp_path):
    parted(tmp_path, "parquet", FRAME.drop("price"))
    preparation = scan_table(FRAME.lazy(), "price").preparation
    rows = scan_table(tmp_path, preparation=preparation)
    found = np.concatenate([*rows.inputs(np.dtype("f4"))])
    np.testing.assert_array_equal(found, preparation.transform(table_from_frame(FRAME)))
    with pytest.raises(DataError, match="has no column 'price', the target: without it, such rows are for `predict`"):
        len(rows)


def test_values_that_a_preparation_does_not_know_are_found_in_their_file(tmp_path):
    preparation = scan_table(FRAME.lazy(), "garden", columns=["size", "rooms"]).preparation
    parted(tmp_path, "parquet", FRAME.with_columns(garden=pl.col("garden").cast(pl.String)))
    later = FRAME.head(9).with_columns(garden=pl.Series(["true", "maybe"] + ["false"] * 7))
    later.write_parquet(tmp_path / "2.parquet")
    rows = scan_table(tmp_path, preparation=preparation)
    with pytest.raises(DataError, match=r"2.parquet, in a part of it: target .garden. has .maybe. in row 2"):
        list(rows.parts(np.dtype("f4")))


def test_there_have_to_be_rows(tmp_path):
    with pytest.raises(FileError, match="has no rows in it: there is no file that ends with .parquet"):
        scan_table(tmp_path, "y")
    with pytest.raises(FileError, match=r"no file is called .*\*.csv"):
        scan_table(tmp_path / "*.csv", "y")
    (tmp_path / "a.docx").touch()
    with pytest.raises(FileError, match="a.docx: rows are read piece by piece from files that end with"):
        scan_table(tmp_path / "a.docx", "y")
    FRAME.head(0).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a.parquet has no rows"):
        scan_table(tmp_path / "*.parquet", "y")
    with pytest.raises(DataError, match=r"no column 'prise' \(did you mean 'price'\?\)"):
        scan_table(FRAME.lazy(), "prise")
    with pytest.raises(DataError, match="the target 'price' is missing in all 1,500 rows"):
        len(scan_table(FRAME.with_columns(price=pl.lit(None, pl.Float64)).lazy(), "price"))


def test_hidden_files_and_those_of_spark_are_no_rows(tmp_path):
    parted(tmp_path, "parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_metadata.parquet").write_bytes(b"")
    (tmp_path / ".part.parquet").write_bytes(b"")
    assert len(scan_table(os.fspath(tmp_path), "price", memory="4MB")) == FRAME["price"].count()


def test_a_file_of_texts_among_numbers_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "SAMPLE", 50)
    monkeypatch.setattr(survey, "LOOKS", 2)
    for i in range(5):
        size = ["many"] * 300 if i == 2 else range(300)
        pl.DataFrame({"size": size, "price": rng.normal(size=300)}).write_csv(tmp_path / f"{i}.csv")
    for target in ("price", "size"):
        with pytest.raises(DataError, match=r"300 of all its values are none \('many'\), the first of them in .*2.csv"):
            len(scan_table(tmp_path, target, memory=1 << 17))
    (tmp_path / "2.csv").unlink()
    (tmp_path / "2.csv").symlink_to("nowhere")
    with pytest.raises(FileError, match=r"cannot read .*2.csv: No such file"):
        scan_table(tmp_path, "price")


def test_memory_is_a_size():
    for wrong in ("much", -1, "1 XB", True, "10kB"):
        with pytest.raises(ArgumentError, match="memory is"):
            scan_table(FRAME.lazy(), "price", memory=wrong)


def columns_of(path, target):
    """The names and formats of the columns of a file read piece by piece, and read as a whole."""
    rows, table = scan_table(path, target), read_table(path)
    formats = {name: how.to_plain() for name, how in rows._shared.formats.items()}
    return formats, {name: table.format(name).to_plain() for name in table}


@pytest.mark.parametrize(
    "text",
    [
        "a,,b,y\n" + "1,2,3,4\n2,3,1,5\n" * 15,  # a column without a name
        ",a,y\n" + "".join(f"r{i},{i % 7},{i % 3}\n" for i in range(30)),  # row labels
        ",a,y\n" + "".join(f"2021-01-{i + 1:02},{i % 7},{i % 3}\n" for i in range(30)),  # which are dates
        "a,a,y\n" + "1,2,3\n2,1,4\n" * 15,  # a name that comes twice
        "a;y\n" + "".join(f"1,{i + 100};{i % 3}\n" for i in range(30)),  # semicolons part decimal commas
        "a,b,y\nkg,cm,\n" + "".join(f"{i}.5,{i % 7},{i % 3}\n" for i in range(30)),  # units
        "a b\n" + "".join(f"{i} {i % 7} {i % 3}\n" for i in range(1, 30)),  # labels as R has them
        " a , y \n" + "".join(f"{i % 7},{i % 3}\n" for i in range(30)),
    ],
)
def test_a_text_read_in_pieces_has_the_columns_of_the_whole(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    target = "b" if text.startswith("a b") else "y"
    pieces, whole = columns_of(path, target)
    assert pieces == whole
    table = read_table(path)
    prepared = TablePreprocessor().fit(table, target)
    rows = scan_table(path, preparation=prepared)
    np.testing.assert_array_equal(np.concatenate([*rows.inputs(np.dtype("f4"))]), prepared.transform(table))


@pytest.mark.parametrize("index", [["p", "q"] * 20, None, "dates"])
@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_an_index_of_pandas_is_what_it_is_in_a_whole_table(tmp_path, index, ending):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    index = pandas.date_range("2024-01-01", periods=40) if index == "dates" else index
    frame = pandas.DataFrame({" a": np.arange(40) % 7, "y": np.arange(40) % 3}, index=index)
    path = tmp_path / f"t.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        pl.from_pandas(frame, include_index=index is not None).write_ipc(path)
    pieces, whole = columns_of(path, "y")
    assert pieces == whole


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv"])
def test_brackets_in_a_name_are_no_pattern(tmp_path, ending):
    other, own = tmp_path / f"rows1.{ending}", tmp_path / f"rows[1].{ending}"
    for path, frame in ((other, FRAME.head(700)), (own, FRAME.head(90))):
        {"parquet": frame.write_parquet, "arrow": frame.write_ipc, "csv": frame.write_csv}[ending](path)
    assert read_table(own).rows == 90
    assert len(scan_table(own, "price")) == 90 - FRAME.head(90)["price"].null_count()


@pytest.mark.parametrize("rows", [FRAME, {"size": [1.0]}, [FRAME], 3, None])
def test_what_is_in_memory_is_no_file(rows):
    with pytest.raises(ArgumentError, match="a list of these, or a LazyFrame, got"):
        scan_table(rows, "price")
