"""What an ONNX file says, as plain data: nothing of it is believed, and nothing of it is run.

A graph becomes a dict that JSON can hold, with its small tensors inside, and the arrays of the large ones by name.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.inliner import inline_local_functions

from subgrad.data.readers.raw import read_bytes
from subgrad.errors import FileError
from subgrad.graph.dtype import KNOWN
from subgrad.io.atomic import require_regular

Arrays = dict[str, np.ndarray]
Plain = dict[str, Any]
DEEPEST = 20  # graphs inside of one another
LONGEST = 200  # characters of a message that the file has a part in


def read(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """The file as protobuf, unpacked if it is packed by gzip; `FileError` if it is none."""
    try:
        found = onnx.ModelProto.FromString(read_bytes(path))
    except DecodeError:
        found = None
    if found is None or not found.HasField("graph") or not found.opset_import:
        raise FileError(f"{path} is damaged, or no ONNX file")
    if found.functions:
        try:
            found = inline_local_functions(found)
        except Exception as error:
            raise damaged(str(error)) from None
    return found


def damaged(why: str) -> FileError:
    """The error for a file that contradicts itself."""
    return FileError(f"this ONNX file is damaged: {why}"[:LONGEST])


def described(model: onnx.ModelProto, folder: Path | None = None) -> tuple[Plain, Arrays]:
    """The graph as a dict, and its initialisers. ``folder`` is where tensors outside of the file may lie."""
    versions = {o.domain: o.version for o in model.opset_import}
    arrays = {_text(t.name): array_of(t, folder) for t in model.graph.initializer}
    graph = _graph(model.graph, set(arrays), folder, 0)
    return {"version": versions.get("", versions.get("ai.onnx", 1)), **graph}, arrays


def _graph(graph: onnx.GraphProto, known: set[str], folder: Path | None, depth: int) -> Plain:
    """Each name is given once, and read after it was given: so there is no circle."""
    if depth > DEEPEST:
        raise damaged(f"graphs lie more than {DEEPEST} deep inside of one another")
    if graph.sparse_initializer:
        raise FileError("ONNX files with sparse tensors cannot be read")
    constants = {_text(t.name): array_of(t, folder) for t in graph.initializer} if depth else {}
    own = {i.name for i in graph.input}
    known = {*known, *own, *constants}
    nodes = []
    for node in graph.node:
        missing = next((name for name in map(_text, node.input) if name and name not in known), None)
        if missing is not None:
            raise damaged(f"{node.op_type} {node.name!r} reads {missing!r}, which nothing before it gives")
        nodes.append(_node(node, known, folder, depth))
        for name in filter(None, map(_text, node.output)):
            if name in known and not (depth and name not in own):
                raise damaged(f"{name!r} is given twice")
            known.add(name)
    missing = next((o.name for o in graph.output if o.name not in known), None)
    if missing is not None:
        raise damaged(f"nothing gives its result {missing!r}")
    return {
        "inputs": [_value(i) for i in graph.input if depth or i.name not in {t.name for t in graph.initializer}],
        "outputs": [_text(o.name) for o in graph.output],
        "constants": {name: plain_array(a) for name, a in constants.items()},
        "nodes": nodes,
    }


def _value(value: onnx.ValueInfoProto) -> Plain:
    tensor = value.type.tensor_type
    dtype = dtype_named(tensor.elem_type) if value.type.HasField("tensor_type") and tensor.elem_type else None
    if value.type.WhichOneof("value") not in ("tensor_type", None):
        raise FileError(f"an ONNX file whose {_text(value.name)[:50]!r} is no tensor cannot be read")
    shape = [d.dim_value if d.HasField("dim_value") else _text(d.dim_param) for d in tensor.shape.dim]
    return {"name": _text(value.name), "dtype": dtype, "shape": shape if tensor.HasField("shape") else None}


def _node(node: onnx.NodeProto, known: set[str], folder: Path | None, depth: int) -> Plain:
    domain, kind = _text(node.domain), _text(node.op_type)
    return {
        "kind": kind if domain in ("", "ai.onnx") else f"{domain}::{kind}",
        "name": _text(node.name),
        "inputs": [*node.input],
        "outputs": [*node.output],
        "attributes": {_text(a.name): _attribute(a, known, folder, depth) for a in node.attribute},
    }


def _attribute(a: onnx.AttributeProto, known: set[str], folder: Path | None, depth: int) -> Any:
    if a.type == AttributeProto.GRAPH:
        return {"graph": _graph(a.g, known, folder, depth + 1)}
    if a.type == AttributeProto.TENSOR:
        return plain_array(array_of(a.t, folder))
    if a.type == AttributeProto.FLOAT:
        return _number(a.f)
    if a.type == AttributeProto.FLOATS:
        return [_number(v) for v in a.floats]
    if a.type == AttributeProto.INT:
        return int(a.i)
    if a.type == AttributeProto.INTS:
        return [int(v) for v in a.ints]
    if a.type == AttributeProto.STRING:
        return a.s.decode("utf-8", "replace")
    if a.type == AttributeProto.STRINGS:
        return [s.decode("utf-8", "replace") for s in a.strings]
    raise FileError(f"an attribute {a.name[:50]!r} of this ONNX file is of a kind that cannot be read")


def _text(value: Any) -> str:
    """A name; protobuf gives bytes for what is no text."""
    if not isinstance(value, str):
        raise damaged("a name in it is no text")
    return value


def _number(value: float) -> Any:
    """A float as the shortest decimal that float32 has; JSON has no infinities."""
    short = float(str(np.float32(value)))
    return short if np.isfinite(short) else plain_array(np.asarray(value, np.float32))


# Tensors


def dtype_named(number: int) -> str:
    """The name of an element type; `FileError` for one that tensors do not have here."""
    try:
        dtype = helper.tensor_dtype_to_np_dtype(number)
        name = dtype.name if number != TensorProto.STRING else "string"
    except KeyError:
        raise damaged(f"there is no element type {number}") from None
    if dtype not in KNOWN or number in (TensorProto.STRING, TensorProto.BFLOAT16):
        raise FileError(f"ONNX files with tensors of {name} cannot be read: only {', '.join(map(str, KNOWN))}")
    return name


def array_of(t: onnx.TensorProto, folder: Path | None) -> np.ndarray:
    """The values of a tensor; `FileError` if it does not have as many as its shape says."""
    name = dtype_named(t.data_type)
    if any(n < 0 for n in t.dims):
        raise damaged(f"the tensor {t.name!r} has a negative length")
    try:
        if t.data_location == TensorProto.EXTERNAL:
            content = _outside({e.key: e.value for e in t.external_data}, folder)
            return np.frombuffer(content, np.dtype(name).newbyteorder("<")).astype(name).reshape(tuple(t.dims))
        return np.array(numpy_helper.to_array(t), dtype=name).reshape(tuple(t.dims))
    except (ValueError, TypeError, OverflowError, MemoryError):
        raise damaged(f"the tensor {t.name!r} has other values than its shape says") from None


def _outside(where: Mapping[str, str], folder: Path | None) -> bytes:
    """A part of a file in the same folder, or below it."""
    if folder is None:
        raise FileError("the tensors of this ONNX file lie in another file, whose folder is not known")
    try:
        file = (folder / where["location"]).resolve()
        start, length = int(where.get("offset", 0)), int(where.get("length", -1))
    except (KeyError, ValueError):
        raise damaged("it does not say where its tensors lie") from None
    if os.path.isabs(where["location"]) or not file.is_relative_to(folder.resolve()):
        raise FileError(f"tensors of an ONNX file lie in its own folder, not in {where['location'][:100]!r}")
    require_regular(file)
    size = file.stat().st_size
    length = size - start if length < 0 else length
    if start < 0 or length < 0 or start + length > size:
        raise damaged(f"{file.name} has {size} bytes, and a tensor lies at {start} to {start + length}")
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read(length)


def plain_array(array: np.ndarray) -> Plain:
    """An array as JSON can hold it."""
    text = base64.b64encode(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    return {"dtype": array.dtype.name, "shape": [*array.shape], "base64": text}


def plain_values(graph: Plain) -> Iterator[Plain]:
    """All nodes of a graph, those of graphs inside of it as well."""
    for node in graph["nodes"]:
        yield node
        for value in node["attributes"].values():
            if isinstance(value, dict) and "graph" in value:
                yield from plain_values(value["graph"])


def kinds(graph: Plain) -> Iterable[str]:
    """The operators of a graph."""
    return (node["kind"] for node in plain_values(graph))


__all__ = ["Arrays", "Plain", "array_of", "damaged", "described", "dtype_named", "kinds", "plain_array", "read"]
