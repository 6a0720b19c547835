"""Text: a file as characters, characters as numbers."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

import numpy as np

from subgrad.data.readers.raw import read_bytes
from subgrad.errors import DataError, FileError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_Path = str | os.PathLike[str]


def read_text(path: _Path) -> str:
    """The text in a UTF-8 file, gzipped or not, with or without a byte order mark; any line ending is a newline.

    Raises `FileError` for a file that cannot be read, is empty, or is not UTF-8; the message has the byte.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}") from None
    if not text:
        raise FileError(f"{path} is empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Characters:
    """The characters that a network knows, the place of each being its number; the first stands for all others.

    >>> known = Characters.of("banana")
    >>> known.encode("nab!").tolist(), known.decode([1, 3, 1])
    ([3, 1, 2, 0], 'ana')
    """

    known: str

    @classmethod
    def of(cls, text: str, most: int = 1000) -> Characters:
        """The characters of a text, the ``most`` frequent of them if there are more."""
        frequent = sorted(Counter(text.replace(UNKNOWN, "")).items(), key=lambda pair: (-pair[1], pair[0]))
        return cls(UNKNOWN + "".join(sorted(c for c, _ in frequent[: most - 1])))

    def __len__(self) -> int:
        return len(self.known)

    def encode(self, text: str) -> np.ndarray:
        """The numbers of the characters, int64."""
        places = {c: i for i, c in enumerate(self.known)}
        return np.array([places.get(c, 0) for c in text], np.int64)

    def decode(self, numbers: np.ndarray | list[int]) -> str:
        """The characters of the numbers."""
        return "".join(self.known[i] for i in numbers)


def windows(numbers: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of ``length``, and the same one place later, both (n, length): what to read, and what comes next.

    Raises `DataError` if there are not enough numbers for one piece.

    >>> [w.tolist() for w in windows(np.arange(6), 2)]
    [[[0, 1], [2, 3]], [[1, 2], [3, 4]]]
    """
    count = (len(numbers) - 1) // length
    if count < 1:
        raise DataError(f"{len(numbers)} characters are too few for a piece of {length} and what follows it")
    used = count * length
    return numbers[:used].reshape(count, length), numbers[1 : used + 1].reshape(count, length)


__all__ = ["UNKNOWN", "Characters", "read_text", "windows"]
