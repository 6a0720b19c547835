"""A server in a process of its own: ``python -m bench.serving.child_server subgrad|onnxruntime``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import subgrad as sg
from subgrad import nn
from subgrad.serve.served import Columns
from subgrad.serve.served_network import ServedNetwork


class OnnxServed(ServedNetwork):
    """The same server, the same reading and writing; only the answers come from ONNX Runtime."""

    def __init__(self, model: nn.Module, threads: int) -> None:
        import onnxruntime

        super().__init__(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "net.onnx"
            sg.onnx.save(model, path)
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def answer(self, rows: np.ndarray) -> Columns:
        return {"prediction": self._session.run(None, {self._input: rows})[0]}


def network() -> nn.Module:
    """784-128-10 relu, as workload I1."""
    return nn.Sequential(nn.Linear(784, 128, seed=1), nn.ReLU(), nn.Linear(128, 10, seed=2))


if __name__ == "__main__":
    net = network()
    sg.serve(OnnxServed(net, sg.get_threads()) if sys.argv[1] == "onnxruntime" else net, port=0)
