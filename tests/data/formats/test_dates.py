"""Dates as people write them: against Python's datetime."""

import datetime

import numpy as np
import polars as pl
import pytest

from subgrad.data.formats import DateFormat, NumberFormat, TextFormat, decide_format, decide_formats, format_from_plain
from subgrad.data.formats import dates as dates_module

DAYS = [datetime.datetime(2021, 1, 31) + datetime.timedelta(days=37 * i, hours=5 * i, minutes=7) for i in range(24)]
DATES = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%Y%m%d", "%d-%b-%Y", "%d%b%Y"]
DATES += ["%Y-%b-%d", "%G-W%V-%u", "%d %B %Y", "%b %d, %Y", "%A, %d %B %Y", "%a %d. %b %Y", "%y-%m-%d", "%y/%m/%d"]
DATES += ["%d / %m / %Y", "%d.%m.%Y."]
TIMES = ["%Y-%m-%dT%H:%M", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%a, %d %b %Y %H:%M GMT", "%a %b %d %H:%M:00 %Y"]
TIMES += ["%Y%m%d%H%M", "%Y%m%d%H%M00", "%Y%m%dT%H%M", "%d/%b/%Y:%H:%M:00 +0000", "%y-%m-%d %H:%M", "%m/%d/%Y %I:%M%p"]
TIMES += ["%d.%m.%Y %H.%M", "%d.%m.%Y um %H:%M Uhr", "%d/%m/%Y %Hh%M", "[%d/%b/%Y:%H:%M:00 +0000]", "%Y-%m-%d-%H.%M.00"]
TIMES += ["%Y-%m-%dT%H%M00", "%d.%m.%Y\u00a0%H:%M"]
HOURS = ["%Y%m%d%H", "%Y-%m-%d %H", "%Y-%m-%dT%HZ", "%m/%d/%Y %I %p"]


def seconds(moments):
    return [(moment - datetime.datetime(1970, 1, 1)).total_seconds() for moment in moments]


@pytest.mark.parametrize("form", DATES)
def test_days(form):
    series = pl.Series([day.strftime(form) for day in DAYS])
    how = decide_format(series)
    assert isinstance(how, DateFormat)
    np.testing.assert_array_equal(how.read(series), seconds(day.replace(hour=0, minute=0) for day in DAYS))
    assert format_from_plain(how.to_plain()) == how


@pytest.mark.parametrize("form", TIMES)
def test_times(form):
    series = pl.Series([day.strftime(form) for day in DAYS])
    np.testing.assert_array_equal(decide_format(series).read(series), seconds(DAYS))


@pytest.mark.parametrize("form", HOURS)
def test_hours_without_minutes(form):
    series = pl.Series([day.strftime(form) for day in DAYS])
    np.testing.assert_array_equal(decide_format(series).read(series), seconds(day.replace(minute=0) for day in DAYS))


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y/%m/%d", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"])
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), np.random.default_rng(0).permutation(150)])
def test_which_number_is_the_year_is_told_by_its_few_values(form, order):
    days = np.array([datetime.datetime(2022, 1, 1) + datetime.timedelta(days=i) for i in range(150)])[order]
    series = pl.Series([day.strftime(form) for day in days])
    np.testing.assert_array_equal(decide_format(series).read(series), seconds(days))


def test_zones_are_taken_off_and_the_clock_on_the_wall_is_kept():
    series = pl.Series(["2021-07-01T12:00:00+02:00", "2021-07-01 12:00:00.5 UTC", "2021-07-01T12:00Z[UTC]"])
    how = decide_format(series)
    assert isinstance(how, DateFormat)
    noon = seconds([datetime.datetime(2021, 7, 1, 12)])[0]
    times, ahead = how.read_local(series)
    assert times.tolist() == [noon - 7200, noon + 0.5, noon]
    assert ahead.tolist() == [7200, 0, 0]


@pytest.mark.parametrize(
    ("texts", "month"),
    [
        (["1. März 2021", "2. Dez. 2020"], 3), (["1 janvier 2021", "2 févr. 2020"], 1), (["1 de mayo de 2021"] * 2, 5),
        (["2021-03", "2020-12"], 3), (["03/2021", "12/2020"], 3), (["Mar 2021", "Dec 2020"], 3), (["Mar-21"] * 2, 3),
        (["2021Q2", "2020 Q4"], 4), (["Q2 2021", "Q4 2020"], 4), (["2021M3", "2020M12"], 3),
    ],
)  # fmt: skip
def test_months_and_quarters(texts, month):
    series = pl.Series(texts)
    assert decide_format(series).read(series)[0] == seconds([datetime.datetime(2021, month, 1)])[0]


