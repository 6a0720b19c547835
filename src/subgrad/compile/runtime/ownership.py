"""Whether files could have been written by somebody else: machine code is run only where they could not.

POSIX tells by a file's owner and mode. Windows keeps that in access lists, which Python's standard library does not
read: there the secret key in the user's own profile is what tells.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

POSIX = hasattr(os, "geteuid")
KEY_BYTES = 32
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


def exposed(status: os.stat_result, forbidden: int = _OTHERS_WRITE) -> str | None:
    """How another user could have written what has this status (or done what ``forbidden`` names); None if not.

    >>> import tempfile
    >>> exposed(os.stat(tempfile.mkdtemp())) is None
    True
    """
    if not POSIX:
        return None
    if status.st_uid != os.geteuid():
        return f"it belongs to user {status.st_uid}, and this process runs as user {os.geteuid()}"
    if status.st_mode & forbidden:
        return f"its mode {stat.S_IMODE(status.st_mode):04o} lets other users in"
    return None


def read_own(path: Path, most: int, forbidden: int = _OTHERS_WRITE) -> bytes | None:
    """The content of a regular file of at most ``most`` bytes that only this user can write; else None.

    The file that is checked is the one that is read: it is opened first, and links are not followed.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            sound = stat.S_ISREG(status.st_mode) and status.st_size <= most and not exposed(status, forbidden)
            return file.read(most) if sound else None
    except OSError:
        return None


def secret_key(path: Path) -> bytes:
    """The random key in this file, which only its owner can read; made anew where there is no sound one.

    Of two processes that make it at once the later one wins: what the other has signed until it reads the key again is
    not recognised, and nothing worse.

    Raises:
        OSError: the file cannot be written.
    """
    if (known := _sound_key(path)) is not None:
        return known
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_renamed(path, secrets.token_bytes(KEY_BYTES))
    if (made := _sound_key(path)) is None:
        raise OSError(f"{path} cannot be kept for its owner alone")
    return made


def _sound_key(path: Path) -> bytes | None:
    key = read_own(path, KEY_BYTES, _OTHERS_WRITE | _OTHERS_READ)
    return key if key is not None and len(key) == KEY_BYTES else None


def write_renamed(path: Path, data: bytes) -> None:
    """All or nothing, and readable by the owner alone: write beside the target, then rename."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
