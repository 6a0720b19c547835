"""One way through everything that a function or an argument reaches, for `live`, which says what counts and why."""

from __future__ import annotations

import array
import builtins
import contextvars
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import pathlib
import re
import sys
import threading
import types
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from subgrad.compile.tracing.code import is_installed, names_of
from subgrad.graph.tensor import Parameter, Tensor

MISSING = object()
Own = Mapping[tuple[int, Any], Any]
"""Places that a function writes itself: (id of what holds it, name or key; None for a list or set) to what holds it."""

_ATOMS = (type(None), bool, int, str, bytes, type(...), type(NotImplemented))
_VALUES = (
    complex, range, decimal.Decimal, fractions.Fraction, datetime.date, datetime.time, datetime.timedelta,
    datetime.tzinfo, uuid.UUID, pathlib.PurePath, re.Pattern, np.dtype,
)  # fmt: skip
_RAW = (bytearray, memoryview, array.array)
_CONTAINERS = (list, tuple, deque, set, frozenset, dict, types.MappingProxyType)
_VIEWS = tuple(type(view) for view in ({}.keys(), {}.values(), {}.items()))
# Modules of Python whose classes hold what somebody else puts there:
_NAMESPACES = ("argparse", "collections", "types", "weakref", "_weakrefset")
PARTS: dict[type, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"), staticmethod: ("__func__",), classmethod: ("__func__",),
    property: ("fget",), functools.partial: ("func", "args", "keywords"), functools.cached_property: ("func",),
    functools.partialmethod: ("func", "args", "keywords"), slice: ("start", "stop", "step"),
    type(functools.cache(len)): ("__wrapped__",), types.BuiltinMethodType: ("__name__", "__self__"),
}  # fmt: skip
"""By type: the attributes that are all there is to an object of it. Other modules add their types."""
_ANY_NAME = {"vars", "__dict__", "getattr", "attrgetter"}  # whoever uses these may read any attribute
_NOT_SETTINGS = {"_given", "_predictor", "_programs", "training"}  # attributes of a module
_DIGEST = 1024  # bytes of an array from which on a key holds a digest of it


class _Named(NamedTuple):
    """A module of Python, of which some code reads these names."""

    module: types.ModuleType
    names: frozenset[str]


