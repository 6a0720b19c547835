"""The target that this machine is: its processor's vector width, registers, fused multiply-add, caches."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from subgrad.compile.code_target import Target
from subgrad.errors import ArgumentError
from subgrad.graph.lock import llvm_lock


class _Level(NamedTuple):
    """A family of instruction sets: the LLVM processor that stands for it, and what its code generator gets."""

    name: str
    needs: frozenset[str]
    vector_bits: int
    registers: int
    fma: bool


_X86 = {
    "avx512": _Level(
        "x86-64-v4", frozenset({"avx512f", "avx512vl", "avx512dq", "avx512bw", "avx2", "fma"}), 512, 32, True
    ),
    "avx2": _Level("haswell", frozenset({"avx2", "fma"}), 256, 16, True),
    "sse2": _Level("x86-64", frozenset({"sse2"}), 128, 16, False),
}
_ARM = {"neon": _Level("generic", frozenset({"neon"}), 128, 32, True)}
_LEVELS = _X86 | _ARM


def host() -> Target:
    """The processor to generate code for: this machine's, or the lesser one that ``SUBGRAD_CPU`` names.

    ``SUBGRAD_CPU`` is one of ``avx512``, ``avx2``, ``sse2``, ``neon``.

    Raises:
        ArgumentError: ``SUBGRAD_CPU`` is an unknown name, or asks for instructions this machine does not have.
        ImportError: llvmlite is not installed.
    """
    return _host(os.environ.get("SUBGRAD_CPU", ""))


@functools.cache
def _host(forced: str) -> Target:
    import llvmlite.binding as llvm  # pyright: ignore[reportMissingImports]

    with llvm_lock:
        name, triple = llvm.get_host_cpu_name(), llvm.get_process_triple()
        features = llvm.get_host_cpu_features()
    has = {feature for feature, present in features.items() if present}
    if forced:
        return _forced(forced, has, triple)
    return _describe(_best_level(has, triple), name, features.flatten(), triple)


def _best_level(has: set[str], triple: str) -> _Level:
    levels = _ARM if triple.startswith(("aarch64", "arm64")) else _X86
    fallback = list(levels.values())[-1]
    return next((level for level in levels.values() if level.needs <= has), fallback)


def _forced(forced: str, has: set[str], triple: str) -> Target:
    if forced not in _LEVELS:
        raise ArgumentError(f"SUBGRAD_CPU={forced}: expected one of {', '.join(_LEVELS)}")
    level = _LEVELS[forced]
    missing = level.needs - has
    if missing:
        raise ArgumentError(f"SUBGRAD_CPU={forced}: this machine has no {', '.join(sorted(missing))}")
    return _describe(level, level.name, "", triple)


def _describe(level: _Level, name: str, features: str, triple: str) -> Target:
    return Target(name, features, triple, level.vector_bits, level.registers, level.fma, **_cache_sizes())


def _cache_sizes() -> dict[str, Any]:
    """Bytes of the first core's data caches, where Linux tells them."""
    sizes: dict[str, Any] = {}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if level in "12" and kind != "Instruction" and size.endswith("K"):
            sizes[f"l{level}_bytes"] = int(size[:-1]) * 1024
    return sizes


def default_threads() -> int:
    """How many threads a program uses: ``SUBGRAD_THREADS``, or the processors this process may run on.

    Those are ``OMP_NUM_THREADS`` at most: joblib, Dask and Ray divide the processors among their workers by it, and
    batch systems say by it what a job has.

    Raises:
        ArgumentError: ``SUBGRAD_THREADS`` is not a positive integer.
    """
    asked = os.environ.get("SUBGRAD_THREADS")
    if asked is None:
        own = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # for each level of nesting a number
        return min(available_processors(), int(own)) if own.isdecimal() and int(own) else available_processors()
    if not asked.isdecimal() or int(asked) < 1:
        raise ArgumentError(f"SUBGRAD_THREADS={asked}: expected a positive integer")
    return int(asked)


def available_processors() -> int:
    """Those that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return os.cpu_count() or 1
