"""All that a call of a program needs: machine code, sizes, constants. It is kept, in memory and on disk, by the graph.

Who asks for the program of a graph that was compiled before, in this process or another, gets it without a pass being
run. What a program tells of itself (kernels, schedule, LLVM text) is not kept: the passes make it again if somebody
looks.
"""

from __future__ import annotations

import json
import struct
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile import native
from subgrad.compile.code_target import Target
from subgrad.compile.kernels.schedule import brief
from subgrad.compile.runtime import cache
from subgrad.compile.unit import Unit
from subgrad.graph.lock import lock

KEPT = 64
"""Programs of this process whose machine code stays loaded, though nothing may use it: the folds of a cross-validation
come one after the other."""

LARGE = 1 << 20
"""Bytes of constants from which on a program is not kept: they are data, and of one graph alone."""

_HEADER = struct.Struct("<Q")  # the length of the JSON text; the constants follow it


class Executable(NamedTuple):
    """What a unit has become.

    Attributes:
        library: loaded machine code.
        n_threads: how many threads run it.
        brief: whether a call of one step keeps the interpreter's lock.
        arena: bytes of memory for results that are not the caller's.
        scratch: bytes of memory for what threads need for themselves.
        slots: how many kernels have a turn.
        checks: how many checks of indices the code makes.
        orders: for variables that are kept with their axes in another order, that order, by the input's number.
        constants: arrays that stand behind the inputs in the table of pointers.
    """

    library: native.Library
    n_threads: int
    brief: bool
    arena: int
    scratch: int
    slots: int
    checks: int
    orders: dict[int, tuple[int, ...]]
    constants: list[np.ndarray]

    @classmethod
    def of(cls, unit: Unit, library: native.Library) -> Executable:
        """Of a unit that has gone through all passes."""
        placed = unit.placed
        assert placed is not None
        assert unit.n_threads is not None
        return cls(
            library, unit.n_threads, unit.n_threads == 1 and brief(unit.kernels), placed.memory.size, unit.scratch,
            len(placed.schedule.flat()), len(unit.noted), unit.orders, [*placed.constants.values()],
        )  # fmt: skip


class Store:
    """Executables by the names of their graphs: some in memory, the rest in the cache of object code."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, Executable] = OrderedDict()
        self._lock = lock()

    def get(self, name: str | None, cpu: Target) -> Executable | None:
        if name is None:
            return None
        with self._lock:
            found = self._loaded.get(name) or _read(name, cpu)
            if found is not None:
                self._note(name, found)
        return found

    def put(self, name: str | None, made: Executable, code_key: bytes) -> None:
        if name is None:
            return
        with self._lock:
            self._note(name, made)
            if sum(c.nbytes for c in made.constants) < LARGE:
                cache.default_cache().put(_key(name), _encoded(made, code_key))

    def _note(self, name: str, found: Executable) -> None:
        self._loaded[name] = found
        self._loaded.move_to_end(name)
        while len(self._loaded) > KEPT:
            self._loaded.popitem(last=False)

    def clear(self) -> None:
        """Forget what is in memory."""
        with self._lock:
            self._loaded.clear()


STORE = Store()


def _key(name: str) -> bytes:
    return cache.key("program", name)


def _encoded(made: Executable, code_key: bytes) -> bytes:
    """Everything but the code, which is an entry of its own, by that key."""
    facts: dict[str, Any] = {k: v for k, v in made._asdict().items() if k not in ("library", "orders", "constants")}
    facts["orders"] = [*made.orders.items()]
    facts["constants"] = [(c.dtype.str, c.shape) for c in made.constants]
    facts["code"] = code_key.hex()
    text = json.dumps(facts).encode()
    return b"".join([_HEADER.pack(len(text)), text, *(c.tobytes() for c in made.constants)])


def _read(name: str, cpu: Target) -> Executable | None:
    """From the cache, which seals its entries: what comes out of it is what was put in."""
    store = cache.default_cache()
    entry = store.get(_key(name))
    if entry is None:
        return None
    (length,) = _HEADER.unpack_from(entry)
    facts = json.loads(entry[_HEADER.size : _HEADER.size + length])
    code = store.get(bytes.fromhex(facts.pop("code")))
    if code is None:
        return None
    facts["constants"] = _constants(facts["constants"], entry, _HEADER.size + length)
    facts["orders"] = {i: tuple(axes) for i, axes in facts["orders"]}
    return Executable(library=native.Library(code, cpu), **facts)


def _constants(forms: Sequence[Any], entry: bytes, at: int) -> list[np.ndarray]:
    found = []
    for dtype, shape in forms:
        array = np.frombuffer(entry, dtype, int(np.prod(shape)), at).reshape(shape)
        found.append(np.array(array))  # aligned, and writeable memory as any other constant
        at += array.nbytes
    return found


__all__ = ["STORE", "Executable", "Store"]
