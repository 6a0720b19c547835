"""How fast this machine can multiply and add at all: independent chains of fused multiply-adds in registers."""

from __future__ import annotations

import ctypes
import threading
import time

from subgrad.compile.cpu import Cpu, host
from subgrad.compile.native import load

CHAINS = 12  # more than latency times ports of any current core, and few enough for 16 registers
ROUNDS = 500_000  # some 2 ms: shorter than the turns that other programs take
ATTEMPTS = 200


def measure_limit(threads: int) -> float:
    """float32 operations a second, two for each multiply-add, of so many threads at once: the best of many attempts."""
    cpu = host()
    chain = load(chain_ir(cpu), cpu).function("chain", ctypes.c_float, [ctypes.c_float, ctypes.c_float, ctypes.c_int64])
    work = 2 * CHAINS * cpu.lanes("float32") * ROUNDS * threads
    return work / min(_together(chain, threads) for _ in range(ATTEMPTS))


def _together(chain, threads: int) -> float:
    team = [threading.Thread(target=chain, args=(0.999, 0.001, ROUNDS)) for _ in range(threads)]
    began = time.perf_counter()
    for member in team:
        member.start()
    for member in team:
        member.join()
    return time.perf_counter() - began


def chain_ir(cpu: Cpu) -> str:
    """``float chain(float m, float a, i64 rounds)``: x <- x m + a in every lane of each chain."""
    vector = f"<{cpu.lanes('float32')} x float>"
    names = range(CHAINS)
    head = [_splat("m", vector, cpu), _splat("a", vector, cpu)]
    loop = [f"  %x{i} = phi {vector} [ %vm, %entry ], [ %y{i}, %loop ]" for i in names]
    loop += [_multiply_add(i, vector, cpu) for i in names]
    return "\n".join([
        f"declare {vector} @llvm.fma.v{cpu.lanes('float32')}f32({vector}, {vector}, {vector})",
        "define float @chain(float %m, float %a, i64 %rounds) {",
        "entry:", *head, "  br label %loop",
        "loop:", "  %k = phi i64 [ 0, %entry ], [ %next, %loop ]", *loop,
        "  %next = add i64 %k, 1", "  %more = icmp slt i64 %next, %rounds", "  br i1 %more, label %loop, label %end",
        "end:", *(f"  %s{i} = fadd {vector} {f'%s{i - 1}' if i else '%vm'}, %y{i}" for i in names),
        f"  %r = extractelement {vector} %s{CHAINS - 1}, i32 0", "  ret float %r", "}",
    ])  # fmt: skip


def _splat(name: str, vector: str, cpu: Cpu) -> str:
    one = f"  %one_{name} = insertelement {vector} poison, float %{name}, i32 0"
    zeros = f"<{cpu.lanes('float32')} x i32> zeroinitializer"
    return f"{one}\n  %v{name} = shufflevector {vector} %one_{name}, {vector} poison, {zeros}"


def _multiply_add(i: int, vector: str, cpu: Cpu) -> str:
    if cpu.fma:
        lanes = cpu.lanes("float32")
        return f"  %y{i} = call {vector} @llvm.fma.v{lanes}f32({vector} %x{i}, {vector} %vm, {vector} %va)"
    return f"  %p{i} = fmul {vector} %x{i}, %vm\n  %y{i} = fadd {vector} %p{i}, %va"
