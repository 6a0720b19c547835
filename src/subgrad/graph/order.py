"""Orders of a DAG, without recursion: a chain of a million nodes is no deeper than one of ten."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subgrad.graph.tensor import Tensor


def toposort(outputs: Iterable[Tensor], is_leaf: Callable[[Tensor], bool] | None = None) -> list[Tensor]:
    """Every node that ``outputs`` need, each once, inputs before their users.

    Args:
        outputs: nodes or parameters.
        is_leaf: the search does not go past nodes for which it is true.
    """
    order: list[Tensor] = []
    seen: set[Tensor] = set()
    stack: list[Tensor | None] = [out.node for out in reversed(list(outputs))]
    while stack:
        node = stack.pop()
        if node is None:  # the inputs of the one below are done
            order.append(stack.pop())  # pyright: ignore[reportArgumentType]
        elif node not in seen:
            seen.add(node)
            inputs = node.inputs
            if not inputs or (is_leaf is not None and is_leaf(node)):
                order.append(node)
            else:
                stack += (node, None, *inputs[::-1])
    return order


def dependents(order: Iterable[Tensor], sources: Iterable[Tensor]) -> set[Tensor]:
    """The nodes of ``order`` (a topological order) whose value depends on one of ``sources``, these included."""
    found = set(sources)
    for node in order:
        if any(i in found for i in node.inputs):
            found.add(node)
    return found
