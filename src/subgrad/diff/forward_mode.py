"""Forward mode: tangents pushed through a graph, node by node.

At a kink there are two answers, and both are here: the linear map that the vjp has picked (`push_forward`, what
``jvp`` uses), and the one-sided directional derivative, which is not linear there (`one_sided`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from subgrad.diff.one_sided import one_sided_jvp
from subgrad.diff.reverse import backprop
from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.op import cotangents
from subgrad.graph.order import toposort
from subgrad.graph.tensor import Tensor, placeholder
from subgrad.ops import full

Tangents = list[Tensor | None]


def push_forward(outputs: Sequence[Tensor], wrt: Sequence[Tensor], tangents: Sequence[Tensor]) -> Tangents:
    """J t for each output, J being the Jacobian that the vjps make; None where an output depends on no ``wrt``."""

    def rule(node: Tensor, arriving: Tangents) -> Tensor | None:
        if node.op.push is not None:
            return node.op.push(push_forward, node, arriving)
        return _transposed_vjp(node, arriving)

    return _push(outputs, wrt, tangents, rule)


def one_sided(outputs: Sequence[Tensor], wrt: Sequence[Tensor], tangents: Sequence[Tensor]) -> Tangents:
    """f'(x; t), the limit of (f(x + h t) - f(x)) / h for h falling to 0, for each output."""
    return _push(outputs, wrt, tangents, one_sided_rule)


def one_sided_rule(node: Tensor, tangents: Tangents) -> Tensor | None:
    """The tangent of ``node`` along those of its inputs: by `one_sided_jvp` if it may have a kink."""
    if node.op.push is not None:
        return node.op.push(one_sided, node, tangents)
    if node.op.one_sided_jvp is None and node.op.kink is None:
        return _transposed_vjp(node, tangents)
    filled = [full(i.shape, 0, i.dtype) if t is None else t for i, t in zip(node.inputs, tangents, strict=True)]
    return one_sided_jvp(node.op, node, node.inputs, filled, node.attrs)


def _push(
    outputs: Sequence[Tensor],
    wrt: Sequence[Tensor],
    tangents: Sequence[Tensor],
    rule: Callable[[Tensor, Tangents], Tensor | None],
) -> Tangents:
    tangent: dict[Tensor, Tensor | None] = dict(zip(wrt, tangents, strict=True))
    for node in toposort(outputs, is_leaf=set(wrt).__contains__):
        arriving = [tangent.get(i) for i in node.inputs]
        if node not in tangent and node.dtype.kind in "fO" and any(t is not None for t in arriving):
            with source_location.inherit(node.site, node.scope):
                tangent[node] = rule(node, arriving)
    return [tangent.get(out) for out in outputs]


def _transposed_vjp(node: Tensor, tangents: Tangents) -> Tensor | None:
    """The vjp is linear in its cotangent; its own derivative by that cotangent, along the tangents, is the jvp."""
    u = placeholder(node.shape, node.dtype, "cotangent")
    pairs = [(c, t) for c, t in zip(cotangents(node, u), tangents, strict=True) if c is not None and t is not None]
    if not pairs:
        return None
    products, seeds = zip(*pairs, strict=True)
    known = [node, *node.inputs]
    result = backprop(products, seeds, [u], leaves=known)[0]
    known = {*known, *seeds}
    if result is not None and u in _made_of(result, known):
        raise GradientError(f"the vjp of {node.op.name} is not linear in its cotangent")
    return result


def _made_of(result: Tensor, known: set[Tensor]) -> set[Tensor]:
    """The nodes that ``result`` is made of, not going past those that are ``known``."""
    return set(toposort([result], is_leaf=known.__contains__))


__all__ = ["one_sided", "one_sided_rule", "push_forward"]
