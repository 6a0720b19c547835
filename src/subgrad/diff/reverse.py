"""Backpropagation: one visit to each node, in reverse topological order, that makes the graph of the gradients.

The products that reach a node are added up before they are passed on, so a node with a thousand paths behind it costs
what a node with one path costs (Linnainmaa 1970; Rumelhart, Hinton, Williams 1986).
"""

from __future__ import annotations

from collections.abc import Sequence

from subgrad.errors import DTypeError, GradientError, ShapeError
from subgrad.graph import source_location
from subgrad.graph.evaluate import evaluate
from subgrad.graph.op import cotangents
from subgrad.graph.order import dependents, toposort
from subgrad.graph.tensor import INPUT, Tensor, TensorLike, constant, tensor
from subgrad.ops import full
from subgrad.ops.tuples import add


def backprop(
    outputs: Sequence[Tensor], seeds: Sequence[Tensor], wrt: Sequence[Tensor], leaves: Sequence[Tensor] = ()
) -> list[Tensor | None]:
    """The cotangent of each of ``wrt``, given those of ``outputs``; None where no path leads.

    Args:
        outputs: nodes to start from.
        seeds: dE/d(output) for each, of its shape and dtype.
        wrt: nodes; gradients flow through them as well.
        leaves: nodes past which the search does not go.
    """
    stop = set(leaves)
    order = toposort(outputs, is_leaf=stop.__contains__)
    active = dependents(order, wrt)
    arriving: dict[Tensor, list[Tensor]] = {}
    for out, seed in zip(outputs, seeds, strict=True):
        arriving.setdefault(out, []).append(seed)
    total: dict[Tensor, Tensor] = {}
    for node in reversed(order):
        if node in active and node in arriving:
            total[node] = _add_up(node, arriving.pop(node))
            if node.inputs and node not in stop and any(i in active for i in node.inputs):
                _pass_on(node, total[node], active, arriving)
    return [total.get(w) for w in wrt]


def _add_up(node: Tensor, products: list[Tensor]) -> Tensor:
    with source_location.inherit(node.site, node.scope):
        total = products[0]
        for p in products[1:]:
            total = add(total, p)
    return total


def _pass_on(node: Tensor, g: Tensor, active: set[Tensor], arriving: dict[Tensor, list[Tensor]]) -> None:
    if node.dtype.kind not in "fO":
        return  # integers and bools carry no gradient
    for source, product in zip(node.inputs, cotangents(node, g), strict=True):
        if product is not None and source in active:
            if (product.shape, product.dtype) != (source.shape, source.dtype):
                raise GradientError(
                    f"the vjp of {node.op.name} gave a cotangent {product.dtype}{product.shape} "
                    f"for an input {source.dtype}{source.shape}"
                )
            arriving.setdefault(source, []).append(product)


def seed_for(y: Tensor, cotangent: TensorLike = None) -> Tensor:
    """The cotangent to start from: 1 for a scalar, or what the caller gives, checked."""
    if y.dtype.kind != "f":
        raise GradientError(f"only floats have gradients, this tensor is {y.dtype}")
    if cotangent is None:
        if y.shape != ():
            raise GradientError(
                f"the gradient of a tensor of shape {y.shape} needs a cotangent of that shape; "
                "for a scalar, sum or average it first"
            )
        return full((), 1.0, y.dtype)
    given = cotangent.node if isinstance(cotangent, Tensor) else tensor(cotangent, y.dtype)
    if given.shape != y.shape:
        raise ShapeError(f"a cotangent has its output's shape {y.shape}, got {given.shape}")
    if given.dtype != y.dtype:
        raise DTypeError(f"a cotangent has its output's dtype {y.dtype}, got {given.dtype}")
    return given


def leaves_of(nodes: Sequence[Tensor], wrt: Sequence[Tensor]) -> list[list[Tensor]]:
    """For each of ``wrt`` the nodes that stand for it in the graph of ``nodes``.

    A parameter may have been given new values since the graph was made: then all of its values that the graph holds
    stand for it. Any other tensor stands for itself.
    """
    found: dict[int, list[Tensor]] = {id(w): [w.node] for w in wrt}
    for node in toposort(nodes):
        owner = node.owner
        if owner is not None and id(owner) in found and found[id(owner)][0] is not node:
            found[id(owner)].append(node)
    return [found[id(w)] for w in wrt]


def gradients(y: Tensor, wrt: Sequence[Tensor], cotangent: TensorLike = None) -> list[Tensor]:
    """dE/dw for each tensor of ``wrt``, as nodes; zeros where y does not depend on w."""
    y = y.node
    seed = seed_for(y, cotangent)
    stands_for = leaves_of([y], wrt)
    flat = [node for nodes in stands_for for node in nodes]
    by_node = dict(zip(flat, backprop([y], [seed], flat), strict=True))
    return [_gather(w, [by_node[n] for n in nodes]) for w, nodes in zip(wrt, stands_for, strict=True)]


def _gather(w: Tensor, parts: list[Tensor | None]) -> Tensor:
    there = [p for p in parts if p is not None]
    return _add_up(w.node, there) if there else full(w.shape, 0, w.dtype)


def backward(y: Tensor, cotangent: TensorLike = None) -> None:
    """Add dy/dw to ``w.grad`` for every parameter and every leaf with ``requires_grad`` that y depends on."""
    holders = [n if n.owner is None else n.owner for n in toposort([y])]
    targets = list(dict.fromkeys(h for h in holders if h.requires_grad))
    if not targets:
        raise GradientError("nothing to fill: this tensor depends on no parameter and no tensor with requires_grad")
    grads = gradients(y, targets, cotangent)
    symbolic = any(n.op is INPUT for n in toposort(grads))
    if not symbolic:
        evaluate(grads)
    for w, g in zip(targets, grads, strict=True):
        total = g if w.grad is None else w.grad + g
        w.grad = total if symbolic else constant(total.numpy())
