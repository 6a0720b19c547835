"""Native programs under suspicion: what was never written shows, and so does what is written beside its place.

With ``SUBGRAD_CHECK=1`` a program runs, in its first 200 calls, in memory that is made for each call. The arena, the
scratch memory and all results are filled with NaN, or for integers with an unlikely number; every array lies between
guard bytes, and on no better address than its elements need. After the call nothing but results may have changed.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from subgrad.compile.kernels.arena import ALIGN
from subgrad.compile.kernels.placement import ARENA, FIRST, SCRATCH
from subgrad.compile.runtime.bound import Bound
from subgrad.errors import CheckError

if TYPE_CHECKING:
    from subgrad.compile.runtime.program import Program

GUARD = 4 * ALIGN  # bytes on either side of an array
BESIDE = 0xA5  # each guard byte

LARGE = 1 << 26
"""Bytes of an argument above which it is read where it lies, as a mapped file is."""

UNTYPED = 0xFFF4A5A5FFF4A5A5
"""Eight bytes that are a signalling NaN as a float64, two quiet ones as float32, and no bool, index or size."""

UNWRITTEN = {4: 0x7FA5A5A5, 8: 0x7FF4A5A5A5A5A5A5}
"""Signalling NaNs, by the size of a float in bytes."""


class Room:
    """The bytes of one array between guard bytes: poisoned, or a copy of what ``array`` holds."""

    def __init__(self, name: str, size: int, skew: int = 0) -> None:
        self._name, self._size = name, size
        raw = np.full(size + skew + ALIGN + 2 * GUARD, BESIDE, np.uint8)
        first = -(raw.ctypes.data + GUARD) % ALIGN + skew
        self._all, self._first = raw, first + GUARD
        self.bytes = raw[self._first : self._first + size]
        self.address = raw.ctypes.data + self._first
        self._before: bytes | None = None

    @classmethod
    def untyped(cls, name: str, size: int) -> Room:
        """Poisoned memory for values of all dtypes."""
        room = cls(name, size)
        whole = size // 8 * 8
        room.bytes[:whole].view(np.uint64)[:] = UNTYPED
        room.bytes[whole:] = np.frombuffer(UNTYPED.to_bytes(8, "little"), np.uint8)[: size - whole]
        return room

    @classmethod
    def poisoned(cls, name: str, array: np.ndarray) -> Room:
        """Poisoned memory for a result like ``array``."""
        room = cls(name, array.nbytes, array.itemsize % ALIGN)
        if array.dtype.kind == "f":
            room.bytes.view(f"u{array.itemsize}")[:] = UNWRITTEN[array.itemsize]
        else:
            room.bytes[:] = BESIDE
        return room

    @classmethod
    def holding(cls, name: str, array: np.ndarray, constant: bool) -> Room:
        """A copy of ``array``, which may change unless it is ``constant``."""
        room = cls(name, array.nbytes, array.itemsize % ALIGN)
        room.bytes[:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        room._before = room.bytes.tobytes() if constant else None
        return room

    def check(self) -> None:
        """Raise `CheckError` if something was written where nothing may be."""
        before, behind = self._all[: self._first], self._all[self._first + self._size :]
        for side, part in (("in front of", before[::-1]), ("behind", behind)):
            strange = np.flatnonzero(part != BESIDE)
            if strange.size:
                where = f"{side} {self._name}, {strange[0]} bytes away"
                raise CheckError(f"a native program wrote {strange.size} bytes {where}")
        if self._before is not None and self.bytes.tobytes() != self._before:
            raise CheckError(f"a native program changed {self._name}")


CALLS = 200
"""How many calls are guarded: what runs thousands of times runs the same code again, without the copies."""


class GuardedBound(Bound):
    """`Bound` in memory of its own for each of the first calls, looked at afterwards."""

    def __init__(self, program: Program, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
        self._program, self._arrays, self._results = program, list(arrays), list(results)
        super().__init__(program, arrays, results)
        self._native, self._calls = self.run, 0
        guarded = weakref.WeakMethod(self._guarded)  # it would hold itself, and all arrays, otherwise
        self.run = self.once = lambda steps=1: guarded()(steps)  # pyright: ignore[reportOptionalCall]

    def move(self, i: int, array: np.ndarray) -> None:
        self._arrays[i] = array

    def move_result(self, k: int, array: np.ndarray) -> None:
        self._results[k] = array

    def _guarded(self, steps: int = 1) -> None:
        self._calls += 1
        if self._calls > CALLS:
            return self._plain(steps)
        rooms, written = self._rooms()
        for entry, room in rooms.items():
            self._table[entry] = room.address
        self._native(steps)
        for room in rooms.values():
            room.check()
        for entry, array in written:
            if array.size:
                array[...] = rooms[entry].bytes.view(array.dtype).reshape(array.shape)

    def _plain(self, steps: int) -> None:
        """A call in the program's own memory."""
        for entry, at in self._program._fixed.items():
            self._table[entry] = at
        for i, array in enumerate(self._arrays):
            super().move(i, array)
        for k, array in enumerate(self._results):
            super().move_result(k, array)
        self._native(steps)

    def _rooms(self) -> tuple[dict[int, Room], list[tuple[int, np.ndarray]]]:
        """A room for each entry of the table of pointers, and the arrays that get what is then in some of them."""
        program, written = self._program, []
        rooms = {ARENA: Room.untyped("the arena", program.executable.arena)}
        rooms[SCRATCH] = Room.untyped("the scratch memory", program.executable.scratch)
        for entry, array in enumerate(program.executable.constants, FIRST + len(program.inputs)):
            rooms[entry] = Room.holding("a constant", array, constant=True)
        variables = program.interface.variables
        changing = set(variables.values())
        for i, array in enumerate(self._arrays):
            if array.nbytes > LARGE and i not in changing:
                super().move(i, array)
                continue
            rooms[FIRST + i] = Room.holding(f"input {i}", array, constant=i not in changing)
            if i in changing:
                written.append((FIRST + i, array))
        for k, array in enumerate(self._results):
            if k not in variables:
                rooms[self._first + k] = Room.poisoned(f"result {k}", array)
                written.append((self._first + k, array))
        return rooms, written


__all__ = ["GuardedBound"]