class Reachable:
    """The tokens of a key, in order, and the places from which the values came.

    Attributes:
        tokens: hashable; equal lists stand for equal traces.
        kept: what tokens know by its ``id``.
        names: the attributes that matter: those that were given, and those that the code found here reads.
        slots: (getter, name, value, holder): places that hold one object each.
        cells: (cell, value): variables of closures.
        contents: (list, dict or set, its values, its keys).
        sizes: (dict, its length): attributes of objects, of which more might come.
        raw: (array or buffer, what it holds).
        parameters: (place among the tokens, parameter).
        parameter_floats, tensor_floats: the dtypes found.
    """

    def __init__(self, roots: Iterable[Any], own: Own, names: frozenset[str]) -> None:
        self.tokens: list[Any] = []
        self.kept: list[Any] = []
        self.parameters: list[tuple[int, Parameter]] = []
        self.names = set(names)
        self.slots: list[tuple[Callable[..., Any], str, Any, Any]] = []
        self.cells: list[tuple[types.CellType, Any]] = []
        self.contents: list[tuple[Any, tuple, tuple | None]] = []
        self.sizes: list[tuple[dict, int]] = []
        self.raw: list[tuple[Any, Any]] = []
        self.parameter_floats: set[np.dtype] = set()
        self.tensor_floats: set[np.dtype] = set()
        self._own, self._wanted = own, names
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # as long as ids are compared
        self._pending: list[Any] = [*roots][::-1]
        while self._pending:
            self._visit(self._pending.pop())
        self._alive.clear()

    def _visit(self, x: Any) -> None:
        kind = type(x)
        if kind in _ATOMS:
            self.tokens.append((kind, x))
        elif kind is float:
            self.tokens.append((kind, x.hex()))  # so that -0.0 is not 0.0, and nan is nan
        elif isinstance(x, enum.Enum):
            self.tokens.append((kind, x.name))
        elif kind is tuple or kind is frozenset:
            self._note((kind, len(x)), x)
        elif id(x) in self._seen:
            self.tokens.append(("again", self._seen[id(x)]))
        else:
            self._seen[id(x)] = len(self.tokens)
            self._alive.append(x)
            self._object(x, kind)

    def _object(self, x: Any, kind: type) -> None:
        from subgrad.nn.module import Module

        if isinstance(x, Tensor):
            self._tensor(x)
        elif isinstance(x, np.ndarray):
            self._array(x)
        elif isinstance(x, np.generic):
            self.tokens.append((kind, x.dtype.str, x.tobytes()))
        elif isinstance(x, Module):
            self._module(x, kind)
        elif isinstance(x, types.FunctionType):
            self._function(x)
        elif kind in PARTS:
            self._note(kind, [getattr(x, name) for name in PARTS[kind]])
        elif isinstance(x, _VIEWS):
            self._note(kind, [x.mapping])
        elif isinstance(x, weakref.ref):
            self._note(kind, [x()])
        elif isinstance(x, type):
            self._class(x)
        elif isinstance(x, _Named):
            self._python_module(x)
        elif isinstance(x, _CONTAINERS):
            self._container(x, kind)
        elif isinstance(x, _VALUES):
            self.tokens.append((kind, repr(x)))
        elif isinstance(x, _RAW):
            self._buffer(x, kind)
        elif isinstance(x, contextvars.ContextVar):
            self._variable(x, kind)
        elif isinstance(x, threading.local):
            self._local(x, kind)
        else:
            self._instance(x, kind)

    def _note(self, token: Any, parts: Iterable[Any] = ()) -> None:
        """A token, and what comes after it."""
        self.tokens.append(token)
        self._pending.extend([*parts][::-1])

    def _identity(self, x: Any, *more: Any, parts: Iterable[Any] = ()) -> None:
        self.kept.append(x)
        self._note(("is", id(x), *more), parts)

    def _tensor(self, x: Tensor) -> None:
        if isinstance(x, Parameter):
            self.parameter_floats.add(x.dtype)
            self.parameters.append((len(self.tokens), x))
            self._identity(x, x.shape, x.dtype, x.requires_grad)
        elif x._value is None and x.is_symbolic():
            self.tokens.append("symbolic")
        else:
            self.tensor_floats |= {x.dtype} if x.dtype.kind == "f" else set()
            self._identity(x, x.requires_grad)

    def _array(self, x: np.ndarray) -> None:
        if (id(x), None) in self._own:
            self._note((type(x), x.shape))
        elif x.dtype.hasobject:
            held = held_by(x)
            self.raw.append((x, held))
            self._note((type(x), x.shape), held)
        elif x.base is None and not x.flags.writeable:
            self._identity(x)
        else:
            held = held_by(x)
            self.raw.append((x, held))
            short = held if len(held) < _DIGEST else hashlib.blake2b(held).digest()
            self.tokens.append((type(x), x.shape, x.dtype.str, short))

    def _buffer(self, x: Any, kind: type) -> None:
        held = b"" if (id(x), None) in self._own else held_by(x)
        if (id(x), None) not in self._own:
            self.raw.append((x, held))
        self.tokens.append((kind, held))

    def _variable(self, x: contextvars.ContextVar[Any], kind: type) -> None:
        value = x.get(MISSING)
        self.slots.append((_of_variable(x), "", value, x))
        self._identity(x, kind, parts=[] if (id(x), "") in self._own else [value])

    def _local(self, x: threading.local, kind: type) -> None:
        """Attributes that each thread has for itself: looked up anew, in whatever thread asks."""
        found = {n: getattr(x, n, MISSING) for n in sorted({*vars(x), *self._wanted}) if (id(x), n) not in self._own}
        self.slots += [(functools.partial(getattr, x), n, v, x) for n, v in found.items()]
        found = {n: v for n, v in found.items() if v is not MISSING}
        self._identity(x, kind, *found, parts=found.values())

    # What has attributes

    def _module(self, x: Any, kind: type) -> None:
        from subgrad.nn.module import Module, holds_parts

        attributes = {name: v for name, v in tuple(vars(x).items()) if name not in _NOT_SETTINGS}
        if not any(c is not Module and c is not object and is_installed(c.__module__) for c in kind.__mro__):
            attributes = {n: v for n, v in attributes.items() if self._matters(n) or holds_parts(v)}
        attributes = {n: v for n, v in attributes.items() if (id(x), n) not in self._own}
        self._note((kind, x.training, *attributes), [kind, *attributes.values()])

    def _matters(self, name: str) -> bool:
        return name in self._wanted or not _ANY_NAME.isdisjoint(self._wanted)

    def _instance(self, x: Any, kind: type) -> None:
        """An object of any other class."""
        attributes = dict(tuple(getattr(x, "__dict__", {}).items()))
        slotted = {n: getattr(x, n) for n in _slots_of(kind) if hasattr(x, n)}
        if is_dataclass(kind):
            wanted = {f.name for f in fields(kind)} | self._wanted
        elif is_installed(kind.__module__) and not _is_open(kind):
            return self._identity(x)
        else:
            wanted = None if is_installed(kind.__module__) or self._matters("") else self._wanted
        found = {n: v for n, v in (attributes | slotted).items() if wanted is None or n in wanted}
        found = {n: v for n, v in found.items() if (id(x), n) not in self._own}
        for n, v in found.items():
            self.slots.append((vars(x).get if n in attributes else functools.partial(getattr, x), n, v, x))
        if hasattr(x, "__dict__"):
            self.sizes.append((vars(x), len(attributes)))
        return self._note((kind, *found), [kind, *found.values()])

    def _container(self, x: Any, kind: type) -> None:
        if isinstance(x, (dict, types.MappingProxyType)):
            items = tuple(x.items())
            self.contents.append((x, tuple(v for _, v in items), tuple(k for k, _ in items)))
            items = tuple((k, v) for k, v in items if (id(x), k) not in self._own)
            parts = [part for item in items for part in item]
        else:
            own = (id(x), None) in self._own
            parts = [] if own else [*x]
            if not (own or isinstance(x, tuple)):
                self.contents.append((x, tuple(x), None))
        self._note((kind, len(parts)), [*parts, *([vars(x)] if hasattr(x, "__dict__") else [])])

    # Code

    def _function(self, x: types.FunctionType) -> None:
        cells = [(cell, content(cell)) for cell in x.__closure__ or () if (id(cell), None) not in self._own]
        held = [value for _, value in cells if value is not MISSING]
        if is_installed(x.__globals__.get("__name__")):  # what it closes over may be the user's all the same
            return self._identity(x, parts=held)
        self.cells += cells
        self.slots += [(functools.partial(getattr, x), n, getattr(x, n), x) for n in ("__code__", "__defaults__")]
        named = names_of(x.__code__)
        self.names |= named.attributes
        read = named.globals
        if "globals" in read:  # it may read any that is named somewhere
            read |= self._wanted & x.__globals__.keys()
        globals_ = {n: x.__globals__.get(n, MISSING) for n in sorted(read)}
        globals_ = {n: v for n, v in globals_.items() if v is not MISSING or not hasattr(builtins, n)}
        globals_ = {n: v for n, v in globals_.items() if (id(x.__globals__), n) not in self._own}
        for n, v in globals_.items():
            if not (isinstance(v, types.ModuleType) and is_installed(v.__name__)):
                self.slots.append((x.__globals__.get, n, v, x.__globals__))
        held += [v for v in globals_.values() if v is not MISSING]
        held += [sys.modules[n] for n in sorted(named.imports) if n in sys.modules]
        held = [_Named(v, named.attributes) if isinstance(v, types.ModuleType) else v for v in held]
        present = tuple(n for n, v in globals_.items() if v is not MISSING)
        token = "function", x.__code__, present, tuple(value is MISSING for _, value in cells)
        return self._note(token, [x.__defaults__, x.__kwdefaults__, x.__dict__ or None, *held])

    def _class(self, x: type) -> None:
        if is_installed(x.__module__):
            return self._identity(x)
        read: list[Any] = []
        for c in x.__mro__:
            if is_installed(c.__module__):
                continue
            for name, value in tuple(vars(c).items()):
                special = name.startswith("__") and isinstance(value, types.FunctionType)
                if (special or name in self._wanted) and (id(c), name) not in self._own:
                    read += [name, value]
                    if not special:
                        self.slots.append((vars(c).get, name, value, c))
        if not is_installed(type(x).__module__):  # a class of the user's own for classes
            read.append(type(x))
        return self._identity(x, parts=read)

    def _python_module(self, named: _Named) -> None:
        x = named.module
        if is_installed(x.__name__):
            return self._identity(x)
        found = {n: vars(x)[n] for n in sorted(named.names) if n in vars(x) and (id(x), n) not in self._own}
        for n, v in found.items():
            self.slots.append((vars(x).get, n, v, x))
        parts = [_Named(v, named.names) if isinstance(v, types.ModuleType) else v for v in found.values()]
        return self._identity(x, *found, parts=parts)


