"""How many rows each row group of a Parquet file has: polars does not say it.

The footer is a Thrift structure in the compact protocol, described in parquet-format's ``parquet.thrift``: field 4 of
the whole is the list of row groups, field 3 of one is the number of its rows.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from subgrad.errors import FileError

_MAGIC, _ROW_GROUPS, _NUM_ROWS = b"PAR1", 4, 3
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12


def row_groups(path: str | os.PathLike[str]) -> list[int]:
    """The rows of each row group, in order. Raises `FileError` for a file that is no Parquet, or is cut off."""
    with Path(path).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 8, 0))
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if size < 12 or end[4:] != _MAGIC or length > size - 12:
            raise FileError(f"cannot read {path} as Parquet: it does not end with a footer, and may be cut off")
        file.seek(size - 8 - length)
        footer = file.read(length)
    try:
        return [group[_NUM_ROWS] for group in _Compact(footer).struct().get(_ROW_GROUPS, [])]
    except (IndexError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"cannot read {path} as Parquet: its footer is damaged ({error!r})") from None


class _Compact:
    """A reader of Thrift's compact protocol."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def struct(self) -> dict[int, Any]:
        """A structure, as a dict from the numbers of its fields."""
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            found[number] = self._value(head & 15, field=True)
        return found

    def _value(self, kind: int, field: bool = False) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE if field else self._byte() == _TRUE
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            return self._list()
        if kind == _BINARY:
            return self._skip(self._varint())
        if kind == _DOUBLE:
            return self._skip(8)
        if kind == _BYTE:
            return self._byte()
        if kind == _MAP:
            raise TypeError("a map, which no footer has")
        return self._integer()

    def _list(self) -> list[Any]:
        head = self._byte()
        count = self._varint() if head >> 4 == 15 else head >> 4
        return [self._value(head & 15) for _ in range(count)]

    def _integer(self) -> int:
        n = self._varint()
        return (n >> 1) ^ -(n & 1)

    def _varint(self) -> int:
        found, shift = 0, 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:
                return found
            shift += 7

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _skip(self, count: int) -> None:
        self._at += count
