"""What tests of exported code share: routines, what the interpreter makes of them, and WebAssembly in Python."""

from typing import Any

import numpy as np
import pytest

from subgrad.compile.runtime.interpret import Interpreter
from subgrad.export.exported import routines_of
from subgrad.export.object_code import object_code
from subgrad.export.routine import Argument, Draws, Fixed, Held, Result
from subgrad.export.targets import wasm
from subgrad.export.wasm_linker import link


def routines(model, example=None, *, loss=None, optimizer=None, carry=None, prefix="net", apart=False):
    return routines_of(prefix, model, example, loss, optimizer, carry, apart)


def inputs_of(routine, seed=0):
    """Numbers for the arguments of one call."""
    rng = np.random.default_rng(seed)
    drawn = {"i": lambda shape: rng.integers(0, 2, shape), "f": lambda shape: rng.normal(size=shape)}
    return [np.asarray(drawn[a.dtype.kind](a.shape), a.dtype) for a in routine.arguments]


def interpreted(routine, state, given):
    """The results of one call, and the state after it, by the references of the ops."""
    state = bytearray(state)
    values: list[Any] = []
    for source in routine.sources:
        if isinstance(source, Argument):
            values.append(given[source.number])
        elif isinstance(source, Held):
            a = source.array
            values.append(np.frombuffer(bytes(state), a.dtype, a.size, source.offset).reshape(a.shape))
        elif isinstance(source, Fixed):
            values.append(source.value)
        else:
            assert isinstance(source, Draws)
            values.append(np.array([3, 4]))
    found = Interpreter(routine.interface.inputs, routine.interface.outputs)(values)
    results = [None] * len(routine.results)
    for sink, value in zip(routine.sinks, found, strict=True):
        if isinstance(sink, Result):
            results[sink.number] = value
        else:
            content = np.ascontiguousarray(value, sink.array.dtype).tobytes()
            state[sink.offset : sink.offset + len(content)] = content
    return results, bytes(state)


def whole(state):
    """The state as it is at first."""
    return state.initial.ljust(state.size, b"\0")


def numbers(state, content):
    """The arrays of a state, by name."""
    each = [(h.array, h.offset) for h in state.held.values()]
    return {a.name: np.frombuffer(content, a.dtype, a.size, at).reshape(a.shape) for a, at in each}


class WasmCode:
    """Routines as WebAssembly in wasmtime, by the package's linker or another one."""

    def __init__(self, made, simd=True, linker=link):
        wasmtime = pytest.importorskip("wasmtime", reason="wasmtime is not installed")
        code = object_code(made, wasm(simd))
        self.made, self.store = made, wasmtime.Store()
        module = wasmtime.Module(self.store.engine, linker(code.content, made.functions))
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)
        self.memory = self.exports["memory"]
        self.top = self.exports["__heap_base"].value(self.store)
        self.state = self.room(made.state.size)
        self.arena = self.room(code.arena)
        if made.state.size:
            self.exports[f"{made.prefix}_init"](self.store, self.state)

    def room(self, size):
        place = -(-self.top // 16) * 16
        self.top = place + size
        missing = self.top - self.memory.data_len(self.store)
        if missing > 0:
            self.memory.grow(self.store, -(-missing // 65536))
        return place

    def read(self, place, size):
        return bytes(self.memory.read(self.store, place, place + size))

    def call(self, routine, given):
        """The results of one call, and the state after it."""
        places = [self.room(a.nbytes) for a in (*routine.arguments, *routine.results)]
        for place, array in zip(places, given, strict=False):
            self.memory.write(self.store, np.ascontiguousarray(array).tobytes(), place)
        seeds = self.room(16)
        self.memory.write(self.store, np.array([3, 4]).tobytes(), seeds)
        first = [self.state] * routine.uses_state + [seeds] * routine.draws
        self.exports[f"{self.made.prefix}_{routine.name}"](self.store, *first, *places, 1, self.arena)
        found = [
            np.frombuffer(self.read(place, a.nbytes), a.dtype).reshape(a.shape)
            for place, a in zip(places[len(given) :], routine.results, strict=True)
        ]
        return found, self.read(self.state, self.made.state.size)
