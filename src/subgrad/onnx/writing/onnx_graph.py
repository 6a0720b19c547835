"""A graph of an ONNX file while it is written, and the bodies of loops inside of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from subgrad.graph.tensor import Tensor
from subgrad.onnx.writing.lengths import Formula, Length, Unlike, Vector, formula, is_same

Names = dict[Tensor, str]
SMALL = 64  # elements: constants of so many are written once, wherever they are used


class Graph:
    """Nodes and constants, with names that are free.

    Attributes:
        nodes: as far as they are written.
        constants: the initialisers, by name.
        lengths: the lengths that are known here when the file runs.
        names: of what is written, by the node of the first trace.
        loops: the names of a loop's results.
        tables: whether the longest of the traces is the example's, so that a table for it is long enough.
    """

    def __init__(self, outer: Graph | None = None, tables: bool = True) -> None:
        self.tables = outer.tables if outer else tables
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = outer.constants if outer else {}
        self.lengths: list[Length] = list(outer.lengths) if outer else []
        self.names: Names = dict(outer.names) if outer else {}
        self.loops: dict[Tensor, list[str]] = dict(outer.loops) if outer else {}
        self._numbers: dict[str, itertools.count[int]] = outer._numbers if outer else {}
        self._taken: set[str] = outer._taken if outer else set()
        self._known: dict[Any, str] = outer._known if outer else {}
        self._made: dict[Any, str] = dict(outer._made) if outer else {}

    def name(self, like: str) -> str:
        """A name that nothing has yet."""
        counts = self._numbers.setdefault(like, itertools.count())
        free = next(n for n in (f"{like}_{i}" if i else like for i in counts) if n not in self._taken)
        self._taken.add(free)
        return free

    def add(self, kind: str, inputs: Sequence[str], scope: str = "", **attributes: Any) -> str:
        """Write a node with one result, and return the result's name."""
        return self.several(kind, inputs, 1, scope, **attributes)[0]

    def several(self, kind: str, inputs: Sequence[str], count: int, scope: str = "", **attributes: Any) -> list[str]:
        """Write a node with so many results."""
        title = f"{scope}.{kind}" if scope else kind
        made = [self.name(title) for _ in range(count)]
        given = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(kind, [*inputs], made, name=made[0] if made else title, **given))
        return made

    def parameter(self, value: Any, name: str) -> str:
        """An initialiser with a name that was kept free for it."""
        self.constants[name] = np.ascontiguousarray(value).reshape(np.shape(value))
        return name

    def constant(self, value: Any) -> str:
        """An initialiser without a name of its own; small ones that are equal are one."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= SMALL else None
        if key in self._known:
            return self._known[key]
        free = self.name("constant")
        self.constants[free] = array
        if key is not None:
            self._known[key] = free
        return free

    def integers(self, numbers: Iterable[Vector]) -> str:
        """An int64 tensor of one axis with these numbers, computed in the file where they differ."""
        numbers = list(numbers)
        if all(map(is_same, numbers)):
            return self.constant(np.array([n[0] for n in numbers], np.int64))
        parts = [self.integer(n) for n in numbers]
        return parts[0] if len(parts) == 1 else self.add("Concat", parts, axis=0)

    def integer(self, values: Vector) -> str:
        """An int64 tensor of shape (1,). Raises `Unlike` if it does not follow from known lengths."""
        if is_same(values):
            return self.constant(np.array(values[:1], np.int64))
        if values not in self._made:
            self._made[values] = self._computed(self.formula(values))
        return self._made[values]

    def formula(self, values: Vector) -> Formula:
        """How a number that differs follows from known lengths; raises `Unlike` if it does not."""
        found = formula(values, self.lengths)
        if found is None:
            raise Unlike(f"a length that is {', '.join(map(str, values))} for the lengths that were tried")
        return found

    def _computed(self, found: Formula) -> str:
        made = ""
        for length in found.lengths:
            own = self._length(length)
            made = self.add("Mul", [made, own]) if made else own
        steps = [("Mul", found.factor, 1), ("Div", found.divisor, 1), ("Add", found.offset, 0)]
        for kind, number, neutral in steps:
            made = made if number == neutral else self.add(kind, [made, self.constant(np.array([number], np.int64))])
        return made

    def _length(self, length: Length) -> str:
        key = length.tensor, length.axis
        if key not in self._made:
            self._made[key] = self.add("Shape", [length.tensor], start=length.axis, end=length.axis + 1)
        return self._made[key]

    def note_lengths(
        self, name: str, shapes: Sequence[tuple[int, ...]], titles: Mapping[int, str] | None = None
    ) -> None:
        """Lengths of a tensor that do not follow from others are known as soon as it is."""
        for axis, values in enumerate(zip(*shapes, strict=True)):
            if not is_same(values) and formula(values, self.lengths) is None:
                title = (titles or {}).get(axis, f"length_{len(self.lengths)}")
                self.lengths.append(Length(title, name, axis, values))

    def described(self, name: str, nodes: Sequence[Tensor]) -> onnx.ValueInfoProto:
        """An input or a result, with names for the lengths that differ."""
        shape = []
        for axis, values in enumerate(zip(*(n.shape for n in nodes), strict=True)):
            known = None if is_same(values) else formula(values, self.lengths)
            shape.append(values[0] if is_same(values) else str(known) if known else f"{name}_{axis}")
        return helper.make_tensor_value_info(name, element_type(nodes[0].dtype), shape)

    def finished(self, title: str, inputs: Sequence[Any], outputs: Sequence[Any], constants: bool) -> onnx.GraphProto:
        """The graph as it is in the file; the constants of a body stand in the graph around it."""
        stored = [numpy_helper.from_array(a, name) for name, a in self.constants.items()] if constants else []
        return helper.make_graph(self.nodes, title, inputs, outputs, stored)


def element_type(dtype: np.dtype) -> int:
    """ONNX's number of a dtype."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


__all__ = ["Graph", "element_type"]
