"""Parameters that stand for other nodes for a while: so a module is traced with arguments for its values.

Only who does that sees it: another thread that runs the module finds the parameters' own values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from subgrad.graph import tracing
from subgrad.graph.tensor import Parameter, Tensor


@contextlib.contextmanager
def bound(parameters: Sequence[Parameter], nodes: Sequence[Tensor]) -> Iterator[None]:
    """The parameters stand for other nodes inside, and for their own values again afterwards.

    What is assigned to them inside, such as running statistics, is the node that they stand for from then on.
    """
    with tracing.recording():
        for p, n in zip(parameters, nodes, strict=True):
            p._stand_for(n)
        yield
