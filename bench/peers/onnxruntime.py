"""ONNX Runtime, for inference. Variant: session."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime
from onnx import NodeProto, TensorProto, helper, numpy_helper

from bench.peers import Call, Run
from bench.work import arrays
from bench.work.layers import Layer, Shape, after
from bench.work.workloads import Workload

PLAIN = {"relu": "Relu", "tanh": "Tanh"}


def train(workload: Workload, variant: str) -> Run:
    raise NotImplementedError("inference only")


def infer(workload: Workload, variant: str) -> Call:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session: Any = onnxruntime.InferenceSession(model(workload), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def model(workload: Workload) -> bytes:
    """The workload's network as an ONNX file."""
    build, last = _Builder(arrays.initial(workload)), "x"
    for layer, shape in workload.shaped_layers():
        last = build.layer(layer, shape, last)
    graph = helper.make_graph(
        build.nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [workload.batch, *workload.inputs])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [workload.batch, None])],
        [numpy_helper.from_array(value, name) for name, value in build.constants.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


class _Builder:
    """Nodes one after another, which take the parameters in order."""

    def __init__(self, parameters: list[np.ndarray]) -> None:
        self.parameters = iter(parameters)
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node; the name of its result."""
        name = f"h{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = f"p{len(self.constants)}"
        self.constants[name] = value
        return name

    def next(self) -> str:
        return self.constant(next(self.parameters))

    def layer(self, layer: Layer, shape: Shape, x: str) -> str:
        match layer:
            case ("linear", _):
                return self.add("Gemm", x, self.next(), self.next(), transB=1)
            case ("conv", _, _, padding, bias):
                return self.convolve(x, padding, bias=bias)
            case ("residual", _, stride):
                return self.residual(x, stride, shape != after(layer, shape))
            case ("norm",):
                return self.norm(x)
            case ("pool", size):
                return self.add("MaxPool", x, kernel_shape=[size] * 2, strides=[size] * 2)
            case ("mean",):
                return self.add("Flatten", self.add("GlobalAveragePool", x))
            case ("flatten",):
                return self.add("Flatten", x)
        if layer[0] not in PLAIN:
            raise NotImplementedError(f"no layer {layer[0]}")
        return self.add(PLAIN[layer[0]], x)

    def convolve(self, x: str, padding: int, stride: int = 1, bias: bool = True) -> str:
        weights = [self.next() for _ in range(1 + bias)]
        return self.add("Conv", x, *weights, pads=[padding] * 4, strides=[stride] * 2)

    def norm(self, x: str) -> str:
        """With the running statistics that there are before any step."""
        scale, bias = self.next(), self.next()
        mean, variance = (self.constant(np.full_like(self.constants[scale], value)) for value in (0, 1))
        return self.add("BatchNormalization", x, scale, bias, mean, variance)

    def residual(self, x: str, stride: int, projects: bool) -> str:
        y = self.add("Relu", self.norm(self.convolve(x, 1, stride, bias=False)))
        y = self.norm(self.convolve(y, 1, bias=False))
        if projects:
            x = self.norm(self.convolve(x, 0, stride, bias=False))
        return self.add("Relu", self.add("Add", y, x))
