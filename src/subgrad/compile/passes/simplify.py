"""The first rewrites: compound ops become the simple ones that machines have, equal nodes become one, identities go.

Each is a function from a node with its new inputs to a node; `rewrite` carries it through a graph.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from subgrad import ops
from subgrad.compile.blame import blame
from subgrad.compile.codegen.lower import Role, is_compound, role
from subgrad.compile.passes.layout import is_copy, joined
from subgrad.compile.passes.scatter_to_gather import scatter_to_gather
from subgrad.errors import CheckError
from subgrad.graph import source_location
from subgrad.graph.op import Kind, Op, again, apply
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops import rules
from subgrad.ops.shape import cast

STAGED = 32
"""As many terms a sum of the first stage has at least: with fewer, its results would cost as much as they save."""

FACTORS = 16
"""As many factors are taken out of a sum at most: in products of products there can be any number of the same ones."""

Rule = Callable[[Tensor], Tensor]


def replaced(outputs: Sequence[Tensor], leaves: Mapping[Tensor, Tensor]) -> list[Tensor]:
    """A simple graph with others in the place of some leaves, which may be transposes: those meet their inverses."""
    return rewrite(rewrite(outputs, joined, leaves), Merger())


def factored(node: Tensor) -> Tensor:
    """A sum of products, with the factors that do not change along its axes taken out.

    So the gradient of a normalisation needs no sums but those of the gradients of its scale and shift.
    """
    if node.op is not ops.sum or node.dtype.kind != "f":
        return node
    axes = node.attrs["axis"]
    inner, factors = _stripped(node.inputs[0], axes)
    if not factors:
        return node
    result = ops.sum(inner, axes, node.attrs["keepdims"])
    first = tuple(slice(1) if i in axes else slice(None) for i in range(inner.ndim))
    for op, factor in factors:
        result = apply(op, (result, ops.reshape(factor[first], result.shape)), {})
    return result


def _stripped(node: Tensor, axes: Sequence[int]) -> tuple[Tensor, list[tuple[Op, Tensor]]]:
    """A product without the factors that are even along ``axes``, and those, each with the op that brings it back."""
    found: dict[Tensor, tuple[Tensor, list[tuple[Op, Tensor]]]] = {}
    for n in toposort([node], is_leaf=lambda n: n.op not in (ops.mul, ops.scale)):
        found[n] = n, []
        if n.op not in (ops.mul, ops.scale):
            continue
        (a, left), (b, right) = found[n.inputs[0]], found[n.inputs[1]]
        if len(left) + len(right) >= FACTORS:
            continue
        if _is_even(n.inputs[1], axes):
            found[n] = a, [*left, (n.op, n.inputs[1])]
        elif n.op is ops.mul and _is_even(n.inputs[0], axes):
            found[n] = b, [*right, (n.op, n.inputs[0])]
        elif left or right:
            found[n] = apply(n.op, (a, b), {}), [*left, *right]
    return found[node]


def _is_even(node: Tensor, axes: Sequence[int]) -> bool:
    """Whether a node was spread along the axes, which thus hold one value each."""
    if node.op is not ops.broadcast_to:
        return False
    given, lead = node.inputs[0].shape, node.ndim - node.inputs[0].ndim
    return all(axis < lead or given[axis - lead] == 1 for axis in axes)


def staged(node: Tensor) -> Tensor:
    """A large reduction over the first axis and others, as one over those others and then one over the first.

    The first stage can be split between threads by examples, and is the same sum for any number of them.
    """
    if role(node.op) is not Role.REDUCE:
        return node
    axes = node.attrs["axis"]
    if len(axes) < 2 or axes[0] != 0:
        return node
    x, kept = node.inputs[0], node.size
    if x.shape[0] == 1 or x.size < STAGED * x.shape[0] * kept:
        return node
    stage = apply(node.op, (x,), {"axis": axes[1:], "keepdims": True})
    return ops.reshape(apply(node.op, (stage,), {"axis": (0,), "keepdims": True}), node.shape)


def rewrite(outputs: Sequence[Tensor], rule: Rule, leaves: Mapping[Tensor, Tensor] | None = None) -> list[Tensor]:
    """The graph with ``rule`` applied to each node, inputs first; leaves stay, but for those with another given."""
    new: dict[Tensor, Tensor] = dict(leaves or {})
    for node in toposort(outputs):
        if node.op in (CONST, INPUT):
            new.setdefault(node, node)
            continue
        inputs = tuple([new[i] for i in node.inputs])
        changed = any(map(operator.is_not, inputs, node.inputs))
        try:
            with source_location.inherit(node.site, node.scope):
                new[node] = rule(again(node, inputs) if changed else node)
        except Exception as error:
            blame(error, node)
            raise
    return [new[o.node] for o in outputs]


def expand(node: Tensor) -> Tensor:
    """A compound op without native code of its own in terms of simple ones, all the way down."""
    if not is_compound(node.op) or node.op.expand is None:
        return node
    simpler = scatter_to_gather(node) if node.op is ops.fold else None
    if simpler is None:
        simpler = node.op.expand(*node.inputs, **node.attrs)
    _check_expanded(node, simpler)
    known = set(node.inputs)
    made = [n for n in toposort([simpler], is_leaf=known.__contains__) if n not in known]
    if not any(is_compound(n.op) for n in made):
        return simpler
    return _within(simpler, known)


def _check_expanded(node: Tensor, found: Tensor) -> None:
    if (found.shape, found.dtype) != (node.shape, node.dtype):
        name, given, own = node.op.name, f"{found.dtype}{found.shape}", f"{node.dtype}{node.shape}"
        raise CheckError(f"the expand of op {name!r} gives {given}, the op itself {own}")


def _within(output: Tensor, known: set[Tensor]) -> Tensor:
    """Expands every compound op between the ``known`` nodes, which stay as they are, and the output."""
    new = {n: n for n in known}
    for node in toposort([output], is_leaf=known.__contains__):
        if node not in new:
            inputs = tuple(new.get(i, i) for i in node.inputs)
            new[node] = expand(again(node, inputs)) if inputs else node
    return new[output]


class Merger:
    """Drops identities, and gives every node that computes what an earlier one does that one's place."""

    def __init__(self) -> None:
        self._seen: dict[Any, Tensor] = {}

    def __call__(self, node: Tensor) -> Tensor:
        node = _identity(node)
        if node.op in (CONST, INPUT):
            return node
        return self._seen.setdefault(value_number(node), node)


