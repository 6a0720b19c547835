"""Tables from CSV files."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence

import numpy as np

from subgrad.data.raw import read_bytes
from subgrad.data.table import Table, check_unique
from subgrad.errors import FileError

MISSING = frozenset(["", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NULL", "null", "None"])
_DELIMITERS = ",;\t"
_SNIFFED = 100_000  # characters, to find the delimiter in

_Path = str | os.PathLike[str]


def read_csv(path: _Path) -> Table:
    """The table in a CSV file, gzipped or not.

    The rules: UTF-8, with or without a byte order mark. The first line names the columns; the delimiter, a
    comma, a semicolon or a tab, is the one that splits it into most names. Fields may be in double quotes,
    and may then hold delimiters and line breaks. White space around a value does not count, blank lines
    neither. A value is missing if it is empty or one of `MISSING`. A column is numbers if each value that is
    there is a decimal number or inf, and text otherwise: "1,234" is text. A first column without a name holds
    row labels (pandas and R write them) and is left out.

    Raises `FileError` for a file that cannot be read, is not UTF-8, has no header or no rows, has a row of
    another length, or a quote that never closes; the message has the line number. Raises `DataError` for
    repeated names.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "planets.csv")
    ...     _ = file.write_text("name;moons;rings\\nMars;2;no\\nVenus;;no\\nSaturn;274;yes\\n")
    ...     table = read_csv(file)
    >>> table
    Table(3 rows; name: text, moons: number, rings: text)
    >>> table["moons"]
    array([  2.,  nan, 274.])
    """
    text = _decode(read_bytes(path), path)
    records = _records(text, _sniff(text), path)
    header = _header(next(records, (1, []))[1], path)
    rows = list(_checked(records, header, path))
    if not rows:
        raise FileError(f"{path} has a header but no rows")
    columns = {name: _column(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
    columns.pop("", None)
    return Table(columns)


def _decode(content: bytes, path: _Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def _sniff(text: str) -> str:
    return max(_DELIMITERS, key=lambda delimiter: _header_width(text[:_SNIFFED], delimiter))


def _header_width(text: str, delimiter: str) -> int:
    try:
        return len(next(_reader(text, delimiter), []))
    except csv.Error:
        return 0


def _reader(text: str, delimiter: str):
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)


def _records(text: str, delimiter: str, path: _Path) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not a blank line, with the number of its last line."""
    reader = _reader(text, delimiter)
    try:
        for record in reader:
            if record:
                yield reader.line_num, record
    except csv.Error as error:
        raise FileError(f"{path}, line {reader.line_num}: {error}") from error


def _header(record: Sequence[str], path: _Path) -> list[str]:
    names = [name.strip() for name in record]
    if not any(names):
        raise FileError(f"{path} is empty; expected a first line with the names of the columns")
    if all(_is_number(name) for name in names):
        example = [f"x{i}" for i in range(1, len(names))] + ["y"]
        raise FileError(
            f"{path} has no header: its first line is all numbers, {_abridged(names)}; "
            f"add a line above it that names the columns, such as {_abridged(example)}"
        )
    if "" in names[1:]:
        raise FileError(f"{path}: column {names.index('', 1) + 1} of {len(names)} has no name in the header")
    check_unique(names, path)
    return names


def _abridged(names: list[str]) -> str:
    return ",".join(names if len(names) <= 4 else [*names[:2], "...", names[-1]])


def _checked(records: Iterator[tuple[int, list[str]]], header: list[str], path: _Path) -> Iterator[list[str]]:
    width = len(header)
    for line, record in records:
        if len(record) != width:
            raise FileError(f"{path}, line {line}: {len(record)} values, the header names {width} columns")
        yield record


def _is_number(cell: str) -> bool:
    try:
        return not math.isnan(_number(cell))
    except ValueError:
        return False


def _number(cell: str) -> float:
    if "_" in cell:  # Python reads 1_000 as a number, a CSV file does not mean one
        raise ValueError(cell)
    return float(cell)


def _column(cells: Sequence[str]) -> np.ndarray:
    cells = [cell.strip() for cell in cells]
    try:
        return np.array([math.nan if cell in MISSING else _number(cell) for cell in cells])
    except ValueError:
        return np.array([None if cell in MISSING else cell for cell in cells], dtype=object)
