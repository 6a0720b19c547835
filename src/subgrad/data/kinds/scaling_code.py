"""The native code of `native_scaling`, as LLVM text."""

from __future__ import annotations

from subgrad.compile.code_target import Target
from subgrad.compile.codegen.llvm import Builder, Module
from subgrad.compile.codegen.llvm_values import Index, Value, constant, lanes_of, vector
from subgrad.data.kinds.column_kind import FURTHEST

ROWS = 128  # that are worked on together: of each a cache line of features is in the first-level cache
COLUMNS, MEDIANS, MEANS, STDS, PLACES, MARKS = (
    Value("ptr", f"%{name}") for name in ("columns", "medians", "means", "stds", "places", "marks")
)
K, N, STRIDE, FEATURES = Value("i64", "%k"), Value("i64", "%n"), Value("i64", "%stride"), Value("ptr", "%features")


def scaling_code(cpu: Target, kind: str) -> str:
    """``scale(columns, medians, means, stds, places, marks, k, features, stride, n)`` for columns of one ``kind``.

    Some rows at a time, column by column: of a column a vector is read and scaled, and its lanes are stored in a row
    each.
    """
    module, lanes = Module(cpu), cpu.lanes("float32")
    parameters = [COLUMNS, MEDIANS, MEANS, STDS, PLACES, MARKS, K, FEATURES, STRIDE, N]
    with module.function("scale", parameters, exported=True) as b:
        whole = b.sub(N, b.divmod(N, lanes)[1])
        for begin, end, size in ((0, whole, lanes), (whole, N, 1)):
            with b.loop(begin, end, ROWS) as turn:
                _rows(b, kind, turn.index, b.min(b.add(turn.index, ROWS), end), size)
    return str(module)


def _rows(b: Builder, kind: str, begin: Index, end: Index, size: int) -> None:
    """All features of some rows, so many of them in a vector."""
    single, double = vector("float", size), vector("double", size)
    with b.loop(0, K) as turn:
        j = turn.index
        column = b.emit("ptr", f"load ptr, ptr {b.at(COLUMNS, j, 'ptr')}, align {b.module.cpu.pointer_bytes}")
        median, mean, std = (b.splat(b.load("double", b.at(p, j, "double")), size) for p in (MEDIANS, MEANS, STDS))
        place, mark = (b.load("i64", b.at(p, j, "i64")) for p in (PLACES, MARKS))
        marked = b.compare("sge", mark, 0)
        with b.loop(begin, end, size) as rows:
            x = b.load(vector(kind, size), b.at(column, rows.index, kind))
            if kind == "float":
                x = b.pure(double, f"fpext {x.type} {x} to {double}")
            known = b.compare("olt", b.intrinsic("llvm.fabs", x), float("inf"))
            z = b.op("fdiv", b.fsub(b.select(known, x, median), mean), std)
            z = b.select(b.compare("olt", z, -FURTHEST), -FURTHEST, z)
            z = b.select(b.compare("ogt", z, FURTHEST), FURTHEST, z)
            first = b.at(FEATURES, b.mul(b.value(rows.index), STRIDE), "i8")
            _store(b, b.pure(single, f"fptrunc {double} {z} to {single}"), b.at(first, place, "float"))
            with b.when(marked):
                _store(b, b.select(known, constant(single, 0.0), constant(single, 1.0)), b.at(first, mark, "float"))


def _store(b: Builder, values: Value, here: Value) -> None:
    """Each lane in a row, the first of them here."""
    for lane in range(lanes_of(values.type)):
        here = b.at(here, STRIDE, "i8") if lane else here
        b.store(b.pure("float", f"extractelement {values.type} {values}, i64 {lane}"), here)


__all__ = ["scaling_code"]
