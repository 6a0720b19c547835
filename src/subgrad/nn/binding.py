"""Parameters that stand for other nodes for a while: so a module is traced with arguments for its values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from subgrad.graph.tensor import Parameter, Tensor


@contextlib.contextmanager
def bound(parameters: Sequence[Parameter], nodes: Sequence[Tensor]) -> Iterator[None]:
    """The parameters stand for other nodes inside, and for their own values again afterwards."""
    before = [p.node for p in parameters]
    try:
        for p, n in zip(parameters, nodes, strict=True):
            p._bind(n)
        yield
    finally:
        for p, n in zip(parameters, before, strict=True):
            p._bind(n)
