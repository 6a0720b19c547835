"""The sum over all ranks, as a node of a graph: where it stands, the graph's program is cut, see `segments`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from subgrad import ops
from subgrad.errors import NotTraceableError
from subgrad.fit.measuring.accumulation import Share
from subgrad.graph.op import Kind, Op
from subgrad.graph.tensor import Tensor


def _alone(*_: Any, **__: Any) -> Any:
    raise NotTraceableError("a sum over ranks has no value in one of them: its program is cut there")


def _prepare(x: Tensor) -> tuple[Sequence[Tensor], dict[str, Any]]:
    return (x,), {}


all_reduce = Op(
    "all_reduce",
    ref=_alone,
    shape=lambda x: (x.shape, x.dtype),
    prepare=_prepare,
    vjp=lambda g, y, x: (all_reduce(g),),  # each rank's loss is a part of the sum that is minimised
    kind=Kind.CONTROL,
    linear="jointly",
)
"""``all_reduce(x)``: the sum of what ``x`` is in each rank. It is no op of the table: only a run of several ranks has
it, and no program ever computes it."""


def of_all_ranks(
    share: Share, nodes: Sequence[Tensor], trained: Sequence[Tensor], before: Sequence[Tensor]
) -> tuple[Share, list[Tensor]]:
    """The gradients and the loss of a batch of which each rank has a part: means are weighted with the parts' weights.
    The slopes that are given are those of ``share.weighed``.

    So are parameters that are not ``trained`` and that the forward pass has moved from what they were ``before``, such
    as running statistics: the ``nodes`` of all parameters come back with their means.
    """
    total = [all_reduce(g.node) for g in share.slopes]
    loss, weight = all_reduce(share.weighed.node), all_reduce(share.weight.node)
    whole = ops.where(weight > 0, weight, 1)
    by = 1 if share.added else whole
    found = Share([t / by for t in total], loss / by, weight, share.terms)
    own = {n.node for n in trained}
    moved = [n not in own and n is not old.node for n, old in zip(nodes, before, strict=True)]
    means = [
        ops.where(weight > 0, all_reduce((share.weight.astype(n.dtype) * n).node) / whole.astype(n.dtype), old)
        if m else n
        for n, old, m in zip(nodes, before, moved, strict=True)
    ]  # fmt: skip
    return found, means
