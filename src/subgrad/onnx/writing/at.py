"""What a rule is given: a node in all traces, the names of its inputs, and the graph that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.graph.tensor import Tensor
from subgrad.onnx.writing.constants import number
from subgrad.onnx.writing.lengths import Unlike, Vector, is_same
from subgrad.ops import broadcast_to, full

if TYPE_CHECKING:
    from subgrad.onnx.writing.side_by_side import Walk

Nodes = tuple[Tensor, ...]
"""A node in each trace."""


class At:
    """A node that is to be written.

    Attributes:
        nodes: it, in each trace.
        node: it, in the first trace.
        walk: who writes what the node reads.
        graph: what is written.
    """

    def __init__(self, nodes: Nodes, walk: Walk) -> None:
        self.nodes, self.node, self.walk, self.graph = nodes, nodes[0], walk, walk.graph

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Write a node with one result, and return the result's name."""
        return self.graph.add(kind, inputs, self.node.scope, **attributes)

    def input(self, i: int) -> str:
        """The name of an input."""
        return self.walk.name_of(self.inputs(i))

    def inputs(self, i: int) -> Nodes:
        """An input, in each trace."""
        return tuple(n.inputs[i] for n in self.nodes)

    def all_inputs(self) -> list[str]:
        """The names of all inputs."""
        return [self.input(i) for i in range(len(self.node.inputs))]

    def repeating(self) -> list[str]:
        """Names of the inputs for an op that repeats them by itself: they are not repeated before, if possible."""
        loose = [self.unrepeated(i) for i in range(len(self.node.inputs))]
        for trace, node in enumerate(self.nodes):
            if np.broadcast_shapes(*(_shape(n[trace]) for n in loose)) != node.shape:
                return [self.input(0), *map(self._once, loose[1:])]
        return [*map(self._once, loose)]

    def unrepeated(self, i: int) -> Nodes:
        """What an input repeats; the input itself if it is written already."""
        nodes = self.inputs(i)
        while nodes[0].op is broadcast_to and nodes[0] not in self.graph.names:
            nodes = tuple(n.inputs[0] for n in nodes)
        return nodes

    def _once(self, nodes: Nodes) -> str:
        if nodes[0].op is not full or nodes[0] in self.graph.names:
            return self.walk.name_of(nodes)
        return number([n.attrs["value"] for n in nodes], nodes[0].dtype, self.graph)

    def behind(self, i: int, op: Any) -> At | None:
        """An input as a node of its own, if it is of this op and not written yet."""
        nodes = self.inputs(i)
        return At(nodes, self.walk) if nodes[0].op is op and nodes[0] not in self.graph.names else None

    def numbers(self, of: Callable[[Tensor], Iterable[int]]) -> list[Vector]:
        """Numbers that are read off the node in each trace."""
        return list(zip(*(of(n) for n in self.nodes), strict=True))

    def same(self, name: str) -> Any:
        """An attribute of the node; raises `Unlike` if it differs between traces."""
        found = self.node.attrs[name]
        if any(n.attrs[name] != found for n in self.nodes):
            raise Unlike(f"the {name} of {self.node.op.name}")
        return found

    def shape(self, i: int) -> list[Vector]:
        """The lengths of an input."""
        return list(zip(*(n.shape for n in self.inputs(i)), strict=True))

    def integers(self, numbers: Iterable[Vector]) -> str:
        """An int64 tensor of one axis with these numbers."""
        return self.graph.integers(numbers)

    def own_shape(self) -> str:
        """The shape of the result as an int64 tensor."""
        return self.integers(self.numbers(lambda n: n.shape))

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A constant; in the dtype of the result if none is named."""
        return self.graph.constant(np.asarray(value, self.node.dtype if dtype is None else dtype))

    def axes(self, axes: Iterable[int]) -> str:
        """Numbers of axes, as ops take them."""
        return self.graph.constant(np.array([*axes], np.int64))

    def reshaped(self, name: str, before: Sequence[Vector], after: Sequence[Vector]) -> str:
        """A tensor of lengths ``before`` with lengths ``after``, in the file 0 for one that stays, -1 for the rest."""
        if list(before) == list(after):
            return name
        wanted: list[Vector] = []
        for axis, n in enumerate(after):
            stays = axis < len(before) and before[axis] == n and not is_same(n)
            wanted.append((0,) * len(n) if stays else n)
        open_ = [axis for axis, n in enumerate(wanted) if not is_same(n)]
        if len(open_) == 1:
            wanted[open_[0]] = (-1,) * len(wanted[open_[0]])
        return self.add("Reshape", [name, self.integers(wanted)])


def _shape(node: Tensor) -> tuple[int, ...]:
    """That of a number for what has the same number everywhere."""
    return () if node.op is full else node.shape


__all__ = ["At", "Nodes"]
