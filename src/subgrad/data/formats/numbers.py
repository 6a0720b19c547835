"""How a column writes its numbers: decimal mark, thousands, currency, percent, units."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from subgrad.data.formats.column_format import FEW, Format, is_text, known_texts
from subgrad.data.formats.durations import seconds_of_durations
from subgrad.data.lazy_polars import pl

_CURRENCY = (
    r"(?:(?:US|A|C|CA|AU|NZ|HK|R|S)?\$|\p{Sc}|USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN"
    r"|ZAR|RUB|TRY|KRW|SFr\.?|Fr\.|kr\.?|zł|Kč|Ft|Rs\.?)"
)
# A unit is what stands behind nearly all numbers: a letter or a sign, and what follows up to the end.
_UNIT = r"\d ?([^\d\s.,;:'()%+\-/][^\d]{0,11})$"
_SAME = {
    "€": "EUR", "$": "USD", "US$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "RS": "INR", "RS.": "INR", "R$": "BRL",
    "SFR": "CHF", "SFR.": "CHF", "FR.": "CHF", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "KR.": "KR", "₽": "RUB",
    "₺": "TRY", "₩": "KRW",
}  # fmt: skip
"""Currencies by their signs, in upper case."""
_SPACES = "[\u00a0\u2007\u2009\u202f]"
_NAMES = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}

VOTERS = 200  # columns that are asked for their decimal mark, at most
_THOUSANDS = r"^[-+]?([1-9]\d{0,2}(\.\d{3})+|\d+)$"  # numbers whose points may group thousands

Habit = Literal["point", "semicolon", "comma"]
_SPACED = [(".", " "), (",", " "), (".", "'"), (",", "'")]
_MARKS: dict[Habit, list[tuple[str, str]]] = {
    "point": [(".", ""), (".", ","), (",", ""), (",", "."), *_SPACED],
    "semicolon": [(".", ""), (",", ""), (".", ","), (",", "."), *_SPACED],
    "comma": [(",", ""), (",", "."), (".", ""), (".", ","), *_SPACED],
}
"""Decimal mark and what groups thousands, the likeliest first, by what the rest of the file is like: 1,234 is more than
a thousand in a file with decimal points, and a bit more than 1 in one with decimal commas."""


@dataclass(frozen=True)
class NumberFormat(Format):
    """Numbers, as Python writes them unless the fields say otherwise.

    ``unit`` is a text that stands behind them, ``currency`` the one whose signs are at some of them; another one is no
    number of this column. A percent sign divides by 100. A minus may be typographic, and stand behind the number;
    brackets around it, as accountants set them, mean one too. Digits may be those of any script. True and false are 1
    and 0, as in arrays, and a duration that pandas or polars has written is a number of seconds.
    """

    kind: ClassVar[str] = "number"
    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    currency: str = ""

    def read(self, series: pl.Series) -> np.ndarray:
        """Values (n,) as float64, NaN where there is none, or text that is no number."""
        if not is_text(series):
            return series.cast(pl.Float64).to_numpy(writable=True)  # null becomes NaN
        plain = self._plain(series)
        if plain.null_count() == series.null_count():
            return plain.to_numpy(writable=True)
        values = plain.fill_null(float("nan")).to_numpy(writable=True)
        for read in (self._written, _truth, seconds_of_durations):
            rest = np.flatnonzero(np.isnan(values) & series.is_not_null().to_numpy())
            if len(rest):
                values[rest] = read(series.gather(rest))
        return values

    def exact(self, series: pl.Series) -> list[int | None]:
        """Whole numbers, whatever their size: a float does not tell them apart from 2**53 on. None for other values."""
        if not is_text(series):
            return series.to_list() if series.dtype.is_integer() else [None] * len(series)
        parts, signs = self._parts(series)
        plain = parts["power"].is_null() & parts["percent"].is_null()
        digits = parts["number"].str.extract(r"^0*(\d+)(?:\.0*)?$")
        return [int(sign) * int(whole) if whole and is_plain and sign == sign else None
                for whole, is_plain, sign in zip(digits, plain, signs, strict=True)]  # fmt: skip

    def describe(self) -> str:
        parts = [f"'{self.decimal}' is the decimal {_NAMES[self.decimal]}"] if self.decimal != "." else []
        if self.thousands:
            parts.append(f"{_NAMES[self.thousands]}s group thousands")
        if self.unit:
            parts.append(f"'{self.unit}' stands behind the numbers")
        return ", ".join(parts)

    def _plain(self, series: pl.Series) -> pl.Series:
        """The numbers that polars reads, where they mean the same here."""
        numbers = series.cast(pl.Float64, strict=False)
        if self.decimal == "." and self.thousands != ".":
            return numbers
        return numbers.set(series.str.contains(".", literal=True).fill_null(False), None)

    def _written(self, series: pl.Series) -> np.ndarray:
        """Numbers in the notation of this format."""
        parts, signs = self._parts(series)
        number = parts["number"] + parts["power"].fill_null("")
        values = number.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy(writable=True)
        values[parts["percent"].is_not_null().to_numpy()] /= 100
        return values * signs

    def _parts(self, series: pl.Series) -> tuple[pl.DataFrame, np.ndarray]:
        """What the texts consist of, the number with a point and without marks of thousands, and their signs: 1, -1, or
        NaN for several."""
        parts = _clean(series).str.extract_groups(self._pattern()).struct.unnest()
        number = parts["number"]
        if self.thousands:
            number = number.str.replace_all(self.thousands, "", literal=True)
        parts = parts.with_columns(number.str.replace(self.decimal, ".", literal=True))
        minus = np.sum([(parts[name] == sign).fill_null(False).to_numpy() for name, sign in _MINUS], axis=0)
        fits = (parts["open"].is_null() == parts["close"].is_null()).to_numpy() & (minus < 2)
        if self.currency:
            fits &= (_currencies(parts) == self.currency).fill_null(True).to_numpy()
        return parts, np.where(fits, 1 - 2.0 * minus, np.nan)

    def in_one_currency(self, known: pl.Series) -> NumberFormat | None:
        """The same with the currency of nearly all texts (n,) that have one; None if they are in several."""
        found = _currencies(self._parts(known)[0]).drop_nulls()
        if not len(found):
            return self
        usual = found.mode().sort()[0]
        others = int((found != usual).sum())
        return replace(self, currency=usual) if others <= (1 - FEW) * len(known) else None

    def _pattern(self) -> str:
        mark, group = re.escape(self.decimal), re.escape(self.thousands)
        grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{2,3}})*{group}\d{{3}}|" if group else ""
        return _around(rf"(?:{grouped}\d+)(?:{mark}\d*)?|{mark}\d+", self.unit)


def _around(number: str, unit: str) -> str:
    """The pattern of a text with a number of some pattern in it."""
    behind = f"|{re.escape(unit)}" if unit else ""
    return (
        rf"^(?P<open>\()? ?(?P<before>[-+])? ?(?P<money>{_CURRENCY})? ?(?P<inner>[-+])? ?"
        rf"(?P<number>{number})(?P<power>[eE][-+]?\d+)?"
        rf"(?P<behind>-)? ?(?:(?P<percent>%)|(?P<money_behind>{_CURRENCY}){behind})? ?(?P<close>\))?$"
    )


_MINUS = (("open", "("), ("before", "-"), ("inner", "-"), ("behind", "-"))
_TRUTH = {"true": 1.0, "false": 0.0}


def _currencies(parts: pl.DataFrame) -> pl.Series:
    """The currencies of numbers by one name each, null where there is none."""
    money = parts["money"].fill_null(parts["money_behind"]).str.to_uppercase()
    return money.replace(_SAME)


def _truth(series: pl.Series) -> np.ndarray:
    """1 and 0 for true and false, as truth values of a frame are written here."""
    found = series.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Float64)
    return found.fill_null(float("nan")).to_numpy()


def decide_numbers(series: pl.Series, habit: Habit = "point") -> NumberFormat | None:
    """The format in which nearly all texts (n,) are numbers; None if there is none, or the texts are codes."""
    if habit == "point" and series.cast(pl.Float64, strict=False).null_count() == series.null_count() < len(series):
        return None if _are_codes(series) else NumberFormat()  # as most columns are: the rest takes longer
    known = known_texts(series)
    few = known.gather_every(max(len(known) // 1000, 1))
    if not len(known) or few.str.contains(r"\p{Nd}|(?i)^[-+]?inf").sum() < FEW * len(few):
        return None
    best = _best(known, habit, "")
    if best is None and (unit := _unit(few)):
        best = _best(known, habit, unit)
    return None if best is None or _are_codes(known) else best.in_one_currency(known)


def habit_of(samples: list[pl.Series], semicolons: bool) -> Habit:
    """What the columns that leave no doubt say about those that do."""
    votes = [mark for series in samples[:VOTERS] if (mark := _clear_mark(series))]
    if "," in votes and votes.count(",") >= votes.count("."):
        return "comma"
    return "semicolon" if semicolons and not votes else "point"


def _clear_mark(series: pl.Series) -> str:
    """The decimal mark of a sample, if it can be no other."""
    known = known_texts(series)
    if not len(known) or not known.str.contains("[.,]").any():
        return ""
    if not known.cast(pl.Float64, strict=False).null_count():  # as nearly all columns are; the rest takes much longer
        return "" if known.str.contains(_THOUSANDS).all() else "."
    found = [best.decimal if (best := _best(known, habit, "")) else "" for habit in ("point", "comma")]
    return found[0] if found[0] == found[1] else ""


def _best(known: pl.Series, habit: Habit, unit: str) -> NumberFormat | None:
    best, most = None, FEW * len(known)
    texts, counts = known.alias("text").value_counts(name="count").get_columns()
    if counts.filter(_perhaps(texts, unit)).sum() < most:
        return None
    for decimal, thousands in _MARKS[habit]:
        chosen = NumberFormat(decimal, thousands, unit)
        count = int(counts.to_numpy()[~np.isnan(chosen.read(texts))].sum())
        if count > most or (count == most and best is None):
            best, most = chosen, count
        if count == len(known):
            break
    return best


def _perhaps(texts: pl.Series, unit: str) -> pl.Series:
    """Whether texts may be numbers in some notation: to look once is quicker than to read them in each."""
    others = texts.str.contains(r"(?i)^[-+]?inf|^(true|false)$| days?,? |^-?p[\dt]")
    return others | _clean(texts).str.contains(_around(r"[\d.,' ]*\d[\d.,' ]*", unit))


def _unit(few: pl.Series) -> str:
    found = _clean(few).str.extract(_UNIT).drop_nulls()
    if not len(found):
        return ""
    unit = found.mode().sort()[0]
    return unit if (found == unit).sum() >= FEW * len(few) else ""


def _are_codes(known: pl.Series) -> bool:
    """Whether these are codes of digits, all of one length, some with a leading zero, as zip codes are."""
    if not known.str.contains(r"^0\d+$").any():
        return False
    return known.str.len_chars().n_unique() == 1 and bool(known.str.contains(r"^\d+$").all())


def _clean(series: pl.Series) -> pl.Series:
    """Texts with ASCII digits, minus and spaces."""
    if not series.str.contains(r"[^\x00-\x7f]|`").any():
        return series
    series = series.str.replace_all("[−–‒]", "-").str.replace_all("[’´`′]", "'").str.replace_all(_SPACES, " ")
    if series.str.contains(r"[^\x00-\x7f&&\p{Nd}]").any():
        series = series.map_elements(_ascii_digits, return_dtype=pl.String)
    return series


def _ascii_digits(text: str) -> str:
    digits = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    return digits.replace("٫", ".").replace("٬", ",")
