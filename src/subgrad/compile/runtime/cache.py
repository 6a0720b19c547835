"""Machine code on disk, so that the second process that runs a program does not compile it.

An entry is a file of its own: a magic number, the key, the payload's length, an HMAC-SHA256 of all of it, and the
payload. The HMAC's secret lies in a file that only the user can read. Whatever does not match is treated as absent and
is overwritten: nothing damaged or foreign is ever run. A folder in which other users can write is not used, and a
warning says so. Files appear by a rename, so that processes can share the folder without locks.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import os
import struct
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from subgrad.compile.runtime import ownership

LIMIT = 256 * 2**20  # bytes that the folder may hold
FILES = 4000  # that the folder may hold: a look at all of them takes some 20 ms
_KEPT = 7 / 8  # of what it may hold, once it held more: so it is seldom looked at
_MAGIC = b"subgrad object 4"
_HEADER = struct.Struct("<16s32sQ")  # magic, key, length of the payload
_SEAL = hashlib.sha256().digest_size  # the HMAC of header and payload stands between the two
_SUFFIX = ".object"
_SECRET = "secret.key"
_held: dict[Path | None, tuple[int, int]] = {}  # bytes and files when last looked at, and written since


@dataclass(frozen=True, slots=True)
class ObjectCache:
    """A folder of object code, or no cache at all where ``folder`` is None or cannot be written.

    When the files exceed ``limit`` bytes, or are more than `FILES`, those that were not used for the longest time go. A
    process looks at the folder when it first writes, and again when that and its own writes since come to too much.

    >>> ObjectCache(None).get(key("ir", "cpu")) is None
    True
    """

    folder: Path | None
    limit: int = LIMIT

    def get(self, key: bytes) -> bytes | None:
        """The payload stored under the key, or None where there is no sound one."""
        secret = self._secret()
        if secret is None:
            return None
        path = self._path(key)
        entry = ownership.read_own(path, self.limit)
        payload = None if entry is None else _unwrap(entry, key, secret)
        if payload is not None:
            with contextlib.suppress(OSError):
                os.utime(path)
        return payload

    def put(self, key: bytes, payload: bytes) -> None:
        """Store the payload, if the folder can be written by this user and by nobody else."""
        secret = self._secret()
        if secret is None:
            return
        with contextlib.suppress(OSError):
            entry = _wrap(key, payload, secret)
            ownership.write_renamed(self._path(key), entry)
            size, count = _held.get(self.folder, (self.limit, FILES))  # an unknown folder is looked at
            _held[self.folder] = size + len(entry), count + 1
            if self._is_too_much(*_held[self.folder]):
                self._evict()

    def _secret(self) -> bytes | None:
        """What entries are sealed with; None where nothing may be kept."""
        if self.folder is None:
            return None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            exposure = ownership.exposed(self.folder.stat())
            if exposure is None:
                return ownership.secret_key(_place_of_secret(self.folder))
        except OSError:
            return None
        _warn(self.folder, exposure)
        return None

    def _path(self, key: bytes) -> Path:
        assert self.folder is not None
        return self.folder / (key.hex() + _SUFFIX)

    def _evict(self) -> None:
        assert self.folder is not None
        files = sorted(self._files(), key=lambda file: file[1])
        size, count = sum(size for _, _, size in files), len(files)
        if self._is_too_much(size, count):
            for path, _, bytes_of_it in files:
                if size <= _KEPT * self.limit and count <= _KEPT * FILES:
                    break
                with contextlib.suppress(OSError):
                    os.unlink(path)
                size, count = size - bytes_of_it, count - 1
        _held[self.folder] = size, count

    def _is_too_much(self, size: int, count: int) -> bool:
        return size > self.limit or count > FILES

    def _files(self) -> list[tuple[str, int, int]]:
        """Path, time of last use and size; files that another process removes meanwhile are left out."""
        assert self.folder is not None
        found = []
        for file in os.scandir(self.folder):
            if _SUFFIX in file.name:
                with contextlib.suppress(OSError):
                    status = file.stat()
                    found.append((file.path, status.st_mtime_ns, status.st_size))
        return found


def key(*parts: str) -> bytes:
    """A 32-byte name for all that determines a piece of object code."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(struct.pack("<Q", len(data)) + data)
    return digest.digest()


def default_cache() -> ObjectCache:
    """The folder that ``SUBGRAD_CACHE`` names, no cache if it is ``off``, else the system's usual place for caches."""
    chosen = os.environ.get("SUBGRAD_CACHE", "")
    if chosen == "off":
        return ObjectCache(None)
    return ObjectCache(Path(chosen) if chosen else _user_folder())


def _user_folder() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:  # no home directory, as in some containers
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "subgrad" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "subgrad"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "subgrad"


def _place_of_secret(folder: Path) -> Path:
    """Beside the entries, so that a folder that is moved stays of use; in the profile where no mode protects it."""
    return (folder if ownership.POSIX else _user_folder() or folder) / _SECRET


@functools.cache
def _warn(folder: Path, exposure: str) -> None:
    """Once a process."""
    warnings.warn(
        f"compiled code is not kept in {folder}: {exposure}. Make it yours alone (chmod 700), or name another folder "
        f"in SUBGRAD_CACHE",
        stacklevel=2,
    )


def _wrap(key: bytes, payload: bytes, secret: bytes) -> bytes:
    header = _HEADER.pack(_MAGIC, key, len(payload))
    return header + hmac.digest(secret, header + payload, "sha256") + payload


def _unwrap(entry: bytes, key: bytes, secret: bytes) -> bytes | None:
    payload = entry[_HEADER.size + _SEAL :]
    return payload if hmac.compare_digest(entry, _wrap(key, payload, secret)) else None
