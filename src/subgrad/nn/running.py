"""Which module is running, and in which mode: nodes made in a forward pass carry its path, such as ``encoder.hidden``.

Both belong to the thread (or task) in which it runs.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from subgrad.graph import source_location

if TYPE_CHECKING:
    from subgrad.nn.module import Module


Forward = Callable[["Module", Sequence[Any], dict[str, Any]], Any]
"""What runs for a call of a module with these arguments, by position and by name."""


class _State(threading.local):
    parent: Module | None = None
    forward: Forward | None = None
    names: dict[int, str] = {}  # of the parent's children  # noqa: RUF012


_state = _State()


@contextlib.contextmanager
def running(module: Module) -> Iterator[None]:
    """Nodes made inside belong to ``module``, under the name by which the module that is running now knows it."""
    before = _state.parent, _state.names
    name = _name_of(module)
    _state.parent = module
    _state.names = {id(child): name for name, child in module.children.items()}
    try:
        with source_location.enter(name) if name else contextlib.nullcontext():
            yield
    finally:
        _state.parent, _state.names = before


@contextlib.contextmanager
def in_place_of_forward(forward: Forward) -> Iterator[None]:
    """Inside, and in this thread alone, each call of a module runs ``forward``."""
    before, _state.forward = _state.forward, forward
    try:
        yield
    finally:
        _state.forward = before


def forward_of(module: Module, xs: Sequence[Any], options: dict[str, Any]) -> Any:
    """The result of a call: of the module's own forward, unless there is one in its place."""
    forward = _state.forward
    return module.forward(*xs, **options) if forward is None else forward(module, xs, options)


def _name_of(module: Module) -> str:
    """Its name in the running module; empty for a root, and for a module that the running one does not hold."""
    if _state.parent is None:
        return ""
    return _state.names.get(id(module)) or _name_further_down(_state.parent, module)


def _name_further_down(parent: Module, module: Module) -> str:
    return next((name for name, below in parent.named_modules() if below is module), "")


_modes: ContextVar[dict[int, bool] | None] = ContextVar("modes", default=None)  # by id, of modules that are alive


def evaluating(model: Module) -> contextlib.AbstractContextManager[None]:
    """The model in evaluation mode inside, for this thread alone: one that trains it meanwhile notices nothing."""
    return _in_mode(model, False)


def in_training(model: Module) -> contextlib.AbstractContextManager[None]:
    """The model in training mode inside, for this thread alone, if it is in evaluation mode as a whole. If it is not,
    a part of it that is stays so."""
    return contextlib.nullcontext() if model.training else _in_mode(model, True)


@contextlib.contextmanager
def _in_mode(model: Module, training: bool) -> Iterator[None]:
    token = _modes.set({**(_modes.get() or {}), **{id(m): training for _, m in model.named_modules()}})
    try:
        yield
    finally:
        _modes.reset(token)


def mode_here(module: Module) -> bool | None:
    """The mode that one of these contexts gives the module, if it does."""
    modes = _modes.get()
    return None if modes is None else modes.get(id(module))


def set_mode_here(module: Module, training: bool) -> bool:
    """Change that mode; False if none of the contexts is about this module."""
    modes = _modes.get()
    if modes is None or id(module) not in modes:
        return False
    modes[id(module)] = training
    return True


__all__ = [
    "Forward", "evaluating", "forward_of", "in_place_of_forward", "in_training", "mode_here", "running",
    "set_mode_here",
]  # fmt: skip
