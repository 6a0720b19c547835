"""``train text``, ``generate``, ``train series``."""

import csv
import datetime
import re

import numpy as np
import pytest
from command import fail, misuse, succeed, write_csv

import subgrad as sg
from subgrad.cli.jobs.forecaster import Forecaster, Scaling, windows
from subgrad.cli.jobs.text import load as load_text
from subgrad.cli.jobs.timeline import series_of
from subgrad.data import Table
from subgrad.errors import DataError, FileError
from subgrad.io.model_file import read_model_file, write_model_file

LINE = "one two, buckle my shoe; "


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "cat.txt"
    file.write_text(LINE * 100, encoding="utf-8")
    return file


def train_text(text, *options):
    out = text.parent / "cat.safetensors"
    few = ("--hidden", 32, "--window", 47, "--epochs", 40, "--batch-size", 8, "--step", 0.01, "--out", out)
    return succeed("train", "text", text, *few, *options), out


@pytest.mark.parametrize("model", ["char_lstm", "char_rnn"])
def test_a_text_that_repeats_itself_is_learnt_and_written(text, model):
    printed, out = train_text(text, "--model", model)
    bits, by_frequency = map(float, re.search(r"Test: ([\d.]+) bits .* takes ([\d.]+)\.", printed).groups())
    assert bits < 0.3 < 3 < by_frequency
    written = succeed("generate", out, "--prompt", LINE, "--length", 2 * len(LINE), "--temperature", 0).rstrip("\n")
    assert written == LINE * 3
    assert succeed("generate", out, "--length", 20) == succeed("generate", out, "--length", 20)
    assert sg.load(out).recurrent.hidden_size == 32


def test_text_and_generate_say_what_is_wrong(text, tmp_path):
    assert "cannot read" in fail("train", "text", tmp_path / "none.txt", "--out", tmp_path / "a.safetensors")
    assert "say which file" in misuse("train", "text")
    assert "no columns" in misuse("train", "text", text, "--target", "a")
    assert "one width" in misuse("train", "text", text, "--hidden", "8,16")
    assert "for text" in misuse("train", "text", text, "--model", "lenet")
    assert "text and series" in misuse("train", "digits", text)
    assert "too few" in fail("train", "text", text, "--window", 3000, "--out", tmp_path / "a.safetensors")
    sg.save(sg.nn.Linear(2, 2), tmp_path / "net.safetensors")
    assert "no model of text" in fail("generate", tmp_path / "net.safetensors")


def test_a_wave_is_forecast_better_than_by_its_last_value(tmp_path):
    t = np.arange(400)
    file = write_csv(tmp_path / "wave.csv", {"day": [f"d{i}" for i in t], "height": np.sin(t / 3).round(4), "t": t % 7})
    printed = succeed("train", "series", file, "--target", "height", "--window", 10, "--hidden", 8, "--epochs", 30,
                      "--out", tmp_path / "wave.safetensors")  # fmt: skip
    error, naive = map(float, re.search(r"error ([\d.]+); .* has ([\d.]+):", printed).groups())
    assert error < naive / 4
    moves = np.abs(np.diff(np.sin(t / 3).round(4)))[-80:].mean()
    assert naive == pytest.approx(moves, rel=1e-3)
    assert "Left out: 'day'" in printed
    coming = float(re.search(r"comes (-?[\d.]+)\.", printed)[1])
    assert coming == pytest.approx(np.sin(400 / 3), abs=0.1)


def test_windows_are_rows_in_a_row():
    X = windows(np.arange(12.0).reshape(6, 2), 3)
    assert X.shape == (4, 3, 2)
    np.testing.assert_array_equal(X[1], [[2, 3], [4, 5], [6, 7]])


def test_features_are_levels_and_changes():
    scaling = Scaling(np.array([1.0]), np.array([2.0]), np.array([4.0]))
    np.testing.assert_array_equal(scaling.features(np.array([[1.0], [9.0], [1.0]])), [[4, 2], [0, -2]])


def test_missing_values_are_those_before_and_rows_without_a_beginning_are_left_out():
    found = series_of(Table({"a": [np.nan, 1, np.nan, np.nan, 4, 5], "b": [1, np.nan, 3, 3, np.nan, 2]}), "a")
    np.testing.assert_array_equal(found.values, [[1, 3], [1, 3], [1, 3], [4, 3], [5, 2]])
    assert found.known.tolist() == [True, False, False, True, True]
    assert (found.names, found.left_out) == (["a", "b"], 1)