def test_the_whole_column_decides_what_is_the_day():
    assert decide_format(pl.Series(["01/02/2021", "13/02/2021"])) == DateFormat("year last", day_first=True)
    assert decide_format(pl.Series(["01/02/2021", "02/13/2021"])) == DateFormat("year last", day_first=False)
    monthly = pl.Series([f"01/{m:02}/{y}" for y in (2020, 2021) for m in range(1, 13)])  # in even steps that way
    assert decide_format(monthly) == DateFormat("year last", day_first=True)
    unsure = decide_format(pl.Series(["01/02/2021", "03/04/2021"]))
    assert unsure == DateFormat("year last", day_first=False, sure=False)
    assert "no date shows whether the day or the month comes first" in unsure.describe()
    assert decide_format(pl.Series(["01.02.2021", "03.04.2021"])).day_first


def test_numbers_that_are_dates():
    assert decide_format(pl.Series([20210131, 20211231])) == DateFormat("digits")
    assert decide_format(pl.Series([20210131, 20211331])) == NumberFormat()
    stamps = pl.Series([1_600_000_000, 1_700_000_000])
    assert decide_format(stamps, "timestamp") == DateFormat("seconds")
    assert decide_format(stamps * 1000, "created_at") == DateFormat("milliseconds")
    assert decide_format(stamps, "people") == NumberFormat()
    broken = pl.Series(["1600000000.25", "1700000000.5"])
    assert decide_formats({"unix time": broken})["unix time"].read(broken).tolist() == [1600000000.25, 1700000000.5]
    whole = pl.Series(["20210131.0", None, "20211231.0"])  # as pandas writes them
    assert decide_format(whole).read(whole)[2] == seconds([datetime.datetime(2021, 12, 31)])[0]


@pytest.mark.parametrize("texts", [["2021-02-30", "2021-01-01"], ["555-1234", "555-9876"], ["may be", "march on"]])
def test_what_is_no_date(texts):
    assert decide_format(pl.Series(texts)) == TextFormat()


def test_a_year_of_two_digits_does_not_depend_on_its_neighbours():
    how, texts = DateFormat("year last"), ["05/03/0021", "05/03/21"]
    np.testing.assert_array_equal(
        how.read(pl.Series(texts)), np.concatenate([how.read(pl.Series([text])) for text in texts])
    )


@pytest.mark.parametrize("form", DATES[2:])
def test_dates_of_a_frame_fit_in_with_those_of_a_file(form):
    """A frame writes its dates as ISO 8601 has them, however a file did by which the column was decided."""
    how = decide_format(pl.Series([day.strftime(form) for day in DAYS]))
    later = [datetime.datetime(2031, 2, 3, 4, 5), datetime.datetime(1999, 12, 31)]
    np.testing.assert_array_equal(
        how.read(pl.Series([str(day) for day in later] + ["none"])), [*seconds(later), np.nan]
    )


def test_a_shape_that_there_is_not():
    with pytest.raises(ValueError, match="no dates of the shape 'moon first'"):
        format_from_plain({"kind": "date", "shape": "moon first", "day_first": True, "sure": True})


@pytest.mark.parametrize("texts", [["A", "C"], ["1. low", "2. high"], ["K1A 0B1", "H0H 0H0"], ["12-34", "x1/y2"]])
def test_texts_that_look_like_no_date_are_not_read_as_each_shape(texts, monkeypatch):
    """A table of sixty columns of categories took two seconds for that."""
    monkeypatch.setattr(dates_module, "_seconds", None)
    assert decide_format(pl.Series(texts * 20)) == TextFormat()


def test_among_dates_with_zones_another_text_is_missing():
    series = pl.Series(["Sun, 31 Jan 2021 12:00 GMT"] * 19 + ["soon"])
    found = decide_format(series).read(series)
    assert found[0] == seconds([datetime.datetime(2021, 1, 31, 12)])[0]
    assert np.isnan(found).tolist() == [False] * 19 + [True]
