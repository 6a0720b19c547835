"""Tables from CSV files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence

import numpy as np

from subgrad.data.column_names import unique_names
from subgrad.data.formats.dates import decide_dates
from subgrad.data.formats.words import stands_for_none
from subgrad.data.free_memory import check_room
from subgrad.data.lazy_polars import pl
from subgrad.data.readers.csv_dialect import Layout, decode, is_numeric, layout_of, records
from subgrad.data.readers.raw import read_bytes
from subgrad.data.table import Table
from subgrad.errors import FileError

MOST_COLUMNS = 100_000
_CELL = 40  # bytes that a value takes while it is read, about
_CHUNK = 1 << 24
DATE = "date"  # what a column of dates is called that has no name

_Path = str | os.PathLike[str]


def read_csv(path: _Path) -> Table:
    """The table in a CSV file, gzipped, packed by Zstandard, or plain.

    The rules: the first line names the columns. Values are parted by commas, semicolons, tabs, ``|`` or spaces,
    whichever parts the lines into most columns. Values may be in double quotes, and may then hold delimiters and line
    breaks. White space around a value does not count, lines without values neither. Lines above the header that hold
    one value only are a title, lines that begin with ``#`` are comments if the first one does, and a row of units
    below the header is left out. The file is UTF-8 or UTF-16, else it is read as Windows-1252. A first column without
    a name holds row labels (pandas and R write them) and is left out, unless they are dates; other repeated or empty
    names get a number. What a user should know of this stands in ``notes`` of the table.

    What the values of a column are, numbers, dates, truth values or text, and how they are written, is decided by the
    whole column: see `Table`.

    Raises `FileError` for a file that cannot be read, has no header or no rows, has a row of another length, a quote
    that never closes, more than 100,000 columns, or more values than there is memory for; the message has the line
    number.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "planets.csv")
    ...     _ = file.write_text("name;moons;rings\\nMars;2;no\\nVenus;;no\\nSaturn;274;yes\\n")
    ...     table = read_csv(file)
    >>> table
    Table(3 rows; name: text, moons: number, rings: truth)
    >>> table["moons"]
    array([  2.,  nan, 274.])
    """
    text, notes = decode(read_bytes(path), path)
    layout = layout_of(text, path)
    check_header(layout.names, path)
    return table_of_texts(frame_of_rows(text, layout, path), layout, path, notes)


def table_of_texts(
    frame: pl.DataFrame, layout: Layout, path: _Path, notes: Sequence[str] = (),
    numbers: Mapping[int, pl.Series] | None = None,
) -> Table:  # fmt: skip
    """The table of the texts below a header, with one more column for values beyond those it names. Columns that are
    ``numbers`` anyway come by their places.

    Rows without any value at the end, as spreadsheets leave them, do not count.
    """
    filled = np.flatnonzero(~frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy())
    frame = frame.head(filled[-1] + 1 if len(filled) else 0)
    if not frame.height:
        raise FileError(f"{path} has a header but no rows")
    frame, units = without_units(frame)  # a column of numbers has none
    names, renamed = names_of_columns(frame, layout)
    own = {i: column.head(frame.height) for i, column in (numbers or {}).items()}
    columns = {name: own.get(i, frame.to_series(i)) for i, name in enumerate(names) if name}
    return Table(columns, [*notes, *layout.notes, *units, *renamed], semicolons=layout.delimiter == ";")


def names_of_columns(frame: pl.DataFrame, layout: Layout) -> tuple[list[str], list[str]]:
    """The names of the columns of what `frame_of_rows` gives, and what is to be said of them: see `unique_names`.

    A first column without a name is called "date" if it holds dates, as the index of a series does.
    """
    labelled = frame.to_series(-1).null_count() < frame.height  # R's header has no name for the labels of its rows
    given = ["", *layout.names] if labelled else layout.names
    filled = [column.null_count() < frame.height for column in frame.get_columns()]
    if given[0] or decide_dates(frame.to_series(0)) is None:
        return unique_names(given, filled)
    names, notes = unique_names([DATE, *given[1:]], filled)
    return names, [*notes, f"The first column has no name and holds dates: it is called '{names[0]}'."]


def check_header(names: list[str], path: _Path) -> None:
    """Raise `FileError` for a header that is none, or too long."""
    if len(names) > MOST_COLUMNS:
        raise FileError(f"{path} has {len(names):,} columns; at most {MOST_COLUMNS:,} are read")
    if not all(is_numeric(name) for name in names if name) or not any(names):
        return
    example = [f"x{i}" for i in range(1, len(names))] + ["y"]
    raise FileError(
        f"{path} has no header: its first line is all numbers, {_abridged(names)}; "
        f"add a line above it that names the columns, such as {_abridged(example)}"
    )


def _abridged(names: list[str]) -> str:
    return ",".join(names if len(names) <= 4 else [*names[:2], "...", names[-1]])


def frame_of_rows(text: str, layout: Layout, path: _Path) -> pl.DataFrame:
    """The rows below the header: texts, in a column for each name and one more for values beyond them."""
    body = _below(text, layout.lines)
    content = body.encode()
    if _is_plain(content, layout):
        check_room(content.count(b"\n") * len(layout.names) * _CELL + 3 * len(content), f"the table in {path}")
        if (found := _by_polars(content, layout)) is not None:
            return found
    return _by_records(body, layout, path)


def _below(text: str, lines: int) -> str:
    """The text after so many lines, whose ends are ``\\n``, ``\\r\\n`` or ``\\r``."""
    start = 0
    for _ in range(lines):
        ends = [end for mark in "\r\n" if (end := text.find(mark, start)) >= 0]
        if not ends:
            return ""
        start = min(ends) + (2 if text.startswith("\r\n", min(ends)) else 1)
    return text[start:]


def _is_plain(content: bytes, layout: Layout) -> bool:
    """Whether polars reads the text as Python's csv module does: quotes and line ends are as RFC 4180 has them."""
    if len(layout.names) == 1 or layout.delimiter == " " or content.count(b"\r") != content.count(b"\r\n"):
        return False
    mark = re.escape(layout.delimiter.encode())
    odd = b'(?:^|%b) +"|[^%b\r\n"]"[^%b\r\n"]' % (mark, mark, mark)  # after a space, or within a value
    return b'"' not in content or not re.search(odd, content, re.MULTILINE)


