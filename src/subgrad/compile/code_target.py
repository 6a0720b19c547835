"""What code is generated for: a processor and a system, as LLVM and the code generator see them."""

from __future__ import annotations

from typing import NamedTuple

BYTES = {"float32": 4, "float64": 8, "int32": 4, "int64": 8}

_NARROW = ("wasm32", "thumb", "arm-", "armv", "riscv32")
"""What the triples of targets begin with whose pointers have 32 bits."""


class Target(NamedTuple):
    """A machine to generate code for: this one (`subgrad.compile.runtime.cpu.host`), or any other.

    ``name``, ``features`` and ``triple`` are LLVM's; ``vector_bits`` and ``registers`` describe the vector registers
    (32 and one lane where there are none); ``fma`` says whether float32 and float64 both have the instruction;
    cache sizes are bytes per core. ``abi`` and ``code_model`` are LLVM's too, for linkers that ask for them;
    ``position_independent`` is what loaders and dynamic linkers want, and firmware does not.

    >>> Target("x86-64", "", "x86_64-unknown-linux-gnu", vector_bits=128, registers=16, fma=False).lanes("float32")
    4
    """

    name: str
    features: str
    triple: str
    vector_bits: int
    registers: int
    fma: bool
    l1_bytes: int = 32 * 1024
    l2_bytes: int = 512 * 1024
    abi: str = ""
    code_model: str = "small"
    position_independent: bool = True

    def lanes(self, dtype: str) -> int:
        """How many elements of ``dtype`` one vector register holds."""
        return max(1, self.vector_bits // (8 * BYTES[dtype]))

    @property
    def pointer_bytes(self) -> int:
        """The size of an address.

        >>> Target("generic", "", "riscv32-unknown-elf", vector_bits=32, registers=32, fma=False).pointer_bytes
        4
        """
        return 4 if self.triple.startswith(_NARROW) else 8


__all__ = ["BYTES", "Target"]
