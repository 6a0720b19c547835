"""Constants of a model, those that depend on the lengths of its inputs among them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.onnx.writing.lengths import Unlike
from subgrad.onnx.writing.onnx_graph import Graph, element_type


def written(nodes: Sequence[Tensor], graph: Graph, name: str) -> str:
    """A constant or parameter as the name of a tensor.

    One that differs between traces is a number that follows from lengths, a lower triangle of True, or the first part
    of the one for the longest inputs, which is written whole: then longer inputs fail when the file runs.
    """
    values = [n.numpy() for n in nodes]
    if all(_equal(values[0], v) for v in values[1:]):
        return graph.parameter(values[0], name) if name else graph.constant(values[0])
    if values[0].size == 1 and all(v.shape == values[0].shape for v in values):
        made = number([v.item() for v in values], values[0].dtype, graph)
        return graph.add("Reshape", [made, graph.constant(np.array(values[0].shape, np.int64))])
    if all(v.ndim == 2 and v.dtype == bool and np.array_equal(v, np.tri(*v.shape, dtype=bool)) for v in values):
        return _triangle(values, graph)
    return _first_part(values, graph)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def number(values: Sequence[float], dtype: np.dtype, graph: Graph) -> str:
    """A tensor of shape () with a number that may follow from lengths."""
    if len(set(values)) == 1 or all(v != v for v in values):
        return graph.constant(np.asarray(values[0], dtype))
    if not all(float(v).is_integer() for v in values):
        raise Unlike("a number of the model")
    made = graph.add("Cast", [graph.integer(tuple(map(int, values)))], to=element_type(dtype))
    return graph.add("Squeeze", [made])


def _triangle(values: Sequence[np.ndarray], graph: Graph) -> str:
    rows, columns = (places(graph, tuple(v.shape[axis] for v in values)) for axis in (0, 1))
    return graph.add("GreaterOrEqual", [graph.add("Unsqueeze", [rows, graph.constant(np.array([1]))]), columns])


def places(graph: Graph, length: tuple[int, ...]) -> str:
    """0, 1, ..., length - 1 as int64."""
    end = graph.add("Squeeze", [graph.integer(length)])
    return graph.add("Range", [graph.constant(np.int64(0)), end, graph.constant(np.int64(1))])


def _first_part(values: Sequence[np.ndarray], graph: Graph) -> str:
    longest = max(values, key=np.size)
    for v in values:
        if not graph.tables or v.ndim != longest.ndim or not _equal(v, longest[tuple(map(slice, v.shape))]):
            raise Unlike("a constant of the model")
    ends = graph.integers(zip(*(v.shape for v in values), strict=True))
    starts = graph.constant(np.zeros(longest.ndim, np.int64))
    return graph.add("Slice", [graph.constant(longest), starts, ends])


__all__ = ["number", "places", "written"]
