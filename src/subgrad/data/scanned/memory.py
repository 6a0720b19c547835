"""How much memory rows may take on their way from a file to the network."""

from __future__ import annotations

import re
from typing import Any

from subgrad.data.free_memory import available
from subgrad.errors import ArgumentError

LEAST = 1 << 16
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def size_of(memory: Any) -> int:
    """Bytes, from a number of them or a text with a unit; None is for a quarter of what is free, rounded down to a
    power of two: runs and processes are then given the same, mostly.

    >>> size_of("1GB"), size_of("1.5 MiB"), size_of(2e9)
    (1000000000, 1572864, 2000000000)
    """
    if memory is None:
        return 1 << (max(LEAST, available() // 4).bit_length() - 1)
    found = re.fullmatch(r"([\d.]+) *([kmgt]i?)?b?", memory.strip().lower()) if isinstance(memory, str) else None
    try:
        if isinstance(memory, bool) or (isinstance(memory, str) and found is None):
            raise ValueError
        size = int(float(found[1]) * _UNITS[found[2] or ""]) if found else int(memory)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"memory is a number of bytes, or a text such as '1GB', got {memory!r}"[:200]) from None
    if size < LEAST:
        raise ArgumentError(f"memory is 64 KiB at least, got {memory!r}")
    return size


__all__ = ["size_of"]
