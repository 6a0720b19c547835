"""Kinds of columns: what their features are, and that they depend on a row alone."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from subgrad.data import Table, TablePreprocessor, read_csv, table_from_frame
from subgrad.data.formats import NumberFormat, decide_format
from subgrad.data.kinds import fit_column, kind_from_plain
from subgrad.errors import DataError

DAYS = [datetime.date(2021, 3, 1) + datetime.timedelta(days=5 * i) for i in range(200)]
COLUMNS = {
    "number": [str(i * i % 17) for i in range(200)],
    "comma": [f"{i * i % 17},5" for i in range(200)],
    "odd": ["7", "many"] + [str(i % 7) for i in range(198)],
    "truth": ["ja" if i % 3 else "nein" for i in range(199)] + [None],
    "date": [f"{day:%d.%m.%Y}" for day in DAYS],
    "code": [f"{i % 30:05}" for i in range(200)],
    "flag": [("True", "False", "Unknown")[i % 3] for i in range(200)],
    "version": [("1.0", "2.0", "beta")[i % 3] for i in range(200)],
}


@pytest.fixture(scope="module")
def prepared():
    return TablePreprocessor().fit(Table({**COLUMNS, "y": ["a", "b"] * 100}), "y")


def test_each_column_is_of_its_kind(prepared):
    kinds = {column.name: column.kind for column in prepared.columns}
    assert kinds == {
        "number": "number", "comma": "number", "odd": "number", "truth": "truth", "date": "date", "code": "category",
        "flag": "category", "version": "category",
    }  # fmt: skip
    told = prepared.describe()
    assert any("'comma'" in sentence and "',' is the decimal comma." in sentence for sentence in told)
    assert "Column 'odd': 1 value that is no numbers ('many') counts as missing." in told
    assert any("'date': dates from 2021-03-01 to 2023-11-21, day/month/year" in sentence for sentence in told)
    assert any("Column 'truth': 'ja' became 1, 'nein' -1" in sentence for sentence in told)


def test_features_of_a_row_depend_on_that_row_alone(prepared):
    table = Table(COLUMNS)
    among = prepared.transform(table)
    for row in (0, 1, 2, 57, 199):
        alone = Table({name: [values[row]] for name, values in COLUMNS.items()})
        np.testing.assert_array_equal(prepared.transform(alone)[0], among[row])


def test_json_restores_each_kind(prepared):
    restored = TablePreprocessor.from_json(prepared.to_json())
    np.testing.assert_array_equal(restored.transform(Table(COLUMNS)), prepared.transform(Table(COLUMNS)))
    for column in prepared.columns:
        plain = json.loads(json.dumps(column.to_plain()))
        assert kind_from_plain(plain) == column
        for name in plain:
            with pytest.raises((TypeError, KeyError)):
                kind_from_plain({**plain, name: 1j})


def test_models_of_former_versions_have_no_formats(prepared):
    content = json.loads(TablePreprocessor().fit(Table({"x": [1, 5, 2, 9], "y": [0, 1, 1, 0]}), "y").to_json())
    for part in (content["target"], *content["columns"]):
        del part["format"]
    del content["left_out"]
    old = TablePreprocessor.from_json(json.dumps(content))
    assert old.transform(Table({"x": ["5"]})).shape == (1, 1)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_and_its_file_give_the_same_features(tmp_path, library):
    columns = {
        "whole": list(range(5, 25)), "real": [None, 0.1, -3.5, 2e9] * 5, "text": ["a", "b", None, "c"] * 5,
        "truth": [True, False] * 10, "code": ["007", "123"] * 10, "time": DAYS[:20], "y": ["p", "q"] * 10,
    }  # fmt: skip
    frame = pd.DataFrame(columns) if library == "pandas" else pl.DataFrame(columns)
    file = tmp_path / "t.csv"
    frame.to_csv(file, index=False) if library == "pandas" else frame.write_csv(file)
    tables = [table_from_frame(frame), read_csv(file)]
    features = [[TablePreprocessor().fit(one, "y").transform(other) for other in tables] for one in tables]
    for found in np.array(features).reshape(4, 20, -1):
        np.testing.assert_array_equal(found, features[0][0])


def test_dates_are_time_and_its_place_in_year_week_and_day():
    hours = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=7 * i) for i in range(2000)]
    series = pl.Series([str(hour) for hour in hours])
    column = fit_column("t", series, decide_format(series))
    features, _ = column.encode(series)
    by_name = dict(zip(column.features, features.T, strict=True))
    np.testing.assert_allclose(by_name["t"], (np.arange(2000) - 999.5) / np.std(np.arange(2000)), atol=1e-6)
    np.testing.assert_array_equal(by_name["t=Sunday"], [hour.isoweekday() == 7 for hour in hours])
    np.testing.assert_allclose(by_name["t (day, sin)"], [np.sin(hour.hour / 12 * np.pi) for hour in hours], atol=1e-4)
    assert "t (year, cos 2)" in by_name
    january = pl.Series([f"2020-01-{day:02}" for day in range(1, 31)])
    assert not any("year" in name for name in fit_column("t", january, decide_format(january)).features)


def test_truth_values_of_later_files_may_be_other_words():
    column = fit_column("t", words := pl.Series(["yes", "no", "yes"]), decide_format(words))
    later = column.encode(pl.Series(["NO", "true", "1", "maybe", None]))
    assert later.features[:, 0].tolist() == [-1, 1, 1, 0, 0]
    assert later.unknown.tolist() == [False, False, False, True, False]
    assert column.encode(pl.Series([1, 0])).features[:, 0].tolist() == [1, -1]


def test_categories_are_found_as_other_spellings_and_numbers():
    column = fit_column("c", texts := pl.Series(["Yes!", "02345", "1.0"]), decide_format(texts))
    assert column.encode(pl.Series(["yes!"])).features.tolist() == column.encode(pl.Series(["Yes!"])).features.tolist()
    assert column.encode(pl.Series([2345, 1])).features.argmax(1).tolist() == [0, 1]  # as pandas reads 02345


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("a", range(1, 31), "it numbers the rows"),
        ("a", np.random.default_rng(0).permutation(30), "it numbers the rows"),
        ("customer_id", np.arange(30) * 7 + 1000, "each of its 30 numbers occurs once, like an identifier"),
        ("userId", np.arange(30) * 7 + 1000, "each of its 30 numbers occurs once, like an identifier"),
        ("a", [2**60 + i * i for i in range(30)], "each of its 30 numbers occurs once, like an identifier"),
        ("a", [f"{i:08x}-0000" for i in range(30)], "each of its 30 texts occurs once, like an identifier"),
        ("a", [f"{i:08x}-0000" for i in [*range(29), 0]], "29 of its 30 texts are different, like identifiers"),
        ("a", ["7"] * 30, "it has one value only"),
        ("a", [None] * 30, "it is empty"),
    ],
)
def test_columns_that_say_nothing_are_left_out(name, values, why):
    values = list(values)
    table = Table({name: values, "x": [i * i % 11 for i in range(30)], "y": ["p", "q"] * 15})
    rows = 25 if "rows" in why else 30  # row numbers are found in the whole table, of which a part is fitted on
    assert f"Column '{name}' was left out: {why}." in TablePreprocessor().fit(table.take(range(rows)), "y").describe()
    if "once, like" in why and "texts" not in why:
        kept = TablePreprocessor().fit(table, "y", keep=[name])
        assert kept.feature_names == [name, "x"]


@pytest.mark.parametrize(("name", "values"), [("day", range(30)), ("age", range(1, 31)), ("a", range(5, 35))])
def test_columns_that_only_look_like_row_numbers_are_kept(name, values):
    table = Table({name: list(values), "x": [i * i % 11 for i in range(30)], "y": ["p", "q"] * 15})
    assert TablePreprocessor().fit(table, "y").feature_names == [name, "x"]


def test_row_numbers_are_used_where_nothing_else_is_there():
    table = Table({"n": list(range(30)), "y": ["p", "q"] * 15})
    assert TablePreprocessor().fit(table, "y").feature_names == ["n"]


def test_classes_that_are_long_whole_numbers_stay_apart(tmp_path):
    labels = [2**53, 2**53 + 1, 2**64 - 1]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i * i},{labels[i % 3]}\n" for i in range(30)))
    table = read_csv(tmp_path / "t.csv")
    prepared = TablePreprocessor().fit(table, "y")
    assert prepared.classes == labels
    assert prepared.restore_target(prepared.target(table)).tolist() == [labels[i % 3] for i in range(30)]


def test_a_target_that_is_neither_classes_nor_numbers():
    table = Table({"x": range(40), "y": [f"1;{i}x" for i in range(40)]})
    with pytest.raises(DataError, match="text that hardly repeats: 40 distinct values in 40 rows, such as '1;0x'"):
        TablePreprocessor().fit(table, "y")
    assert len(TablePreprocessor().fit(table, "y", "classification").classes) == 40  # whoever asks for it has it


def test_the_format_of_a_part_is_that_of_the_whole():
    table = Table({"d": ["01/02/2021", "03/02/2021", "13/02/2021"], "n": ["1,234", "2", "0,5"]})
    part = table.take([0])
    assert part.format("d") == table.format("d")
    assert part["n"].tolist() == [1.234]
    assert isinstance(part.format("n"), NumberFormat)


def test_large_whole_numbers_that_are_one_float_are_identifiers_and_not_constant():
    table = Table({"key": [2**63 + i for i in range(20)], "x": [1, 2, 3, 5] * 5, "y": [0, 1] * 10})
    assert TablePreprocessor().fit(table, "y").describe()[2] == (
        "Column 'key' was left out: each of its 20 numbers occurs once, like an identifier."
    )


@pytest.mark.parametrize("write", [float, "{:.5e}".format, "{:.5E}".format])
def test_large_measured_numbers_are_no_identifiers(write):
    table = Table({"mass": [write(1e30 * 1.01**i) for i in range(40)], "y": [0, 1] * 20, "x": [1, 2, 3, 5] * 10})
    assert "mass" in TablePreprocessor().fit(table, "y").feature_names


def test_times_of_day_are_called_so():
    table = Table({"at": [f"{i % 24:02}:30" for i in range(20)], "y": [0, 1] * 10})
    told = TablePreprocessor().fit(table, "y").describe()[2]
    assert told.startswith("Column 'at': times of day from 00:30:00 to 19:30:00; ")


def test_dates_in_chinese_and_nulls_of_databases():
    table = Table({"d": ["2020年1月5日", "2020年12月16日", r"\N"], "x": ["1", r"\N", "3"]})
    assert table.format("d").read(table.series("d"))[:2].tolist() == [1578182400, 1608076800]
    assert np.isnan(table["x"]).tolist() == [False, True, False]


def test_long_numbers_among_texts_are_categories_digit_by_digit():
    numbers = [2**53 + 1, 2**53 + 2]
    prepared = TablePreprocessor().fit(Table({"account": [*numbers, "cash", None] * 4, "y": [0, 1, 1, 0] * 4}), "y")
    assert prepared.feature_names == [f"account={n}" for n in numbers] + ["account=cash", "account (missing)"]
    whole = prepared.transform(Table({"account": [*numbers, "cash", None]}))
    np.testing.assert_array_equal(whole, np.eye(4))
    alone = [prepared.transform(Table({"account": [n]}))[0] for n in numbers]
    np.testing.assert_array_equal(alone, whole[:2])


def test_dates_of_numpy_and_the_na_of_pandas_among_objects():
    days = [np.datetime64("2024-03-01", unit) for unit in ("D", "s", "ns")]
    objects = np.array([*days, np.datetime64("NaT"), pd.NaT, pd.NA, None], object)
    lengths = np.array([np.timedelta64(90, "s"), np.timedelta64(90 * 10**9, "ns"), *[pd.NA] * 5], object)
    table = Table({"d": objects, "t": lengths})
    assert table.format("d").read(table.series("d"))[:3].tolist() == [1709251200] * 3
    assert table.series("d").null_count() == 4
    assert table["t"][:2].tolist() == [90, 90]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_dates_of_any_unit_are_the_same(unit, zone):
    days = pl.Series([datetime.datetime(2021, 1, 5), datetime.datetime(2021, 1, 6), None])
    given = days.cast(pl.Datetime(unit)).dt.replace_time_zone(zone)
    one, other = (Table({"d": s}) for s in (given, days.dt.replace_time_zone(zone)))
    assert one.series("d").to_list() == other.series("d").to_list()
    assert one.format("d") == other.format("d") != Table({"d": ["a", "b", None]}).format("d")


LONG = [2**53, 2**53 + 1, 2**53 + 2]


@pytest.mark.parametrize(
    "column",
    [
        [Decimal(n) for n in LONG], pl.Series(LONG, dtype=pl.Decimal(20, 0)), pl.Series(LONG, dtype=pl.Int128),
        [f"{n:,}" for n in LONG], [f"{n}.0" for n in LONG], [*map(str, LONG)], pd.array(LONG, "Int64"),
    ],
)  # fmt: skip
def test_long_whole_numbers_of_any_type_are_classes_apart(column):
    column = pl.concat([column] * 12) if isinstance(column, pl.Series) else list(column) * 12
    prepared = TablePreprocessor().fit(Table({"x": [i * i for i in range(36)], "y": column}), "y")
    assert prepared.classes == LONG


def test_long_classes_beside_words_for_none_and_beyond_64_bits():
    labels = [10**45, 10**45 + 1, -(10**45)]
    for missing in ("n.d.", "", "?"):
        table = Table({"x": [i * i for i in range(31)], "y": [*map(str, labels * 10), missing]})
        assert TablePreprocessor().fit(table, "y").classes == sorted(labels)


@pytest.mark.parametrize("values", [[True, False], ["True", "FALSE"], [1, 0], ["1.0", "0"]])
def test_a_column_of_0_and_1_takes_truth_values(values):
    prepared = TablePreprocessor().fit(Table({"a": [0, 1, 1, 0, 1], "y": list("ababa")}), "y")
    wanted = prepared.transform(Table({"a": [1, 0]}))
    np.testing.assert_array_equal(prepared.transform(Table({"a": values})), wanted)
    np.testing.assert_array_equal(prepared.transform(Table({"a": values[:1]})), wanted[:1])


@pytest.mark.parametrize("write", [str, lambda d: str(pd.Timedelta(d)), lambda d: f"PT{d.total_seconds():g}S"])
def test_durations_of_a_frame_are_those_of_a_file(write):
    lengths = [datetime.timedelta(seconds=s) for s in (90061, 100000, 86401, 200000)]
    prepared = TablePreprocessor().fit(Table({"a": lengths, "y": list("abab")}), "y")
    wanted = prepared.transform(Table({"a": lengths}))
    np.testing.assert_array_equal(prepared.transform(Table({"a": list(map(write, lengths))})), wanted)


def test_periods_of_pandas_are_dates():
    table = table_from_frame(pd.DataFrame({"month": pd.period_range("2020-11", periods=3, freq="M")}))
    assert table.format("month").read(table.series("month")).tolist() == [1604188800, 1606780800, 1609459200]
