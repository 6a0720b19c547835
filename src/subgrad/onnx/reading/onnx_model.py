"""A graph that was read from an ONNX file, as a module."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrad.data.free_memory import available, size_text
from subgrad.errors import ArgumentError, SubgradError
from subgrad.graph import source_location
from subgrad.graph.dtype import as_dtype
from subgrad.graph.tensor import Parameter, Tensor, TensorLike, as_tensor, constant
from subgrad.nn import init
from subgrad.nn.module import Module
from subgrad.onnx.reading import all_operators  # noqa: F401
from subgrad.onnx.reading.operator_table import OPERATORS, Call

Values = dict[str, Tensor | None]

LARGE = 2**28
"""Bytes of results for which nobody asks how much memory there is."""


class OnnxModel(Module):
    """A model that `subgrad.onnx.load` has made of a file.

    It is a module as any other: `fit` trains its parameters, `compile` and ``predict`` compile it, `save` and `load`
    keep it, and `subgrad.onnx.save` writes it again. Parameters have the names of the file.

    Args:
        graph: the file's graph, as `subgrad.onnx.load` describes it.
        parameters: dtype, shape, and whether it is trained, of each parameter by name.

    Called with:
        inputs: the inputs of the file, in its order, by position or by name.

    Raises:
        ArgumentError: for a graph that is none, or when called with other inputs than the file's.
        ShapeError: when called with shapes that do not fit.
    """

    def __init__(self, graph: Mapping[str, Any], parameters: Mapping[str, Sequence[Any]]) -> None:
        try:
            self.inputs = [(i["name"], i["dtype"]) for i in graph["inputs"]]
            self.shapes = [i["shape"] for i in graph["inputs"]]
            self.outputs = [str(name) for name in graph["outputs"]]
            self._steps = _Steps(graph, int(graph["version"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ArgumentError(f"this describes no ONNX graph: {error!r}"[:200]) from None
        self._own = {name: _free(name, self) for name in parameters}
        for name, (dtype, shape, trained) in parameters.items():
            parameter = _parameter(as_dtype(dtype), [int(n) for n in shape])
            parameter.requires_grad = bool(trained)
            setattr(self, self._own[name], parameter)

    def forward(self, *inputs: TensorLike, **named: TensorLike) -> Any:
        given = self._named(inputs, named)
        wider = _wider(self.inputs, given)
        given |= {name: getattr(self, own).node for name, own in self._own.items()}
        found = self._steps.run(given, wider)
        results = [found[name] for name in self.outputs]
        return results[0] if len(results) == 1 else tuple(results)

    def _named(self, inputs: Sequence[TensorLike], named: Mapping[str, TensorLike]) -> Values:
        names = [name for name, _ in self.inputs]
        given = {**dict(zip(names, inputs, strict=False)), **named}
        if len(inputs) > len(names) or given.keys() != set(names):
            raise ArgumentError(f"this model takes {', '.join(names)}, got {len(inputs) + len(named)} inputs")
        return {name: _as_input(given[name], dtype) for name, dtype in self.inputs}

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.inputs)
        return f"OnnxModel({names} -> {', '.join(self.outputs)}, {len(self._steps.nodes)} nodes)"


class _Steps:
    """The nodes of a graph in their order, with their constants as tensors."""

    def __init__(self, graph: Mapping[str, Any], version: int) -> None:
        self.version = version
        self.inputs = [i["name"] for i in graph["inputs"]]
        self.outputs = list(graph["outputs"])
        self.constants: Values = {name: constant(array(v)) for name, v in graph["constants"].items()}
        self.nodes = [
            (OPERATORS[n["kind"]], n["kind"], n["name"], n["inputs"], n["outputs"],
             {name: self._attribute(v) for name, v in n["attributes"].items()})
            for n in graph["nodes"]
        ]  # fmt: skip

    def _attribute(self, value: Any) -> Any:
        if isinstance(value, dict):
            return _Steps(value["graph"], self.version) if "graph" in value else constant(array(value))
        return [self._attribute(v) for v in value] if isinstance(value, list) else value

    def run(self, given: Values, wider: Mapping[np.dtype, np.dtype]) -> Values:
        """All values of the graph by name; those of a dtype in ``wider`` in that one."""
        values: Values = {"": None, **given, **{n: _widened(c, wider) for n, c in self.constants.items()}}
        for operator, kind, name, inputs, outputs, attributes in self.nodes:
            call = Call(kind, name, attributes, len(outputs), self.version, _inside(values, wider), set())
            try:
                with source_location.enter(name or kind):
                    found = operator.run(call, *(values[i] for i in inputs))
                if unread := attributes.keys() - call.read - operator.spare:
                    raise call.refuse(f"what {min(unread)[:40]!r} means is not known")
            except SubgradError as error:
                error.add_note(f"in the node {name!r}, {kind}, of the ONNX file")
                raise
            except Exception as error:  # whatever an operator has against what the file says is a fault of the file
                raise call.refuse(f"{type(error).__name__}: {error}"[:200]) from error
            results = [found] if isinstance(found, Tensor) else found
            _check_room(call, results)
            values |= {o: _widened(r, wider) for o, r in zip(outputs, results, strict=False) if o}
        return values


def _check_room(call: Call, results: Sequence[Tensor | None]) -> None:
    """Raise `ArgumentError` for results that memory cannot hold, as a file may ask for: before there is an attempt."""
    size = sum(r.size * r.dtype.itemsize for r in results if r is not None)
    if size > LARGE and size > available():
        raise call.refuse(f"what it makes takes {size_text(size)}, more than there is memory for")


def _inside(around: Values, wider: Mapping[np.dtype, np.dtype]) -> Any:
    """Runs a graph among the attributes of a node, which may read what is known around it."""

    def run(graph: _Steps, *inputs: Tensor) -> list[Tensor]:
        found = graph.run({**around, **dict(zip(graph.inputs, inputs, strict=True))}, wider)
        return [found[name] for name in graph.outputs]  # pyright: ignore[reportReturnType]

    return run


def array(plain: Mapping[str, Any]) -> np.ndarray:
    """The array that `plain_array` described."""
    content = base64.b64decode(plain["base64"])
    dtype = as_dtype(plain["dtype"])
    return np.frombuffer(content, dtype.newbyteorder("<")).astype(dtype).reshape([int(n) for n in plain["shape"]])


def _as_input(x: TensorLike, dtype: str | None) -> Tensor:
    """In the dtype of the file, but for tensors of floats, which stay what they are."""
    found = as_tensor(x, None if dtype is None else as_dtype(dtype))
    floats = dtype is not None and found.dtype.kind == as_dtype(dtype).kind == "f"
    return found if dtype is None or found.dtype == dtype or floats else found.astype(dtype)


def _wider(inputs: Sequence[tuple[str, str | None]], given: Values) -> dict[np.dtype, np.dtype]:
    """Floats that came in another dtype than the file's: then the file's own are of that one, too, as for proofs."""
    pairs = [(as_dtype(dtype), x.dtype) for name, dtype in inputs if dtype and (x := given[name]) is not None]
    return {old: new for old, new in pairs if old != new and old.kind == new.kind == "f"}


def _widened(x: Tensor | None, wider: Mapping[np.dtype, np.dtype]) -> Tensor | None:
    return x.astype(wider[x.dtype]) if x is not None and x.dtype in wider else x


def _free(name: str, model: Module) -> str:
    """The name of a parameter as an attribute that nothing else has."""
    while hasattr(model, name):
        name += "_"
    return name


def _parameter(dtype: np.dtype, shape: Sequence[int]) -> Parameter:
    """A parameter without values, which takes no memory."""
    if init.is_blank():
        init.parameter((), init.zeros)  # counts, so that a description cannot have any number of them
    return Parameter(constant(np.broadcast_to(np.zeros((), dtype), tuple(shape))))


__all__ = ["OnnxModel", "array"]
