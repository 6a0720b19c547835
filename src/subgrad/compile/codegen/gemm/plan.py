"""Which register tile, blocks and copies a contraction gets, by a model of what one core does in a cycle."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from subgrad.compile.code_target import BYTES, Target
from subgrad.compile.codegen.gemm.spec import Contraction
from subgrad.compile.codegen.gemm.tile import LINE

_PAD = 16  # elements that keep the rows of a packed A out of each other's cache sets
UNBROKEN = 512  # steps of a reduction that is never cut into blocks, and so needs no place for partial sums
_K_BLOCK = UNBROKEN
_M_BLOCK = 512  # rows of A that are copied at a time at most
_SHORT_BLOCK = 128  # steps that each touch other cache lines of A and of B: half of an L1 full of them
_L1_WAYS = 8
_STREAMS = 16
_FEW_ROWS = 8  # of a tile, for which each line of B is used; with more it does not matter how far B lies
_OFTEN = 128  # rows for which a copy of B is read before it is worth it, and columns for which one of A is
_CROWDED = 1024  # bytes; steps of a multiple of it fall into four cache sets at most
_PAGE = 4096  # bytes; steps of this size defeat the prefetcher and fall into the same few cache sets


class Plan(NamedTuple):
    """How the code of a contraction is laid out.

    A register tile is ``rows`` rows by ``vectors`` vectors of ``lanes`` columns; in the dot form it is ``rows`` rows
    by ``vectors`` single columns, and the lanes run along k. ``tails`` are the smaller row counts that get a tile of
    their own; what is left after them goes row by row, unless it is known that nothing is (``singles``). After
    ``k_block`` steps of the reduction the partial sums go to C; with ``blocks_first`` all lines of rows take
    a block before the next one. ``m_block`` rows are taken at a time (0: all);
    ``pack_a`` copies their part of A, ``pack_b`` each panel of B.
    """

    lanes: int
    rows: int
    vectors: int
    tails: tuple[int, ...]
    k_block: int
    dot: bool = False
    pack_b: bool = False
    m_block: int = 0
    pack_a: bool = False
    singles: bool = True
    blocks_first: bool = False

    @property
    def width(self) -> int:
        """Columns of C that a tile covers."""
        return self.vectors if self.dot else self.vectors * self.lanes

    def lanes_for(self, columns: int) -> int:
        """Lanes of the vectors that cover so many columns: fewer where those are the last ones."""
        return self.lanes if self.dot else _no_wider(self.lanes, columns)

    @property
    def row_counts(self) -> tuple[int, ...]:
        """The tiles that rows are taken in, largest first; the last takes what is left, row by row, if anything is."""
        return tuple(dict.fromkeys((self.rows, *self.tails, *[1] * self.singles)))

    def leaves(self, count: int) -> bool:
        """Whether so many rows are not all in tiles of several rows."""
        for rows in (self.rows, *self.tails):
            count %= rows
        return count > 0

    @property
    def a_room(self) -> int:
        """Elements that the copied block of A takes."""
        return self.pack_a * self.m_block * self.k_block

    def scratch(self, contraction: Contraction) -> int:
        """Elements of room that the caller hands to each thread: a block of A and a panel of B."""
        return self.a_room + self.pack_b * self.k_block * self.width


def rows_contiguous(contraction: Contraction) -> bool:
    """Whether neighbours in memory of A are neighbouring rows, and not neighbouring steps of k."""
    merged = contraction.merged()
    return merged.m[-1].a == 1 and merged.k[-1].a != 1


def plan_contraction(
    contraction: Contraction, cpu: Target, *, ranges: Sequence[int] = (), exactly: bool = False,
    partial_sums: bool = True,
) -> Plan:  # fmt: skip
    """The fastest plan by the model.

    ``ranges`` are the numbers of rows that the caller will ask for at a time (one per thread), one range after the
    other; other ranges work as well, only not as fast, unless it promises ``exactly`` these, and so needs no code for
    others. ``partial_sums=False`` promises that C is never read or written but through the epilogue.
    """
    merged = contraction.merged()
    counts = _row_counts(merged, ranges)
    plans = [_blocked(plan, merged, cpu, counts, partial_sums) for plan in _candidates(merged, cpu, counts)]
    best = min(plans, key=lambda plan: _cycles(plan, merged, counts))
    known = exactly and sum(ranges) == contraction.rows and not best.m_block
    return best._replace(singles=not known or any(map(best.leaves, counts)))


def _row_counts(merged: Contraction, ranges: Sequence[int]) -> tuple[int, ...]:
    """The numbers of neighbouring rows that tiles must cover, the largest first.

    Where rows come in lines, a range has whole lines and maybe a part of one at each end; equal ones count once.
    """
    size, ranges = merged.m[-1].size, [n for n in ranges if n]
    if not ranges or not (merged.batch or merged.m[:-1]):
        return tuple(sorted(ranges or [size], reverse=True))
    found: set[int] = set()
    begin = 0
    for length in ranges:
        end = begin + length
        inside = range(-(-begin // size) * size, end // size * size + 1, size)  # where lines of rows begin and end
        found |= {inside[0] - begin, end - inside[-1], size * (len(inside) > 1)} if inside else {length}
        begin = end
    return tuple(sorted(found - {0}, reverse=True))


def _candidates(merged: Contraction, cpu: Target, counts: Sequence[int]) -> Iterator[Plan]:
    lanes, k_steps = cpu.lanes(merged.dtype), math.prod(loop.size for loop in merged.k)
    last = merged.n[-1]
    if last.c != 1:
        lanes = 1
    for rows, vectors in _tiles(cpu, max(counts), math.ceil(last.size / lanes)):
        narrow = _no_wider(lanes, last.size)
        yield Plan(narrow, rows, vectors, _tails(rows, counts), k_steps, pack_b=narrow > 1 and last.b != 1)
    if lanes > 1 and merged.k[-1].a == merged.k[-1].b == 1:
        for rows, columns in _tiles(cpu, min(6, max(counts)), min(4, last.size, lanes)):
            if columns != 3:
                yield Plan(lanes, rows, columns, _tails(rows, counts), k_steps, dot=True)


def _no_wider(lanes: int, columns: int) -> int:
    """Lanes for so few columns: half a vector costs half on processors that do a whole one in two steps (Zen 4)."""
    while lanes >= 2 * columns and lanes > 4:
        lanes //= 2
    return lanes


def _tiles(cpu: Target, max_rows: int, max_vectors: int) -> Iterator[tuple[int, int]]:
    """Tiles whose accumulators and one row of B fit the registers, and no larger one with as many vectors."""
    spare = 1 if cpu.fma else 3
    for vectors in range(1, min(max_vectors, cpu.registers) + 1):
        most = (cpu.registers - spare - vectors) // vectors
        for rows in range(1, min(most, max_rows) + 1):
            yield rows, vectors


def _tails(rows: int, counts: Sequence[int]) -> tuple[int, ...]:
    rests = {count % rows for count in counts} - {0, 1}
    return tuple(sorted(rests, reverse=True)[:3])


def _blocked(plan: Plan, merged: Contraction, cpu: Target, counts: Sequence[int], partial_sums: bool) -> Plan:
    """Add the blocks and copies that operands beyond the caches need (copies for single loops only)."""
    if plan.dot or plan.lanes == 1:
        return plan
    k, rows, columns, width = merged.k[0], max(counts), merged.n[-1].size, BYTES[merged.dtype]
    result, read = (n * width for n in (rows * columns, plan.k_block * (rows + columns)))
    if rows_contiguous(merged) and partial_sums and result <= cpu.l2_bytes:
        near = plan.k_block <= UNBROKEN or read <= cpu.l2_bytes
        if not near:
            several = bool(merged.m[:-1]) and merged.rows * columns * width <= cpu.l2_bytes
            short = _even_steps([loop.size for loop in merged.k], _SHORT_BLOCK)
            plan = plan._replace(k_block=short, blocks_first=several)
        return _with_copies(plan, merged, cpu, rows)
    if len(merged.k) > 1:
        return plan
    if k.b * width >= _PAGE and min(rows, columns) >= 128 and k.size * columns * width > cpu.l2_bytes:
        plan = plan._replace(pack_b=True)
    far = rows_contiguous(merged) and min(rows, columns) >= 256 and k.size * rows * width > cpu.l2_bytes
    most = _K_BLOCK if far else 2 * _K_BLOCK
    if not plan.pack_b and plan.rows <= _FEW_ROWS and plan.width * k.size * width > cpu.l1_bytes:
        most = _K_BLOCK
    if partial_sums and k.size > most:
        plan = plan._replace(k_block=_even_block(k.size, _K_BLOCK))
    return _with_copies(plan, merged, cpu, rows)


def _with_copies(plan: Plan, merged: Contraction, cpu: Target, rows: int) -> Plan:
    """Copy what is read line by line: rows of A that lie side by side, so that each step of k is in another line, and
    panels of B whose lines share a few places of the first cache."""
    k, columns, width = merged.k[0], merged.n[-1].size, BYTES[merged.dtype]
    if len(merged.k) > 1 or min(k.size, columns) < _OFTEN:
        return plan
    if k.b * width % _CROWDED == 0 and rows >= _OFTEN:
        plan = plan._replace(pack_b=True)
    if rows_contiguous(merged) and rows * k.size * width > cpu.l1_bytes:
        block = math.ceil(_even_block(rows, _M_BLOCK) / plan.rows) * plan.rows
        plan = plan._replace(m_block=block, pack_a=True)
    return plan


def _even_block(size: int, most: int) -> int:
    """Blocks of about ``most``, in whole cache lines, that leave no small one at the end."""
    return -(-size // math.ceil(size / most) // _PAD) * _PAD


def _even_steps(sizes: Sequence[int], most: int) -> int:
    """Blocks of about ``most`` steps of nested loops: whole inner loops, or a part of one. Twice as many stay whole."""
    outer, *inner = sizes
    each = math.prod(inner)
    if each > most:
        return _even_steps(inner, most)
    blocks = math.ceil(outer / (most // each)) if outer * each > 2 * most else 1
    return each * math.ceil(outer / blocks)


def _cycles(plan: Plan, merged: Contraction, counts: Sequence[int]) -> float:
    """About how long all of the given row counts take: tiles, their ends, and copying."""
    k_steps = math.prod(loop.size for loop in merged.k)
    columns = merged.n[-1].size
    full, rest = divmod(columns, plan.width)
    panels = [(plan.vectors, full), (math.ceil(rest * plan.vectors / plan.width), int(rest > 0))]
    total, bodies = 0.0, 0
    for vectors, times in panels:
        if times:
            narrow = plan.lanes_for(rest) / plan.lanes if vectors < plan.vectors else 1
            total += times * narrow * sum(_strip(plan, count, vectors, k_steps) for count in counts)
            bodies += sum(plan.row_counts) * vectors
    if plan.pack_b:
        total += len(counts) * k_steps * columns * (1.5 / plan.lanes if merged.n[-1].b == 1 else 0.4)
    return total * _aliasing(merged, plan.rows) * _streams(merged, plan.rows) * (1 + 2e-5 * bodies)


def _strip(plan: Plan, count: int, vectors: int, k_steps: int) -> float:
    """The cycles of one panel's tiles over ``count`` rows."""
    total = 0.0
    for rows in plan.row_counts:
        tiles, count = divmod(count, rows)
        total += tiles * _tile(plan, rows, vectors, k_steps)
    return total


