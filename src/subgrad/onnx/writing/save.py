"""A model as an ONNX file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper

from subgrad.errors import ArgumentError
from subgrad.graph.dtype import dtype_of_data
from subgrad.graph.tensor import Tensor
from subgrad.io.atomic import require_writable, write_atomically
from subgrad.nn.module import Module
from subgrad.onnx.reading.onnx_model import OnnxModel
from subgrad.onnx.writing import all_rules  # noqa: F401
from subgrad.onnx.writing.lengths import Unlike
from subgrad.onnx.writing.onnx_graph import Graph
from subgrad.onnx.writing.side_by_side import Walk
from subgrad.onnx.writing.traces import Example, Traces, names_of_inputs, traces
from subgrad.onnx.writing.usual_example import usual_example

if TYPE_CHECKING:
    pass

OPSET, IR = 18, 8  # the versions of the operators, and of the format that came with them
LARGEST = 2**31 - 2**20  # bytes of a file of protobuf; the tensors of larger models lie in a file beside it

Examples = Any
"""An array, or several for a model of several inputs, by position or by name."""


def save(
    model: Module | Callable[..., Any],
    path: str | os.PathLike[str],
    example: Examples = None,
    *,
    info: Mapping[str, str] | None = None,
) -> None:
    """Write what a model gives in evaluation mode as an ONNX file, operators of opset 18.

    The model is traced for several lengths of its inputs. The first axis of each input, the batch, may have any length
    when the file runs, and so may the axis of steps of a sequence (the second axis of an input of three axes, or of two
    axes of integers; else the third, as in a `Conv1d`), as far as the model takes others than the example's. Where it
    makes something for each place that is no formula of lengths, as `PositionalEncoding` does, sequences may be as long
    as the example.

    Args:
        model: a module, or a function of tensors.
        path: usually ends in ``.onnx``; an existing file is replaced. Tensors of more than 2 GB in all are written to a
            file of the same name with ``.data`` behind it.
        example: an input, a tuple of them, or a dict for a model that takes one; only shapes and dtypes count. It may
            be left out for models that begin with a layer whose features say enough: `Linear`, `Embedding`, or a
            recurrent one.
        info: texts by name that are kept in the file beside the version of this package and the architecture.

    Raises:
        ArgumentError: for an example that does not say enough, or a model with an op that ONNX has no words for.
        ShapeError: for an example that the model does not take.
        FileError: if the file cannot be written.
        MissingExtraError: without the package ``onnx``.

    Example:
        >>> import numpy as np, subgrad as sg, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "net.onnx")
        >>> sg.onnx.save(sg.models.mlp(4, 8, 3), path)
        >>> net = sg.nn.Sequential(sg.nn.Conv2d(1, 4, 3), sg.nn.ReLU(), sg.nn.Flatten())
        >>> sg.onnx.save(net, path, np.zeros((1, 1, 8, 8), np.float32))
    """
    require_writable(path)
    written(to_proto(model, example, info), path)


def to_proto(
    model: Module | Callable[..., Any], example: Examples = None, info: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """What `save` writes, as the package ``onnx`` has it in memory."""
    if not callable(model):
        hint = ": what its module() gives is one" if hasattr(model, "module") else ""
        raise ArgumentError(f"expected a module or a function to write, got {type(model).__name__}{hint}")
    for found in traces(model, _examples(model, example), isinstance(example, Mapping)):
        try:
            graph = _graph(model, found)
        except Unlike:
            continue
        return _described(model, graph, info or {})
    raise AssertionError("a single trace is like itself")


def _examples(model: Callable[..., Any], example: Examples) -> list[Example]:
    if example is None:
        example = usual_example(model)
    by_name = example if isinstance(example, Mapping) else {}
    several = [*by_name.values()] if by_name else example
    arrays = [np.asarray(x) for x in (several if isinstance(several, (tuple, list)) else [several])]
    float_ = model._dtype() if isinstance(model, Module) else None
    dtypes = [float_ if float_ is not None and x.dtype.kind == "f" else dtype_of_data(x.dtype) for x in arrays]
    names = [*map(str, by_name)] or names_of_inputs(model, len(arrays))
    return [Example(name, x.shape, dtype) for name, x, dtype in zip(names, arrays, dtypes, strict=True)]


def _graph(model: Callable[..., Any], found: Traces) -> onnx.GraphProto:
    state = dict(model.named_state()) if isinstance(model, Module) else {}
    graph = Graph(tables=0 in found.choice.steps)
    for name in state:
        graph.name(name)  # is kept free, so that parameters have theirs
    walk = Walk(graph, {p.node: name for name, p in reversed(state.items())})
    inputs = []
    for nodes, axes in zip(zip(*found.inputs, strict=True), found.choice.axes, strict=True):
        name = graph.name(nodes[0].attrs["name"])
        walk.know(nodes, name)
        graph.note_lengths(name, [n.shape for n in nodes], axes)
        inputs.append(graph.described(name, nodes))
    outputs = [*zip(*found.outputs, strict=True)]
    walk.through(outputs)
    results = [_result(graph, walk, name, nodes) for name, nodes in zip(found.names, outputs, strict=True)]
    return graph.finished(type(model).__name__, inputs, results, constants=True)


def _result(graph: Graph, walk: Walk, name: str, nodes: Sequence[Tensor]) -> onnx.ValueInfoProto:
    own = graph.name(name if name and not name[0].isdigit() else f"output.{name}".rstrip("."))
    graph.nodes.append(helper.make_node("Identity", [walk.name_of(tuple(nodes))], [own], name=own))
    return graph.described(own, nodes)


def _described(model: Callable[..., Any], graph: onnx.GraphProto, info: Mapping[str, str]) -> onnx.ModelProto:
    from subgrad import __version__

    found = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="subgrad",
        producer_version=__version__,
    )  # fmt: skip
    helper.set_model_props(found, {"subgrad": __version__, **_about(model), **info})
    return found


def _about(model: Callable[..., Any]) -> dict[str, str]:
    """The architecture, and which parameters are trained."""
    if not isinstance(model, Module):
        return {}
    trained = {"parameters": json.dumps({name: p.requires_grad for name, p in model.named_state()})}
    if isinstance(model, OnnxModel):
        return trained
    try:
        return {"architecture": json.dumps(model.config()), **trained}
    except ArgumentError:  # arguments that JSON cannot hold: the graph says enough
        return trained


def written(model: onnx.ModelProto, path: str | os.PathLike[str]) -> None:
    """Check the model, and write it atomically; its tensors to a second file if there are too many for one."""
    size = sum(len(t.raw_data) for t in model.graph.initializer)
    if size <= LARGEST:
        onnx.checker.check_model(model, full_check=True)
        write_atomically(path, model.SerializeToString())
        return
    data = f"{os.fspath(path)}.data"
    write_atomically(data, _parted(model, os.path.basename(data)))
    write_atomically(path, model.SerializeToString())


def _parted(model: onnx.ModelProto, name: str) -> bytes:
    """The values of the tensors, which the model has no more."""
    parts, at = [], 0
    for t in model.graph.initializer:
        parts.append(t.raw_data)
        where = {"location": name, "offset": str(at), "length": str(len(t.raw_data))}
        at += len(t.raw_data)
        t.ClearField("raw_data")
        t.data_location = onnx.TensorProto.EXTERNAL
        for key, value in where.items():
            t.external_data.add(key=key, value=value)
    return b"".join(parts)


__all__ = ["save", "to_proto", "written"]
