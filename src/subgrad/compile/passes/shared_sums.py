"""Long sums over examples that threads share: each adds up its own examples, and then the results are added up."""

from __future__ import annotations

from string import ascii_letters

from subgrad import ops
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor
from subgrad.ops.contract import contract, multiplications

LARGE = 1 << 22
"""As many products a contraction has at least whose sum is shared, some 50 microseconds of one thread. With fewer it
matters less what a thread has to fetch that another has written, and the step may have one thread alone."""

SMALL = 1 << 18
"""As many bytes each thread's result has at most: it stays in the second cache, and is soon added to the others."""


def shared(node: Tensor, threads: int) -> Tensor:
    """A contraction that sums over the first axis of both operands, in as many parts of that axis as there are threads.

    Shared by its rows, a thread would read both operands whole: half of them lie in the cache of another thread, or
    far away in memory. Shared by its sum, a thread reads the examples that it has computed itself.
    """
    if threads == 1 or node.op is not contract:
        return node
    terms, out = node.attrs["spec"].split("->")
    left, right = terms.split(",")
    if not left or left[0] != right[:1] or left[0] in out or not _pays(node, threads):
        return node
    part = next(c for c in ascii_letters if c not in node.attrs["spec"])
    own = [ops.reshape(x, (threads, x.shape[0] // threads, *x.shape[1:])) for x in node.inputs]
    sums = apply(contract, tuple(own), {**node.attrs, "spec": f"{part}{left},{part}{right}->{part}{out}"})
    return ops.sum(sums, 0)


def _pays(node: Tensor, threads: int) -> bool:
    n, size = node.inputs[0].shape[0], node.size * node.dtype.itemsize
    return n % threads == 0 and size <= SMALL and multiplications(node.attrs["spec"], *node.inputs) >= LARGE


__all__ = ["shared"]
