"""How fast a core can multiply and add at all: independent chains of fused multiply-adds in registers."""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable

import numpy as np

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Module
from subgrad.compile.codegen.llvm_values import Value, vector
from subgrad.compile.native import load

CHAINS = 12  # more than latency times ports of any current core, and few enough for 16 registers
ROUNDS = 20_000  # some 0.1 ms: shorter than the turns that other programs take


@functools.cache
def peak_gflops(cpu: Target, seconds: float = 0.05) -> float:
    """GFLOP/s of one core in float32, two for each multiply-add: the best of what fits into so many seconds."""
    run, best, end = fma_probe(cpu), float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        run(ROUNDS)
        best = min(best, time.perf_counter() - start)
    return probe_flops(cpu, ROUNDS) / best / 1e9


def probe_flops(cpu: Target, rounds: int) -> int:
    """What `fma_probe` does in so many rounds."""
    return 2 * CHAINS * cpu.lanes("float32") * rounds


def fma_probe(cpu: Target) -> Callable[[int], None]:
    """``run(rounds)``: x <- x m + a in every lane of each chain, so many times, without the interpreter lock."""
    kind, module = vector("float", cpu.lanes("float32")), Module(cpu)
    memory, rounds = Value("ptr", "%memory"), Value("i64", "%rounds")
    with module.function("fma_probe", [memory, rounds], exported=True) as b:
        start = [b.load(kind, b.at(memory, i, kind)) for i in range(CHAINS)]
        m, a = (b.splat(b.load("float", b.at(memory, i, "float")), cpu.lanes("float32")) for i in (0, 1))
        with b.loop(0, rounds, carry=start) as turn:
            turn.carry = tuple(b.fma(x, m, a) for x in turn.carry)
        for i, x in enumerate(turn.carry):
            b.store(x, b.at(memory, i, kind))
    call = load(str(module), cpu).function("fma_probe", None, [ctypes.c_void_p, ctypes.c_int64])
    room = np.zeros(CHAINS * cpu.lanes("float32"), np.float32)

    def run(rounds: int) -> None:
        room[:2] = 0.999, 0.001  # numbers that stay normal
        call(room.ctypes.data, rounds)

    return run


__all__ = ["fma_probe", "peak_gflops", "probe_flops"]
