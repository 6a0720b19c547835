"""What a contraction is: nested loops over rows, columns and the reduction, each with its stride in A, B and C.

C[m, n] (+)= sum over k of A[m, k] * B[k, n]. Because each of m, n and k may be several nested loops, the same
description covers matrix products (one loop each), their batches, and direct convolutions, whose reduction runs over
filter rows and over (filter column, channel), and whose rows run over images, lines and pixels. This is the single
building block of Georganas et al., "High-Performance Deep Learning via a Single Building Block" (2019),
arXiv:1906.06440.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from subgrad.errors import ArgumentError, DTypeError

DTYPES = ("float32", "float64")


class Loop(NamedTuple):
    """``size`` steps, each of which moves ``a``, ``b`` and ``c`` elements in the three operands."""

    size: int
    a: int = 0
    b: int = 0
    c: int = 0


@dataclass(frozen=True, slots=True)
class Contraction:
    """C[m, n] = sum over k of A[m, k] * B[k, n], for each batch; outermost loop first.

    ``accumulate`` adds to what C holds. Rows are numbered through the batch and the m loops, the innermost fastest.

    Raises:
        ArgumentError: a size below one, or a loop that moves an operand it must not: rows move A and C, columns B
            and C, the reduction A and B.
        DTypeError: ``dtype`` is not float32 or float64.

    >>> Contraction.matmul("float32", 64, 128, 784).rows
    64
    """

    dtype: str
    m: tuple[Loop, ...]
    n: tuple[Loop, ...]
    k: tuple[Loop, ...]
    batch: tuple[Loop, ...] = ()
    accumulate: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise DTypeError(f"a contraction has dtype float32 or float64, not {self.dtype}")
        for kind, forbidden in (("m", "b"), ("n", "a"), ("k", "c")):
            _check(kind, getattr(self, kind), forbidden)
        _check("batch", self.batch, "")

    @classmethod
    def matmul(
        cls,
        dtype: str,
        m: int,
        n: int,
        k: int,
        *,
        transpose_a: bool = False,
        transpose_b: bool = False,
        accumulate: bool = False,
    ) -> Contraction:
        """The product of two dense row-major matrices; a transposed one is stored as its transpose."""
        am, ak = (1, m) if transpose_a else (k, 1)
        bk, bn = (1, k) if transpose_b else (n, 1)
        loops = {"m": (Loop(m, a=am, c=n),), "n": (Loop(n, b=bn, c=1),), "k": (Loop(k, a=ak, b=bk),)}
        return cls(dtype, **loops, accumulate=accumulate)

    @property
    def rows(self) -> int:
        """How many rows there are, batches included."""
        return math.prod(loop.size for loop in self.batch + self.m)

    @property
    def flops(self) -> int:
        """Multiplications and additions of the whole contraction."""
        return 2 * self.rows * math.prod(loop.size for loop in self.n + self.k)

    def of_columns(self, parts: int) -> Contraction:
        """That of one of so many equal parts of the columns; each begins where the one before it ends."""
        *outer, last = self.n
        return replace(self, n=(*outer, last._replace(size=last.size // parts)))

    def transposed(self) -> Contraction:
        """The same numbers with the roles of A and B, and of rows and columns, exchanged: pass B as A and A as B."""
        return replace(
            self,
            m=tuple(Loop(x.size, a=x.b, c=x.c) for x in self.n),
            n=tuple(Loop(x.size, b=x.a, c=x.c) for x in self.m),
            k=tuple(Loop(x.size, a=x.b, b=x.a) for x in self.k),
            batch=tuple(Loop(x.size, a=x.b, b=x.a, c=x.c) for x in self.batch),
        )

    def merged(self) -> Contraction:
        """The same contraction in as few loops as possible; rows keep their numbers.

        A batch that shares its B, as a linear layer's input of several axes does, becomes more rows.
        """
        shared = len(self.batch)
        while shared and not self.batch[shared - 1].b:
            shared -= 1
        m, k = _merge(self.batch[shared:] + self.m) or (Loop(1),), _merge(self.k) or (Loop(1, a=1, b=1),)
        n = _merge(self.n) or (Loop(1, b=1, c=1),)
        return replace(self, m=m, n=n, k=k, batch=_merge(self.batch[:shared]))


def _check(kind: str, loops: tuple[Loop, ...], forbidden: str) -> None:
    if not loops and kind != "batch":
        raise ArgumentError(f"a contraction needs at least one {kind} loop; a single step is Loop(1)")
    for loop in loops:
        if loop.size < 1:
            raise ArgumentError(f"a loop over {kind} has {loop.size} steps; expected at least one")
        if forbidden and getattr(loop, forbidden):
            raise ArgumentError(f"a loop over {kind} moves operand {forbidden}, which has no {kind} index: {loop}")


def _merge(loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
    """Drop loops of one step and join neighbours that together step evenly."""
    kept: list[Loop] = []
    for loop in loops:
        if loop.size == 1:
            continue
        if kept and _continues(kept[-1], loop):
            loop = loop._replace(size=kept.pop().size * loop.size)
        kept.append(loop)
    return tuple(kept)


def _continues(outer: Loop, inner: Loop) -> bool:
    return all(getattr(outer, x) == inner.size * getattr(inner, x) for x in "abc")
