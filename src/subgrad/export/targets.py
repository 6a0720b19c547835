"""The machines that code can be exported for, by name."""

from __future__ import annotations

from subgrad.compile.code_target import Target
from subgrad.errors import ArgumentError

_WASM = "+bulk-memory,+sign-ext,+nontrapping-fptoint,+mutable-globals"


def wasm(simd: bool = True) -> Target:
    """WebAssembly with pointers of 32 bits; with ``simd`` its vectors of 128 bits, as all browsers have since 2023."""
    features = f"+simd128,{_WASM}" if simd else _WASM
    bits = 128 if simd else 32
    return Target("generic", features, "wasm32-unknown-unknown", bits, 16, fma=False, position_independent=False)


def _x86(name: str, bits: int, fma: bool, triple: str) -> Target:
    return Target(name, "", triple, vector_bits=bits, registers=16, fma=fma)


def _arm64(name: str, triple: str) -> Target:
    return Target(name, "", triple, vector_bits=128, registers=32, fma=True)


def _firmware(
    name: str, triple: str, features: str = "", *, registers: int, fma: bool = False, abi: str = "",
    code_model: str = "small",
) -> Target:  # fmt: skip
    """Without vectors, and with caches, if any, that matter little: flash and memory are near."""
    return Target(
        name, features, triple, vector_bits=32, registers=registers, fma=fma, l1_bytes=16 << 10, l2_bytes=64 << 10,
        abi=abi, code_model=code_model, position_independent=False,
    )  # fmt: skip


_LINUX, _WINDOWS, _MACOS = "unknown-linux-gnu", "pc-windows-msvc", "apple-macosx11.0"
_EABI, _SOFT = "none-unknown-eabihf", "none-unknown-eabi"

MACHINES = {
    "x86-64": _x86("x86-64", 128, False, f"x86_64-{_LINUX}"),
    "x86-64-v3": _x86("x86-64-v3", 256, True, f"x86_64-{_LINUX}"),
    "x86-64-windows": _x86("x86-64", 128, False, f"x86_64-{_WINDOWS}"),
    "x86-64-v3-windows": _x86("x86-64-v3", 256, True, f"x86_64-{_WINDOWS}"),
    "x86-64-macos": _x86("x86-64-v3", 256, True, f"x86_64-{_MACOS}"),
    "aarch64": _arm64("generic", f"aarch64-{_LINUX}"),
    "aarch64-windows": _arm64("generic", f"aarch64-{_WINDOWS}"),
    "aarch64-macos": _arm64("apple-m1", f"arm64-{_MACOS}"),
    "cortex-m0": _firmware("cortex-m0", f"thumbv6m-{_SOFT}", registers=8),
    "cortex-m4f": _firmware("cortex-m4", f"thumbv7em-{_EABI}", registers=16),
    "cortex-m7": _firmware("cortex-m7", f"thumbv7em-{_EABI}", registers=16, fma=True),
    "cortex-m33": _firmware("cortex-m33", f"thumbv8m.main-{_EABI}", registers=16),
    "rv32imc": _firmware("generic-rv32", "riscv32-unknown-unknown-elf", "+m,+c", registers=8, abi="ilp32"),
    "rv32imfc": _firmware("generic-rv32", "riscv32-unknown-unknown-elf", "+m,+f,+c", registers=16, abi="ilp32f"),
    "rv64gc": _firmware(
        "generic-rv64", "riscv64-unknown-unknown-elf", "+m,+a,+f,+d,+c", registers=32, fma=True, abi="lp64d",
        code_model="medium",
    ),
}  # fmt: skip
"""Object files are ELF, on Windows COFF, on macOS Mach-O. A Cortex-M4 or -M33 multiplies and adds in one instruction
float32 alone, in three cycles instead of two, so its code does without."""


def machine(name: str | None) -> Target:
    """The target of that name.

    Raises:
        ArgumentError: for an unknown name.
    """
    if name is None or name not in MACHINES:
        raise ArgumentError(f"cpu={name!r}: expected one of {', '.join(MACHINES)}")
    return MACHINES[name]


__all__ = ["MACHINES", "machine", "wasm"]
