"""What a module holds in several places: a layer that is used twice, an embedding that is the output's weight too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Parameter
from subgrad.nn.module import Module, _entries, _held


def shared_names(module: Module) -> dict[str, str]:
    """The further names of modules and parameters below ``module``, each with the first one.

    >>> import subgrad as sg
    >>> layer = sg.nn.Linear(2, 2)
    >>> shared_names(sg.nn.Sequential(layer, sg.nn.ReLU(), layer))
    {'2': '0'}
    """
    first, found = {id(module): ""}, {}
    pending = [("", iter([*_held(module)]))]
    while pending:
        prefix, parts = pending[-1]
        name, part = next(parts, ("", None))
        if part is None:
            pending.pop()
        elif id(part) in first:
            found[prefix + name] = first[id(part)]
        else:
            first[id(part)] = prefix + name
            if isinstance(part, Module):
                pending.append((f"{prefix}{name}.", iter([*_held(part)])))
    return found


def share(module: Module, names: Mapping[str, str]) -> None:
    """Let ``module`` hold the same things under further names, as `shared_names` of another said.

    Raises `ArgumentError` if there is no such name, or what is there is of another kind or shape.
    """
    there = shared_names(module)
    for name, first in names.items():
        if there.get(name) == first:
            continue
        thing = _find(module, first)
        if not _alike(_find(module, name), thing) or name.startswith(f"{first}."):
            raise ArgumentError(f"{name} cannot be what {first} is")
        _put(module, name, thing)
    if shared_names(module) != names:
        raise ArgumentError(f"these names cannot be shared: {', '.join(names)}"[:200])


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, Parameter) and isinstance(b, Parameter):
        return a.shape == b.shape
    return isinstance(a, Module) and isinstance(b, Module)


def _find(holder: Any, path: str) -> Any:
    """What is held under a name; None if nothing is."""
    for name, part in _entries(holder):
        rest = path.removeprefix(f"{name}.")
        if path == str(name):
            return part
        if rest != path and _holds(part) and (found := _find(part, rest)) is not None:
            return found
    return None


def _put(holder: Any, path: str, thing: Any) -> Any:
    """``holder`` with the thing under that name: itself changed, but a tuple is another one."""
    for name, part in _entries(holder):
        rest = path.removeprefix(f"{name}.")
        if path == str(name):
            return _with(holder, name, thing)
        if rest != path and _holds(part) and _find(part, rest) is not None:
            new = _put(part, rest, thing)
            return holder if new is part else _with(holder, name, new)
    return holder


def _with(holder: Any, name: Any, thing: Any) -> Any:
    if isinstance(holder, Module):
        setattr(holder, name, thing)
    elif isinstance(holder, tuple):
        parts = [thing if i == name else part for i, part in enumerate(holder)]
        return type(holder)(*parts) if hasattr(holder, "_fields") else tuple(parts)
    else:
        holder[name] = thing
    return holder


def _holds(part: Any) -> bool:
    return isinstance(part, (Module, dict, list, tuple))
