"""A linker for one ELF object of a test: sections one behind the other, relocations of ARM and RISC-V."""

import struct


class Elf:
    """An object file at an address: ``image``, and where its functions begin."""

    def __init__(self, content, base):
        assert content[:5] == b"\x7fELF\x01", "an ELF object of 32 bits"
        (start,), (size, count) = struct.unpack_from("<I", content, 0x20), struct.unpack_from("<HH", content, 0x2E)
        heads = [struct.unpack_from("<IIIIIIIIII", content, start + i * size) for i in range(count)]
        self.image, self.places, self.base = bytearray(), {}, base
        for i, (_, kind, flags, _, offset, length, _, _, align, _) in enumerate(heads):
            if flags & 2 and kind == 1:  # bytes that are loaded
                self.image += bytes(-len(self.image) % max(1, align))
                self.places[i] = len(self.image)
                self.image += content[offset : offset + length]
        table = next(h for h in heads if h[1] == 2)
        names = heads[table[6]][4]
        self.values, self.functions = [], {}
        for at in range(table[4], table[4] + table[5], 16):
            name, value, _, info, _, section = struct.unpack_from("<IIIBBH", content, at)
            self.values.append(base + self.places.get(section, 0) + value)
            text = content[names + name : content.index(b"\0", names + name)].decode()
            assert section or not text, f"{text} is nowhere"
            if info & 15 == 2:
                self.functions[text] = self.values[-1]
        machine = struct.unpack_from("<H", content, 18)[0]
        apply = {40: self._arm, 243: self._riscv}[machine]
        for _, kind, _, _, offset, length, _, section, _, entry in heads:
            if kind in (4, 9) and section in self.places:
                for at in range(offset, offset + length, entry):
                    where, info = struct.unpack_from("<II", content, at)
                    addend = struct.unpack_from("<i", content, at + 8)[0] if kind == 4 else 0
                    apply(info & 255, self.places[section] + where, self.values[info >> 8] + addend)

    def word(self, at):
        return struct.unpack_from("<I", self.image, at)[0]

    def put(self, at, word):
        struct.pack_into("<I", self.image, at, word & 0xFFFFFFFF)

    def _arm(self, kind, at, value):
        high, low = struct.unpack_from("<HH", self.image, at)
        if kind in (47, 48):  # MOVW, MOVT: four parts of 16 bits
            n = value >> (16 if kind == 48 else 0) & 0xFFFF
            high = high & 0xFBF0 | n >> 12 | (n >> 11 & 1) << 10
            low = low & 0x8F00 | (n >> 8 & 7) << 12 | n & 0xFF
        elif kind in (10, 30):  # BL, B.W
            n = (value & ~1) - (self.base + at) - 4
            sign, i1, i2 = n >> 24 & 1, n >> 23 & 1, n >> 22 & 1
            high = 0xF000 | sign << 10 | n >> 12 & 0x3FF
            low = low & 0xD000 | (1 ^ i1 ^ sign) << 13 | (1 ^ i2 ^ sign) << 11 | n >> 1 & 0x7FF
        elif kind == 2:
            return self.put(at, self.word(at) + value)
        else:
            assert kind == 42, kind  # of tables for unwinding, which nobody reads
        struct.pack_into("<HH", self.image, at, high, low)

    def _riscv(self, kind, at, value):
        here = self.base + at
        if kind in (18, 19):  # a call: AUIPC, JALR
            n = value - here
            self.put(at, self.word(at) & 0xFFF | (n + 0x800) & 0xFFFFF000)
            self.put(at + 4, self.word(at + 4) & 0xFFFFF | (n & 0xFFF) << 20)
        elif kind == 26:  # the upper 20 bits
            self.put(at, self.word(at) & 0xFFF | (value + 0x800) & 0xFFFFF000)
        elif kind == 27:  # the lower 12
            self.put(at, self.word(at) & 0xFFFFF | (value & 0xFFF) << 20)
        elif kind == 28:  # the lower 12, of a store
            self.put(at, self.word(at) & 0x1FFF07F | (value & 0x1F) << 7 | (value >> 5 & 0x7F) << 25)
        else:
            assert kind == 51, kind  # what a linker may relax