def content(cell: types.CellType) -> Any:
    """What a variable of a closure holds, or `MISSING`."""
    try:
        return cell.cell_contents
    except ValueError:  # nothing yet
        return MISSING


def held_by(x: Any) -> Any:
    """What an array or a buffer holds: a tuple of the objects, or bytes."""
    if isinstance(x, np.ndarray) and x.dtype.hasobject:
        return tuple(x.ravel().tolist())
    return bytes(x) if isinstance(x, bytearray) else x.tobytes()


def _of_variable(x: contextvars.ContextVar[Any]) -> Callable[..., Any]:
    return lambda _name, missing: x.get(missing)


def _is_open(kind: type) -> bool:
    """Whether attributes of a class that is not the user's are looked at: it is ours, or a namespace."""
    return kind.__module__.partition(".")[0] == "subgrad" or kind.__module__ in _NAMESPACES


@functools.lru_cache(4096)
def _slots_of(kind: type) -> tuple[str, ...]:
    found = [vars(c).get("__slots__", ()) for c in kind.__mro__]
    names = [n for slots in found for n in ((slots,) if isinstance(slots, str) else slots)]
    return tuple(n for n in names if not n.startswith("__"))


__all__ = ["MISSING", "PARTS", "Own", "Reachable", "content", "held_by"]
