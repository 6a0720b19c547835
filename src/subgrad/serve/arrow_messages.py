"""What the messages of an Arrow stream say of themselves, without unpacking them.

A message's metadata is a flatbuffer, described in Arrow's ``Message.fbs``: a table is preceded by the distance to its
vtable, which has for each field where it is in the table, 0 for none.
"""

from __future__ import annotations

import struct
from typing import Any

_HEADER, _DATA, _COMPRESSION = 2, 1, 3  # fields of a message, of a dictionary batch, and of a record batch


def is_compressed(messages: Any) -> bool:
    """Whether any of the messages of a ``pyarrow.ipc.MessageReader`` has a compressed body.

    A short one may unpack to any length, and pyarrow asks nobody before it does so.
    """
    return any(_has_codec(message.metadata.to_pybytes(), message.type) for message in messages)


def _has_codec(content: bytes, kind: str) -> bool:
    if kind not in ("record batch", "dictionary"):
        return False
    table = _table(content, _number("<I", content, 0), _HEADER)
    batch = _table(content, table, _DATA) if kind == "dictionary" else table
    return bool(_field(content, batch, _COMPRESSION))


def _table(content: bytes, table: int, number: int) -> int:
    """Where the table is that a field of another one refers to."""
    at = table + _field(content, table, number)
    return at + _number("<I", content, at)


def _field(content: bytes, table: int, number: int) -> int:
    """Where a field is in its table; 0 if it is not there."""
    vtable, at = table - _number("<i", content, table), 4 + 2 * number
    return _number("<H", content, vtable + at) if at < _number("<H", content, vtable) else 0


def _number(form: str, content: bytes, at: int) -> int:
    return struct.unpack_from(form, content, at)[0]


__all__ = ["is_compressed"]
