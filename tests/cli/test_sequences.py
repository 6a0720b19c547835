"""``train text``, ``generate``, ``train series``."""

import re

import numpy as np
import pytest
from command import fail, misuse, succeed, write_csv

import subgrad as sg
from subgrad.cli.series import columns, windows
from subgrad.data import Table
from subgrad.errors import DataError

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
    assert "Left out: day" in printed
    coming = float(re.search(r"comes (-?[\d.]+)\.", printed)[1])
    assert coming == pytest.approx(np.sin(400 / 3), abs=0.1)


def test_windows_end_before_what_they_forecast():
    X, last, following = windows(np.arange(12.0).reshape(6, 2), np.arange(6.0) * 10, 3)
    assert X.shape == (3, 3, 2)
    np.testing.assert_array_equal(X[0], [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal([last, following], [[20, 30, 40], [30, 40, 50]])


def test_series_say_what_is_wrong(tmp_path):
    with pytest.raises(DataError, match="no numbers"):
        columns(Table({"a": ["x", "y"]}), "a")
    with pytest.raises(DataError, match="no value in row 2"):
        columns(Table({"a": [1.0, np.nan]}), "a")
    file = write_csv(tmp_path / "a.csv", {"a": range(30)})
    assert "too few" in fail("train", "series", file, "--target", "a", "--out", tmp_path / "a.safetensors")
    assert "which column" in misuse("train", "series", file)
    assert "by an LSTM" in misuse("train", "series", file, "--target", "a", "--model", "lenet")
