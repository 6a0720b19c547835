"""Programs of the compiler's tests as WebAssembly: ``pytest tests/compile --wasm vectors`` runs each of them a second
time, in wasmtime, and compares; ``--wasm scalars`` does so without vectors."""

import numpy as np
from exported_code import WasmCode

from subgrad.compile.runtime.program import Program
from subgrad.export.routine import Argument, Array, Held, Result, Routine, Routines, State

LARGE = 1 << 20
"""Bytes of arrays from which on a program is left out: wasmtime would take seconds for it."""

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}
"""Relative to the largest number of an array: without fused products sums differ by their roundings."""


def routine_of(interface, name="call"):
    """A routine of a program's graph: variables are in the state, what is not stepped is given with each call."""
    state, sources, sinks, arguments, results = State(), [], [], [], []
    for i, node in enumerate(interface.inputs):
        if i in interface.variables.values():
            sources.append(state.add(i, f"v{i}", np.zeros(node.shape, node.dtype)))
        else:
            sources.append(Argument(len(arguments)))
            arguments.append(Array(f"x{i}", node.shape, node.dtype))
    for k, node in enumerate(interface.outputs):
        if k in interface.variables:
            sinks.append(sources[interface.variables[k]])
        else:
            sinks.append(Result(len(results)))
            results.append(Array(f"y{k}", node.shape, node.dtype))
    stepped = frozenset(i for i, s in enumerate(sources) if isinstance(s, Argument))
    measured = frozenset(k for k, s in enumerate(sinks) if isinstance(s, Result))
    given = interface._replace(stepped=stepped, measured=measured)
    return Routines("net", [Routine(name, given, sources, sinks, arguments, results)], state)


def called(interface, arrays, steps, simd):
    """The outputs of so many steps in wasmtime, as `Program` gives them."""
    made = routine_of(interface)
    (routine,), code = made.each, WasmCode(made, simd)
    for source, array in zip(routine.sources, arrays, strict=True):
        if isinstance(source, Held):
            code.memory.write(code.store, np.ascontiguousarray(array).tobytes(), code.state + source.offset)
    found, content = [], b""
    for n in range(steps):
        given = [
            np.asarray(a)[n] if i in interface.stepped else a
            for i, a in enumerate(arrays) if i not in interface.variables.values()
        ]  # fmt: skip
        results, content = code.call(routine, given)
        found.append(results)
    outputs = []
    for k, sink in enumerate(routine.sinks):
        if isinstance(sink, Held):
            a = sink.array
            outputs.append(np.frombuffer(content, a.dtype, a.size, sink.offset).reshape(a.shape))
        elif k in interface.measured:
            outputs.append(np.stack([f[sink.number] for f in found]))
        else:
            outputs.append(found[-1][sink.number])
    return outputs


def agree(got, wanted):
    for g, w in zip(got, wanted, strict=True):
        assert (g.shape, g.dtype) == (w.shape, w.dtype)
        tolerance = TOLERANCE.get(w.dtype.name, 0)
        largest = np.abs(np.where(np.isfinite(w), w, 0)).max(initial=0) if tolerance else 0
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance * (1 + largest))


def mirrored(simd):
    """``Program.__call__``, which compares with WebAssembly."""
    call = Program.__call__

    def both(self, arrays, steps=1):
        before = [np.array(a) for a in arrays]
        found = call(self, arrays, steps)
        size = sum(a.nbytes for a in before) + sum(np.asarray(f).nbytes for f in found)
        open_ended = any(i.attrs.get("open") for i in self.inputs)
        copied = len(set(self.interface.variables.values())) < len(self.interface.variables)
        if size < LARGE and steps <= 8 and not open_ended and not copied:
            agree(called(self.interface, before, steps, simd), found)
        return found

    return both


__all__ = ["agree", "called", "mirrored", "routine_of"]
