"""Memory of large arrays that is used again: the system need not find and clear it for each of them."""

from __future__ import annotations

import math
import weakref

import numpy as np


class ReusedMemory:
    """Arrays without contents, in the memory of those before them that nobody has any more.

    A system hands memory out page by page, and clears it: which takes as long as to read rows from
    it, and many times as long on a virtual machine that gives what is free back to its host.

    >>> memory = ReusedMemory()
    >>> x = memory.empty((1000, 4), np.float32)
    >>> place, row = x.ctypes.data, x[1]
    >>> del x  # a row is still there
    >>> memory.empty((900, 4), np.float32).ctypes.data == place
    False
    >>> del row
    >>> memory.empty((900, 4), np.float32).ctypes.data == place
    True
    """

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []

    def empty(self, shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
        """An array that begins at a cache line, as of `numpy.empty`; its memory may be larger than it is."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        memory = self._found(size)
        # all views of it refer to this array: when it goes, they have gone
        whole = np.frombuffer(memory.data, np.uint8)
        weakref.finalize(whole, self._free.append, memory).atexit = False
        return whole[:size].view(dtype).reshape(shape)

    def _found(self, size: int) -> np.ndarray:
        """Bytes for an array of so many; if there are free ones, but too few, these are given up."""
        from subgrad.compile.kernels.arena import aligned  # here: who only reads tables needs no compiler

        while self._free:
            memory = self._free.pop()
            if len(memory) >= size:
                return memory
        return aligned((max(size, 1),), np.dtype(np.uint8))  # no array can be made of a buffer without bytes


__all__ = ["ReusedMemory"]
