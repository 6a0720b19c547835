"""How a batch is nested: programs take a flat list of arrays, of which some go into the model and some into the loss.

Inputs are one array, or several: in a tuple for the arguments of ``forward`` by position, in a dict for those by name.
Targets are one array, or several, nested as the outputs are.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from subgrad.compile.tracing.arguments import is_numeric
from subgrad.errors import ArgumentError
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module

Keys = tuple[Any, ...] | None
"""Names, or the numbers from 0 on; None for one array."""


@dataclass(frozen=True)
class Form:
    """What the arrays of a batch are, in their order: inputs, targets, and weights of samples if there are any."""

    x: Keys = None
    y: Keys = None
    weighted: bool = False

    @classmethod
    def plain(cls, arrays: int) -> Form:
        """One input, one array of targets, and weights if that makes three."""
        return cls(weighted=arrays > 2)

    def inputs(self, given: Sequence[Any]) -> Any:
        """What the model is called with."""
        return nested(self.x, self.inputs_of(given))

    def inputs_of(self, given: Sequence[Any]) -> Sequence[Any]:
        """The inputs in their order."""
        return given[: _count(self.x)]

    def targets(self, given: Sequence[Any]) -> Any:
        start = _count(self.x)
        return nested(self.y, given[start : start + _count(self.y)])

    def apart(self, given: Sequence[Any]) -> list[Any]:
        """Inputs, targets, and weights if there are any."""
        return [self.inputs(given), self.targets(given), *self.weight(given).values()]

    def weight(self, given: Sequence[Any]) -> dict[str, Any]:
        """The weights as an argument of a loss."""
        return {"sample_weight": given[-1]} if self.weighted else {}

    def without_weight(self, given: Sequence[Any]) -> list[Any]:
        return list(given[: _count(self.x) + _count(self.y)])

    @property
    def names(self) -> list[str]:
        """What the arrays are called in messages."""
        return [*_names("X", self.x), *_names("y", self.y), *(["sample_weight"] if self.weighted else [])]


def keys_of(what: str, data: Any) -> Keys:
    """The keys of several arrays; None if ``data`` is one, of which rows may stand in lists.

    >>> import numpy as np
    >>> keys_of("X", {"table": [[1.0]], "image": [[2.0]]}), keys_of("X", (np.zeros(2), np.ones(2)))
    (('table', 'image'), (0, 1))
    >>> keys_of("X", ((1, 2), (3, 4))) is None
    True
    """
    if isinstance(data, Mapping):
        found = tuple(data)
    elif isinstance(data, tuple) and not is_numeric(data):
        found = tuple(range(len(data)))
    else:
        return None
    if not found:
        raise ArgumentError(f"{what} holds no array: it is an empty {type(data).__name__}")
    return found


def parts(what: str, data: Any, keys: Keys) -> dict[str, Any]:
    """The arrays of ``data`` by what they are called in messages. `ArgumentError` if it has other keys."""
    found = keys_of(what, data)
    if (found is None) != (keys is None) or {*(found or ())} != {*(keys or ())}:
        raise ArgumentError(f"{what} holds {described(found)}, expected {described(keys)}")
    return {what: data} if keys is None else {name: data[k] for name, k in zip(_names(what, keys), keys, strict=True)}


def nested(keys: Keys, values: Sequence[Any]) -> Any:
    """``values`` as they were given: one of them, a tuple, or a dict."""
    if keys is None:
        return values[0]
    return tuple(values) if keys == tuple(range(len(keys))) else dict(zip(keys, values, strict=True))


def call(model: Any, inputs: Any) -> Any:
    """The output of a module for one input, for several by position, or for several by name."""
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def require_call(model: Module, keys: Keys) -> None:
    """Raise unless ``model`` can be called with such inputs."""
    single = model.stacked if isinstance(model, Ensemble) else model
    try:
        signature = inspect.signature(single.forward)
    except ValueError:
        return  # a function that does not say what it takes
    inputs = nested(keys, [None] * _count(keys))
    try:
        call(signature.bind, inputs)
    except TypeError as error:
        takes = f"{type(single).__name__}.forward{signature}"
        raise ArgumentError(f"{takes} does not take X, which holds {described(keys)}: {error}") from None


def described(keys: Keys) -> str:
    """Keys in words.

    >>> described(None), described((0, 1)), described(("table", "image"))
    ('one array', 'a tuple of 2', "a dict of 'table', 'image'")
    """
    if keys is None:
        return "one array"
    if keys == tuple(range(len(keys))):
        return f"a tuple of {len(keys)}"
    return f"a dict of {', '.join(map(repr, keys))}"[:300]


def _names(what: str, keys: Keys) -> list[str]:
    return [what] if keys is None else [f"{what}[{key!r}]" for key in keys]


def _count(keys: Keys) -> int:
    return 1 if keys is None else len(keys)
