"""One relocatable WebAssembly object becomes a module: it needs nothing, and exports its memory and its functions.

The memory holds first the stack, which grows down to address 0 so that what is too deep is trapped, then the data; the
rest, from the exported ``__heap_base`` on, is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence

from subgrad.errors import ArgumentError, CheckError
from subgrad.export import wasm_object as obj
from subgrad.export.wasm_object import Segment, Symbol, WasmObject, read_object

STACK = 1 << 15
"""Bytes for what functions keep while they run; kernels keep tiles of a few hundred bytes."""

PAGE = 1 << 16
_FUNCTION_INDEX, _ADDRESS, _SIGNED_ADDRESS, _TYPE_INDEX, _GLOBAL_INDEX = 0, 3, 4, 6, 7  # kinds of relocations


def link(content: bytes, exports: Sequence[str]) -> bytes:
    """A module of the object ``content``, which exports these functions.

    Raises:
        ArgumentError: if the code calls functions that nobody brings.
        CheckError: if the object is damaged, or of a form that this package's code never has.
    """
    found = read_object(content)
    if found.imports:
        raise ArgumentError(f"this cannot be WebAssembly without a library: it calls {', '.join(found.imports)}")
    places, top = _places(found.segments)
    code = _relocated(found, places)
    functions = {s.name: s.number for s in found.symbols if s.kind == obj.OF_FUNCTION}
    missing = [name for name in exports if name not in functions]
    if missing:
        raise CheckError(f"a WebAssembly object does not define {', '.join(missing)}")
    exported = [_text("memory") + b"\2\0", _text("__heap_base") + b"\3\1"]
    exported += [_text(name) + b"\0" + unsigned(functions[name]) for name in exports]
    data = [b"\0\x41" + signed(at) + b"\x0b" + _sized(s.content) for at, s in zip(places, found.segments, strict=True)]
    return obj.HEAD + b"".join([
        _section(obj.TYPE, found.raw[obj.TYPE]),
        _section(obj.FUNCTION, found.raw[obj.FUNCTION]),
        _section(obj.MEMORY, _vector([b"\0" + unsigned(-(-top // PAGE))])),
        _section(obj.GLOBAL, _vector([b"\x7f\1\x41" + signed(STACK) + b"\x0b", b"\x7f\0\x41" + signed(top) + b"\x0b"])),
        _section(obj.EXPORT, _vector(exported)),
        _section(obj.CODE, code),
        _section(obj.DATA, _vector(data)) if data else b"",
    ])  # fmt: skip


def _places(segments: Sequence[Segment]) -> tuple[list[int], int]:
    """Where each piece of data begins, and where the last ends."""
    places, at = [], STACK
    for s in segments:
        at = -(-at // s.alignment) * s.alignment
        places.append(at)
        at += len(s.content)
    return places, -(-at // 64) * 64


def _relocated(found: WasmObject, places: Sequence[int]) -> bytes:
    """The code, with what it names in its place: each number has five bytes, whatever it is."""
    code = bytearray(found.code)
    for kind, offset, symbol, addend in found.relocations:
        if kind == _TYPE_INDEX:
            continue  # the types stay as they are
        if kind not in (_FUNCTION_INDEX, _ADDRESS, _SIGNED_ADDRESS, _GLOBAL_INDEX):
            raise CheckError(f"a WebAssembly object has a relocation of kind {kind}")
        code[offset : offset + 5] = _five(_value(found.symbols[symbol], places) + addend)
    return bytes(code)


def _value(symbol: Symbol, places: Sequence[int]) -> int:
    if symbol.kind == obj.OF_DATA and symbol.defined:
        return places[symbol.number] + symbol.offset
    if symbol.kind == obj.OF_FUNCTION and symbol.defined:
        return symbol.number  # no function is imported, so they keep their numbers
    if symbol.kind == obj.OF_GLOBAL and not symbol.defined:
        return 0  # the stack pointer
    raise CheckError(f"a WebAssembly object names {symbol.name!r}, which is nowhere")


def unsigned(n: int) -> bytes:
    """LEB128.

    >>> unsigned(300).hex()
    'ac02'
    """
    low, high = n & 0x7F, n >> 7
    return bytes([low | 0x80]) + unsigned(high) if high else bytes([low])


def signed(n: int) -> bytes:
    """LEB128 whose last byte has the sign in bit 6.

    >>> signed(64).hex(), signed(-1).hex()
    ('c000', '7f')
    """
    low, high = n & 0x7F, n >> 7
    return bytes([low]) if high == -(low >> 6) else bytes([low | 0x80]) + signed(high)


def _five(n: int) -> bytes:
    """A number below 2**31 in five bytes, which mean the same as signed and as unsigned."""
    return bytes([n >> 7 * i & 0x7F | (0x80 if i < 4 else 0) for i in range(5)])


def _sized(content: bytes) -> bytes:
    return unsigned(len(content)) + content


def _text(name: str) -> bytes:
    return _sized(name.encode())


def _vector(items: Sequence[bytes]) -> bytes:
    return unsigned(len(items)) + b"".join(items)


def _section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _sized(content)


__all__ = ["STACK", "link", "signed", "unsigned"]
