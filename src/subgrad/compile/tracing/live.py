"""What a compiled function may depend on besides the data that it is given, and whether that is still as it was.

The one list of it:

- the default dtype;
- the function's code, with the values in its closure, the globals and default arguments that the code names, and the
  same for the functions, methods and classes that it names, as far as they do not belong to an installed package;
- modules: class, attributes, what their lists and dicts hold, training or evaluation mode, which parameters there are,
  of what shape and dtype, and which of them are trained. The parameters' values are inputs of the program;
- tensors, which never change and are known by identity; arrays by what they hold, or by identity if they are read-only
  and own their memory; numbers, strings and other constants by value and type;
- lists, dicts and sets by what is in them, in its order; variables of a context or a thread by their value here;
  objects by their class and those attributes that the code names (all of them for dataclasses and namespaces). Any
  other object of an installed package is known by identity.

The same holds for arguments that are no data. What the function changes itself while it is traced, such as a counter or
a cache, is left out: such effects happen once for each trace. Files, clocks, environment variables and NumPy's random
numbers are read when the function is traced.

`Live` goes through all of that and makes a key of it: equal keys mean equal traces. It goes again when some module has
changed (`Settings.changes`), or when one of the other places where Python keeps a value holds another object.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from operator import is_
from typing import Any

import numpy as np

from subgrad.compile.tracing.reachable import MISSING, Own, Reachable, content, held_by
from subgrad.graph.dtype import default_dtype, dtype_inside
from subgrad.graph.tensor import Parameter
from subgrad.graph.tracing import Settings


class Live:
    """Everything that ``roots`` reach, at this moment.

    Args:
        roots: the function, or arguments of it.
        own: places that are left out.
        names: attributes that some code reads, so that they matter.

    Attributes:
        key: equal for two moments at which traces are equal.
        is_current: ``is_current()`` is whether all is as it was; False may be a false alarm.
        parameter_floats, tensor_floats: the float dtypes of the parameters and tensors that were found.
        names: those given, and those that the code of ``roots`` reads.
    """

    def __init__(self, roots: Sequence[Any], own: Own, names: Collection[str] = ()) -> None:
        settings, inside, dtype = Settings.changes, dtype_inside(), default_dtype()
        names = {"forward", *names}  # what a call of a module runs
        walk = Reachable(roots, own, frozenset(names))
        while not walk.names <= frozenset(names):  # what was passed over may have one of the new names
            names = walk.names
            walk = Reachable(roots, own, frozenset(names))
        self.names = frozenset(names)
        self.key = (dtype, *walk.tokens)
        self.parameter_floats, self.tensor_floats = walk.parameter_floats, walk.tensor_floats
        self._walk = walk
        self.is_current = self._glance(settings, inside)

    def _glance(self, settings: int, inside: np.dtype | None) -> Callable[[], bool]:
        """Whether all is as it was, as a function: a closure, since each call of a compiled function asks.

        False may be a false alarm: another object with the same value.
        """
        walk = self._walk
        slots = [(get, name, value) for get, name, value, _ in walk.slots]
        quiet = not (walk.cells or walk.contents or walk.sizes or walk.raw)

        def is_current() -> bool:
            if settings != Settings.changes or dtype_inside() is not inside:
                return False
            for get, name, value in slots:
                if get(name, MISSING) is not value:
                    return False
            return quiet or next(_moved(walk), None) is None

        return is_current

    def form(self, parameters: Sequence[Parameter]) -> tuple[tuple[Any, ...], list[Any]]:
        """The key as it is for all models of one form, and what it knows by identity, which has to stay alive.

        ``parameters`` stand for their places in that list; others are known by identity, as in ``key``.
        """
        places = {id(p): i for i, p in enumerate(parameters)}
        tokens = list(self._walk.tokens)
        for at, p in self._walk.parameters:
            if id(p) in places:
                tokens[at] = ("parameter", places[id(p)], *tokens[at][2:])
        return (self.key[0], *tokens), [x for x in self._walk.kept if id(x) not in places]

    def written(self) -> Own:
        """The places that hold something else by now."""
        slots = {(id(h), n): h for get, n, value, h in self._walk.slots if get(n, MISSING) is not value}
        return {**slots, **dict(_moved(self._walk))}


def _moved(walk: Reachable) -> Iterator[tuple[tuple[int, Any], Any]]:
    """The places other than slots that hold something else by now."""
    for cell, value in walk.cells:
        if content(cell) is not value:
            yield (id(cell), None), cell
    for holder, values, keys in walk.contents:
        if keys is None:
            if not _same(holder, values):
                yield (id(holder), None), holder
        elif not (_same(holder.values(), values) and _same(holder, keys)):
            differing = [*_differing(dict(holder), keys, values)]
            yield from (((id(holder), k), holder) for k in differing or [None])  # none: their order
    for attributes, length in walk.sizes:
        if len(attributes) != length:
            yield (id(attributes), None), attributes
    for holder, held in walk.raw:
        now = held_by(holder)
        if now != held if isinstance(held, bytes) else not _same(now, held):
            yield (id(holder), None), holder


def _same(now: Collection[Any], then: Sequence[Any]) -> bool:
    return len(now) == len(then) and all(map(is_, now, then))


def _differing(now: dict[Any, Any], keys: Sequence[Any], values: Sequence[Any]) -> Iterator[Any]:
    then = dict(zip(keys, values, strict=True))
    yield from (k for k in {**then, **now} if now.get(k, MISSING) is not then.get(k, MISSING))


NOTHING = Live([], {})
"""What is reached by no object at all."""

__all__ = ["NOTHING", "Live"]
