"""Loops over a domain, or over a thread's share of it, with vectors along its last axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from subgrad.compile.codegen.expressions import Ix
from subgrad.compile.codegen.llvm import Builder
from subgrad.compile.codegen.llvm_values import Index, Value, first_lanes
from subgrad.compile.codegen.lower import iota

Body = Callable[[tuple[Ix, ...], int, Value | None], None]
"""Emits the code at some indices, for so many lanes, of which the mask (None: all) may be touched."""


class Share(NamedTuple):
    """The part of a kernel's domain that one call computes: ``begin`` to ``end`` along ``axis`` (None: all of it)."""

    axis: int | None
    begin: Index
    end: Index


def split_axis(shape: Sequence[int]) -> int | None:
    """The axis along which threads share a domain: the first that has more than one element."""
    return next((i for i, n in enumerate(shape) if n > 1), None)


def nest(b: Builder, shape: Sequence[int], share: Share, lanes: int, body: Body) -> None:
    """Loops over ``shape``, with vectors along the last axis that is longer than 1."""
    if 0 in shape:
        return
    longer = [i for i, n in enumerate(shape) if n > 1]
    along = longer[-1] if longer and lanes > 1 else None
    _nest(b, list(shape), share, lanes, along, body, ())


def _nest(
    b: Builder, shape: list[int], share: Share, lanes: int, along: int | None, body: Body, ixs: tuple[Ix, ...]
) -> None:
    axis = len(ixs)
    if axis == len(shape):
        return body(ixs, 1, None)
    begin, end = (share.begin, share.end) if axis == share.axis else (0, shape[axis])
    if axis == along:
        rest = (Ix(0),) * (len(shape) - axis - 1)
        return vectors(b, begin, end, lanes, lambda ix, n, mask: body((*ixs, ix, *rest), n, mask))
    with b.loop(begin, end) as turn:
        _nest(b, shape, share, lanes, along, body, (*ixs, Ix(turn.index)))
    return None


def vectors(b: Builder, begin: Index, end: Index, lanes: int, body: Callable[[Ix, int, Value | None], None]) -> None:
    """A loop in steps of ``lanes``, and what is left over: under a mask, or one by one where masks are slow."""
    whole = b.sub(end, b.divmod(b.sub(end, begin), lanes)[1])
    at: Index = begin
    if not (isinstance(whole, int) and isinstance(begin, int) and whole <= begin):
        with b.loop(begin, whole, lanes) as turn:
            body(Ix(turn.index, 1), lanes, None)
        at = whole
    if isinstance(end, int) and isinstance(at, int) and at >= end:
        return
    if b.module.cpu.vector_bits < 256:  # no masked loads and stores
        with b.loop(at, end) as turn:
            body(Ix(turn.index), 1, None)
        return
    if isinstance(end, int) and isinstance(at, int):
        body(Ix(at, 1), lanes, first_lanes(lanes, end - at))
        return
    left = b.sub(end, at)
    count = b.value(left)
    with b.when(b.compare("sgt", count, 0)):
        mask = b.compare("slt", iota(lanes, "i64"), b.splat(count, lanes))
        body(Ix(at, 1), lanes, mask)


__all__ = ["Share", "nest", "split_axis", "vectors"]
