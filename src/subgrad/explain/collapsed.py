"""The rows of an explanation with modules collapsed: a module's inputs, its output, and its total cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from subgrad.explain.count import Edge, paths_from
from subgrad.explain.drawn_graph import DrawnGraph
from subgrad.explain.node_names import is_folded, is_leaf
from subgrad.explain.notation import Names, slope
from subgrad.explain.rows import Backward, BackwardPass, Forward, Product
from subgrad.graph.tensor import Tensor


def collapsed_names(graph: DrawnGraph, names: Names) -> Names:
    """The name shown for each node: that of the node drawn for it, or of its collapsed module."""
    shown = {n: graph.boxes.get(graph.place(n)) or names.get(graph.place(n), names[n]) for n in names}
    return {n: names[n] if is_folded(n) else name for n, name in shown.items()}


def collapsed_forward(
    graph: DrawnGraph, rows: Mapping[Tensor, Forward], names: Names, classes: Mapping[str, str]
) -> list[Forward]:
    """A row for each node that is drawn; the row of a collapsed module has the counts of all nodes in it.

    ``rows`` are those of single nodes, written with ``names``, which are those of `collapsed_names`.
    """
    cost: Counter[Tensor] = Counter()
    on_kink: Counter[Tensor] = Counter()
    for node, row in rows.items():
        cost[graph.place(node)] += row.multiplications
        on_kink[graph.place(node)] += row.on_kink
    sources: dict[Tensor, list[str]] = defaultdict(list)
    for arrow in graph.arrows:
        sources[arrow.user].append(names[arrow.source])
    made = []
    for node in graph.nodes:
        row = replace(rows[node], multiplications=cost[node], on_kink=on_kink[node])
        if node in graph.boxes:
            title = graph.boxes[node]
            given = ", ".join(dict.fromkeys(sources[node]))
            row = replace(row, op="module", formula=f"{classes.get(title, 'module')}({given})",
                          scope=title.rpartition(".")[0])  # fmt: skip
        made.append(row)
    return made


def collapsed_backward(
    graph: DrawnGraph, back: BackwardPass, rows: Mapping[Tensor, Backward], names: Names
) -> list[Backward]:
    """A row for each drawn node with a gradient, with the products that leave the node or module."""
    leaving: dict[Tensor, dict[Tensor, list[Edge]]] = defaultdict(lambda: defaultdict(list))
    arrivals, cost, own = Counter([back.output]), Counter(), Counter()
    for e in back.edges:
        here, there = graph.place(e.node), graph.place(e.source)
        cost[here] += e.cost
        if here is not there:
            leaving[here][there].append(e)
    for to in leaving.values():
        arrivals.update(to.keys())
    for node in back.cotangents:
        own[graph.place(node)] += is_leaf(node) and graph.place(node) is not node
    paths = paths_from(back.output, back.edges)
    found = []
    for node in back.cotangents:
        if graph.place(node) is node:
            products = [_product(node, there, edges, graph, names) for there, edges in leaving[node].items()]
            if own[node]:
                products.append(Product(f"{own[node]} of its own parameters", "", None, None, 0))
            if products:  # the cost of all of them stands with the first
                products[0] = replace(products[0], multiplications=cost[node])
            found.append(replace(rows[node], name=names[node], arrivals=arrivals[node], paths=paths[node],
                                 uses=len(leaving[node]), products=tuple(products)))  # fmt: skip
    return found


def _product(node: Tensor, there: Tensor, edges: list[Edge], graph: DrawnGraph, names: Names) -> Product:
    """The gradient that a node or a collapsed module passes to another: the sum of its products, if of one shape."""
    values = [e.product._value for e in edges]
    known = [v for v in values if v is not None and v.shape == edges[0].product.shape]
    value = sum(known[1:], known[0]) if len(known) == len(values) else None
    local = "" if node in graph.boxes else slope(edges[0].node, edges[0].k, names)
    return Product(names[there], local, None, value, 0)


__all__ = ["collapsed_backward", "collapsed_forward", "collapsed_names"]