def value_number(node: Tensor) -> Any:
    """Equal for nodes that compute the same from the same inputs."""
    return node.op.name, tuple(map(id, node.inputs)), frozen(node.attrs), node.shape, node.dtype


def frozen(attrs: dict[str, Any]) -> Any:
    """Attributes as something that can be a key, equal where they are."""
    if not attrs:
        return ()
    return tuple([(name, v.str if isinstance(v, np.dtype) else repr(v)) for name, v in sorted(attrs.items())])


def filled_with(node: Tensor, value: float) -> bool:
    """Whether a node is a constant ``value`` everywhere."""
    return node.op is ops.full and node.attrs["value"] == value


def _folded(node: Tensor) -> float:
    """The value of an elementwise node of constants."""
    with np.errstate(all="ignore"):
        values = [np.asarray(i.attrs["value"], i.dtype) for i in node.inputs]
        return np.asarray(node.op.ref(*values, **node.attrs), node.dtype).item()


def _as_dtype(node: Tensor, dtype: np.dtype) -> Any:
    """The number of a constant as it is in another dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(node.attrs["value"], node.dtype).astype(dtype).item()


def _identity(node: Tensor) -> Tensor:
    """The input that ``node`` is equal to, bit for bit, if it is one; or a simpler node."""
    op, inputs = node.op, node.inputs
    if op.elementwise and node.dtype.kind == "f" and inputs and all(i.op is ops.full for i in inputs):
        return ops.full(node.shape, _folded(node), node.dtype)
    if op in (ops.mul, ops.scale):
        a, b = inputs
        if filled_with(b, 1):
            return a
        if filled_with(a, 1):
            return b
        if op is ops.scale and a.op is ops.full and a.attrs["value"] != 0:
            return ops.mul(a, b)
    if op is ops.div and filled_with(inputs[1], 1):
        return inputs[0]
    if op is ops.neg and inputs[0].op is ops.neg:
        return inputs[0].inputs[0]
    if op in (ops.reshape, ops.broadcast_to) and inputs[0].shape == node.shape:
        return inputs[0]
    if op is ops.reshape and inputs[0].op is ops.reshape:
        return _identity(ops.reshape(inputs[0].inputs[0], node.shape))
    if op is ops.transpose and node.attrs["axes"] == tuple(range(node.ndim)):
        return inputs[0]
    if (op is cast or op.kind is Kind.VIEW) and inputs[0].op is ops.full:
        return ops.full(node.shape, _as_dtype(inputs[0], node.dtype), node.dtype)
    if role(op) is Role.REDUCE and not node.attrs["axis"]:
        return rules.cast(inputs[0], node.dtype)
    if is_copy(node) and inputs[0].op.kind is not Kind.VIEW:  # of a view a cast to the dtype that is there is a copy
        return inputs[0]
    return node
