"""A linker for one ELF object of a test: sections one behind the other, relocations of ARM, AArch64 and RISC-V."""

import struct

ARM, AARCH64, RISCV = 40, 183, 243


class Elf:
    """An object file at an address: ``image``, and where its functions begin."""

    def __init__(self, content, base):
        assert content[:4] == b"\x7fELF"
        wide = content[4] == 2
        self.machine = struct.unpack_from("<H", content, 18)[0]
        (start,) = struct.unpack_from("<Q" if wide else "<I", content, 0x28 if wide else 0x20)
        size, count = struct.unpack_from("<HH", content, 0x3A if wide else 0x2E)
        form = "<IIQQQQIIQQ" if wide else "<IIIIIIIIII"
        heads = [struct.unpack_from(form, content, start + i * size) for i in range(count)]
        self.image, self.places, self.base = bytearray(), {}, base
        for i, (_, kind, flags, _, offset, length, _, _, align, _) in enumerate(heads):
            if flags & 2 and kind == 1:  # bytes that are loaded
                self.image += bytes(-len(self.image) % max(1, align))
                self.places[i] = len(self.image)
                self.image += content[offset : offset + length]
        self._read_symbols(content, heads, wide)
        self.high = {}  # of RISC-V: what the upper 20 bits at an address were made of
        entries = [e for head in heads for e in self._relocations(content, head, wide)]
        apply = {ARM: self._arm, AARCH64: self._aarch64, RISCV: self._riscv}[self.machine]
        for kind, at, value in sorted(entries, key=lambda e: self.machine == RISCV and e[0] in (24, 25)):
            apply(kind, at, value)

    def _read_symbols(self, content, heads, wide):
        table = next(h for h in heads if h[1] == 2)
        names = heads[table[6]][4]
        self.values, self.functions = [], {}
        for at in range(table[4], table[4] + table[5], 24 if wide else 16):
            if wide:
                name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", content, at)
            else:
                name, value, _, info, _, section = struct.unpack_from("<IIIBBH", content, at)
            self.values.append(self.base + self.places.get(section, 0) + value)
            text = content[names + name : content.index(b"\0", names + name)].decode()
            assert section or not text, f"{text} is nowhere"
            if info & 15 == 2:
                self.functions[text] = self.values[-1]

    def _relocations(self, content, head, wide):
        """The kind, the place in the image, and the value of each entry of a section of relocations."""
        _, kind, _, _, offset, length, _, section, _, entry = head
        if kind not in (4, 9) or section not in self.places:
            return
        for at in range(offset, offset + length, entry):
            where, info = struct.unpack_from("<QQ" if wide else "<II", content, at)
            behind = ("<q", at + 16) if wide else ("<i", at + 8)
            addend = struct.unpack_from(behind[0], content, behind[1])[0] if kind == 4 else 0
            symbol, what = (info >> 32, info & 0xFFFFFFFF) if wide else (info >> 8, info & 255)
            yield what, self.places[section] + where, self.values[symbol] + addend

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

    def _aarch64(self, kind, at, value):
        here = self.base + at
        if kind in (282, 283):  # B, BL
            self.put(at, self.word(at) & 0xFC000000 | (value - here) >> 2 & 0x3FFFFFF)
        elif kind == 275:  # ADRP: pages
            n = (value >> 12) - (here >> 12)
            self.put(at, self.word(at) & 0x9F00001F | (n & 3) << 29 | (n >> 2 & 0x7FFFF) << 5)
        elif kind in (277, 278, 284, 285, 286, 299):  # the lower 12 bits, in units of what is read
            shift = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}[kind]
            self.put(at, self.word(at) & 0xFFC003FF | (value & 0xFFF) >> shift << 10)
        else:
            assert kind == 261, kind  # of tables for unwinding

    def _riscv(self, kind, at, value):
        here = self.base + at
        if kind in (18, 19):  # a call: AUIPC, JALR
            n = value - here
            self.put(at, self.word(at) & 0xFFF | (n + 0x800) & 0xFFFFF000)
            self.put(at + 4, self.word(at + 4) & 0xFFFFF | (n & 0xFFF) << 20)
        elif kind == 23:  # the upper 20 bits of a distance
            self.high[here] = value - here
            self.put(at, self.word(at) & 0xFFF | (value - here + 0x800) & 0xFFFFF000)
        elif kind in (24, 25):  # the lower 12 of it, or of a store
            self._riscv({24: 27, 25: 28}[kind], at, self.high[value])
        elif kind == 26:  # the upper 20 bits
            self.put(at, self.word(at) & 0xFFF | (value + 0x800) & 0xFFFFF000)
        elif kind == 27:  # the lower 12
            self.put(at, self.word(at) & 0xFFFFF | (value & 0xFFF) << 20)
        elif kind == 28:  # the lower 12, of a store
            self.put(at, self.word(at) & 0x1FFF07F | (value & 0x1F) << 7 | (value >> 5 & 0x7F) << 25)
        else:
            assert kind in (35, 39, 51, 57), kind  # of tables for unwinding, and what a linker may relax
