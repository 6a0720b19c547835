"""Calls with fewer rows in the program of a call with more: so that calls of many lengths take few programs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.runtime.variant import Trace, Variant
from subgrad.diff.shorter import Shorter, Traced
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


class Room(NamedTuple):
    """A program for some rows, and fewer if ``shorter`` says how."""

    variant: Variant
    shorter: Shorter | None

    @classmethod
    def of(cls, long: Trace, short: Trace | None, make: Callable[[Trace], Variant]) -> Room:
        """For the rows of the ``long`` trace; for fewer, as the ``short`` one has, if that can be shown to be right."""
        if short is not None and not (long.written or short.written):
            with contextlib.suppress(Exception):
                shorter = Shorter(_graph(long), _graph(short))
                told = long._replace(arguments=[*long.arguments, *shorter.numbers], outputs=shorter.outputs)
                return cls(make(told), shorter)
        return cls(make(long), None)

    def call(self, trace: Trace, rows: int, room: int) -> Variant | Shortened | None:
        """How ``trace``, of so many rows, is called in the program, which takes ``room``; None if it cannot be."""
        if rows == room and (self.shorter is None or not self.shorter.numbers):
            return self.variant
        if self.shorter is None or trace.written:
            return None
        numbers = self.shorter.of_long if rows == room else self.shorter.of(_graph(trace))
        return None if numbers is None else Shortened(self.variant, room, numbers, trace)


class Shortened:
    """A variant for batches of ``rows``, called with as many or fewer: it is told how many count."""

    def __init__(self, variant: Variant, rows: int, numbers: np.ndarray, trace: Trace) -> None:
        self._variant, self.program, self._rows = variant, variant.program, rows
        self._numbers = [np.array(n) for n in numbers]
        self._result = trace.result
        self._cuts = [tuple(map(slice, o.shape)) for o in trace.outputs]

    def call(self, arrays: Sequence[np.ndarray]) -> Any:
        """As `Variant.call`."""
        found = self._variant.values([*filled(arrays, self._rows), *self._numbers])
        found = [a[cut] for a, cut in zip(found, self._cuts, strict=True)]
        return found[0] if isinstance(self._result, Tensor) else rebuild(self._result, found)


def _graph(trace: Trace) -> Traced:
    return Traced(trace.inputs, trace.outputs)


__all__ = ["Room", "Shortened", "filled", "room_for"]
