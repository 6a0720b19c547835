"""What an object file needs from others: the undefined names in an ELF, COFF or Mach-O file of 32 or 64 bits."""

from __future__ import annotations

import struct

from subgrad.errors import CheckError


def undefined(content: bytes) -> list[str]:
    """The names that a linker has to find elsewhere, in alphabetical order.

    Raises:
        CheckError: if it is no object file of these formats.
    """
    if content.startswith(b"\x7fELF"):
        found = _of_elf(content)
    elif content.startswith(b"\xcf\xfa\xed\xfe"):
        found = _of_mach_o(content)
    elif content[:2] in (b"\x64\x86", b"\x64\xaa"):  # x86-64, AArch64
        found = _of_coff(content)
    else:
        raise CheckError(f"expected an object file, got bytes that begin with {content[:8]!r}")
    return sorted({name for name in found if name})


def _of_elf(content: bytes) -> list[str]:
    wide = content[4] == 2
    (sections,) = _at("<Q", content, 0x28) if wide else _at("<I", content, 0x20)
    size, count = _at("<HH", content, 0x3A if wide else 0x2E)
    heads = [_at("<IIQQQQIIQQ" if wide else "<IIIIIIIIII", content, sections + i * size) for i in range(count)]
    found = []
    for _, kind, _, _, offset, length, link, _, _, each in heads:
        if kind != 2:  # no table of symbols
            continue
        names = heads[link][4]
        for at in range(offset, offset + length, each):
            if wide:
                name, _, _, section = _at("<IBBH", content, at)
            else:
                name, _, _, _, _, section = _at("<IIIBBH", content, at)
            if section == 0:
                found.append(_name(content, names + name))
    return found


def _of_coff(content: bytes) -> list[str]:
    table, count = _at("<II", content, 8)
    names, found, i = table + 18 * count, [], 0
    while i < count:
        short, value, section, _, storage, more = _at("<8sIhHBB", content, table + 18 * i)
        if section == 0 and storage == 2 and value == 0:
            known = short.rstrip(b"\0").decode()
            found.append(_name(content, names + _at("<I", short, 4)[0]) if short[:4] == bytes(4) else known)
        i += 1 + more
    return found


def _of_mach_o(content: bytes) -> list[str]:
    (commands,) = _at("<I", content, 16)
    at, found = 32, []
    for _ in range(commands):
        kind, size = _at("<II", content, at)
        if kind == 2:  # the table of symbols
            table, count, names, _ = _at("<IIII", content, at + 8)
            for i in range(count):
                name, flags = _at("<IB", content, table + 16 * i)
                if flags & 0x0F == 1:  # known to others, in no section
                    found.append(_name(content, names + name))
        at += size
    return found


def _at(form: str, content: bytes, offset: int) -> tuple:
    return struct.unpack_from(form, content, offset)


def _name(content: bytes, at: int) -> str:
    return content[at : content.index(b"\0", at)].decode()


__all__ = ["undefined"]
