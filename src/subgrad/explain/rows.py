"""The rows of an explanation as data: one for each node of the forward pass, one for each of the backward pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from subgrad.diff.reverse import backprop, leaves_of
from subgrad.errors import GradientError
from subgrad.explain.count import Edge, edge_cost, loop_costs, multiplications_of, paths_from, paths_to
from subgrad.explain.node_names import is_folded
from subgrad.explain.notation import Names, formula, slope
from subgrad.graph.evaluate import evaluate
from subgrad.graph.op import cotangents
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.graph.tree import Tree, leaves
from subgrad.ops import full
from subgrad.ops.tuples import TUPLE


@dataclass(frozen=True, eq=False)
class Forward:
    """One node on the way forward.

    Attributes:
        name: of the node.
        op: the name of its primitive.
        formula: how it is computed, in the names of its inputs.
        scope: path of the module that made it, or "".
        shape: of its value.
        value: the value; None where it depends on an argument that is not known yet.
        on_kink: how many elements lie exactly on a kink of the op.
        multiplications: how many its value takes.
    """

    name: str
    op: str
    formula: str
    scope: str
    shape: tuple[int, ...]
    value: np.ndarray | None
    on_kink: int
    multiplications: int


@dataclass(frozen=True, eq=False)
class Product:
    """What a node passes to one of its inputs: its cotangent times a local derivative.

    Attributes:
        to: name of the input.
        slope: the local derivative as a formula.
        local: its values, for elementwise ops; else None.
        value: the product; None where it depends on an argument that is not known yet.
        multiplications: how many it takes, those of the local derivative included.
    """

    to: str
    slope: str
    local: np.ndarray | None
    value: np.ndarray | None
    multiplications: int


@dataclass(frozen=True, eq=False)
class Backward:
    """One node on the way back.

    Attributes:
        name: of the node.
        shape: of its cotangent.
        cotangent: dE/d(node), all that reached it added up; None where it is not known yet.
        arrivals: how many products were added up.
        paths: how many paths lead here from the output: how often the cotangent would be computed without reuse.
        uses: how many products are made with the cotangent; each use beyond the first reuses it.
        products: what it passes on.
    """

    name: str
    shape: tuple[int, ...]
    cotangent: np.ndarray | None
    arrivals: int
    paths: int
    uses: int
    products: tuple[Product, ...]


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """The graph of a backward pass: cotangents by node in reverse topological order, and its edges in that order."""

    output: Tensor
    wrt: list[Tensor]
    cotangents: dict[Tensor, Tensor]
    edges: list[Edge]


def targets(output: Tensor, wrt: Tree) -> list[Tensor]:
    """The nodes to differentiate by: those of ``wrt``; else what ``backward()`` fills; else all float data."""
    order = toposort([output])
    if wrt is None:
        found = [n for n in order if n.owner is not None or n.requires_grad]
        return found or [n for n in order if n.op in (CONST, INPUT) and n.dtype.kind == "f"]
    wanted = {node for group in leaves_of([output], leaves(wrt)) for node in group}
    return [n for n in order if n in wanted]


def backward_pass(output: Tensor, wrt: list[Tensor], seed: Tensor) -> BackwardPass:
    """Backprop from ``output`` with the cotangent ``seed``, and what it passes along each edge.

    Raises:
        GradientError: if no gradient gets from ``output`` to any of ``wrt``.
    """
    order = toposort([output])
    active = dependents(order, wrt)
    back = [n for n in reversed(order) if n in active and n.dtype.kind in "fO"]
    found = zip(back, backprop([output], [seed], back), strict=True)
    total = {node: g for node, g in found if g is not None}
    edges = [e for node, g in total.items() for e in _edges(node, g, total)]
    paths = paths_to(wrt, edges)  # none from a node whose gradient stops, at a `sign` for example
    if not paths.get(output):
        raise GradientError(f"no gradient gets from {output.site.after('this tensor')} to those to differentiate by")
    total = {node: g for node, g in total.items() if paths.get(node)}
    return BackwardPass(output, wrt, total, [e for e in edges if paths.get(e.source)])


def _edges(node: Tensor, g: Tensor, total: dict[Tensor, Tensor]) -> list[Edge]:
    if not any(i in total for i in node.inputs):
        return []
    made = [(k, p) for k, p in enumerate(cotangents(node, g)) if p is not None and node.inputs[k] in total]
    costs = loop_costs(g, [p for _, p in made]) if node.dtype == TUPLE else [edge_cost(node, g, p) for _, p in made]
    return [Edge(node, k, p, cost) for (k, p), cost in zip(made, costs, strict=True)]


def forward_rows(output: Tensor, names: Names) -> list[Forward]:
    """The rows of the forward pass, inputs before their users; numbers stand inside formulas and have no row."""
    order = forward_order(output)
    if not output.is_symbolic():
        evaluate([output])
    constant = set(order) - dependents(order, [n for n in order if not n.inputs])
    return [_forward_row(n, names, 0 if n in constant else multiplications_of(n)) for n in order]


def forward_order(output: Tensor) -> list[Tensor]:
    """The nodes that have a row on the way forward."""
    return [n for n in toposort([output]) if not is_folded(n)]


def _forward_row(n: Tensor, names: Names, cost: int) -> Forward:
    return Forward(names[n], n.op.name, formula(n, names), n.scope, n.shape, n._value, _on_kink(n), cost)


def _on_kink(node: Tensor) -> int:
    values = [i._value for i in node.inputs]
    if node.op.kink is None or any(v is None for v in values):
        return 0
    return int(np.count_nonzero(node.op.kink.at(*values, **node.attrs)))


def backward_rows(back: BackwardPass, names: Names) -> list[Backward]:
    """The rows of the backward pass, from the output to the tensors it is differentiated by."""
    paths = paths_from(back.output, back.edges)
    local = {e: _local(e) for e in back.edges if e.node.op.elementwise}
    if not back.output.is_symbolic():
        evaluate([*back.cotangents.values(), *(e.product for e in back.edges), *local.values()])
    outgoing: dict[Tensor, list[Product]] = {n: [] for n in back.cotangents}
    arrivals = dict.fromkeys(back.cotangents, 0) | {back.output: 1}
    for e in back.edges:
        arrivals[e.source] += 1
        outgoing[e.node].append(_product(e, local.get(e), names))
    return [
        Backward(names[n], n.shape, g._value, arrivals[n], paths[n], len(outgoing[n]), tuple(outgoing[n]))
        for n, g in back.cotangents.items()
    ]


def _product(e: Edge, local: Tensor | None, names: Names) -> Product:
    values = None if local is None else local._value
    return Product(names[e.source], slope(e.node, e.k, names), values, e.product._value, e.cost)


def _local(e: Edge) -> Tensor:
    """The local derivative of an elementwise op: its product with a cotangent of ones."""
    ones = full(e.node.shape, 1.0, e.node.dtype)
    return cotangents(e.node, ones)[e.k]  # pyright: ignore[reportReturnType]  (an edge has a product)


__all__ = [
    "Backward", "BackwardPass", "Forward", "Product", "backward_pass", "backward_rows", "forward_order",
    "forward_rows", "targets",
]  # fmt: skip