def _by_polars(content: bytes, layout: Layout) -> pl.DataFrame | None:
    """None if polars does not take the text, or a row has another length than the header."""
    width = len(layout.names) + 1
    blank = _blank_records(content, layout)
    if blank is None or (len(blank) and layout.comments):
        return None
    header = layout.delimiter.join(map(str, range(width))).encode() + b"\n"
    try:
        frame = pl.read_csv(
            header + content, separator=layout.delimiter, infer_schema=False, truncate_ragged_lines=True,
            comment_prefix="#" if layout.comments else None,
        )  # fmt: skip
    except pl.exceptions.PolarsError:
        return None
    frame = frame.select(pl.all().str.strip_chars().replace("", None))
    if len(blank):
        frame = frame[np.setdiff1d(np.arange(frame.height), blank)]
    beyond = frame.height - frame.to_series(-1).null_count()
    return frame if beyond == 0 or 1 < beyond == frame.height else None


def _blank_records(content: bytes, layout: Layout) -> np.ndarray | None:
    """The places of blank lines; None if another record than they and comments is shorter or longer than the header.

    One more value than the header names is left for later.
    """
    ends, marks = _records_of(content, layout.delimiter)
    widths = np.diff(marks, prepend=0) + 1
    width = len(layout.names)
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = []
    for i in np.flatnonzero((widths != width) & (widths != width + 1)):
        record = content[starts[i] : ends[i]].strip()
        if not record:
            blank.append(i)
        elif not (layout.comments and record.startswith(b"#")):
            return None
    return np.array(blank, np.int64)


