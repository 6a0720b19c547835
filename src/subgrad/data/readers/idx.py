"""IDX, the file format of MNIST and its successors."""

from __future__ import annotations

import math
import os
import struct

import numpy as np

from subgrad.data.readers.raw import GZIP_MAGIC, read_bytes
from subgrad.errors import ArgumentError, FileError
from subgrad.io.atomic import require_regular

HEADER = 4 + 4 * 255  # bytes of a header, at most
_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str], mmap_mode: str | None = None) -> np.ndarray:
    """The array in an IDX file, gzipped or not, in the machine's byte order.

    With ``mmap_mode="r"`` the file is mapped into memory and not read, as by ``numpy.load``: `subgrad.fit` then trains
    on more than memory holds. A gzipped file cannot be mapped, nor one of values of several bytes on a machine that
    has their bytes in another order.

    The format (Y. LeCun, http://yann.lecun.com/exdb/mnist) is two zero bytes, a byte for the dtype (uint8,
    int8, int16, int32, float32 or float64), a byte for the number of dimensions, the sizes as big-endian
    uint32, then the values, big-endian, the last index fastest.

    Raises `FileError` if the file cannot be read, is not IDX, cannot be mapped, or holds more or fewer bytes than its
    header says; `ArgumentError` for another ``mmap_mode``.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "labels.idx")
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(file)
    array([7, 2, 1], dtype=uint8)
    """
    if mmap_mode not in (None, "r"):
        raise ArgumentError(f'mmap_mode is None or "r", got {mmap_mode!r}')
    content = read_bytes(path) if mmap_mode is None else _mapped(path)
    dtype, shape = _read_header(bytes(content[:HEADER]), path)
    start = 4 + 4 * len(shape)
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        state = "cut off" if found < expected else "too long"
        raise FileError(
            f"{path} is {state}: {dtype.name} values of shape {shape} take {expected} bytes, it has {found}"
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    if mmap_mode is None:
        return values.astype(dtype.newbyteorder("="))
    if not dtype.isnative:
        raise FileError(f"{path} holds {dtype.name} with their bytes in another order: it cannot be mapped")
    return values


def _mapped(path: str | os.PathLike[str]) -> np.ndarray:
    require_regular(path)
    try:
        content = np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise FileError(f"cannot map {path}: {error}") from error
    if bytes(content[:2]) == GZIP_MAGIC:
        raise FileError(f"{path} is gzipped and cannot be mapped: unpack it first")
    return content


def _read_header(content: bytes, path: str | os.PathLike[str]) -> tuple[np.dtype, tuple[int, ...]]:
    if len(content) < 4:
        raise FileError(f"{path} is cut off: an IDX file starts with 4 bytes, it has {len(content)}")
    if content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise FileError(
            f"{path} is not an IDX file: its first four bytes are {content[:4].hex(' ')}, expected 00 00, "
            f"a dtype out of {bytes(_DTYPES).hex(' ')}, and the number of dimensions"
        )
    dimensions = content[3]
    if len(content) < 4 + 4 * dimensions:
        raise FileError(f"{path} is cut off: it ends before the sizes of its {dimensions} dimensions")
    return np.dtype(_DTYPES[content[2]]), struct.unpack_from(f">{dimensions}I", content, 4)
