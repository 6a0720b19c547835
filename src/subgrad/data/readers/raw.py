"""The bytes of a file, unpacked if it is gzipped."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from pathlib import Path

from subgrad.data.free_memory import available, check_room, size_text
from subgrad.errors import FileError
from subgrad.io.atomic import require_regular

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
UNFOLDED = 100  # times the packed size, up to which a file may unfold; texts reach 5 to 30
ALWAYS_UNFOLDED = 64 << 20  # bytes that any packed file may unfold to

_Path = str | os.PathLike[str]


def read_bytes(path: _Path) -> bytes:
    """All bytes of a file; a packed one, by gzip or Zstandard, is known by its first bytes, whatever its name.

    Raises `FileError` if the file cannot be read, is a device or a pipe, which may have no end, is larger than the
    memory that is free, or unfolds to more than 64 MB and a hundred times its size; and if its compressed data are
    cut off or damaged.
    """
    check_file(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    if content.startswith(GZIP_MAGIC):
        return _gunzip(content, path)
    return _unpack_zstd(content, path) if content.startswith(ZSTD_MAGIC) else content


def check_file(path: _Path) -> None:
    """Raise `FileError` unless this is a regular file that fits into memory."""
    require_regular(path)
    check_room(Path(path).stat().st_size, f"{path}")


def _gunzip(content: bytes, path: _Path) -> bytes:
    most, parts = _most(len(content)), [b""]
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while parts[-1] or len(parts) == 1:
                parts.append(file.read(1 << 20))
                if (len(parts) - 1) << 20 > most:
                    raise _too_large(path, len(content))
    except EOFError as error:
        raise FileError(f"{path} is cut off: its gzip data end too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} is damaged: {error}") from error
    return b"".join(parts)


def _unpack_zstd(content: bytes, path: _Path) -> bytes:
    """Through polars, line by line: the standard library has Zstandard from Python 3.14 on."""
    import polars as pl

    lines = 100_000
    while True:
        try:
            found = pl.read_lines(io.BytesIO(content), n_rows=lines)["line"]
        except (pl.exceptions.PolarsError, OSError) as error:
            raise FileError(f"{path} is damaged: {error}") from error
        if int(found.str.len_bytes().sum() or 0) + len(found) > _most(len(content)):
            raise _too_large(path, len(content))
        if len(found) < lines:
            return "\n".join(found).encode()
        lines *= 8


def _most(packed: int) -> int:
    return min(max(UNFOLDED * packed, ALWAYS_UNFOLDED), available())


def _too_large(path: _Path, packed: int) -> FileError:
    return FileError(
        f"{path} of {size_text(packed)} unfolds to more than {size_text(_most(packed))}; "
        "if that is meant, unpack it first"
    )
