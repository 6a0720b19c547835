"""What a model's runs have traced and compiled stays with the model: the next run starts at once.

A trace is used again while all that it depends on is as it was: the model's modules and settings, loss, optimiser and
metrics, and whatever their code reaches, as `subgrad.compile.tracing.live` finds it. Parameters' values are no part of
that. Nor is which parameters they are, as long as they are the model's own: so another model of the same form, such as
that of the next fold of a cross-validation, starts at once, too.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from subgrad.compile.tracing.live import Live
from subgrad.fit.measuring.labels import Labels
from subgrad.fit.several.batch_form import Form
from subgrad.graph.lock import lock
from subgrad.nn.module import Module
from subgrad.optim.optimizer import Configured

MOMENTS = 8
"""States of what a model's runs depend on whose programs are kept; each loss and optimiser is one."""


ENTRIES = 32
"""Programs that are kept of each: batches may come in any number of forms."""

FORMS = 32
"""Forms of models whose programs are kept for models to come."""


class Table(dict[Any, Any]):
    """What was made last: an entry too many makes the oldest go."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > ENTRIES:
            del self[next(iter(self))]


class _Form:
    """What was made of models of one form, with programs that have no memory of their own."""

    def __init__(self, alive: list[Any]) -> None:
        self._alive = alive  # known by identity
        self._entries = Table()
        self._spare: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def put(self, key: Any, value: Any) -> None:
        def spare(program: Any) -> Any:
            if program not in self._spare:
                self._spare[program] = program.twin()
            return self._spare[program]

        self._entries[key] = value if isinstance(value, Table) else _with_programs(value, spare)

    def copies(self) -> list[tuple[Any, Any]]:
        """The entries, with programs that are the caller's: models may train at the same time."""
        twin = functools.cache(lambda program: program.twin())
        return [(key, _with_programs(value, twin)) for key, value in [*self._entries.items()]]


def _with_programs(value: Any, f: Any) -> Any:
    """``value`` with f(program) in the place of each program in it."""
    if hasattr(value, "twin"):
        return f(value)
    if isinstance(value, Table):
        found = Table()
        found.update((key, _with_programs(v, f)) for key, v in [*value.items()])
        return found
    if not isinstance(value, tuple):
        return value
    parts = [_with_programs(part, f) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


class _Forms:
    """Forms by their keys, those that were used last."""

    def __init__(self) -> None:
        self._forms: OrderedDict[Any, _Form] = OrderedDict()
        self._lock = lock()

    def of(self, live: Live, model: Module) -> _Form:
        key, alive = live.form([p for _, p in model.named_state()])
        with self._lock:
            found = self._forms.setdefault(key, _Form(alive))
            self._forms.move_to_end(key)
            while len(self._forms) > FORMS:
                self._forms.popitem(last=False)
        return found

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._forms.clear()


MADE = _Forms()


class _Table(Table):
    """What was made for a model; other models of its form will have it as well."""

    def __init__(self, form: _Form) -> None:
        super().__init__(form.copies())
        self._form = form

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._form.put(key, value)


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

    What is put there must not hold ``model``: models of the same form get it, too.

    >>> from subgrad import nn
    >>> net = nn.Linear(2, 1)
    >>> kept(net, nn.squared_loss)["a program"] = "made"
    >>> kept(net, nn.squared_loss), kept(net, nn.absolute_loss), kept(nn.Linear(2, 1), nn.squared_loss)
    ({'a program': 'made'}, {}, {'a program': 'made'})
    """
    moments: list[_Moment] = vars(model).setdefault("_programs", [])
    found = next((m for m in moments if m.is_of((model, *roots))), None)
    if found is None:
        now = _Moment((model, *roots))
        found = next((m for m in moments if m.live.key == now.live.key), None)
        now.table = _Table(MADE.of(now.live, model)) if found is None else found.table  # of the same state
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
    return isinstance(a, (str, int, float, Configured, Form, Labels)) and a == b


__all__ = ["Table", "kept"]
