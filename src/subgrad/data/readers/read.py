"""Tables from files of any format that subgrad reads."""

from __future__ import annotations

import os
from pathlib import Path

from subgrad.data.readers.columnar import read_arrow, read_excel, read_ndjson, read_parquet
from subgrad.data.readers.csv import read_csv
from subgrad.data.readers.npz import read_npz
from subgrad.data.table import Table
from subgrad.errors import FileError

_READERS = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_csv,
    ".npz": read_npz,
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".ipc": read_arrow,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
    ".xlsx": read_excel,
    ".xls": read_excel,
    ".ods": read_excel,
}
_PACKED = (".gz", ".zst")


def holds_csv(path: str | os.PathLike[str]) -> bool:
    """Whether the name of a file is one of commas between values, or says nothing of its format.

    >>> [holds_csv(name) for name in ("a.csv", "answers", "a.tsv", "a.csv.gz", "a.xlsx")]
    [True, True, False, False, False]
    """
    suffix = Path(path).suffix.lower()
    return suffix in (".csv", ".txt") or suffix not in (*_READERS, *_PACKED)


def read_table(path: str | os.PathLike[str]) -> Table:
    """The table in a file, whose format the end of its name tells.

    CSV, TSV or other text (.csv, .tsv, .txt) and JSON lines (.ndjson, .jsonl), all also packed (.gz, .zst); NPZ,
    Parquet (.parquet, .pq), Arrow (.arrow, .feather, .ipc) and Excel (.xlsx, .xls, .ods).

    Raises what the format's reader raises, and `FileError` for any other ending.

    >>> read_table("table.docx")
    Traceback (most recent call last):
    ...
    subgrad.errors.FileError: table.docx: cannot tell its format from its name;
    supported are .csv, .tsv, .txt, .npz, .parquet, .pq, .arrow, .feather, .ipc, .ndjson, .jsonl, .xlsx, .xls, .ods
    """
    name = Path(path).name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    if reader := _READERS.get(Path(name).suffix):
        return reader(path)
    raise FileError(f"{path}: cannot tell its format from its name; supported are {', '.join(_READERS)}")
