"""Files run by ONNX Runtime, in the tests of writing and of reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime

from subgrad.graph.tensor import tensor
from subgrad.graph.tree import leaves
from subgrad.onnx.writing.save import to_proto

onnxruntime.set_default_logger_severity(3)


def session(proto: onnx.ModelProto) -> Callable[..., list[np.ndarray]]:
    """The file as a function of arrays."""
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    found = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [i.name for i in found.get_inputs()]
    return lambda *xs: found.run(None, dict(zip(names, xs, strict=True)))


def dimensions(value: onnx.ValueInfoProto) -> list[Any]:
    """The lengths of an input or output, names for those that are open."""
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def compare(model: Any, examples: Sequence[np.ndarray], others: Sequence[Sequence[np.ndarray]]) -> onnx.ModelProto:
    """Write the model for the examples, and compare what it gives for others; returns what was written."""
    proto = to_proto(model, tuple(examples))
    run = session(proto)
    for xs in (examples, *others):
        want = [y.numpy() for y in leaves(model(*map(tensor, xs)))]
        for a, b in zip(want, run(*xs), strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5 * max(1, np.abs(a).max(initial=0)))
    return proto
