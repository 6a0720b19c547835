"""Columns that number the rows, and names that identifiers have."""

from __future__ import annotations

import re

import numpy as np

from subgrad.data.formats import Format
from subgrad.data.lazy_polars import pl

LEAST = 10  # rows, below which numbers that are all different mean nothing
_WORDS = "id ids uuid guid key index idx serial row rownames rownum number num nr no code hash ean isbn"
_IDENTIFIER = re.compile(rf"(?:^|[^a-z])(?:{'|'.join(_WORDS.split())})$")
_TIMES = "time date day week month year hour minute second step period quarter rank jahr monat tag année mois jour"
_TIME = re.compile(rf"{'|'.join(_TIMES.split())}|age$|^t$")


def is_called_identifier(name: str) -> bool:
    """Whether a name is one that identifiers have.

    >>> [is_called_identifier(name) for name in ("PassengerId", "customer_id", "humid", "ID")]
    [True, True, False, True]
    """
    return bool(_IDENTIFIER.search(name.lower()) or re.search("[a-z]I[dD]$", name))


def is_called_time(name: str) -> bool:
    """Whether a name is that of a time, an age or a rank, which may go up by 1 from row to row.

    >>> is_called_time("year"), is_called_time("row")
    (True, False)
    """
    return bool(_TIME.search(name.lower()))


def counts_rows(name: str, series: pl.Series, format: Format) -> bool:
    """Whether the numbers of a whole table's column number its rows from 0 or 1, in this order or another.

    A column that is called a time, an age or a rank does not.
    """
    few = format.read(series.head(LEAST))
    if len(few) < LEAST or is_called_time(name) or len(np.unique(few[few == np.floor(few)])) < LEAST:
        return False
    values = np.sort(format.read(series))
    return values[0] in (0, 1) and bool((values == np.arange(len(values)) + values[0]).all())
