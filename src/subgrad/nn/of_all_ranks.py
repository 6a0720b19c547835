"""Whether statistics of a batch are those of the parts of it that other processes have, too."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from subgrad.graph.tensor import Tensor

Add = Callable[[Tensor], Tensor]

_add: ContextVar[Add | None] = ContextVar("add", default=None)


@contextlib.contextmanager
def adding_up(add: Add) -> Iterator[None]:
    """Modules that are traced inside add up their statistics by ``add``, which gives the sum over all ranks."""
    token = _add.set(add)
    try:
        yield
    finally:
        _add.reset(token)


def adder() -> Add | None:
    """How statistics are added up; None if a batch is what this process has."""
    return _add.get()


__all__ = ["adder", "adding_up"]
