"""Which module is running: nodes made in its forward pass carry its path, such as ``encoder.hidden``."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from subgrad.graph import place

if TYPE_CHECKING:
    from subgrad.nn.module import Module


class _State(threading.local):
    parent: Module | None = None
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
        with place.enter(name) if name else contextlib.nullcontext():
            yield
    finally:
        _state.parent, _state.names = before


def _name_of(module: Module) -> str:
    """Its name in the running module; empty for a root, and for a module that the running one does not hold."""
    if _state.parent is None:
        return ""
    return _state.names.get(id(module)) or _name_further_down(_state.parent, module)


def _name_further_down(parent: Module, module: Module) -> str:
    return next((name for name, below in parent.named_modules() if below is module), "")


@contextlib.contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """The model in evaluation mode inside, and in the mode it was in afterwards."""
    modes = [(m, m.training) for _, m in model.named_modules()]
    model.eval()
    try:
        yield
    finally:
        for m, training in modes:
            m.training = training


__all__ = ["evaluating", "running"]
