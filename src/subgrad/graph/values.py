"""The values of several parameters at one moment, and new ones for all of them: one step, as other threads see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from subgrad.graph import tracing
from subgrad.graph.lock import lock
from subgrad.graph.tensor import Parameter, Tensor, TensorLike

_moment = lock()


def assign_all(parameters: Sequence[Parameter], values: Sequence[TensorLike]) -> None:
    """Give each parameter its new value: who calls `nodes_of` in another thread finds all of them new, or none.

    Raises what `Parameter.assign` does, and then no parameter has a new value.

    >>> w, b = Parameter([1.0]), Parameter(0.0)
    >>> assign_all([w, b], [[2.0], 5.0])
    >>> w.tolist(), b.tolist()
    ([2.0], 5.0)
    """
    nodes = [p._checked(v) for p, v in zip(parameters, values, strict=True)]
    if tracing.is_tracing():
        for p, node in zip(parameters, nodes, strict=True):
            p._stand_for(node)
    else:
        bind_all(parameters, nodes)


def bind_all(parameters: Iterable[Parameter], nodes: Iterable[Tensor]) -> None:
    """`assign_all` of leaves of the right form that belong to nobody else."""
    pairs = [*zip(parameters, nodes, strict=True)]
    with _moment:
        try:
            for p, node in pairs:
                p._bind(node)
        except KeyboardInterrupt:  # it came in the middle: all of them are new, and then it is raised
            for p, node in pairs:
                p._bind(node)
            raise


def nodes_of(parameters: Sequence[Parameter]) -> list[Tensor]:
    """The current node of each parameter, all of them from before an `assign_all` or all from after it."""
    with _moment:
        return [p.node for p in parameters]


__all__ = ["assign_all", "bind_all", "nodes_of"]
