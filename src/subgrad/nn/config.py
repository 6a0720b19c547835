"""Modules as JSON: the class by name, the constructor's arguments, and the way back.

Nothing is imported by name and nothing is unpickled: a name that is neither one of `subgrad.nn`'s own nor one of the
classes that the caller passes is an error.
"""

from __future__ import annotations

import importlib
import inspect
import reprlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.nn import init

if TYPE_CHECKING:
    from subgrad.nn.module import Module


def signature(cls: type[Module]) -> inspect.Signature:
    """The parameters of the constructor, without ``self``."""
    whole = inspect.signature(cls.__init__)
    return whole.replace(parameters=list(whole.parameters.values())[1:])


def given(module: Module) -> inspect.BoundArguments:
    """The arguments that ``module`` was made with."""
    args, kwargs = module._given
    return signature(type(module)).bind(*args, **kwargs)


BUILT_IN: dict[str, type[Module]] = {}
"""The layers of `subgrad.nn` by name; each enters itself when its class is made."""


def enter(cls: type[Module]) -> None:
    """Note a class of `subgrad.nn`; those of others, and private ones, are nobody's built-in layer."""
    if cls.__module__.startswith("subgrad.nn.") and not cls.__name__.startswith("_"):
        BUILT_IN[cls.__name__] = cls


# To JSON

DEEPEST = 300  # lists, dicts and modules inside of one another in a description: some 100 modules
MOST = 100_000  # modules


class _Described:
    """The modules that are described already: one that stands in several arguments is described once."""

    def __init__(self) -> None:
        self.known: dict[int, dict[str, Any]] = {}
        self.named = 0

    def again(self, module: Module) -> dict[str, Any] | None:
        """A reference to the description of a module that was seen before."""
        whole = self.known.get(id(module))
        if whole is None:
            return None
        if "id" not in whole:
            self.named += 1
            whole["id"] = self.named
        return {"same": whole["id"]}


def describe(module: Module) -> dict[str, Any]:
    """``{"module": class name, "args": {name: value}}``, modules among the arguments described likewise.

    A module that stands in several places has an ``"id"`` at the first, and is ``{"same": id}`` at the others.
    """
    return _describe(module, _Described(), 0)


def _describe(module: Module, seen: _Described, depth: int) -> dict[str, Any]:
    if (reference := seen.again(module)) is not None:
        return reference
    cls = type(module)
    if BUILT_IN.get(cls.__name__, cls) is not cls:
        raise ArgumentError(f"subgrad.nn has a module named {cls.__name__}: give your own class another name")
    found: dict[str, Any] = {"module": cls.__name__, "args": {}}
    seen.known[id(module)] = found
    bound = given(module)
    bound.apply_defaults()
    for name, value in bound.arguments.items():
        found["args"][name] = _encode(value, f"{cls.__name__}'s {name}", seen, depth + 2)
    return found


def _encode(value: Any, what: str, seen: _Described, depth: int) -> Any:
    from subgrad.nn.module import Module

    if depth > DEEPEST:
        raise ArgumentError(f"{what} lies too deep: modules, lists and dicts inside of one another go {DEEPEST} deep")
    if isinstance(value, Module):
        return _describe(value, seen, depth)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_encode(v, what, seen, depth + 1) for v in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return _plain({key: _encode(v, what, seen, depth + 1) for key, v in value.items()}, what)
    if callable(value) and (name := init.name_of(value)):
        return name
    raise ArgumentError(
        f"{what} is a {type(value).__name__}, which JSON cannot hold: "
        "pass numbers, strings, modules, lists or dicts of them, or an initialiser by its name"
    )


def _plain(encoded: dict[str, Any], what: str) -> dict[str, Any]:
    if _is_description(encoded) or _is_reference(encoded):
        raise ArgumentError(f"{what} is a dict that looks like a module's description: choose other keys")
    return encoded


def _is_description(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() - {"id"} == {"module", "args"}
        and isinstance(value["module"], str)
        and isinstance(value["args"], dict)
        and isinstance(value.get("id", 0), int)
    )


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"same"} and isinstance(value["same"], int)


# From JSON


