"""Tables from files of any format that subgrad reads."""

from __future__ import annotations

import os
from pathlib import Path

from subgrad.data.csv import read_csv
from subgrad.data.npz import read_npz
from subgrad.data.parquet import read_parquet
from subgrad.data.table import Table
from subgrad.errors import FileError

_READERS = {
    ".csv": read_csv,
    ".csv.gz": read_csv,
    ".tsv": read_csv,
    ".tsv.gz": read_csv,
    ".npz": read_npz,
    ".parquet": read_parquet,
}


def read_table(path: str | os.PathLike[str]) -> Table:
    """The table in a CSV, TSV (both also gzipped), NPZ or Parquet file; the end of its name tells which.

    Raises what the format's reader raises, and `FileError` for any other ending.

    >>> read_table("table.xlsx")
    Traceback (most recent call last):
    ...
    subgrad.errors.FileError: table.xlsx: cannot tell its format from its name;
    supported are .csv, .csv.gz, .tsv, .tsv.gz, .npz, .parquet
    """
    name = Path(path).name.lower()
    for suffix, reader in _READERS.items():
        if name.endswith(suffix):
            return reader(path)
    raise FileError(f"{path}: cannot tell its format from its name; supported are {', '.join(_READERS)}")
