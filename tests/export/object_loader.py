"""Linkers for one COFF or Mach-O object of a test: what Windows and macOS take, with relocations of x86-64 and AArch64;
and for any object."""

import struct

from elf_loader import AARCH64, Elf

X86_64 = 62


class Loaded:
    """An object file at an address: ``image``, and where its functions begin, by the names that C has for them."""

    def __init__(self, base):
        self.image, self.functions, self.base = bytearray(), {}, base

    def word(self, at, form="<I"):
        return struct.unpack_from(form, self.image, at)[0]

    def put(self, at, value, form="<I"):
        struct.pack_into(form, self.image, at, value)

    def relative(self, at, value):
        """A distance of 32 bits from behind its four bytes."""
        self.put(at, self.word(at, "<i") + value - (self.base + at + 4), "<i")

    def branch(self, at, value):
        """B, BL."""
        self.put(at, self.word(at) & 0xFC000000 | (value - (self.base + at)) >> 2 & 0x3FFFFFF)

    def page(self, at, value):
        """ADRP, whose immediate may have an addend in bytes."""
        word = self.word(at)
        value += word >> 29 & 3 | word >> 3 & 0x1FFFFC
        n = (value >> 12) - ((self.base + at) >> 12)
        self.put(at, word & 0x9F00001F | (n & 3) << 29 | (n >> 2 & 0x7FFFF) << 5)

    def low(self, at, value):
        """The lower 12 bits: of ADD in bytes, of LDR and STR in units of what is moved."""
        word = self.word(at)
        added = word & 0x1F000000 == 0x11000000
        shift = 0 if added else (word >> 30) + 4 * (word & 0x04800000 == 0x04800000)
        assert not value & (1 << shift) - 1
        n = ((value & 0xFFF) >> shift) + (word >> 10 & 0xFFF)
        self.put(at, word & 0xFFC003FF | (n & 0xFFF) << 10)


class Coff(Loaded):
    """An object for Windows."""

    def __init__(self, content, base):
        super().__init__(base)
        machine, count, _, table, symbols = struct.unpack_from("<HHIII", content)
        self.machine = {0x8664: X86_64, 0xAA64: AARCH64}[machine]
        heads = [struct.unpack_from("<8sIIIIIIHHI", content, 20 + 40 * i) for i in range(count)]
        places = {}
        for i, (_, _, _, size, at, *_, flags) in enumerate(heads, 1):
            if not flags & 0x02000A00:  # for linkers alone, and what is discarded
                self.image += bytes(-len(self.image) % (1 << max(0, (flags >> 20 & 15) - 1)))
                places[i] = len(self.image)
                self.image += content[at : at + size] if at else bytes(size)
        values = self._values(content, places, table, symbols)
        for i, (*_, at, _, n, _, _) in enumerate(heads, 1):
            for k in range(n if i in places else 0):
                where, symbol, kind = struct.unpack_from("<IIH", content, at + 10 * k)
                self._relocate(kind, places[i] + where, values[symbol])

    def _values(self, content, places, table, count):
        """The address of each symbol."""
        strings, found, i = table + 18 * count, {}, 0
        while i < count:
            short, value, section, kind, storage, more = struct.unpack_from("<8sIhHBB", content, table + 18 * i)
            if section in places:
                found[i] = self.base + places[section] + value
                if storage == 2 and kind == 0x20:
                    at = strings + struct.unpack_from("<4xI", short)[0]
                    name = content[at : content.index(b"\0", at)] if short[:4] == bytes(4) else short.rstrip(b"\0")
                    self.functions[name.decode()] = found[i]
            i += 1 + more
        return found

    def _relocate(self, kind, at, value):
        if self.machine == X86_64:
            if kind == 1:
                self.put(at, self.word(at, "<Q") + value, "<Q")
            elif 4 <= kind <= 9:  # so many bytes of the instruction are behind the distance
                self.relative(at, value - (kind - 4))
            else:
                assert kind == 3, kind  # of tables for unwinding
        elif kind == 14:
            self.put(at, self.word(at, "<Q") + value, "<Q")
        elif kind in (3, 4, 6, 7):
            {3: self.branch, 4: self.page, 6: self.low, 7: self.low}[kind](at, value)
        else:
            assert kind == 2, kind  # of tables for unwinding


class MachO(Loaded):
    """An object for macOS: its sections already lie one behind the other."""

    def __init__(self, content, base):
        super().__init__(base)
        cpu, _, _, commands = struct.unpack_from("<4xIIII", content)
        self.machine = {0x01000007: X86_64, 0x0100000C: AARCH64}[cpu]
        heads, at, values = [], 32, []
        for _ in range(commands):
            kind, size = struct.unpack_from("<II", content, at)
            if kind == 0x19:
                (count,) = struct.unpack_from("<I", content, at + 64)
                heads += [struct.unpack_from("<16s16sQQIIIII", content, at + 72 + 80 * i) for i in range(count)]
            elif kind == 2:
                values = self._values(content, *struct.unpack_from("<III", content, at + 8))
            at += size
        self.image = bytearray(max(address + size for _, _, address, size, *_ in heads))
        for _, _, address, size, offset, *_, flags in heads:
            if flags & 0xFF != 1:  # zeros
                self.image[address : address + size] = content[offset : offset + size]
        for name, segment, address, _, _, _, at, n, _ in heads:
            if not segment.startswith(b"__LD") and not name.startswith(b"__eh_frame"):  # tables for unwinding
                self._relocate([struct.unpack_from("<II", content, at + 8 * k) for k in range(n)], address, values)

    def _values(self, content, table, count, strings):
        """The address of each symbol."""
        found = []
        for i in range(count):
            name, kind, _, _, value = struct.unpack_from("<IBBHQ", content, table + 16 * i)
            found.append(self.base + value)
            if kind & 0x0F == 0x0F:  # in a section, and known to others
                at = strings + name
                self.functions[content[at : content.index(b"\0", at)].decode().removeprefix("_")] = found[-1]
        return found

    def _relocate(self, entries, start, values):
        addend = 0
        for where, about in entries:
            kind, at, number, named = about >> 28, start + where, about & 0xFFFFFF, about >> 27 & 1
            if kind == 10 and self.machine == AARCH64:
                addend = number - (number >> 23 << 24)
            elif kind == 0 and about >> 25 & 3 == 3:
                self.put(at, self.word(at, "<Q") + (values[number] if named else self.base), "<Q")
            elif self.machine == AARCH64:
                {2: self.branch, 3: self.page, 4: self.low}[kind](at, values[number] + addend)
                addend = 0
            else:
                assert kind in (1, 2, 6, 7, 8), kind  # distances; to a place of the same file they are known
                if named:
                    self.relative(at, values[number])


def loaded(content, base):
    """An object file of any of the three forms."""
    kinds = {b"\x7fELF": Elf, b"\xcf\xfa\xed\xfe": MachO}
    return kinds.get(content[:4], Coff)(content, base)


__all__ = ["X86_64", "loaded"]
