"""Tables from NumPy's NPZ archives."""

from __future__ import annotations

import io
import os
import zipfile
import zlib

import numpy as np

from subgrad.data.raw import read_bytes
from subgrad.data.table import Table, check_unique
from subgrad.errors import FileError


def read_npz(path: str | os.PathLike[str]) -> Table:
    """The table in an NPZ archive.

    A one-dimensional array (n,) becomes the column of its name. An array of more dimensions (n, ...) becomes
    one column for each of its values in a row: ``X`` (n, 3) gives ``X0, X1, X2``, and images (n, 8, 8) give
    64 columns.

    Raises `FileError` if the file cannot be read, is no NPZ archive, or holds Python objects, which only
    unpickling could read and which subgrad never unpickles; `DataError` if the arrays differ in length.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "xor.npz")
    ...     np.savez(file, X=[[-1, -1], [-1, 1], [1, -1], [1, 1]], y=[-1, 1, 1, -1])
    ...     read_npz(file)
    Table(4 rows; X0: number, X1: number, y: number)
    """
    arrays = _load(io.BytesIO(read_bytes(path)), path)
    columns = [column for name, array in arrays.items() for column in _columns(name, array, path)]
    check_unique((name for name, _ in columns), path)
    return Table(dict(columns))


def _load(stream: io.BytesIO, path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(stream):
        raise FileError(f"{path} is not an NPZ archive")
    stream.seek(0)
    try:
        with np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise FileError(f"{path} is not an NPZ archive of plain arrays: {error}") from error


def _columns(name: str, array: np.ndarray, path: str | os.PathLike[str]) -> list[tuple[str, np.ndarray]]:
    if array.ndim == 0:
        raise FileError(f"{path}: '{name}' is a single value; expected arrays with one row for each example")
    if array.ndim == 1:
        return [(name, array)]
    flat = array.reshape(len(array), -1)
    return [(f"{name}{i}", flat[:, i]) for i in range(flat.shape[1])]
