"""A relocatable WebAssembly object, read: its sections, symbols, data and relocations.

After the WebAssembly core specification, and "Linking.md" of WebAssembly/tool-conventions for what compilers add.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from subgrad.errors import CheckError

HEAD = b"\0asm\1\0\0\0"
CUSTOM, TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEMENT, CODE, DATA, DATA_COUNT = range(13)
OF_FUNCTION, OF_DATA, OF_GLOBAL, OF_SECTION, OF_TAG, OF_TABLE = range(6)  # kinds of symbols
_UNDEFINED, _EXPLICIT_NAME = 0x10, 0x40  # flags of symbols
_SEGMENT_INFO, _SYMBOL_TABLE = 5, 8  # parts of the section "linking"
_WITH_ADDEND = (3, 4, 5, 8, 9)


class Symbol(NamedTuple):
    """A name: of the function, or the global, of a ``number``; or of data ``offset`` bytes into a segment of that."""

    kind: int
    name: str
    number: int
    offset: int = 0
    defined: bool = True


class Relocation(NamedTuple):
    """A number in the code that is known when all has its place."""

    kind: int
    offset: int
    symbol: int
    addend: int


class Segment(NamedTuple):
    """A piece of data, and at multiples of how many bytes it begins."""

    content: bytes
    alignment: int


@dataclass
class WasmObject:
    """What the linker needs of an object.

    Attributes:
        raw: the contents of the sections that stay as they are, by number.
        code: the content of the code section.
        imports: what it asks for besides a memory, a stack pointer and a table that is not called through.
        segments, symbols, relocations: in their order.
    """

    raw: dict[int, bytes] = field(default_factory=dict)
    code: bytes = b""
    imports: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    symbols: list[Symbol] = field(default_factory=list)
    relocations: list[Relocation] = field(default_factory=list)


class Reader:
    """Numbers, names and bytes, one behind the other."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def byte(self) -> int:
        return self.take(1)[0]

    def unsigned(self) -> int:
        """A number of 7 bits a byte, the least first (LEB128)."""
        n = shift = 0
        while True:
            byte = self.byte()
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def signed(self) -> int:
        """As `unsigned`, with a sign in bit 6 of the last byte."""
        start = self._at
        n, bits = self.unsigned(), 7 * (self._at - start)
        return n - (1 << bits) if n >> (bits - 1) else n

    def take(self, n: int) -> bytes:
        if n > len(self._content) - self._at:
            raise CheckError("a WebAssembly object ends too early")
        self._at += n
        return self._content[self._at - n : self._at]

    def name(self) -> str:
        return self.take(self.unsigned()).decode()

    def rest(self) -> bytes:
        return self.take(len(self._content) - self._at)

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """Pieces that say their kind and their length, to the end."""
        while self._at < len(self._content):
            kind = self.byte()
            yield kind, self.take(self.unsigned())


def read_object(content: bytes) -> WasmObject:
    """The parts of an object file.

    Raises:
        CheckError: if it is none, or has something that code of this package does not need.
    """
    if not content.startswith(HEAD):
        raise CheckError(f"expected a WebAssembly object, got bytes that begin with {content[:8]!r}")
    found, alignments = WasmObject(), []
    for kind, body in Reader(content[len(HEAD) :]).parts():
        reader = Reader(body)
        if kind == CUSTOM:
            name = reader.name()
            if name == "linking":
                alignments = _linking(reader, found)
            elif name == "reloc.CODE":
                _relocations(reader, found)
            elif name.startswith("reloc.") and not name.startswith("reloc..debug"):
                raise CheckError(f"a WebAssembly object has addresses in its section {name[6:]}")
        elif kind in (TYPE, FUNCTION):
            found.raw[kind] = body
        elif kind == CODE:
            found.code = body
        elif kind == IMPORT:
            found.imports = _imports(reader)
        elif kind == DATA:
            found.segments = [Segment(c, 1) for c in _segments(reader)]
        elif kind != DATA_COUNT:
            raise CheckError(f"a WebAssembly object has a section of kind {kind}")
    found.segments = [s._replace(alignment=a) for s, a in zip(found.segments, alignments, strict=True)]
    return found


def _imports(reader: Reader) -> list[str]:
    needed = []
    for _ in range(reader.unsigned()):
        reader.name()
        name, kind = reader.name(), reader.byte()
        if kind == 0:  # a function
            needed.append(name)
            reader.unsigned()
        elif kind == 3:  # a global
            reader.take(2)
            if name != "__stack_pointer":
                needed.append(name)
        else:  # a table, whose elements have a type, or a memory
            reader.take(1 if kind == 1 else 0)
            limited = reader.byte() & 1
            reader.unsigned()
            if limited:
                reader.unsigned()
    return needed


def _segments(reader: Reader) -> Iterator[bytes]:
    for _ in range(reader.unsigned()):
        if reader.unsigned() != 0 or reader.byte() != 0x41:  # in the memory, from a constant on
            raise CheckError("a WebAssembly object has data whose place is no constant")
        reader.signed()
        reader.take(1)
        yield reader.take(reader.unsigned())


def _linking(reader: Reader, found: WasmObject) -> list[int]:
    """The symbols; returns the alignments of the segments."""
    version, alignments = reader.unsigned(), []
    if version != 2:
        raise CheckError(f"a WebAssembly object is written for linkers of version {version}, expected 2")
    for kind, body in reader.parts():
        part = Reader(body)
        if kind == _SEGMENT_INFO:
            for _ in range(part.unsigned()):
                part.name()
                alignments.append(1 << part.unsigned())
                part.unsigned()
        elif kind == _SYMBOL_TABLE:
            found.symbols = [_symbol(part) for _ in range(part.unsigned())]
    return alignments


def _symbol(part: Reader) -> Symbol:
    kind, flags = part.byte(), part.unsigned()
    defined = not flags & _UNDEFINED
    if kind == OF_SECTION:
        return Symbol(kind, "", part.unsigned())
    if kind == OF_DATA:
        name = part.name()
        if not defined:
            return Symbol(kind, name, 0, defined=False)
        index, offset = part.unsigned(), part.unsigned()
        part.unsigned()
        return Symbol(kind, name, index, offset)
    index = part.unsigned()
    return Symbol(kind, part.name() if defined or flags & _EXPLICIT_NAME else "", index, defined=defined)


def _relocations(reader: Reader, found: WasmObject) -> None:
    reader.unsigned()
    for _ in range(reader.unsigned()):
        kind, offset, index = reader.byte(), reader.unsigned(), reader.unsigned()
        found.relocations.append(Relocation(kind, offset, index, reader.signed() if kind in _WITH_ADDEND else 0))


__all__ = [
    "CODE", "DATA", "EXPORT", "FUNCTION", "GLOBAL", "HEAD", "MEMORY", "OF_DATA", "OF_FUNCTION", "OF_GLOBAL", "TYPE",
    "Reader", "Relocation", "Segment", "Symbol", "WasmObject", "read_object",
]  # fmt: skip
