"""When two kernels are one piece of code: layers that repeat are written once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from subgrad.compile.checks import FLAGS
from subgrad.compile.hosting import Hosting
from subgrad.compile.schedule import Slot
from subgrad.compile.simplify import frozen
from subgrad.graph.op import Kind
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops import full
from subgrad.ops.indexing import in_range


def form(
    slot: Slot, stored: Callable[[Tensor], bool], hosting: Hosting, locate: Callable[[Tensor], Hashable]
) -> tuple[Hashable, dict[Tensor, int]]:
    """All that the code of a kernel depends on, with numbers for the nodes; and the number of each node.

    Kernels of one form have the same code; it is called with the one's nodes in the places of the other's. The form
    takes in every node down to those in memory, and through rearranging ones, which code sees through, even there.

    Args:
        slot: the kernel and how it is split.
        stored: which nodes kernels write to memory.
        hosting: which nodes lie inside of others, and what is copied there.
        locate: where nodes lie in memory.
    """
    kernel = slot.kernel
    made = {kernel.seed, *kernel.body}
    nodes = list(dict.fromkeys((kernel.seed, *kernel.body, *kernel.stores)))
    numbers = {n: i for i, n in enumerate(nodes)}
    homes: dict[Hashable, int] = {}

    def row(node: Tensor) -> tuple[Any, ...]:
        in_memory = node.op in (CONST, INPUT) or stored(node)
        home = homes.setdefault(locate(node), numbers[node]) if in_memory else None
        lying = hosting.strides(node) if node in hosting else None
        made_here = node in made or not in_memory or node.op.kind is Kind.VIEW
        what: Hashable = (node.op.name, frozen(node.attrs)) if made_here else node.op is full
        inputs = node.inputs if made_here else ()
        if node.op is in_range and made_here:  # the code has the number of the check in it
            what, inputs = node, (*inputs, FLAGS)
        for i in inputs:
            if i not in numbers:
                numbers[i] = len(nodes)
                nodes.append(i)
        read = tuple([numbers[i] for i in inputs])
        return what, node.shape, node.dtype.char, read, home, lying

    rows = tuple([row(node) for node in nodes])  # the list grows meanwhile
    copied = tuple([numbers[part] for part, _ in hosting.copied(kernel.seed)])
    stores = tuple([numbers[n] for n in kernel.stores])
    return (slot.axis, slot.extent, len(kernel.body), stores, copied, rows), numbers


__all__ = ["form"]
