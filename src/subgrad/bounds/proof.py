"""Proofs as files: the graph, the box, and the small boxes with their bounds, for `subgrad.bounds.checker`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.rules import EXPANSIONS
from subgrad.bounds.search import Leaves
from subgrad.compile.simplify import rewrite
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.op import Op, apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, Tensor
from subgrad.io.model_file import write_model_file
from subgrad.ops import singular
from subgrad.ops.shape import cast, stop_gradient

KIND = "proof of bounds"
ROOM = 1e-3  # by how much a recorded limit exceeds a bound that was found: another method needs room


@dataclass(frozen=True, eq=False)
class Proof:
    """What a search has shown, if it did.

    Attributes:
        quantity: what is bounded, in words.
        point, output: the placeholder of the point, and the node of the values.
        weights: what the graph's other placeholders hold.
        box: shape (d, 2).
        limit: what no value exceeds.
        magnitudes: whether the magnitudes of the values do not exceed it.
        leaves: boxes that cover the box, and bounds.
    """

    quantity: str
    point: Tensor
    output: Tensor
    weights: dict[Tensor, np.ndarray]
    box: np.ndarray
    limit: float
    magnitudes: bool
    leaves: Leaves

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as safetensors; raises `FileError` if that cannot be done."""
        nodes, constants = self._graph()
        midway = np.clip(self.leaves.bound / 2 + self.limit / 2, self.leaves.bound, self.limit)
        boxes = {"low": self.leaves.low, "high": self.leaves.high, "bound": midway}
        header = {
            "kind": KIND, "claim": f"{self.quantity} is at most {self.limit!r}", "box": self.box.tolist(),
            "limit": self.limit, "magnitudes": self.magnitudes, "graph": nodes,
        }  # fmt: skip
        write_model_file(path, {**boxes, **constants}, header)

    def _graph(self) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
        """The nodes as JSON can hold them, each with the places of its inputs, and the constants by name."""
        place: dict[Tensor, int] = {}
        nodes, constants = [], {}
        for node in toposort(rewrite([self.output], _simpler)):
            op, attrs = node.op.name, {k: _plain(v) for k, v in node.attrs.items()}
            if node is self.point:
                op, attrs = "point", {}
            elif node.op is CONST or node in self.weights:
                op, attrs = "constant", {"name": f"constant {len(constants)}"}
                constants[attrs["name"]] = self.weights.get(node, node._value)
            place[node] = len(nodes)
            nodes.append({"op": op, "attrs": attrs, "inputs": [place[i] for i in node.inputs]})
        return nodes, constants


def _simpler(node: Tensor) -> Tensor:
    """The same in real numbers, of the few operations that the checker knows."""
    expand = SIMPLER.get(node.op) or EXPANSIONS.get(node.op, node.op.expand)
    if expand is None or node.op in KEPT:
        return node
    with using_dtype(float64):
        made = expand(*node.inputs, **node.attrs)
    known = set(node.inputs)
    new = {n: n for n in known}
    for n in toposort([made], is_leaf=known.__contains__):
        if n not in new:
            inputs = tuple(new[i] for i in n.inputs)
            new[n] = _simpler(apply(n.op, inputs, n.attrs)) if inputs else n
    return new[made]


def _power(x: Tensor, *, p: float) -> Tensor:
    if p != int(p):
        return ops.exp(p * ops.log(x))
    found = ops.ones_like(x)
    for _ in range(int(abs(p))):
        found = found * x
    return found if p >= 0 else 1.0 / found


SIMPLER: dict[Op, Callable[..., Tensor]] = {
    ops.sub: lambda x, y: x + -y,
    ops.scale: lambda x, y: x * y,
    ops.square: lambda x: x * x,
    ops.abs: lambda x: ops.maximum(x, -x),
    ops.minimum: lambda x, y: -ops.maximum(-x, -y),
    ops.expm1: lambda x: ops.exp(x) - 1.0,
    ops.log1p: lambda x: ops.log(1.0 + x),
    ops.less_equal: lambda x, y: ~(y < x),
    singular._power: _power,
    cast: lambda x, *, dtype: x,
    stop_gradient: lambda x: x,
}
KEPT = {ops.relu, ops.softplus, ops.tanh, ops.sigmoid, ops.erf}


def _plain(value: Any) -> Any:
    """An attribute of a node as JSON: shapes and axes are lists, dtypes their names."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, np.dtype):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ArgumentError(f"an operation with {value!r} cannot be written into a proof")


__all__ = ["ROOM", "Proof"]
