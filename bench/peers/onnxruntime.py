"""ONNX Runtime, for inference. Variant: session."""

from __future__ import annotations

import os
from typing import Any

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from bench import arrays
from bench.peers import Call, Run
from bench.workloads import Workload

LAYERS = {"relu": "Relu", "tanh": "Tanh"}


def train(workload: Workload, variant: str) -> Run:
    raise NotImplementedError("inference only")


def infer(workload: Workload, variant: str) -> Call:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session: Any = onnxruntime.InferenceSession(model(workload), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def model(workload: Workload) -> bytes:
    """The workload's network as an ONNX file."""
    weights = [numpy_helper.from_array(p, f"p{i}") for i, p in enumerate(arrays.initial(workload))]
    shape = [workload.batch, *workload.inputs]
    nodes, last = _nodes(workload)
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [workload.batch, None])], weights,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    return made.SerializeToString()


def _nodes(workload: Workload):
    nodes, last, used = [], "x", 0
    for i, (kind, *_) in enumerate(workload.layers):
        if kind == "linear":
            nodes.append(helper.make_node("Gemm", [last, f"p{used}", f"p{used + 1}"], [f"h{i}"], transB=1))
            used += 2
        elif kind in LAYERS:
            nodes.append(helper.make_node(LAYERS[kind], [last], [f"h{i}"]))
        else:
            raise NotImplementedError(f"no layer {kind}")
        last = f"h{i}"
    return nodes, last
