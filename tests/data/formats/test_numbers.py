"""Numbers as people write them: against what they mean."""

import numpy as np
import polars as pl
import pytest

from subgrad.data import Table
from subgrad.data.formats import NumberFormat, TextFormat, decide_format, decide_formats, format_from_plain


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1", "-2.5", "+3", ".5", "5.", "1e3", "-1E-2"], [1, -2.5, 3, 0.5, 5, 1000, -0.01]),
        (["1,5", "12,25", "-3"], [1.5, 12.25, -3]),
        (["1 234,5", "2\u00a0000,25", "1\u202f000\u202f000", "7"], [1234.5, 2000.25, 1e6, 7]),
        (["1'234.50", "1’000", "5"], [1234.5, 1000, 5]),
        (["1,234.5", "12,345,678", "1"], [1234.5, 12345678, 1]),
        (["1.234,5", "12.345.678", "1"], [1234.5, 12345678, 1]),
        (["1,00,000", "12,34,567.5"], [100000, 1234567.5]),
        (["1,234", "12,345", "999"], [1234, 12345, 999]),  # nothing says that it is another mark
        (["0,123", "1,234"], [0.123, 1.234]),  # no thousand begins with 0
        (["$3.20", "-$1,200.00", "$-5", "($5)"], [3.2, -1200, -5, -5]),
        (["3,20 €", "EUR 5", "1.200,50 €"], [3.2, 5, 1200.5]),
        (["12%", "3.5 %", "-1%"], [0.12, 0.035, -0.01]),
        (["12 kg", "5.5 kg", "7"] * 10, [12, 5.5, 7] * 10),
        (["(12)", "12-", "−5", "3"], [-12, -12, -5, 3]),
        (["٣", "١٢٫٥"], [3, 12.5]),
        (["inf", "-Infinity", "1"], [np.inf, -np.inf, 1]),
        (["1", "n.d.", "-", "unknown", "2"], [1, np.nan, np.nan, np.nan, 2]),  # words for nothing, however many
        (["1 days 02:00:00", "-1 days +23:59:59.5", "0 days 00:00:00"], [93600, -0.5, 0]),  # as pandas writes them
        (["1 day, 2:00:00", "-1 day, 23:59:59", "3 days, 0:00:01"], [93600, -1, 259201]),  # Python
        (["P1DT2H", "PT1H30M", "-PT0.5S"], [93600, 5400, -0.5]),  # polars
        ([*"10101010101010101012", "true"], [*map(int, "10101010101010101012"), 1]),
    ],
)
def test_numbers_are_what_they_mean(texts, numbers):
    if texts[0] == "12 kg":
        texts, numbers = [t for t in texts if t != "7"] + ["7"], [n for n in numbers if n != 7] + [7]
    series = pl.Series(texts)
    how = decide_format(series)
    assert isinstance(how, NumberFormat)
    np.testing.assert_allclose(how.read(series), numbers, rtol=1e-15)
    assert format_from_plain(how.to_plain()) == how


@pytest.mark.parametrize(
    "texts",
    [
        ["01234", "98765", "02345"], ["K1A", "123"], ["1_000", "2_000"], ["0x1f", "0x20"], ["p1", "p2"], ["1/2", "3/4"],
        ["10-20", "20-30"], ["192.168.0.1", "10.0.0.1"], ["5'10\"", "6'1\""], ["1-800-555", "1-900-555"], ["1e", "2f"],
        ["(5", "6)"], ["--1", "--2"], ["12a", "13b"], ["2.0.1", "2.1.0"], ["x", "y"],
    ],
)  # fmt: skip
def test_what_is_no_number_is_text(texts):
    assert decide_format(pl.Series(texts)) == TextFormat()


def test_nine_of_ten_values_decide():
    assert decide_format(pl.Series(["1"] * 9 + ["many"])) == NumberFormat()
    assert decide_format(pl.Series(["1"] * 8 + ["many", "few"])) == TextFormat()


def test_what_one_column_leaves_open_another_decides():
    open_one, comma, point = ["1,234", "2,345"], ["0,5", "1,25"], ["0.5", "1.25"]
    assert Table({"a": open_one, "b": comma})["a"].tolist() == [1.234, 2.345]
    assert Table({"a": open_one, "b": point})["a"].tolist() == [1234, 2345]
    assert Table({"a": ["1.234", "2.345"], "b": comma})["a"].tolist() == [1234, 2345]
    assert Table({"a": ["1.234", "2.345"], "b": open_one})["a"].tolist() == [1.234, 2.345]


def test_a_number_means_the_same_in_any_later_file():
    how = decide_format(pl.Series(["1.234,5", "2,5"]))
    np.testing.assert_array_equal(how.read(pl.Series(["1.234", "3", "1.5", None])), [1234, 3, np.nan, np.nan])
    np.testing.assert_array_equal(how.read(pl.Series([1.5, 2.0])), [1.5, 2])  # a frame has numbers


@pytest.mark.parametrize("texts", [["$5", "7 €", "9 €", "$3"], ["EUR 5", "USD 7", "EUR 9", "USD 1"]])
def test_amounts_in_several_currencies_are_no_numbers(texts):
    assert decide_format(pl.Series(texts)) == TextFormat()


def test_an_amount_in_another_currency_is_none_of_the_column():
    how = decide_format(pl.Series(["5 €", "EUR 7.5", "9", "1 EUR"]))
    assert how.currency == "EUR"
    np.testing.assert_array_equal(how.read(pl.Series(["3 €", "$3", "3", "USD 3"])), [3, np.nan, 3, np.nan])


def test_a_backtick_does_not_depend_on_its_neighbours():
    how = NumberFormat(".", "'")
    assert how.read(pl.Series(["1`234"])).tolist() == [1234]
    assert how.read(pl.Series(["1`234", "5’678"])).tolist() == [1234, 5678]


@pytest.mark.parametrize(
    ("how", "write"),
    [
        (NumberFormat(), str), (NumberFormat(thousands=","), "{:,}".format), (NumberFormat(), "+{}".format),
        (NumberFormat(",", "."), lambda n: f"{n:,}".replace(",", ".")), (NumberFormat(unit="kg"), "{} kg".format),
        (NumberFormat(), "{}.0".format), (NumberFormat(), "00{}".format),
    ],
)  # fmt: skip
def test_whole_numbers_are_exact_whatever_their_size(how, write):
    numbers = [2**53 + 1, 10**45 + 7, 12]
    assert how.exact(pl.Series(list(map(write, numbers)))) == numbers


def test_what_is_no_whole_number_is_not_exact():
    assert NumberFormat().exact(pl.Series(["-5", "(7)", "1.5", "1e30", "12%", "x", None])) == [-5, -7] + [None] * 5
    assert NumberFormat().exact(pl.Series([2**63, 1])) == [2**63, 1]
    assert NumberFormat().exact(pl.Series([1.0])) == [None]


def test_texts_with_digits_that_are_no_numbers_are_not_read_in_each_notation(monkeypatch):
    """A table with seven such columns took half a second for that."""
    monkeypatch.setattr(NumberFormat, "read", None)
    grades = pl.Series(["1. < HS Grad", "2. HS Grad", "3. Some College, 2.5 years"] * 20)
    assert decide_formats({"grade": grades}) == {"grade": TextFormat()}


@pytest.mark.parametrize("text", ["-inf", "1 days 02:00:00", "PT2H", "(1'234.50)", "١٢٫٥", "CHF 1’000"])
def test_whatever_is_a_number_is_read(text):
    assert isinstance(decide_format(pl.Series([text] * 3)), NumberFormat)
