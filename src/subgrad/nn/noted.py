"""What losses tell whoever listens: the means they take, with their weights, and what they know of labels.

A training run needs more of a loss than its value for a batch: the weighted mean over all batches is not the mean of
their means. The loss may be a function of the user's that calls ours; so ours say it on the side.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from subgrad.graph.tensor import Tensor


@dataclass(frozen=True)
class Reduced:
    """Losses of samples that were put together.

    Attributes:
        value: their mean or sum.
        weight: of a weighted mean: the sum of all weights; None if all count the same.
        added: whether it is a sum.
    """

    value: Tensor
    weight: Tensor | None
    added: bool


@dataclass
class Noted:
    """What was heard.

    Attributes:
        reduced: every mean and sum that was taken.
        signs: whether labels are -1 and +1 for certain.
        ignored: labels that stand for nothing.
        log_odds: whether a score above 0 is one of the second of two classes, however these are written.
    """

    reduced: list[Reduced] = field(default_factory=list)
    signs: bool = False
    ignored: set[int] = field(default_factory=set)
    log_odds: bool = False


_listener: ContextVar[Noted | None] = ContextVar("listener", default=None)


@contextlib.contextmanager
def listening() -> Iterator[Noted]:
    """What losses say inside."""
    noted = Noted()
    before = _listener.set(noted)
    try:
        yield noted
    finally:
        _listener.reset(before)


def note() -> Noted:
    """Where a loss says what it knows."""
    return _listener.get() or Noted()
