"""Goes through the traces of a model side by side, and writes node after node by the rules of `ONNX`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.graph import source_location
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.onnx.writing import constants
from subgrad.onnx.writing.at import At, Nodes
from subgrad.onnx.writing.lengths import Unlike
from subgrad.onnx.writing.onnx_graph import Graph
from subgrad.onnx.writing.onnx_transform import ONNX, is_single, waits


class Walk:
    """A walk through the traces from their inputs to their results.

    Attributes:
        graph: what is written.
        parameters: the names of the model's, by node.
    """

    def __init__(self, graph: Graph, parameters: Mapping[Tensor, str]) -> None:
        self.graph, self.parameters = graph, parameters
        self._beside: dict[Tensor, Tensor] = {}

    def know(self, nodes: Nodes, name: str) -> None:
        """A node has a name already, as an input has."""
        self.graph.names[nodes[0]] = name
        self._pair(nodes)

    def inside(self, graph: Graph) -> Walk:
        """A walk through the body of a loop, which is written to ``graph``."""
        return Walk(graph, self.parameters)

    def through(self, outputs: Sequence[Nodes]) -> None:
        """Write all that the outputs need, and that is not known."""
        known = self._beside.keys()
        orders = [toposort([o[k] for o in outputs], known.__contains__) for k in range(len(outputs[0]))]
        if len(set(map(len, orders))) > 1:
            raise Unlike("a graph of other nodes")
        for nodes in zip(*orders, strict=True):
            if nodes[0] not in self._beside:
                self._check(nodes)
                self._pair(nodes)
                if nodes[0].op is not CONST and not waits(ONNX.get(nodes[0].op)):
                    self.name_of(nodes)
            elif any(self._beside.get(n) is not nodes[0] for n in nodes):
                raise Unlike("a graph of other nodes")
        if any(self._beside.get(n) is not o[0] for o in outputs for n in o):
            raise Unlike("other results")

    def name_of(self, nodes: Nodes) -> str:
        """The name of a node's result, which is written now if it was not before."""
        names = self.graph.names
        if nodes[0] not in names:
            with source_location.inherit(nodes[0].site, nodes[0].scope):
                names[nodes[0]] = self._written(nodes)
        return names[nodes[0]]

    def _written(self, nodes: Nodes) -> str:
        node = nodes[0]
        if node.op is CONST:
            return constants.written(nodes, self.graph, self.parameters.get(node, ""))
        if node.op is INPUT:
            raise ArgumentError("the model reads a value that is not an input of it: it cannot be written")
        rule, expands = ONNX.get(node.op), ONNX.expansion(node.op) is not None
        if rule is not None and not (expands and is_single(rule) and node.dtype == np.float64):
            made = rule(At(nodes, self))
        elif expands:
            made = self._expanded(nodes)
        else:
            why = ONNX.unsupported.get(node.op, "it has no rule, and says not what it is made of")
            raise ArgumentError(f"{node.op.name} cannot be written as ONNX: {why}")
        if node.shape:
            self.graph.note_lengths(made, [n.shape for n in nodes])
        return made

    def _expanded(self, nodes: Nodes) -> str:
        expand = ONNX.expansion(nodes[0].op)
        assert expand is not None
        made = tuple(expand(*n.inputs, **n.attrs).node for n in nodes)
        self.through([made])
        return self.name_of(made)

    def _check(self, nodes: Nodes) -> None:
        """The same op on nodes that belong together, with results of one dtype."""
        first = nodes[0]
        for node in nodes[1:]:
            if (node.op, node.dtype, node.ndim) != (first.op, first.dtype, first.ndim):
                raise Unlike(f"{first.op.name} or {node.op.name}")
            if len(node.inputs) != len(first.inputs):
                raise Unlike(first.op.name)
            if any(self._beside.get(b) is not a for a, b in zip(first.inputs, node.inputs, strict=True)):
                raise Unlike(first.op.name)

    def _pair(self, nodes: Nodes) -> None:
        for node in nodes:
            if self._beside.setdefault(node, nodes[0]) is not nodes[0]:
                raise Unlike(nodes[0].op.name)


__all__ = ["Walk"]
