"""Kernel deduplication: kernels whose code would be the same, as in layers that repeat, share one function."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from subgrad.compile.codegen.checks import FLAGS
from subgrad.compile.kernels.aliasing import Aliasing
from subgrad.compile.kernels.schedule import Slot
from subgrad.compile.passes.simplify import frozen
from subgrad.graph.op import Kind
from subgrad.graph.tensor import CONST, INPUT, Tensor
from subgrad.ops import full
from subgrad.ops.indexing import in_range


def kernel_key(
    slot: Slot, stored: Callable[[Tensor], bool], aliasing: Aliasing, locate: Callable[[Tensor], Hashable]
) -> tuple[Hashable, dict[Tensor, int]]:
    """What identifies the code of a kernel, and the number of each node in it.

    Kernels with equal keys have the same code. It is called with the nodes of one of them in the places of the nodes
    with the same numbers of the other. The key describes each node down to those that are read from memory; views are
    followed into memory, because the code addresses the array behind them.

    Args:
        slot: the kernel and how it is split.
        stored: which nodes kernels write to memory.
        aliasing: which nodes lie inside of others, and what is copied there.
        locate: where nodes lie in memory.
    """
    kernel = slot.kernel
    made = set(kernel.nodes)
    nodes = list(dict.fromkeys((*kernel.nodes, *kernel.stores)))
    numbers = {n: i for i, n in enumerate(nodes)}
    roots: dict[Hashable, int] = {}

    def row(node: Tensor) -> tuple[Any, ...]:
        in_memory = node.op in (CONST, INPUT) or stored(node)
        root = roots.setdefault(locate(node), numbers[node]) if in_memory else None
        lying = aliasing.strides(node) if node in aliasing else None
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
        return what, node.shape, node.dtype.char, read, root, lying

    rows = tuple([row(node) for node in nodes])  # the list grows meanwhile
    copied = tuple([numbers[part] for part, _ in aliasing.copied(kernel.seed)])
    stores = tuple([numbers[n] for n in kernel.stores])
    return (slot.axis, slot.extent, len(kernel.body), stores, copied, rows), numbers


__all__ = ["kernel_key"]