def _tile(plan: Plan, rows: int, vectors: int, k_steps: int) -> float:
    """Two multiply-adds and two loads a cycle; a sum waits four cycles for its predecessor.

    A fifth of a cycle for each cache line breaks ties in favour of tiles that use what they load more often.
    """
    step = max(rows * vectors / 2, (rows + vectors) / 2, 4)
    if plan.dot:
        return math.ceil(k_steps / plan.lanes) * (step + 0.2 * (rows + vectors)) + 20 + rows * (1.5 * vectors + 3)
    return k_steps * (step + 0.2 * (rows / plan.lanes + vectors)) + 20 + rows * vectors


def _aliasing(merged: Contraction, rows: int) -> float:
    """The rows of A that a tile reads at once push each other out of L1 if they are whole pages apart."""
    apart = merged.m[-1].a * BYTES[merged.dtype]
    return 1.08 if rows > _L1_WAYS and apart and apart % _PAGE == 0 else 1.0


def _streams(merged: Contraction, rows: int) -> float:
    """Rows of A that share no cache line are as many streams to read: over 16 of them took 1.1 to 2.6 times as long
    (1x1 convolutions of 32 and 64 channels on Zen 4)."""
    row, run = merged.m[-1], merged.k[-1]
    apart = row.a * BYTES[merged.dtype] >= LINE and row.a >= run.size * run.a
    return 1.5 if apart and rows > _STREAMS else 1.0
