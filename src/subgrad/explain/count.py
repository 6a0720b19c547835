"""How many multiplications backpropagation makes, and how many it would make if it shared nothing.

What is counted, exactly:

- a *multiplication* is one product or quotient of two numbers. An elementwise ``mul``, ``scale``, ``square`` or
  ``div`` makes one for each element of its result; a contraction or a convolution makes one for each term of its sums
  (those with the zeros of a padding included). Additions,
  selections (the mask of a relu), moves (reshape, sum, repeat) and functions (exp, tanh, a power) make none, nor does
  anything that is computed of constants alone.
  A loop makes those of its body in each step.
- an *edge* leads from a node to one of its inputs, once for each time it is an input. Its product is the node's
  cotangent times the local derivative; the edge costs the multiplications of the graph that the op's vjp makes for it,
  the local derivative included.
- *with reuse*, the cotangent of a node is added up once and then passed on: each edge costs once.
- *without reuse*, each path from the output to a tensor it is differentiated by is multiplied out on its own: each
  edge costs once for every path that leads through it. That a derivative is the sum over all paths of the products of
  their local derivatives is due to Bauer (Computational graphs and rounding error, SIAM J. Numer. Anal. 11, 1974).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from subgrad.explain.node_names import is_folded
from subgrad.explain.notation import CONTRACT
from subgrad.graph.op import Kind, Op
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import Tensor
from subgrad.ops import square
from subgrad.ops.contract import multiplications as products_summed
from subgrad.ops.convolution import CONVOLUTIONS, products


@dataclass(frozen=True, eq=False)
class Edge:
    """One way backwards: ``product`` is what ``node``'s cotangent passes to its input number ``k``."""

    node: Tensor
    k: int
    product: Tensor
    cost: int

    @property
    def source(self) -> Tensor:
        """The input that the product goes to."""
        return self.node.inputs[self.k]


def multiplications_of(node: Tensor) -> int:
    """The multiplications that the value of ``node`` takes, given its inputs.

    >>> import subgrad as sg
    >>> multiplications_of(sg.zeros((2, 3)) @ sg.zeros((3, 5))), multiplications_of(sg.square([1.0, 2.0]))
    (30, 2)
    """
    if node.op is CONTRACT:
        return products_summed(node.attrs["spec"], *node.inputs)
    if "body" in node.attrs:
        body = node.attrs["body"]
        return body.length * sum(map(multiplications_of, toposort(body.outputs)))
    if node.op in CONVOLUTIONS:
        return products(node)
    return node.size if _is_product(node.op) else 0


def _is_product(op: Op) -> bool:
    """Whether each element of the result is one product or quotient: linear in a factor while the others are held."""
    return op is square or (op.kind is Kind.ELEMENTWISE and op.linear not in ("", "jointly"))


def edge_cost(node: Tensor, cotangent: Tensor, product: Tensor) -> int:
    """The multiplications that make ``product`` of the values there are: ``cotangent``, ``node`` and its inputs."""
    known = {cotangent, node, *node.inputs}
    made = toposort([product], is_leaf=known.__contains__)
    live = dependents(made, {cotangent, node, *(i for i in node.inputs if not is_folded(i))})
    return sum(multiplications_of(n) for n in made if n in live and n not in known)


def loop_costs(cotangent: Tensor, products: Sequence[Tensor]) -> list[int]:
    """The multiplications that make what a loop passes to its inputs: those that several share count for the first.

    What the loop saves on its way forward is there.
    """
    known, costs = {cotangent, *cotangent.inputs}, []
    for product in products:
        made = toposort([product], is_leaf=known.__contains__)
        costs.append(sum(multiplications_of(n) for n in dependents(made, known) - known))
        known |= dependents(made, known)
    return costs


def paths_from(output: Tensor, edges: Iterable[Edge]) -> dict[Tensor, int]:
    """How many paths lead from ``output`` to each node; ``edges`` come in reverse topological order."""
    paths = {output: 1}
    for e in edges:
        paths[e.source] = paths.get(e.source, 0) + paths[e.node]
    return paths


def paths_to(wrt: Iterable[Tensor], edges: Sequence[Edge]) -> dict[Tensor, int]:
    """How many paths lead from each node to one of ``wrt``; ``edges`` come in reverse topological order."""
    paths = dict.fromkeys(wrt, 1)
    for e in reversed(edges):
        paths[e.node] = paths.get(e.node, 0) + paths.get(e.source, 0)
    return paths


def cost_without_reuse(output: Tensor, wrt: Iterable[Tensor], edges: Sequence[Edge]) -> int:
    """The multiplications of all paths from ``output`` to ``wrt``, each on its own."""
    above, below = paths_from(output, edges), paths_to(wrt, edges)
    return sum(e.cost * above[e.node] * below.get(e.source, 0) for e in edges)
