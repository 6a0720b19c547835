"""Calls of a module with other values for its parameters, as ``torch.func.functional_call`` makes them.

A module is traced with arguments in the place of its parameters. The replacement belongs to the thread that makes it:
another thread that runs the module finds the parameters' own values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from subgrad.graph import tracing
from subgrad.graph.tensor import Parameter, Tensor


@contextlib.contextmanager
def bound(parameters: Sequence[Parameter], nodes: Sequence[Tensor]) -> Iterator[None]:
    """Inside of the context the parameters stand for ``nodes``; afterwards they have their own values again.

    If a parameter is assigned inside, as running statistics are, it stands for the assigned node from then on.
    """
    with tracing.recording():
        for p, n in zip(parameters, nodes, strict=True):
            p._stand_for(n)
        yield
