"""The rows of an explanation with modules closed: what goes in, what comes out, and what all of it costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from subgrad.explain.count import Edge, paths_from
from subgrad.explain.drawn import Drawn
from subgrad.explain.names import is_folded, is_leaf
from subgrad.explain.notation import Names, slope
from subgrad.explain.rows import Backward, Forward, Pass, Product
from subgrad.graph.tensor import Tensor


def closed_names(picture: Drawn, names: Names) -> Names:
    """Every node by the name of what is drawn for it: a closed module by its own."""
    shown = {n: picture.boxes.get(picture.place(n)) or names.get(picture.place(n), names[n]) for n in names}
    return {n: names[n] if is_folded(n) else name for n, name in shown.items()}


def closed_forward(
    picture: Drawn, rows: Mapping[Tensor, Forward], names: Names, classes: Mapping[str, str]
) -> list[Forward]:
    """A row for each node that is drawn; that of a closed module counts all that is in it.

    ``rows`` are those of single nodes, written with ``names``, which are those of `closed_names`.
    """
    cost: Counter[Tensor] = Counter()
    on_kink: Counter[Tensor] = Counter()
    for node, row in rows.items():
        cost[picture.place(node)] += row.multiplications
        on_kink[picture.place(node)] += row.on_kink
    sources: dict[Tensor, list[str]] = defaultdict(list)
    for arrow in picture.arrows:
        sources[arrow.user].append(names[arrow.source])
    made = []
    for node in picture.nodes:
        row = replace(rows[node], multiplications=cost[node], on_kink=on_kink[node])
        if node in picture.boxes:
            title = picture.boxes[node]
            given = ", ".join(dict.fromkeys(sources[node]))
            row = replace(row, op="module", formula=f"{classes.get(title, 'module')}({given})",
                          scope=title.rpartition(".")[0])  # fmt: skip
        made.append(row)
    return made


def closed_backward(picture: Drawn, back: Pass, rows: Mapping[Tensor, Backward], names: Names) -> list[Backward]:
    """A row for each node that is drawn and has a gradient; the products are those that leave it."""
    leaving: dict[Tensor, dict[Tensor, list[Edge]]] = defaultdict(lambda: defaultdict(list))
    arrivals, cost, own = Counter([back.output]), Counter(), Counter()
    for e in back.edges:
        here, there = picture.place(e.node), picture.place(e.source)
        cost[here] += e.cost
        if here is not there:
            leaving[here][there].append(e)
    for to in leaving.values():
        arrivals.update(to.keys())
    for node in back.cotangents:
        own[picture.place(node)] += is_leaf(node) and picture.place(node) is not node
    paths = paths_from(back.output, back.edges)
    found = []
    for node in back.cotangents:
        if picture.place(node) is node:
            products = [_product(node, there, edges, picture, names) for there, edges in leaving[node].items()]
            if own[node]:
                products.append(Product(f"{own[node]} of its own parameters", "", None, None, 0))
            if products:  # the cost of all of them stands with the first
                products[0] = replace(products[0], multiplications=cost[node])
            found.append(replace(rows[node], name=names[node], arrivals=arrivals[node], paths=paths[node],
                                 uses=len(leaving[node]), products=tuple(products)))  # fmt: skip
    return found


def _product(node: Tensor, there: Tensor, edges: list[Edge], picture: Drawn, names: Names) -> Product:
    """What goes from a node or a closed module to another: the sum of its products, if all are of one shape."""
    values = [e.product._value for e in edges]
    known = [v for v in values if v is not None and v.shape == edges[0].product.shape]
    value = sum(known[1:], known[0]) if len(known) == len(values) else None
    local = "" if node in picture.boxes else slope(edges[0].node, edges[0].k, names)
    return Product(names[there], local, None, value, 0)


__all__ = ["closed_backward", "closed_forward", "closed_names"]