def _records_of(content: bytes, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """Where each record ends, and how many delimiters stand before that; those within quotes are none."""
    data, quoted = np.frombuffer(content, np.uint8), b'"' in content
    within, before = False, 0
    ends, marks = [], []
    for start in range(0, len(data), _CHUNK):
        part = data[start : start + _CHUNK]
        breaks, delimiters = part == ord("\n"), part == ord(delimiter)
        if quoted:
            inside = np.logical_xor.accumulate(part == ord('"')) ^ within
            within = bool(inside[-1])
            breaks, delimiters = breaks & ~inside, delimiters & ~inside
        here = np.flatnonzero(breaks)
        counts = np.cumsum(delimiters, dtype=np.int64)
        ends.append(here + start)
        marks.append(counts[here] + before)
        before += int(counts[-1])
    if not content.endswith(b"\n"):
        ends.append(np.array([len(data)]))
        marks.append(np.array([before]))
    return np.concatenate(ends), np.concatenate(marks)


def _by_records(body: str, layout: Layout, path: _Path) -> pl.DataFrame:
    """The same through Python's csv module, which is slow, more patient with quotes, and knows its line."""
    width, rows, long = len(layout.names), [], []
    try:
        for below, record in records(body, layout.delimiter, layout.comments):
            line = layout.lines + below
            cells = [cell.strip() or None for cell in record] + [None] * (width + 1 - len(record))
            if len(cells) > width + 1 or len(record) < width:
                raise _other_length(path, line, len(record), width)
            if cells[-1]:
                long.append(line)
            rows.append(cells)
    except csv.Error as error:
        raise FileError(f"{path}, line {layout.lines + error.args[0]}: {error.args[1]}") from None
    if long and (len(long) < len(rows) or (len(rows) == 1 and not _is_label(body, rows[0][0]))):
        raise _other_length(path, long[0], width + 1, width)
    return pl.DataFrame(rows, {str(i): pl.String for i in range(width + 1)}, orient="row")


def _is_label(body: str, first: str | None) -> bool:
    """Whether the only row of a table begins with a label of it, as R writes them, and not with a value too many."""
    return first is not None and (first == "1" or not is_numeric(first) or body.lstrip().startswith('"'))


def _other_length(path: _Path, line: int, found: int, width: int) -> FileError:
    return FileError(f"{path}, line {line}: {found} values, the header names {width} columns")


def first_row_ends(text: str, layout: Layout) -> int:
    """How many lines there are up to the end of the first row."""
    below = records(_below(text, layout.lines), layout.delimiter, layout.comments)
    return layout.lines + next(below)[0]


def without_units(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Without a first row that holds units: two texts or more, those above columns of numbers, none of which stands for
    no value or comes again in its column, as the odd one among codes does."""
    if frame.height < 3 or frame.width - sum(frame.head(1).null_count().row(0)) < 2:
        return frame, []
    first, below = frame.row(0), frame.slice(1, 20)
    numeric = [all(cell is None or is_numeric(cell) for cell in column) and column.null_count() < column.len()
               for column in below.get_columns()]  # fmt: skip
    cells = [cell for cell, number in zip(first, numeric, strict=True) if number and cell is not None]
    if not cells or any(is_numeric(cell) or stands_for_none(cell) for cell in first if cell):
        return frame, []
    if 2 * len(cells) < sum(numeric):
        return frame, []
    if any(number and cell is not None and (column.slice(1) == cell).any()
           for cell, number, column in zip(first, numeric, frame.get_columns(), strict=True)):  # fmt: skip
        return frame, []
    listed = ", ".join(cells[:3]) + (", ..." if len(cells) > 3 else "")
    return frame.slice(1), [f"The row below the header holds units ({listed}) and was left out."]
