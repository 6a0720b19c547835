"""Proofs as files: the graph, the box, and the small boxes with their bounds, for `subgrad.bounds.checker`."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.bounds.backward.rules import clipped
from subgrad.bounds.search import Leaves
from subgrad.bounds.taylor.rules import TAYLOR
from subgrad.compile.passes.simplify import rewrite
from subgrad.errors import ArgumentError
from subgrad.graph.dtype import float64, using_dtype
from subgrad.graph.op import apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.transform import Transform
from subgrad.io.model_file import write_model_file
from subgrad.ops import indexing, kinked, shape, singular
from subgrad.ops.shape import cast, stop_gradient
from subgrad.ops.window import slide

KIND = "proof of bounds"
ROOM = 1e-3  # by how much a recorded limit exceeds a bound that was found: another method needs room


@dataclass(frozen=True, eq=False)
class Content:
    """What a proof writes: arrays by name and a header."""

    arrays: dict[str, np.ndarray]
    header: dict[str, Any]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as safetensors; raises `FileError` if that cannot be done."""
        write_model_file(path, self.arrays, self.header)


class Written:
    """A proof that is made of a graph: it is pickled as what it writes, as a graph cannot be."""

    def content(self) -> Content:
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as safetensors; raises `FileError` if that cannot be done."""
        self.content().save(path)

    def __reduce__(self) -> Any:
        content = self.content()
        return Content, (content.arrays, content.header)


@dataclass(frozen=True, eq=False)
class Proof(Written):
    """What a search has shown, if it did.

    Attributes:
        claim: what is claimed, as the checker reads it.
        nodes: the nodes that the claim is about, by the names that it gives them.
        point: the placeholder of the point.
        weights: what the graph's other placeholders hold.
        box: shape (d, 2).
        limit: what no value exceeds.
        leaves: boxes that cover the box, and bounds.
    """

    claim: dict[str, Any]
    nodes: dict[str, Tensor]
    point: Tensor
    weights: dict[Tensor, np.ndarray]
    box: np.ndarray
    limit: float
    leaves: Leaves

    def content(self) -> Content:
        graph, constants, places = written(list(self.nodes.values()), self.point, self.weights)
        midway = np.clip(self.leaves.bound / 2 + self.limit / 2, self.leaves.bound, self.limit)
        boxes = {"low": self.leaves.low, "high": self.leaves.high, "bound": midway}
        claim = {**self.claim, **dict(zip(self.nodes, places, strict=True))}
        header = {"kind": KIND, "claim": claim, "box": self.box.tolist(), "limit": float(self.limit), "graph": graph}
        return Content({**boxes, **constants}, header)


def written(
    outputs: Sequence[Tensor], point: Tensor, weights: Mapping[Tensor, np.ndarray]
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], list[int]]:
    """A graph as JSON can hold it: nodes with the places of their inputs; the constants by name; where outputs are."""
    place: dict[Tensor, int] = {}
    nodes, constants = [], {}
    outputs = simpler(outputs)
    values = {n: np.asarray(weights[n] if n in weights else n.numpy()) for n in _constants(outputs, weights)}
    for node in toposort(outputs, is_leaf=values.__contains__):
        op, attrs, inputs = node.op.name, {k: _plain(v) for k, v in node.attrs.items()}, node.inputs
        if node is point:
            op, attrs = "point", {}
        elif node in values:
            op, attrs, inputs = "constant", {"name": f"constant {len(constants)}"}, ()
            constants[attrs["name"]] = values[node]
        place[node] = len(nodes)
        nodes.append({"op": op, "attrs": attrs, "inputs": [place[i] for i in inputs]})
    return nodes, constants, [place[o] for o in outputs]


def simpler(outputs: Sequence[Tensor]) -> list[Tensor]:
    """The same nodes in real numbers, made of the few operations that the checker knows as far as they can be."""
    return rewrite(outputs, _simpler)


def digests(nodes: Sequence[dict[str, Any]], constants: Mapping[str, np.ndarray]) -> list[str]:
    """For each node a SHA-256 digest of the function of the point that it is, weights included, as the checker says."""
    found: list[str] = []
    for node in nodes:
        own = node["attrs"]
        if node["op"] == "constant":
            array = np.ascontiguousarray(constants[own["name"]])
            own = [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
        parts = [node["op"], own, [found[i] for i in node["inputs"]]]
        found.append(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())
    return found


def _constants(outputs: Sequence[Tensor], weights: Mapping[Tensor, np.ndarray]) -> list[Tensor]:
    """The nodes to write as arrays: weights, constants, and all integers and conditions that do not vary."""
    varying: set[Tensor] = set()
    found = []
    for node in toposort(outputs):
        if node.op is INPUT or not varying.isdisjoint(node.inputs):
            varying.add(node)
        if node in weights or node.op is CONST or (node not in varying and _is_exact(node)):
            found.append(node)
    return found


def _is_exact(node: Tensor) -> bool:
    return node.dtype.kind in "iub" or node.op is shape.arange


def _simpler(node: Tensor) -> Tensor:
    """The same in real numbers, of the few operations that the checker knows."""
    expand = PROOF.expansion(node.op)
    if expand is None or node.op in PROOF:
        return node
    with using_dtype(float64):
        made = expand(*node.inputs, **node.attrs)
    if made.op is node.op:
        return node
    known = set(node.inputs)
    new = {n: n for n in known}
    for n in toposort([made], is_leaf=known.__contains__):
        if n not in new:
            inputs = tuple(new[i] for i in n.inputs)
            new[n] = _simpler(apply(n.op, inputs, n.attrs)) if inputs else n
    return new[made]


def _clip(x: Tensor, *, low: float, high: float) -> Tensor:
    """As the backward bounds have it: parts of a box by signs of units are those of its two relus."""
    found = clipped(x, low, high)
    return ops.minimum(ops.maximum(x, low), high) if found is None else found


def _cast(x: Tensor, *, dtype: np.dtype) -> Tensor:
    if x.dtype.kind == "b":
        return ops.where(x, ops.full(x.shape, 1, dtype), ops.full(x.shape, 0, dtype))
    return ops.not_equal(x, ops.zeros_like(x)) if dtype.kind == "b" else apply(cast, (x,), {"dtype": dtype})


def _sign(x: Tensor) -> Tensor:
    return ops.where(x < 0, -ops.ones_like(x), ops.where(x > 0, ops.ones_like(x), ops.zeros_like(x)))


PROOF: Transform[str] = Transform(
    "proof",
    "what stands in a proof: an operation of that name, which its checker knows",
    {
        op: op.name
        for op in (
            ops.abs, ops.add, ops.broadcast_to, ops.concatenate, ops.contract, ops.cos, ops.cumsum, ops.div, ops.erf,
            ops.exp, ops.floor, ops.full, ops.isfinite, ops.less, ops.log, ops.logical_and, ops.logical_not,
            ops.maximum, ops.mul, ops.neg, ops.pad, ops.relu, ops.reshape, ops.sigmoid, ops.sin, ops.softplus, ops.sum,
            ops.tanh, ops.transpose, ops.where, indexing.gather, indexing.place, indexing.scatter_add, indexing.slice_,
            singular._power, slide,
        )
    },
    expansions={
        **TAYLOR.expansions,
        ops.sub: lambda x, y: x + -y,
        ops.scale: lambda x, y: x * y,
        ops.square: lambda x: x * x,
        ops.sqrt: lambda x: apply(singular._power, (x,), {"p": 0.5}),
        ops.sign: _sign,
        kinked._clip: _clip,
        ops.minimum: lambda x, y: -ops.maximum(-x, -y),
        ops.expm1: lambda x: ops.exp(x) - 1.0,
        ops.log1p: lambda x: ops.log(1.0 + x),
        ops.less_equal: lambda x, y: ~(y < x),
        ops.equal: lambda x, y: ~(x < y) & ~(y < x),
        ops.not_equal: lambda x, y: ~(~(x < y) & ~(y < x)),
        ops.logical_or: lambda x, y: ~(~x & ~y),
        ops.isnan: lambda x: ~ops.isfinite(x),
        cast: _cast,
        stop_gradient: lambda x: x,
    },
    unsupported={
        **{op: why for op, why in TAYLOR.unsupported.items() if op is not ops.full},
        shape.arange: "written as an array",
        indexing.in_range: "of integers that do not vary, written as an array",
    },
)


def _plain(value: Any) -> Any:
    """An attribute of a node as JSON: shapes and axes are lists, dtypes their names."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ArgumentError(f"an operation with {value!r} cannot be written into a proof")


__all__ = ["PROOF", "ROOM", "Proof", "digests", "simpler", "written"]
