"""Copies of blocks of A and of panels of B, where reading them in place would cost more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from subgrad.compile.codegen.gemm.tile import Operand
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, first_lanes, lanes_of, scalar_of, vector, zero


def pack_a(b: Builder, a: Operand, to: Operand, sizes: Sequence[Index], scalar: str, rows: int) -> None:
    """Copy ``rows`` neighbouring rows of A, which lie side by side, as a tile reads them."""
    with b.loop(0, sizes[0]) as turn:
        here, there = a.into(b, turn.index), to.into(b, turn.index)
        if len(sizes) > 1:
            pack_a(b, here, there, sizes[1:], scalar, rows)
        else:
            b.store(b.load(vector(scalar, rows), here.at(b, 0, scalar)), there.at(b, 0, scalar))


def pack_b(b: Builder, bs: Operand, to: Value, sizes: Sequence[Index], columns: int, width: int, kind: str) -> Operand:
    """Copy a panel of B, ``columns`` wide, to rows of ``width`` elements."""
    lanes = lanes_of(kind)
    groups, rest = divmod(columns, lanes)
    if groups:
        with b.loop(0, groups) as group:
            at = b.mul(group.index, lanes)
            _group(b, bs.moved(b, b.mul(at, bs.across)), b.at(to, at, scalar_of(kind)), sizes, lanes, width, kind)
    if rest:
        at = groups * lanes
        _group(b, bs.moved(b, at * bs.across), b.at(to, at, scalar_of(kind)), sizes, rest, width, kind)
    return Operand(to, 0, 1, packed_strides(sizes, width))


def packed_strides(sizes: Sequence[Index], width: int) -> tuple[int, ...]:
    """Elements from one step of each loop over k to the next, in a panel whose rows are ``width`` elements apart."""
    inner = [size for size in sizes[1:] if isinstance(size, int)]  # only a single loop is ever cut into blocks
    return tuple(width * math.prod(inner[i:]) for i in range(len(sizes)))


def _group(b: Builder, bs: Operand, to: Value, sizes: Sequence[Index], columns: int, width: int, kind: str) -> None:
    """Copy one vector's worth of columns, of which ``columns`` exist."""
    scalar = scalar_of(kind)
    if len(sizes) > 1:
        with b.loop(0, sizes[0]) as turn:
            inner_to = b.at(to, b.mul(turn.index, packed_strides(sizes, width)[0]), scalar)
            _group(b, bs.into(b, turn.index), inner_to, sizes[1:], columns, width, kind)
        return
    done: Index = 0
    if bs.along[0] == 1 and bs.across != 1:
        lanes = lanes_of(kind)
        with b.loop(0, b.sub(sizes[0], lanes - 1), lanes) as turn:
            _transpose_block(b, bs.into(b, turn.index), to, turn.index, columns, width, kind)
        done = turn.index
    with b.loop(done, sizes[0]) as turn:
        value = _row(b, bs.into(b, turn.index), columns, kind)
        b.store(value, b.at(to, b.mul(turn.index, width), scalar))


def _row(b: Builder, bs: Operand, columns: int, kind: str) -> Value:
    """One step of k for a group of columns."""
    scalar = scalar_of(kind)
    if bs.across == 1:
        return b.load(kind, bs.at(b, 0, scalar), first_lanes(lanes_of(kind), columns))
    value = zero(kind)
    for j in range(columns):
        element = b.load(scalar, bs.at(b, j, scalar))
        value = b.emit(kind, f"insertelement {kind} {value}, {scalar} {element}, i64 {j}")
    return value


def _transpose_block(b: Builder, bs: Operand, to: Value, k: Index, columns: int, width: int, kind: str) -> None:
    """As many steps of k as there are lanes: loaded along k, transposed in registers, stored along the columns."""
    scalar, lanes = scalar_of(kind), lanes_of(kind)
    lines = [b.load(kind, bs.at(b, j, scalar)) if j < columns else zero(kind) for j in range(lanes)]
    for step, line in enumerate(_transposed(b, lines)):
        b.store(line, b.at(to, b.mul(b.add(k, step), width), scalar))


def _transposed(b: Builder, lines: list[Value]) -> list[Value]:
    """Exchange rows and lanes, by Eklundh's method: swap off-diagonal blocks of half, a quarter, ... of the size."""
    lanes = len(lines)
    block = lanes // 2
    while block:
        for i in range(lanes):
            if not i & block:
                x, y = lines[i], lines[i + block]
                low = [lane if not lane & block else lanes + lane - block for lane in range(lanes)]
                high = [lane + block if not lane & block else lanes + lane for lane in range(lanes)]
                lines[i], lines[i + block] = b.shuffle(x, y, low), b.shuffle(x, y, high)
        block //= 2
    return lines
