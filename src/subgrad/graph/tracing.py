"""What happens to parameters while a function is traced: assignments are noted, and nobody outside sees them.

All of it belongs to the thread (or the task of asyncio) that traces. Another one that runs the same module meanwhile
finds the parameters as they are.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from subgrad.graph.tensor import Parameter, Tensor


class Watcher(Protocol):
    """Who traces a function to run it again later, and must know what it depends on."""

    def read(self, parameter: Parameter) -> Tensor:
        """The node of a parameter that nobody has assigned yet, for which the value is the default."""
        ...

    def set_attribute(self, owner: Any, name: str) -> None:
        """An attribute of a module was set, or deleted."""
        ...


class _Recording:
    """What parameters stand for inside: ``nodes`` for those assigned here or around, ``assigned`` here."""

    __slots__ = ("assigned", "nodes", "watcher")

    def __init__(self, around: _Recording | None, watcher: Watcher | None) -> None:
        self.nodes: dict[Parameter, Tensor] = dict(around.nodes) if around else {}
        self.watcher = watcher or (around.watcher if around else None)
        self.assigned: dict[Parameter, None] = {}


class Settings:
    """A counter of changes that may change what is traced, apart from those that Python makes without our notice.

    ``changes`` is another number whenever an attribute of a module, ``requires_grad`` of a parameter, or the default
    dtype of the process has another value.
    """

    changes = 0
    _numbers = itertools.count(1)

    @classmethod
    def note(cls) -> None:
        """Called after such a change: whoever sees the new number sees what has changed."""
        cls.changes = next(cls._numbers)


_now: ContextVar[_Recording | None] = ContextVar("recording", default=None)


def is_tracing() -> bool:
    """Whether a function is being traced here."""
    return _now.get() is not None


def node_of(parameter: Parameter) -> Tensor | None:
    """The node that the parameter stands for in what is being traced; None for its own value."""
    recording = _now.get()
    if recording is None:
        return None
    found = recording.nodes.get(parameter)
    return recording.watcher.read(parameter) if found is None and recording.watcher else found


def note_setting(owner: Any, name: str) -> None:
    """Called when a setting of a module or of a parameter has changed."""
    Settings.note()
    recording = _now.get()
    if recording and recording.watcher:
        recording.watcher.set_attribute(owner, name)


def bind(parameter: Parameter, node: Tensor) -> None:
    """The parameter stands for ``node`` until the end of the recording."""
    recording = _now.get()
    assert recording is not None
    recording.nodes[parameter] = node
    recording.assigned[parameter] = None


@contextlib.contextmanager
def recording(watcher: Watcher | None = None) -> Iterator[list[tuple[Parameter, Tensor]]]:
    """Collects (parameter, the node of its new value) for those assigned inside; they have their old values after."""
    inside = _Recording(_now.get(), watcher)
    found: list[tuple[Parameter, Tensor]] = []
    token = _now.set(inside)
    try:
        yield found
        found.extend((p, inside.nodes[p]) for p in inside.assigned)
    finally:
        _now.reset(token)
