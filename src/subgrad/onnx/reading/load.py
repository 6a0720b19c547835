"""An ONNX file as a model."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import onnx

from subgrad.errors import FileError
from subgrad.graph.tensor import constant
from subgrad.onnx.reading.onnx_file import Arrays, Plain, described, kinds, plain_array, plain_values, read
from subgrad.onnx.reading.onnx_model import OnnxModel
from subgrad.onnx.reading.operator_table import OPERATORS

SMALL = 64  # elements: a tensor of so few that is no weight is written into the description of the graph


def load(path: str | os.PathLike[str]) -> OnnxModel:
    """The model of an ONNX file.

    Tensors of floats that weights are made of (kernels, matrices, biases, scales, tables, states of recurrent layers)
    become parameters with the names of the file, and are trained; running statistics and large constants are kept as
    parameters that are not. Nothing in the file is run, and nothing outside of its folder is read.

    Args:
        path: the file, which may be packed by gzip; tensors may lie in other files of the same folder.

    Raises:
        FileError: if the file is missing, damaged, or has operators or dtypes that are not known here; the message
            names all of them.
        MissingExtraError: without the package ``onnx``.

    Example:
        >>> import subgrad as sg, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "net.onnx")
        >>> net = sg.models.mlp(4, 8, 3)
        >>> sg.onnx.save(net, path)
        >>> again = sg.onnx.load(path)
        >>> again
        OnnxModel(x -> output, 4 nodes)
        >>> sorted(again.state_dict()) == sorted(net.state_dict())
        True
    """
    return from_proto(read(path), Path(path).parent)


def from_proto(proto: onnx.ModelProto, folder: Path | None = None) -> OnnxModel:
    """The model of what the package ``onnx`` has in memory."""
    graph, arrays = described(proto, folder)
    _check_operators(graph)
    trained, kept = _told(proto, arrays) or _weights(graph, arrays)
    graph["constants"] |= {n: plain_array(a) for n, a in arrays.items() if n not in kept}
    parameters = {n: [a.dtype.name, [*a.shape], n in trained] for n, a in arrays.items() if n in kept}
    model = OnnxModel(graph, parameters)
    for name in parameters:
        getattr(model, model._own[name])._bind(constant(np.ascontiguousarray(arrays[name])))
    return model


def _check_operators(graph: Plain) -> None:
    missing = Counter(kind for kind in kinds(graph) if kind not in OPERATORS)
    if missing:
        names = [f"{kind[:60]} ({n})" if n > 1 else kind[:60] for kind, n in sorted(missing.items())[:40]]
        more = f" and {len(missing) - 40} more" if len(missing) > 40 else ""
        raise FileError(f"this ONNX file has operators that are not known here: {', '.join(names)}{more}")


def _told(proto: onnx.ModelProto, arrays: Arrays) -> tuple[set[str], set[str]] | None:
    """As `_weights`, if this package wrote the file, which says it."""
    text = next((p.value for p in proto.metadata_props if p.key == "parameters"), "")
    try:
        said = json.loads(text) if proto.producer_name == "subgrad" else None
    except ValueError:
        return None
    if not isinstance(said, dict) or any(name in arrays and arrays[name].dtype.kind != "f" for name in said):
        return None
    large = {name for name, a in arrays.items() if a.dtype.kind == "f" and a.size > SMALL}
    kept = {name for name in said if name in arrays}
    return {name for name in kept if said[name] is True}, kept | large


def _weights(graph: Plain, arrays: Arrays) -> tuple[set[str], set[str]]:
    """The tensors that are trained, and those that are parameters, these included."""
    floats = {name for name, a in arrays.items() if a.dtype.kind == "f"}
    trained: set[str] = set()
    kept = {name for name in floats if arrays[name].size > SMALL}
    for node in plain_values(graph):
        operator = OPERATORS[node["kind"]]
        for i, name in enumerate(node["inputs"]):
            if name in floats and arrays[name].size:
                trained |= {name} if i in operator.weights and arrays[name].ndim else set()
                kept |= {name} if i in operator.state else set()
    return trained - _states(graph), kept | trained


def _states(graph: Plain) -> set[str]:
    """What a running statistic is, is not trained where something else reads it, either."""
    return {
        name for node in plain_values(graph) for i, name in enumerate(node["inputs"])
        if i in OPERATORS[node["kind"]].state
    }  # fmt: skip


__all__ = ["from_proto", "load"]
