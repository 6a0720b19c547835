"""Sums over ranks of one machine, taken in memory that all of them see: no message copies what is added up."""

from __future__ import annotations

import mmap
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

import numpy as np

from subgrad.fit.parallel.ranks import Ranks

SMALL = 1 << 14  # bytes that a message adds up sooner than two barriers let ranks begin and end
AT_ONCE = 1 << 16  # numbers that stay in a cache until the areas of all ranks have their sum
LINE = 64  # bytes of a cache line, which one rank writes
TOKEN = 16  # bytes by which a file is known to be the one that is meant
HEAD = mmap.PAGESIZE  # bytes before the areas, which begin with the token


class SharedSums:
    """An area of bytes for each rank, and sums of what all ranks have at the same place in theirs.

    Each rank adds up its share of the numbers, those of all ranks in the order of their numbers, and puts the sum into
    the area of each: all have the same bits. Without memory that all of them see, MPI does it.

    Args:
        ranks: who takes part.
        size: bytes of an area.
        areas: uint8 (ranks, size or more) in memory that all ranks see; None if there is none.

    Attributes:
        own: the area of this rank.
        in_memory: whether all ranks see it.
    """

    def __init__(self, ranks: Ranks, size: int, areas: np.ndarray | None) -> None:
        self._ranks, self._areas, self.in_memory = ranks, areas, areas is not None
        self.own = np.zeros(size, np.uint8) if areas is None else areas[ranks.rank]
        self._start = self.own.ctypes.data

    def add(self, buffer: np.ndarray) -> None:
        """Put the sum over all ranks in the place of a contiguous array within `own`. Called by all ranks."""
        if self._areas is None or buffer.nbytes < SMALL:
            self._ranks.add(buffer)
            return
        at = buffer.ctypes.data - self._start
        of_all = self._areas[:, at : at + buffer.nbytes].view(buffer.dtype)
        step = LINE // buffer.itemsize
        shares = [r * (buffer.size // step) // self._ranks.size * step for r in range(self._ranks.size)] + [buffer.size]
        begin, end = shares[self._ranks.rank : self._ranks.rank + 2]
        self._ranks.comm.Barrier()
        with np.errstate(all="ignore"):
            for i in range(begin, end, AT_ONCE):
                total, *others = of_all[:, i : min(i + AT_ONCE, end)]
                for other in others:
                    total += other
                for other in others:
                    other[...] = total
        self._ranks.comm.Barrier()


def sums_of(ranks: Ranks, size: int) -> SharedSums:
    """Where so many bytes of each rank are added up. Called by all ranks, with the same size."""
    if not ranks.on_one_machine():
        return SharedSums(ranks, size, None)
    whole = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    with _file(whole * ranks.size) if ranks.leads else nullcontext() as made:
        path, token = ranks.of_leader(made) or ("", b"")
        seen = _mapped(path, token, whole * ranks.size)
        everywhere = all(ranks.all(seen is not None))
    areas = np.frombuffer(seen, np.uint8, offset=HEAD).reshape(ranks.size, whole) if seen and everywhere else None
    return SharedSums(ranks, size, areas)


@contextmanager
def _file(size: int) -> Iterator[tuple[str, bytes] | None]:
    """A file in memory, which is gone with the last process that has it open: its path and its token, which it begins
    with; None where the system has no such files."""
    if not hasattr(os, "memfd_create"):
        yield None
        return
    handle, token = os.memfd_create("subgrad"), secrets.token_bytes(TOKEN)
    try:
        os.ftruncate(handle, HEAD + size)
        os.write(handle, token)
        yield f"/proc/{os.getpid()}/fd/{handle}", token
    finally:
        os.close(handle)


def _mapped(path: str, token: bytes, size: int) -> mmap.mmap | None:
    """The file in the memory of this process; None if it is not to be seen from here."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode) or found.st_size != HEAD + size or os.pread(handle, TOKEN, 0) != token:
                return None
            memory = mmap.mmap(handle, HEAD + size)
        finally:
            os.close(handle)
        with suppress(OSError, AttributeError):
            memory.madvise(mmap.MADV_HUGEPAGE)
        return memory
    return None


__all__ = ["LINE", "SharedSums", "sums_of"]
