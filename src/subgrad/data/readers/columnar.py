"""Tables from files whose columns have types: Parquet, Arrow IPC, NDJSON, and from spreadsheets."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from subgrad.data.column_names import unique_names
from subgrad.data.free_memory import check_room
from subgrad.data.lazy_polars import any_time_zone, pl
from subgrad.data.readers.csv import DATE, check_header, table_of_texts
from subgrad.data.readers.csv_dialect import Layout, titles_above
from subgrad.data.readers.raw import check_file, read_bytes
from subgrad.data.table import Table, usable
from subgrad.errors import FileError, missing_extra

_Path = str | os.PathLike[str]
MOST_COLUMNS = 100_000
_CELL = 16  # bytes that a value takes at least


def read_parquet(path: _Path) -> Table:
    """The table in a Parquet file.

    Nulls are missing values. A pandas index that was stored along is left out, unless it holds dates, like the row
    labels of a CSV file; so are columns of lists, structures or bytes that are no text, as ``notes`` of the table says.

    Raises `FileError` if the file cannot be read, or is larger than memory.
    """
    check_file(path)
    with _errors(path, "Parquet"), any_time_zone():
        scan = pl.scan_parquet(Path(path), glob=False, hive_partitioning=False)
        width = len(scan.collect_schema())
        _check_size(scan.select(pl.len()).collect().item(), width, path)
        return _table(scan.collect(), path)


def read_arrow(path: _Path) -> Table:
    """The table in an Arrow IPC file, also called Feather; see `read_parquet`."""
    check_file(path)
    with _errors(path, "Arrow IPC"), any_time_zone():
        try:
            return _table(pl.scan_ipc(Path(path), glob=False, hive_partitioning=False).collect(), path)
        except pl.exceptions.ComputeError:  # a stream has no footer
            return _table(pl.read_ipc_stream(Path(path)), path)


def read_ndjson(path: _Path) -> Table:
    """The table in a file of JSON objects, one a line, gzipped or not; see `read_parquet`."""
    content = read_bytes(path).removeprefix(codecs.BOM_UTF8)
    with _errors(path, "NDJSON"):
        return _table(pl.read_ndjson(content, infer_schema_length=None), path)


def read_excel(path: _Path) -> Table:
    """The table in the first sheet of a workbook; needs fastexcel, which ``pip install 'subgrad[excel]'`` brings.

    What `read_csv` says of headers, titles above them, and units below them holds here as well. Cells that hold numbers
    are numbers, however the texts of other files write theirs. Raises
    `MissingExtraError` without fastexcel, `FileError` if the file cannot be read or has no rows.
    """
    check_file(path)
    try:
        import fastexcel
    except ImportError as error:
        raise missing_extra("fastexcel", "excel", "reading Excel files") from error
    try:
        book = fastexcel.read_excel(str(path))
        frame = book.load_sheet(0, header_row=None, skip_rows=0, dtypes="string").to_polars()
    except (fastexcel.FastExcelError, OSError) as error:
        raise FileError(f"cannot read {path} as an Excel file: {_first_line(error)}") from error
    frame = frame.select(pl.all().cast(pl.String).str.strip_chars().replace("", None))
    filled = np.flatnonzero(~frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy())
    frame = frame.with_columns(pl.lit(None, pl.String).alias(" "))[filled]
    if not frame.height:
        raise FileError(f"{path} is empty; expected a first row with the names of the columns")
    titles = titles_above([[cell or "" for cell in row[:-1]] for row in frame.head(100).rows()])
    names = [name or "" for name in frame.row(titles)[:-1]]
    check_header(names, path)
    notes = [f"{titles} rows above the header were left out."] if titles else []
    texts, below = frame.slice(titles + 1), filled[titles] + 1
    numbers = _numbers(book, texts, below, filled[titles + 1 :] - below)
    return table_of_texts(texts, Layout("", names, 0), path, notes, numbers)


def _numbers(book: Any, texts: pl.DataFrame, below: int, rows: np.ndarray) -> dict[int, pl.Series]:
    """The columns whose cells hold numbers, by their places: of ``rows`` of the sheet, counted from ``below`` on."""
    known = texts.null_count().row(0)
    numeric = texts.select(pl.all().cast(pl.Float64, strict=False).null_count()).row(0)
    places = [i for i, none in enumerate(known) if none == numeric[i] < texts.height]
    if not places:
        return {}
    sheet = book.load_sheet(0, header_row=None, skip_rows=int(below), use_columns=places, schema_sample_rows=None)
    cells = sheet.to_polars()[rows]
    return {i: cell for i, cell in zip(places, cells.get_columns(), strict=True) if cell.dtype.is_numeric()}


class _errors:
    """Inside, what polars raises becomes a `FileError`."""

    def __init__(self, path: _Path, format: str) -> None:
        self._what = f"{path} as {format}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, FileError):
            return
        if isinstance(error, (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)):
            raise FileError(f"cannot read {self._what}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]


def names_in(schema: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """What columns with types are called, by their names in the file, and a sentence for each kind of change.

    Row labels are not there: an index of pandas, or a first column without a name. One of dates is called "date".
    """
    labels = {own for own in schema if not own.strip() or re.fullmatch(r"__index_level_\d+__", own)}
    dates = [own for own in labels if schema[own].base_type() in (pl.Date, pl.Datetime)]
    used = [own for own in schema if own in dates or own not in labels or not own.strip()]
    given = [DATE if own in dates else own.strip() for own in used]
    names, notes = unique_names(given, [True] * len(used))
    found = {own: name for own, name in zip(used, names, strict=True) if name}
    return found, [*notes, *(f"The index holds dates: it is called '{found[own]}'." for own in dates)]


def _check_size(rows: int, width: int, path: _Path) -> None:
    if width > MOST_COLUMNS:
        raise FileError(f"{path} has {width:,} columns; at most {MOST_COLUMNS:,} are read")
    check_room(rows * width * _CELL, f"the table in {path}, {rows:,} rows and {width:,} columns,")


def _table(frame: pl.DataFrame, path: _Path) -> Table:
    _check_size(frame.height, frame.width, path)
    if not frame.height:
        raise FileError(f"{path} has no rows")
    names, notes = names_in(frame.schema)
    columns, left_out = usable({name: frame[own] for own, name in names.items()})
    return Table(columns, [*notes, *left_out])
