"""What happens to parameters while a function is traced: assignments are noted, and undone afterwards."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subgrad.graph.tensor import Parameter, Tensor


class _State(threading.local):
    assigned: dict[int, tuple[Parameter, Tensor]] | None = None


_state = _State()


def is_tracing() -> bool:
    """Whether a function is being traced in this thread."""
    return _state.assigned is not None


def note(parameter: Parameter) -> None:
    """Called before a parameter gets a new value."""
    if _state.assigned is not None:
        _state.assigned.setdefault(id(parameter), (parameter, parameter.node))


@contextlib.contextmanager
def recording() -> Iterator[list[tuple[Parameter, Tensor]]]:
    """Collects (parameter, the node of its new value) for those assigned inside; they have their old values after."""
    before, _state.assigned = _state.assigned, {}
    found: list[tuple[Parameter, Tensor]] = []
    try:
        yield found
        found.extend((p, p.node) for p, _ in _state.assigned.values())
    finally:
        for parameter, old in _state.assigned.values():
            parameter._bind(old)
        _state.assigned = before