def from_config(config: Mapping[str, Any], modules: Iterable[type[Module]] = ()) -> Module:
    """The module that `Module.config` described, with new initial values.

    Args:
        config: what ``config()`` returned, perhaps after a trip through JSON.
        modules: your own classes that stand in it; those of `subgrad.nn` are known.

    Raises:
        ArgumentError: if ``config`` is not such a description, names a class that is not known, or has arguments that
            its constructor does not take.

    Example:
        >>> import json
        >>> from subgrad import nn
        >>> net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
        >>> nn.from_config(json.loads(json.dumps(net.config())))
        Sequential(
          (0): Linear(2, 8)
          (1): ReLU()
          (2): Linear(8, 1)
        )
    """
    return _build(config, known_classes(named_classes(config), modules), {})


def named_classes(config: Any) -> list[str]:
    """The classes that a description names; `ArgumentError` if it is none, or has no sensible bounds."""
    if not _is_description(config):
        raise ArgumentError(f"a module's description has the keys 'module' and 'args', got {reprlib.repr(config)}")
    found: list[str] = []
    pending = [(config, 0)]
    while pending:
        value, depth = pending.pop()
        if _is_description(value):
            found.append(value["module"])
        if depth > DEEPEST or len(found) > MOST:
            raise ArgumentError(f"this description goes deeper than {DEEPEST}, or has more than {MOST:,} modules")
        if isinstance(value, (dict, list)):
            pending += [(part, depth + 1) for part in (value.values() if isinstance(value, dict) else value)]
    return found


ELSEWHERE = {"OnnxModel": "subgrad.onnx.reading.onnx_model"}
"""Modules of other packages of ours that files may name, and where they are; loaded when they are named."""


def known_classes(names: Iterable[str], modules: Iterable[type[Module]] = ()) -> dict[str, type[Module]]:
    """Built-in classes and ``modules`` by name; `ArgumentError` if one of ``names`` is not among them."""
    known = {**BUILT_IN, **{cls.__name__: cls for cls in modules}}
    for name in names:
        if name in ELSEWHERE and name not in known:
            known[name] = getattr(importlib.import_module(ELSEWHERE[name]), name)
        if name not in known:
            name = reprlib.repr(name)[1:-1]
            raise ArgumentError(
                f"'{name}' is no module of subgrad.nn: pass its class, from_config(..., modules=[{name}])"
            )
    return known


def _build(config: Mapping[str, Any], known: Mapping[str, type[Module]], made: dict[Any, Module]) -> Module:
    name = config["module"]
    form = signature(known[name])
    args = {key: _decode(value, known, made) for key, value in config["args"].items()}
    if unknown := [key for key in args if key not in form.parameters]:
        raise ArgumentError(f"{name} takes no argument {unknown[0]!r}: it takes {form}")
    bound = inspect.BoundArguments(form, args)  # pyright: ignore[reportArgumentType]
    try:
        form.bind(*bound.args, **bound.kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name} cannot be made from this description: {error}") from None
    module = known[name](*bound.args, **bound.kwargs)
    if "id" in config:
        made[config["id"]] = module
    return module


def _decode(value: Any, known: Mapping[str, type[Module]], made: dict[Any, Module]) -> Any:
    if _is_description(value):
        return _build(value, known, made)
    if _is_reference(value):
        if value["same"] not in made:
            raise ArgumentError(f"this description refers to a module {value['same']} that is not before it")
        return made[value["same"]]
    if isinstance(value, dict):
        return {key: _decode(v, known, made) for key, v in value.items()}
    return [_decode(v, known, made) for v in value] if isinstance(value, list) else value


# To text


def arguments_text(module: Module) -> str:
    """The arguments as one would write them: defaults and modules are left out."""
    bound = given(module)
    parts: list[str] = []
    for name, value in bound.arguments.items():
        form = bound.signature.parameters[name]
        texts = [reprlib.repr(v) for v in (value if form.kind is form.VAR_POSITIONAL else [value]) if not _modular(v)]
        if form.default is form.empty:
            parts += texts
        else:
            parts += [f"{name}={text}" for text in texts if text != reprlib.repr(form.default)]
    return ", ".join(parts)


def _modular(value: Any) -> bool:
    """True if ``value`` is or holds a module."""
    from subgrad.nn.module import Module

    if isinstance(value, Mapping):
        return any(_modular(v) for v in value.values())
    return any(_modular(v) for v in value) if isinstance(value, (list, tuple)) else isinstance(value, Module)


__all__ = ["from_config"]
