"""Modules as JSON: the class by name, the constructor's arguments, and the way back.

Nothing is imported by name and nothing is unpickled: a name that is neither one of `subgrad.nn`'s own nor one of the
classes that the caller passes is an error.
"""

from __future__ import annotations

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


def _built_in() -> dict[str, type[Module]]:
    from subgrad import nn

    exported = {name: getattr(nn, name) for name in nn.__all__}
    return {name: x for name, x in exported.items() if isinstance(x, type) and issubclass(x, nn.Module)}


# To JSON


def describe(module: Module) -> dict[str, Any]:
    """``{"module": class name, "args": {name: value}}``, modules among the arguments described likewise."""
    cls = type(module)
    if _built_in().get(cls.__name__, cls) is not cls:
        raise ArgumentError(f"subgrad.nn has a module named {cls.__name__}: give your own class another name")
    bound = given(module)
    bound.apply_defaults()
    args = {name: _encode(value, f"{cls.__name__}'s {name}") for name, value in bound.arguments.items()}
    return {"module": cls.__name__, "args": args}


def _encode(value: Any, what: str) -> Any:
    from subgrad.nn.module import Module

    if isinstance(value, Module):
        return describe(value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_encode(v, what) for v in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return _plain({key: _encode(v, what) for key, v in value.items()}, what)
    if callable(value) and (name := init.name_of(value)):
        return name
    raise ArgumentError(
        f"{what} is a {type(value).__name__}, which JSON cannot hold: "
        "pass numbers, strings, modules, lists or dicts of them, or an initialiser by its name"
    )


def _plain(encoded: dict[str, Any], what: str) -> dict[str, Any]:
    if _is_description(encoded):
        raise ArgumentError(f"{what} is a dict that looks like a module's description: choose other keys")
    return encoded


def _is_description(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"module", "args"}
        and isinstance(value["module"], str)
        and isinstance(value["args"], dict)
    )


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
    if not _is_description(config):
        raise ArgumentError(f"a module's description has the keys 'module' and 'args', got {reprlib.repr(config)}")
    return _build(config, {**_built_in(), **{cls.__name__: cls for cls in modules}})


def _build(config: Mapping[str, Any], known: Mapping[str, type[Module]]) -> Module:
    name = config["module"]
    if name not in known:
        raise ArgumentError(f"{name!r} is no module of subgrad.nn: pass its class, from_config(..., modules=[{name}])")
    form = signature(known[name])
    args = {key: _decode(value, known) for key, value in config["args"].items()}
    if unknown := [key for key in args if key not in form.parameters]:
        raise ArgumentError(f"{name} takes no argument {unknown[0]!r}: it takes {form}")
    bound = inspect.BoundArguments(form, args)  # pyright: ignore[reportArgumentType]
    try:
        form.bind(*bound.args, **bound.kwargs)
    except TypeError as error:
        raise ArgumentError(f"{name} cannot be made from this description: {error}") from None
    return known[name](*bound.args, **bound.kwargs)


def _decode(value: Any, known: Mapping[str, type[Module]]) -> Any:
    if _is_description(value):
        return _build(value, known)
    if isinstance(value, dict):
        return {key: _decode(v, known) for key, v in value.items()}
    return [_decode(v, known) for v in value] if isinstance(value, list) else value


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