def test_rows_come_in_the_order_of_their_dates_and_gaps_are_told():
    days = [f"2024-01-{d:02}" for d in range(1, 31) if d not in (12, 13)]
    table = Table({"y": np.arange(28.0) ** 2 % 7, "day": days, "note": ["x"] * 28, "few": [1.0] + [np.nan] * 27})
    found = series_of(table.take(np.random.default_rng(0).permutation(28)), "y")
    np.testing.assert_array_equal(found.values[:, 0], table["y"])
    assert found.names == ["y"]
    assert found.log == [
        "'day' says when a row was.", "The rows were put in the order of 'day'.",
        "'day' has 1 gap of up to 3 steps, which counts as one step.",
        "Left out: 'note', 'few': no numbers, row numbers, or most are missing.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"year": [2003, 2002, 2001], "y": [1, 2, 4]}, ["y"]),
        ({"y": [1, 2, 4], "people": [2001, 2002, 2003]}, ["y", "people"]),  # a feature: it is not the first
        ({"flow": [3, 1, 2], "y": [1, 2, 4]}, ["y", "flow"]),
    ],
)
def test_which_numbers_say_when_a_row_was(columns, names):
    found = series_of(Table(columns), "y")
    assert found.names == names
    assert found.values[:, 0].tolist() == ([4, 2, 1] if "year" in columns else [1, 2, 4])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A wave in a file, newest row first and some of them missing, and the network that forecasts it."""
    folder = tmp_path_factory.mktemp("wave")
    t, out = np.arange(300)[::-1], folder / "it's.safetensors"
    heights = [None if i % 50 == 9 else f"{np.sin(i / 3):.4f}" for i in t]
    file = write_csv(folder / "wave.csv", {"day": np.datetime64("2024-01-01") + t, "height": heights})
    given = ("--target", "height", "--window", 10, "--hidden", 8, "--epochs", 30, "--step", 0.01)
    return succeed("train", "series", file, *given, "--out", out), file, out


def test_a_saved_forecast_is_shown_judged_and_used(saved):
    printed, file, out = saved
    assert "subgrad predict '" in printed
    assert "'height' is missing in 6 rows" in printed
    shown = succeed("show", out)
    assert "next value of 'height'" in shown
    assert "recurrent: LSTM" in shown
    assert "subgrad evaluate" in shown
    error, naive = map(float, re.search(r"error ([\d.]+); .* has ([\d.]+):", succeed("evaluate", out, file)).groups())
    assert error < naive / 2
    lines = succeed("predict", out, file).splitlines()
    assert lines[0] == "row,prediction"
    rows, found = zip(*(line.split(",") for line in lines[1:]), strict=True)
    assert [int(r) for r in rows] == list(range(12, 302))  # eleven rows are before the first, and one comes next
    np.testing.assert_allclose([float(x) for x in found], np.sin(np.arange(11, 301) / 3), atol=0.5)
    coming = re.search(r"comes (-?[\d.]+)\.", printed)[1]
    assert float(found[-1]) == pytest.approx(float(coming), abs=1e-4)


def test_a_run_without_validation_goes_on_to_its_last_epoch(tmp_path):
    file = write_csv(tmp_path / "a.csv", {"a": np.arange(60) % 3})
    options = ("--target", "a", "--window", 5, "--epochs", 12, "--validation", 0, "--out", tmp_path / "a.safetensors")
    assert "12 epochs in" in succeed("train", "series", file, *options)


def test_wrong_models_and_wrong_data_are_told(saved, text, tmp_path):
    _, file, forecast = saved
    _, cat = train_text(text, "--epochs", 1)
    shown = succeed("show", cat)
    assert "The next character, one of" in shown
    assert "subgrad generate" in shown
    assert "is a model of text" in fail("predict", cat, file)
    assert "no model of text" in fail("generate", forecast)
    other = write_csv(tmp_path / "other.csv", {"b": range(30), "height": range(30, 60)})
    assert "no column 'height'" in fail("predict", forecast, write_csv(tmp_path / "b.csv", {"b": range(30)}))
    assert succeed("evaluate", forecast, other)
    few = write_csv(tmp_path / "few.csv", {"height": range(10)})
    assert "a forecast takes 11" in fail("predict", forecast, few)
    few = write_csv(tmp_path / "eleven.csv", {"height": range(11)})
    assert "none to compare" in fail("evaluate", forecast, few)
    assert len(succeed("predict", forecast, few).splitlines()) == 2


FORGED = [("window", 0), ("window", "x"), ("columns", []), ("columns", [3]), ("columns", "height"), ("series", 3),
          ("training", None), ("scalings", {"": {"mean": [0.0], "spread": ["a"], "change": [1.0]}}),
          ("scalings", {"": {"mean": [0.0], "spread": [1.0, 2.0], "change": [1.0]}}),
          ("formats", {"height": {"kind": "number", "decimal": 3}}), ("characters", "ab"),
          ("characters", 3)]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), FORGED)
def test_what_a_file_says_is_looked_at(saved, text, tmp_path, name, value):
    of_text = name == "characters"
    tensors, header = read_model_file(train_text(text, "--epochs", 1)[1] if of_text else saved[2])
    header["info"][name] = value
    write_model_file(tmp_path / "m", tensors, header)
    with pytest.raises(FileError, match="is no model of text" if of_text else "is no forecast of a series"):
        load_text(tmp_path / "m") if of_text else Forecaster.load(tmp_path / "m")


def test_small_changes_of_large_values_are_forecast_as_such(tmp_path):
    heights = 1e9 + np.round(np.sin(np.arange(200) / 3), 4)
    file = write_csv(tmp_path / "a.csv", {"height": [f"{h:.4f}" for h in heights]})
    given = ("--target", "height", "--window", 5, "--epochs", 2, "--out", tmp_path / "a.safetensors")
    succeed("train", "series", file, *given)
    found = [line.split(",")[1] for line in succeed("predict", tmp_path / "a.safetensors", file).splitlines()[1:]]
    wanted = Forecaster.load(tmp_path / "a.safetensors").forecasts(heights[:, None])
    np.testing.assert_allclose(np.array(found, float) - 1e9, wanted - 1e9, atol=1e-3)


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d.%m.%y", "%Y/%m/%d", "%d %b %Y", "%Y-%m-%dT%H:%M:%SZ"])
def test_dates_of_any_shape_order_a_series(form):
    days = [datetime.datetime(2022, 1, 1) + datetime.timedelta(days=i) for i in range(100)]
    table = Table({"number": range(100), "day": [f"{day:{form}}" for day in days][::-1], "y": range(100)})
    found = series_of(table, "y")
    assert found.values[:, 0].tolist() == list(range(100))[::-1]
    assert found.names == ["y"]
    assert "'day' says when a row was." in found.log


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    """Three series below one another, one of them too short."""
    folder = tmp_path_factory.mktemp("shops")
    days = [f"{1 + i % 28}.{1 + i // 28}.2021" for i in range(80)]
    bases = {"north": 10, "south": 500}
    rows = [(shop, day, f"{base + i % 7},5") for shop, base in bases.items() for i, day in enumerate(days)]
    rows += [("new", days[i], "3,5") for i in range(5)]
    file = folder / "shops.csv"
    file.write_text("shop;day;sales\n" + "".join(";".join(row) + "\n" for row in rows))
    return file


def test_several_series_are_asked_for_and_modelled(shops):
    given = ("train", "series", shops, "--target", "sales", "--window", 7, "--hidden", 6)
    given += ("--epochs", 40, "--step", 0.02)
    out = shops.parent / "shops.safetensors"
    message = fail(*given, "--out", out)
    assert "80 different times in 165 rows; say which column tells them apart: --series shop" in message
    printed = succeed(*given, "--series", "shop", "--out", out)
    assert "2 series by 'shop': 'north', 'south'." in printed
    assert "Left out: 'new': 5 rows are too few" in printed
    error, naive = map(float, re.search(r"error ([\d.]+); .* has ([\d.]+)", printed).groups())
    assert error < naive
    assert "After the last row of 'south', 502.5, comes 50" in printed
    rows = list(csv.reader(succeed("predict", out, shops).splitlines()))
    assert rows[0] == ["shop", "row", "prediction"]
    assert {row[0] for row in rows[1:]} == {"north", "south"}
    assert "2 series" in succeed("evaluate", out, shops)
    assert "for each 'shop'" in succeed("show", out)


def test_a_series_to_the_last_row(tmp_path):
    file = write_csv(tmp_path / "a.csv", {"a": np.arange(60) % 3})
    options = ("--target", "a", "--window", 5, "--epochs", 1, "--test", 0, "--out", tmp_path / "a.safetensors")
    assert "none to test on" in succeed("train", "series", file, *options)
    assert "No row was held out" in succeed("show", tmp_path / "a.safetensors")


def test_series_say_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match="no numbers"):
        series_of(Table({"a": ["x", "y"]}), "a")
    with pytest.raises(DataError, match="values in only 1 of 3 rows"):
        series_of(Table({"a": [1.0, np.nan, np.nan]}), "a")
    with pytest.raises(DataError, match="'b' is to hold numbers"):
        series_of(Table({"a": [1.0, 2.0], "b": ["x", "y"]}), "a", ["a", "b"])
    file = write_csv(tmp_path / "a.csv", {"a": range(30)})
    assert "too few" in fail("train", "series", file, "--target", "a", "--out", tmp_path / "a.safetensors")
    assert "which column" in misuse("train", "series", file)
    assert "by an LSTM" in misuse("train", "series", file, "--target", "a", "--model", "lenet")


HOURS = [datetime.datetime(2022, 2, 27) + datetime.timedelta(hours=i) for i in range(100)]


@pytest.mark.parametrize(
    "columns",
    [
        {"day": "{:%d.%m.%Y}", "clock": "{:%H:%M}"}, {"clock": "{:%I:%M %p}", "day": "{:%Y-%m-%d}"},
        {"day": "{:%m/%d/%Y}", "hour": "{:%H}"}, {"year": "{:%Y}", "month": "{:%m}", "day": "{:%d}", "hour": "{:%H}"},
        {"Tag": "{:%d}", "Monat": "{:%m}", "Jahr": "{:%Y}", "Stunde": "{:%H}"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [slice(None, None, -1), np.random.default_rng(0).permutation(100)])
def test_several_columns_say_together_when_a_row_was(columns, order):
    texts = {name: np.array([form.format(hour) for hour in HOURS], object)[order] for name, form in columns.items()}
    found = series_of(Table({**texts, "y": np.arange(100)[order]}), "y")
    assert found.values[:, 0].tolist() == list(range(100))
    assert found.log[0].endswith("together say when a row was.")
