"""Calls with fewer rows in the program of a call with more: so that calls of many lengths take few programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.compile.runtime.variant import Trace, Variant
from subgrad.diff.shorter import Shorter, Traced, Unproven
from subgrad.graph.tensor import Tensor
from subgrad.graph.tree import rebuild

EXACT = 2
"""Programs that take just as many rows as their first calls had."""

SHARE = 8
"""A call goes through a program of so many times its rows at most: the others are work for nothing."""


def room_for(rows: int, rooms: Sequence[int]) -> int:
    """How many rows the program takes that so many go through: one of ``rooms``, which have programs, if that fits.

    From the third on a new one takes more than there are, so that there are few.

    >>> room_for(5, [8, 64]), room_for(65, [64]), room_for(66, [64, 65]), room_for(1, [64, 65])
    (8, 65, 128, 1)
    """
    fitting = [room for room in rooms if rows <= room <= SHARE * rows]
    return min(fitting) if fitting else rows if len(rooms) < EXACT else 1 << (rows - 1).bit_length()


def filled(arrays: Sequence[np.ndarray], rows: int) -> Sequence[np.ndarray]:
    """The arrays, and their first row again until there are so many."""
    more = rows - len(arrays[0])
    return [np.concatenate([a, np.repeat(a[:1], more, axis=0)]) for a in arrays] if more else arrays


class Room:
    """The programs for some number of rows: one for just these, and one that is told how many count, if it must know.

    Args:
        trace: of so many rows.
        make: compiles a trace.
    """

    def __init__(self, trace: Trace, make: Callable[[Trace], Variant]) -> None:
        self._trace, self._make = trace, make
        self._exact: Variant | None = None
        self._fewer: tuple[Shorter, Variant] | None = None
        self.takes_fewer = not trace.written

    def exact(self) -> Variant:
        """For as many rows."""
        if self._exact is None:
            self._exact = self._make(self._trace)
        return self._exact

    def fewer(self, trace: Trace, rows: int) -> Shortened | None:
        """How a call with fewer than these ``rows`` is made, of which that is the trace; None if it cannot be."""
        if self._fewer is None and self.takes_fewer:
            self._fewer = self._for_fewer(trace)
            self.takes_fewer = self._fewer is not None
        if self._fewer is None:
            return None
        numbers = self._fewer[0].of(_graph(trace))
        return None if numbers is None else Shortened(self._fewer[1], rows, numbers, trace)

    def _for_fewer(self, trace: Trace) -> tuple[Shorter, Variant] | None:
        long = self._trace
        if len(long.inputs) != len(trace.inputs):
            return None
        try:
            shorter = Shorter(_graph(long), _graph(trace))
        except Unproven:
            return None
        if not shorter.numbers:
            return shorter, self.exact()
        told = long._replace(arguments=[*long.arguments, *shorter.numbers], outputs=shorter.outputs)
        return shorter, self._make(told)


class Shortened:
    """A variant for batches of ``rows``, called with fewer: it is told how many count."""

    def __init__(self, variant: Variant, rows: int, numbers: np.ndarray, trace: Trace) -> None:
        self._variant, self.program, self._rows = variant, variant.program, rows
        self._numbers = [np.array(n) for n in numbers]
        self.trace, self._result = trace, trace.result
        self._cuts = [tuple(map(slice, o.shape)) for o in trace.outputs]

    def call(self, arrays: Sequence[np.ndarray]) -> Any:
        """As `Variant.call`."""
        found = self._variant.values([*filled(arrays, self._rows), *self._numbers])
        found = [a[cut] for a, cut in zip(found, self._cuts, strict=True)]
        return found[0] if isinstance(self._result, Tensor) else rebuild(self._result, found)


def _graph(trace: Trace) -> Traced:
    return Traced(trace.inputs, trace.outputs)


__all__ = ["Room", "Shortened", "filled", "room_for"]
