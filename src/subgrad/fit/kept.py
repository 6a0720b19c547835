"""What a model's runs have traced and compiled stays with the model: the next run starts at once.

A trace is used again while all that it depends on is as it was: the model's modules and settings, loss, optimiser and
metrics, and whatever their code reaches, as `subgrad.compile.tracing.live` finds it. Parameters' values are no part of
that.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from subgrad.compile.tracing.live import Live
from subgrad.fit.labels import Labels
from subgrad.nn.module import Module
from subgrad.optim.optimizer import Configured

MOMENTS = 8
"""States of what a model's runs depend on whose programs are kept; each loss and optimiser is one."""


ENTRIES = 32
"""Programs that are kept of each: batches may come in any number of forms."""


class Table(dict[Any, Any]):
    """What was made last: an entry too many makes the oldest go."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > ENTRIES:
            del self[next(iter(self))]


class _Moment:
    """A state of what some traces depend on, and what was made of them."""

    def __init__(self, roots: Sequence[Any]) -> None:
        self.roots = roots
        self.live = Live(roots, {})
        self.table = Table()

    def is_of(self, roots: Sequence[Any]) -> bool:
        """Whether these are its roots, and all that they reach is as it was. False may be a false alarm."""
        return len(roots) == len(self.roots) and all(map(_alike, roots, self.roots)) and self.live.is_current()


def kept(model: Module, *roots: Any) -> dict[Any, Any]:
    """A table for what is made of ``model`` and ``roots`` by tracing; it has what was made of them before.

    >>> from subgrad import nn
    >>> net = nn.Linear(2, 1)
    >>> kept(net, nn.squared_loss)["a program"] = "made"
    >>> kept(net, nn.squared_loss), kept(net, nn.absolute_loss)
    ({'a program': 'made'}, {})
    """
    moments: list[_Moment] = vars(model).setdefault("_programs", [])
    found = next((m for m in moments if m.is_of((model, *roots))), None)
    if found is None:
        now = _Moment((model, *roots))
        found = next((m for m in moments if m.live.key == now.live.key), now)
        now.table = found.table  # of the same state, with objects that are here now
        moments[:] = [now, *(m for m in moments if m is not found)][:MOMENTS]
        found = now
    return found.table


def _alike(a: Any, b: Any) -> bool:
    """Whether two roots are one: functions by identity, settings and names by what they are."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, functools.partial):
        return _alike((a.func, a.args, *a.keywords.items()), (b.func, b.args, *b.keywords.items()))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    return isinstance(a, (str, Configured, Labels)) and a == b


__all__ = ["Table", "kept"]
