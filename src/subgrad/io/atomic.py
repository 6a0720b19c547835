"""Files that are there whole or not at all: everything that this package writes goes through here."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from subgrad.errors import ArgumentError, FileError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` under a temporary name beside ``path``, flush it to the disk, and rename it.

    A process killed at any moment leaves the old file or the new one; a full disk or Ctrl-C leaves the old one and
    nothing beside it. Links are followed. Raises `FileError` if the file cannot be written, or if there is something
    that is no file: a folder, a pipe, a device.
    """
    target = _target(path)
    with _temporary(target) as (temporary, handle):
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o777)
        os.replace(temporary, target)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Raise the `FileError` that `write_atomically` would, as far as that can be known before there is anything."""
    target = _target(path)
    with _temporary(target) as (temporary, handle):
        os.close(handle)
        os.unlink(temporary)


def require_regular(path: str | os.PathLike[str]) -> None:
    """Raise `FileError` unless this can be read to its end: a file that is there, no folder, pipe or device."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(f"a file is read from a path, got {path!r}")
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(mode):
        endless = "a device or a pipe, which may have no end; copy it to a file first"
        raise FileError(f"cannot read {path}: it is {'a folder' if stat.S_ISDIR(mode) else endless}")


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that ``path`` means, links followed; `FileError` if it is there and cannot be replaced."""
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(f"a file is written to a path, got {path!r}")
    try:
        target = Path(os.path.realpath(path))
        mode = os.stat(target).st_mode if os.path.lexists(target) else stat.S_IFREG
    except (OSError, ValueError) as error:
        raise FileError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(mode):
        raise FileError(f"cannot write {path}: it is {_KINDS.get(stat.S_IFMT(mode), 'no regular file')}")
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise FileError(f"cannot write {path}: it may only be read")
    return target


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside ``target``, open for writing; nothing is left of it after an error."""
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        yield temporary, os.open(temporary, flags, 0o666)  # the system takes off what the umask says
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise FileError(f"cannot write {target}: {error.strerror}") from None
        raise
