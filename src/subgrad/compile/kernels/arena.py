"""One arena for all intermediate results: where each lies, from when it is written until it is last read."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

ALIGN = 64  # bytes: a cache line, and the widest vector


class LiveRange(NamedTuple):
    """A buffer of ``size`` bytes that is alive from phase ``first`` to phase ``last``, both included."""

    name: str
    size: int
    first: int
    last: int


class Memory(NamedTuple):
    """The plan: the offset of each interval, and how many bytes the arena has.

    >>> print(plan([LiveRange("a", 64, 0, 1), LiveRange("b", 64, 1, 2), LiveRange("c", 64, 2, 3)]))
    arena of 128 bytes; 128 alive at once
        0  a  64 bytes, phases 0-1
       64  b  64 bytes, phases 1-2
        0  c  64 bytes, phases 2-3
    """

    offsets: tuple[int, ...]
    size: int
    intervals: tuple[LiveRange, ...]

    @property
    def needed(self) -> int:
        """The most bytes that are alive in one phase: no arena can be smaller."""
        phases = {i.first for i in self.intervals}
        return max((sum(_rounded(i.size) for i in self.intervals if i.first <= p <= i.last) for p in phases), default=0)

    def __str__(self) -> str:
        rows = [
            f"{offset:9}  {i.name}  {i.size} bytes, phases {i.first}-{i.last}"
            for offset, i in zip(self.offsets, self.intervals, strict=True)
        ]
        return "\n".join([f"arena of {self.size} bytes; {self.needed} alive at once", *rows])


def plan(intervals: Sequence[LiveRange]) -> Memory:
    """Offsets such that intervals that are alive together do not overlap: largest first, each in the lowest gap."""
    offsets = [0] * len(intervals)
    placed: list[tuple[int, int, int, int]] = []  # start, end, first, last: the lowest start first
    for i in sorted(range(len(intervals)), key=lambda i: -intervals[i].size):
        _, size, first, last = intervals[i]
        at, size = 0, _rounded(size)
        for start, end, since, until in placed:
            if at + size <= start:
                break
            if since <= last and first <= until and at < end:
                at = end
        offsets[i] = at
        bisect.insort(placed, (at, at + size, first, last))
    return Memory(tuple(offsets), max((end for _, end, _, _ in placed), default=0), tuple(intervals))


def _rounded(size: int) -> int:
    return -(-size // ALIGN) * ALIGN


def aligned(
    shape: Sequence[int], dtype: np.dtype, new: Callable[[int, type[np.uint8]], np.ndarray] = np.empty
) -> np.ndarray:
    """A ``new`` array, not filled or of zeros, that begins where a cache line does. NumPy's begin 16 bytes further if
    they are large: then every other vector of them lies across two lines."""
    size = math.prod(shape) * dtype.itemsize
    raw = new(size + ALIGN, np.uint8)
    first = -raw.ctypes.data % ALIGN
    return raw[first : first + size].view(dtype).reshape(shape)


def aligned_copy(array: np.ndarray) -> np.ndarray:
    """A copy in row-major order that begins where a cache line does."""
    found = aligned(array.shape, array.dtype)
    found[...] = array
    return found
