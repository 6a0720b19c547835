"""Machine code on disk, so that the second process that runs a program does not compile it.

An entry is a file of its own: a magic number, the key, the payload's length and SHA-256, and the payload. Whatever does
not match is treated as absent and is overwritten: nothing damaged or foreign is ever run. Files appear by a rename, so
that processes can share the folder without locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

LIMIT = 256 * 2**20  # bytes that the folder may hold
_MAGIC = b"subgrad object 1"
_HEADER = struct.Struct("<16s32sQ32s")  # magic, key, length, SHA-256 of the payload
_SUFFIX = ".object"


@dataclass(frozen=True, slots=True)
class ObjectCache:
    """A folder of object code, or no cache at all where ``folder`` is None or cannot be written.

    When the files exceed ``limit`` bytes, those that were not used for the longest time go first.

    >>> ObjectCache(None).get(key("ir", "cpu")) is None
    True
    """

    folder: Path | None
    limit: int = LIMIT

    def get(self, key: bytes) -> bytes | None:
        """The payload stored under the key, or None where there is no sound one."""
        if self.folder is None:
            return None
        path = self._path(key)
        try:
            payload = _unwrap(path.read_bytes(), key)
            if payload is not None:
                os.utime(path)
        except OSError:
            return None
        return payload

    def put(self, key: bytes, payload: bytes) -> None:
        """Store the payload, if the folder can be written."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._path(key), _wrap(key, payload))
            self._evict()

    def _path(self, key: bytes) -> Path:
        assert self.folder is not None
        return self.folder / (key.hex() + _SUFFIX)

    def _evict(self) -> None:
        files = sorted(self._files(), key=lambda file: file[1])
        excess = sum(size for _, _, size in files) - self.limit
        for path, _, size in files:
            if excess <= 0:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            excess -= size

    def _files(self) -> list[tuple[Path, int, int]]:
        """Path, time of last use and size; files that another process removes meanwhile are left out."""
        assert self.folder is not None
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((path, status.st_mtime_ns, status.st_size))
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


def _wrap(key: bytes, payload: bytes) -> bytes:
    return _HEADER.pack(_MAGIC, key, len(payload), hashlib.sha256(payload).digest()) + payload


def _unwrap(entry: bytes, key: bytes) -> bytes | None:
    payload = entry[_HEADER.size :]
    return payload if entry == _wrap(key, payload) else None


def _write(path: Path, data: bytes) -> None:
    """All or nothing: write beside the target, then rename."""
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
