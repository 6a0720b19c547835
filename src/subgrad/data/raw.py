"""The bytes of a file, unpacked if it is gzipped."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from subgrad.errors import FileError

GZIP_MAGIC = b"\x1f\x8b"


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """All bytes of a file; a gzipped one is known by its first two bytes, whatever its name.

    Raises `FileError` if the file cannot be read, or if its compressed data are cut off or damaged.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    return _gunzip(content, path) if content.startswith(GZIP_MAGIC) else content


def _gunzip(content: bytes, path: str | os.PathLike[str]) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise FileError(f"{path} is cut off: its gzip data end too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} is damaged: {error}") from error
