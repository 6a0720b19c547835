"""Tables from NumPy's NPZ archives."""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from subgrad.data.column_names import listed
from subgrad.data.free_memory import check_room
from subgrad.data.readers.raw import read_bytes
from subgrad.data.table import Table, check_unique, usable
from subgrad.errors import FileError

MOST_COLUMNS = 100_000

_TRAIN = ("training", "train")
_TEST = ("test", "testing", "t10k", "val", "valid", "validation", "dev", "eval")

_Path = str | os.PathLike[str]


def read_npz(path: _Path) -> Table:
    """The table in an NPZ archive.

    A one-dimensional array (n,), or a column (n, 1), becomes the column of its name. A larger array (n, ...) becomes
    one column for each of its values in a row: ``X`` (n, 3) gives ``X0, X1, X2``, and images (n, 8, 8) give 64 columns.
    Arrays that are called as others but for "test" or "val" in the place of "train", as ``x_test`` beside ``x_train``,
    are left out, as ``notes`` of the table says, and so are single values and texts of another length.

    Raises `FileError` if the file cannot be read, is no NPZ archive, unfolds to more than there is memory for, gives
    more than 100,000 columns, or holds Python objects, which only unpickling could read and which subgrad never
    unpickles; `DataError` if the arrays differ in length.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "xor.npz")
    ...     np.savez(file, X=[[-1, -1], [-1, 1], [1, -1], [1, 1]], y=[-1, 1, 1, -1])
    ...     read_npz(file)
    Table(4 rows; X0: number, X1: number, y: number)
    """
    arrays, notes = _without_others(_load(io.BytesIO(read_bytes(path)), path))
    arrays, tests = _without_tests(arrays)
    notes = [*notes, *tests]
    columns = [column for name, array in arrays.items() for column in _columns(name, array, path)]
    if len(columns) > MOST_COLUMNS:
        raise FileError(f"{path} has {len(columns):,} columns; at most {MOST_COLUMNS:,} are read")
    check_unique((name for name, _ in columns), path)
    found, left_out = usable(dict(columns))
    return Table(found, [*notes, *left_out])


def _load(stream: io.BytesIO, path: _Path) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(stream):
        raise FileError(f"{path} is not an NPZ archive")
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(member.file_size for member in archive.infolist())
            for member in archive.infolist():
                _check_length(archive, member)
        check_room(3 * size, f"{path}, unfolded,")  # a zip file does not give more than its directory says
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileError:
        raise
    except (ValueError, EOFError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile, MemoryError) as error:
        raise FileError(f"{path} is not an NPZ archive of plain arrays: {error}") from error


def _check_length(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """`ValueError` if an array says that it is longer than what there is: room for it would be made before."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file) if member.filename.endswith(".npy") else None
        if version not in readers:
            return
        shape, _, dtype = readers[version](file)
        if not dtype.hasobject and math.prod(shape) * dtype.itemsize > member.file_size:  # NumPy refuses objects
            raise ValueError(f"'{member.filename}' ends before the {shape} elements that it says it has")


def _without_others(arrays: Mapping[str, np.ndarray]) -> tuple[Mapping[str, np.ndarray], list[str]]:
    """Without single values and texts of another length, such as names of features, beside arrays that have rows."""
    rows = {len(array) for array in arrays.values() if array.ndim and array.dtype.kind not in "SU"}
    others = [name for name, a in arrays.items() if not a.ndim or (a.dtype.kind in "SU" and len(a) not in rows)]
    if not rows or not others:
        return arrays, []
    kept = {name: array for name, array in arrays.items() if name not in others}
    return kept, [f"The arrays {listed(others)} were left out: they have no value for each row."]


def _without_tests(arrays: Mapping[str, np.ndarray]) -> tuple[Mapping[str, np.ndarray], list[str]]:
    """Without the arrays to test on, of which each is called as one to train on: the two differ in length."""
    names = {name.lower(): name for name in arrays}
    wanted = {lower.replace(train, test) for lower in names for train in _TRAIN if train in lower for test in _TEST}
    tests = [name for lower, name in names.items() if lower in wanted]
    kept = {name: array for name, array in arrays.items() if name not in tests}
    return kept, [f"The arrays {listed(tests)} were left out: others are to train on."] if tests else []


def _columns(name: str, array: np.ndarray, path: _Path) -> list[tuple[str, np.ndarray]]:
    if array.ndim == 0:
        raise FileError(f"{path}: '{name}' is a single value; expected arrays with one row for each example")
    if not len(array):
        raise FileError(f"{path} has no rows: '{name}' has the shape {array.shape}")
    flat = array.reshape(len(array), -1)
    if flat.shape[1] == 1:
        return [(name, flat[:, 0])]
    return [(f"{name}{i}", column) for i, column in enumerate(flat.T)]
