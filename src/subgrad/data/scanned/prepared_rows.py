"""Rows that were prepared once, in a file without a name: it is gone with the process, however that ends."""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from subgrad.errors import FileError


class PreparedRows:
    """The features and targets of blocks, each where it would be if all blocks were there.

    Args:
        folder: where the file is.
        counts: how many rows each block has.
    """

    def __init__(self, folder: str | os.PathLike[str], counts: np.ndarray) -> None:
        self._folder, self._file, self._lock = folder, _unnamed(folder), threading.Lock()
        self._starts, self._full = np.concatenate([[0], np.cumsum(counts)]), False
        self.blocks: set[int] = set()
        weakref.finalize(self, self._file.close)

    def read(self, block: int, arrays: Iterable[np.ndarray]) -> None:
        """Put the rows of a block that is there into arrays."""
        if not self._moved(block, arrays, self._file.readinto):
            raise FileError(f"the file of prepared rows in {self._folder} has been cut off")

    def write(self, block: int, arrays: Iterable[np.ndarray]) -> None:
        """Keep the rows of a block, unless the disk is full."""
        if self._full:
            return
        try:
            if self._moved(block, arrays, self._file.write):
                self.blocks.add(block)
        except OSError as error:
            self._full = True
            warnings.warn(f"no more prepared rows are kept in {self._folder}: {error.strerror}; the others are read "
                          "from their files again", stacklevel=2)  # fmt: skip

    def _moved(self, block: int, arrays: Iterable[np.ndarray], move: Callable[[memoryview], int | None]) -> bool:
        """Whether all bytes of the arrays were read or written, as ``move`` does with some of them at a time."""
        with self._lock:
            self._file.seek(self._place(block, arrays))
            for array in arrays:
                left = array.data.cast("B")
                while len(left):
                    n = move(left)
                    if not n:
                        return False
                    left = left[n:]
        return True

    def _place(self, block: int, arrays: Iterable[np.ndarray]) -> int:
        return int(self._starts[block]) * sum(a.itemsize * a[:1].size for a in arrays)


def _unnamed(folder: str | os.PathLike[str]) -> Any:
    try:
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        raise FileError(f"prepared rows cannot be kept in {folder}: {error.strerror}") from None


__all__ = ["PreparedRows"]
