"""TensorFlow Lite Micro on the network for digits of `exported.py`, in 8 bits: bytes of the model and its arena, and
the time of a row on this machine, beside ours.

``pip install --no-deps tflite-micro && pip install flatbuffers``, then ``python -m bench.tflite_micro_digits``. It is
written here, since their converter comes with all of TensorFlow: two FULLY_CONNECTED operators with a scale of weights
for each tensor. Their code for x86-64 has the reference kernels, no optimised ones.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import flatbuffers  # pyright: ignore[reportMissingImports]
import numpy as np
from tflite_micro.python.tflite_micro import runtime  # pyright: ignore[reportMissingImports]
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema  # pyright: ignore[reportMissingImports]

import subgrad as sg
from bench.exported import digits_network

ROUNDS, CALLS = 60, 1000


class TfliteModel:
    """A .tflite file, tensor by tensor."""

    def __init__(self) -> None:
        self.buffers, self.tensors, self.operators = [schema.BufferT()], [], []

    def tensor(self, name: str, shape: Any, dtype: int, scale: float, zero: int = 0, data: Any = None) -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, list(shape), dtype, 0
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = [float(scale)], [int(zero)]
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            made.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def linear(self, inputs: list[int], output: int, relu: bool) -> None:
        made, how = schema.OperatorT(), schema.FullyConnectedOptionsT()
        how.fusedActivationFunction = int(relu)
        made.opcodeIndex, made.inputs, made.outputs = 0, inputs, [output]
        made.builtinOptionsType, made.builtinOptions = schema.BuiltinOptions.FullyConnectedOptions, how
        self.operators.append(made)

    def packed(self, given: int, result: int) -> bytes:
        graph, code, model = schema.SubGraphT(), schema.OperatorCodeT(), schema.ModelT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, [given], [result]
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
        code.version = 4
        model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], self.buffers, [code]
        builder = flatbuffers.Builder(8192)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def converted(net: sg.nn.Module, X: np.ndarray) -> tuple[bytes, float]:
    """The network as TensorFlow Lite has such ones, calibrated on X; and the scale of its inputs."""
    made, layers = TfliteModel(), {name: p.numpy().astype(np.float64) for name, p in net.named_parameters()}
    int8, int32, scale = schema.TensorType.INT8, schema.TensorType.INT32, float(X.max() / 255)
    first = x = made.tensor("x", (1, X.shape[1]), int8, scale, -128)
    values = X
    for name, relu in (("hidden1", True), ("out", False)):
        w, b = layers[f"{name}.weight"], layers[f"{name}.bias"]
        size = np.abs(w).max() / 127
        values = values @ w.T + b
        values = np.maximum(values, 0) if relu else values
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        own = (high - low) / 255
        weights = made.tensor(f"{name}.weight", w.shape, int8, size, 0, np.rint(w / size).astype(np.int8))
        bias = made.tensor(f"{name}.bias", b.shape, int32, scale * size, 0, np.rint(b / scale / size).astype(np.int32))
        y = made.tensor(name, (1, len(b)), int8, own, round(-low / own) - 128)
        made.linear([x, weights, bias], y, relu)
        x, scale = y, own
    return made.packed(first, x), float(X.max() / 255)


def main() -> None:
    net, X, y = digits_network()
    model, scale = converted(net, X)
    codes = (np.rint(X / scale) - 128).astype(np.int8)
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=20_000)
    answers = []
    for row in codes:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        answers.append(int(interpreter.get_output(0).argmax()))
    best = min(_seconds(interpreter.invoke, CALLS) for _ in range(ROUNDS))
    right, floats = np.mean(np.array(answers) == y), np.mean(net.predict(X).argmax(1) == y)
    print(f"TensorFlow Lite Micro: {len(model):,} bytes of model, {1e6 * best / CALLS:.2f} us a row; {right:.2%} right")
    print("its arena, as it says itself:", flush=True)
    interpreter.print_allocations()
    with tempfile.TemporaryDirectory() as name:
        eight = sg.export(net, Path(name) / "d.o", cpu="x86-64", quantize="int8", calibration=(X, y))
        print(f"subgrad: {eight.code:,} bytes, {eight.arena} of arena; {eight.quantized}; floats {floats:.2%} right")
        if shutil.which("gcc"):
            print(f"subgrad: {_ours(Path(name), codes):.2f} us a row")


def _seconds(f: Any, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        f()
    return time.perf_counter() - start


def _ours(folder: Path, codes: np.ndarray) -> float:
    """Microseconds of a row, called one by one from Python, as theirs."""
    subprocess.run(["gcc", "-shared", "d.o", "-o", "d.so"], cwd=folder, check=True)
    f = ctypes.CDLL(str(folder / "d.so")).d_predict
    row, out, arena = (codes[0].astype(int) + 128).astype(np.uint8), np.zeros(10, np.int32), np.zeros(4096, np.uint64)
    x, y, room = (ctypes.c_void_p(a.ctypes.data) for a in (row, out, arena))
    given = (x, y, ctypes.c_size_t(1), room)
    return 1e6 * min(_seconds(lambda: f(*given), CALLS) for _ in range(ROUNDS)) / CALLS


if __name__ == "__main__":
    main()
