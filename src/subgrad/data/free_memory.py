"""How much memory there is for data: what needs more is refused before it is taken."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from subgrad.errors import FileError

_UNKNOWN = 4 << 30  # where the system does not say


def available() -> int:
    """Bytes that may be taken now: what the system calls available, within the limit of a container."""
    found = [_UNKNOWN]
    with suppress(OSError, ValueError, AttributeError):
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2]
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = [1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])]
    with suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        found.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return min(found)


def check_room(needed: int, what: str) -> None:
    """Raise `FileError` if so many bytes are more than there is room for."""
    if needed > (room := available()):
        raise FileError(f"{what} takes about {size_text(needed)} of memory; {size_text(room)} are free")


def size_text(size: int) -> str:
    """A number of bytes for people.

    >>> size_text(437_000), size_text(3 << 30)
    ('437 kB', '3.22 GB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}" if size < 100 * unit else f"{size // unit:,} {name}"
    return f"{size} bytes"
