"""Tables from Parquet files."""

from __future__ import annotations

import os
from typing import Any

from subgrad.data.table import Table, check_unique
from subgrad.errors import FileError, missing_extra


def read_parquet(path: str | os.PathLike[str]) -> Table:
    """The table in a Parquet file; needs pyarrow, which ``pip install 'subgrad[parquet]'`` brings.

    Nulls are missing values. A pandas index that was stored along is left out, like the row labels of a CSV
    file.

    Raises `MissingExtraError` without pyarrow, `FileError` if the file cannot be read, and `DataError` for
    columns of lists or structures.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_extra("pyarrow", "parquet", "reading Parquet files") from error
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        check_unique(table.column_names, path)
        names = [name for name in table.column_names if not name.startswith("__index_level_")]
        return Table({name: _decoded(table[name]).to_numpy() for name in names})
    except (OSError, pa.ArrowException) as error:
        raise FileError(f"cannot read {path} as Parquet: {error}") from error


def _decoded(column: Any) -> Any:
    """Values in place of codes into a dictionary: ``to_numpy`` would give a null code one of the values."""
    is_coded = hasattr(column.type, "index_type")
    return column.cast(column.type.value_type) if is_coded else column
