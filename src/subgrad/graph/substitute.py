"""A graph with other nodes in the place of some of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from subgrad.graph import source_location
from subgrad.graph.op import apply
from subgrad.graph.order import toposort

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor


def substitute(outputs: Iterable[Tensor], new: Mapping[Tensor, Tensor]) -> list[Tensor]:
    """``outputs`` made anew with ``new[n]`` where they use ``n``; nodes that use none of these stay as they are."""
    outputs = [o.node for o in outputs]
    found = dict(new)
    for node in toposort(outputs, is_leaf=found.__contains__):
        if node not in found:
            inputs = tuple(found[i] for i in node.inputs)
            same = all(a is b for a, b in zip(inputs, node.inputs, strict=True))
            with source_location.inherit(node.site, node.scope):
                found[node] = node if same else apply(node.op, inputs, node.attrs)
    return [found[o] for o in outputs]
