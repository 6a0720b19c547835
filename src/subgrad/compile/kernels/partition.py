"""Along which axis of its result threads share a kernel, and which loops a contraction has."""

from __future__ import annotations

import math
from itertools import pairwise

from subgrad.compile.codegen.lower import Role, is_movement
from subgrad.compile.codegen.nest import split_axis
from subgrad.compile.kernels.kernel import Kernel
from subgrad.graph.op import Kind
from subgrad.graph.tensor import Tensor

ROWS = -1
"""In the place of an axis: all rows of a contraction, counted through, where the first axis does not divide well."""


def split_of(kernel: Kernel, threads: int) -> int | None:
    """The axis that the threads share, `ROWS`, or None where one of them does all."""
    if kernel.role is Role.ALONE and kernel.seed.op.kind is Kind.REDUCTION:
        return None
    axis = split_axis(kernel.domain)
    if is_movement(kernel.seed.op) and (axis is None or not keeps(kernel.seed, axis)):
        return None
    if axis is None or kernel.role is not Role.CONTRACT:
        return axis
    if not _rows_first(kernel.seed, axis):
        return None
    return ROWS if _uneven(kernel.domain[axis], threads) and extent_of(kernel, ROWS) > kernel.domain[axis] else axis


def _uneven(n: int, threads: int) -> bool:
    """Whether the thread with most of ``n`` pieces has over a tenth more than its share."""
    return -(-n // threads) * threads > 1.1 * n


def extent_of(kernel: Kernel, axis: int | None) -> int:
    """How many pieces there are to share."""
    if axis is None:
        return 1
    if axis != ROWS:
        return kernel.domain[axis]
    batch, rows, _ = loop_letters(kernel.seed)
    out = operand_letters(kernel.seed)[2]
    return math.prod(kernel.domain[out.index(c)] for c in batch + rows)


def shares(rows: int, pieces: int, threads: int) -> list[int]:
    """How many of so many rows, in equal ``pieces`` that stay whole, each thread gets."""
    ends = [thread * pieces // threads * (rows // pieces) for thread in range(threads + 1)]
    return [end - begin for begin, end in pairwise(ends)]


def keeps(node: Tensor, axis: int) -> bool:
    """Whether what a moving node copies stays at its index along ``axis``."""
    n = node.shape[axis]
    if node.op.name == "place":
        return node.attrs["steps"][axis] == (0, n, 1)
    return all(i.shape[axis] == n for i in node.inputs)


def _rows_first(node: Tensor, axis: int) -> bool:
    """Whether axis ``axis`` of a contraction's result is its outermost loop over rows."""
    out = operand_letters(node)[2]
    batch, rows, _ = loop_letters(node)
    longer = [c for c in batch + rows if node.shape[out.index(c)] > 1]
    return bool(longer) and longer[0] == out[axis]


def column_axis(node: Tensor) -> int | None:
    """The axis of a contraction's result that its vectors run along."""
    columns = loop_letters(node)[2]
    return operand_letters(node)[2].index(columns[0]) if columns else None


def loop_letters(node: Tensor) -> tuple[list[str], list[str], list[str]]:
    """The subscripts of the loops over a contraction's result: batches, rows, and the one along the vectors.

    A second column subscript is a batch whose rows are all the same.
    """
    left, right, out = operand_letters(node)
    columns = [c for c in out if c in right and c not in left]
    batch = [c for c in out if (c in left and c in right) or c in columns[:-1]]
    return batch, [c for c in out if c in left and c not in right], columns[-1:]


def operand_letters(node: Tensor) -> tuple[str, str, str]:
    """The subscripts of a contraction, its operands exchanged if that gives the result's last axis to the second."""
    terms, out = node.attrs["spec"].split("->")
    left, right = terms.split(",")
    return (right, left, out) if swapped(node) else (left, right, out)


def swapped(node: Tensor) -> bool:
    """Whether the second operand of a contraction plays the rows."""
    terms, out = node.attrs["spec"].split("->")
    left, right = terms.split(",")
    return bool(out) and out[-1] in left and out[-1] not in right


__all__ = ["ROWS", "column_axis", "extent_of", "keeps", "loop_letters", "operand_letters", "shares", "split_of",
           "swapped"]  # fmt: skip
