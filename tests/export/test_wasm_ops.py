"""Every op with its gradients as WebAssembly, by turns with vectors and without; all of the compiler's programs are
tried by ``pytest tests/compile --wasm vectors`` and ``--wasm scalars``, a share of them always."""

import numpy as np
import pytest
from exported_code import WasmCode
from wasm_programs import agree, routine_of

import subgrad as sg
from samples import SMOOTH
from subgrad.compile.runtime.interpret import Interpreter
from subgrad.compile.unit import Interface
from subgrad.export.routine import Routines, State
from subgrad.graph.tensor import placeholder

EACH = [samples[0] for samples in SMOOTH.values()]
MANY = 20  # in one module


def graph(f, xs, dtype):
    """What goes in, and f with its gradients."""
    arrays = [np.asarray(x, dtype if np.asarray(x).dtype.kind == "f" else None) for x in xs]
    inputs = [placeholder(a.shape, a.dtype) for a in arrays]
    y = f(*inputs)
    outputs = [o.node for o in (y, *sg.grad(y.sum(), [i for i in inputs if i.dtype.kind == "f"]))]
    return Interface(inputs, outputs, {}, frozenset(), frozenset()), arrays


@pytest.mark.parametrize("first", range(0, len(EACH), MANY))
def test_ops_and_their_gradients(first):
    dtype, simd = [("float32", True), ("float64", False), ("float32", False), ("float64", True)][first // MANY % 4]
    with sg.using_dtype(dtype):
        found = [graph(f, xs, dtype) for f, *xs in EACH[first : first + MANY]]
    each = [routine_of(interface, f"op{i}").each[0] for i, (interface, _) in enumerate(found)]
    code = WasmCode(Routines("net", each, State()), simd)
    for routine, (interface, arrays) in zip(each, found, strict=True):
        agree(code.call(routine, arrays)[0], Interpreter(interface.inputs, interface.outputs)(arrays))
