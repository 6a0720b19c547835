"""Names of a package that are loaded by their first use, so that importing the package stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import Any

Later = Mapping[str, tuple[str, ...]]
"""The modules of a package, and what it offers from each of them besides the module itself."""


def hint(name: str, known: Iterable[str]) -> str:
    """What to say besides of a name that is not there; nothing of private ones, which programs probe for."""
    if name.startswith("_"):
        return ""
    from subgrad.hints import of_name

    return of_name(name, known)


def closed(module: str, offered: Iterable[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a module that is loaded as a whole: hints, and names for users alone."""
    known = sorted(offered)

    def absent(name: str) -> Any:
        raise AttributeError(f"module {module!r} has no attribute {name!r}{hint(name, known)}")

    return absent, lambda: list(known)


def attach(
    package: str, later: Later, offered: Iterable[str], rest: str = ""
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, as in Scientific Python's recommendation SPEC 1.

    Args:
        package: its name.
        later: the names that come with their first use. Type checkers see them by imports under ``TYPE_CHECKING``.
        offered: the public names that are known before, for ``dir`` and completion.
        rest: a module whose ``__all__`` says what else the package offers. It is loaded for a name that nobody else
            has, and for ``__all__``, which the package has from here then.
    """
    homes = {name: module for module, names in later.items() for name in (module, *names)}
    known = tuple(offered)

    def everything() -> list[str]:
        return [*known, *(importlib.import_module(rest).__all__ if rest else ())]

    def load(name: str) -> Any:
        if name == "__all__" and rest:
            return everything()
        value = _found(name)
        vars(sys.modules[package])[name] = value
        return value

    def _found(name: str) -> Any:
        if name in homes:
            module = importlib.import_module(f"{package}.{homes[name]}")
            return module if name not in later[homes[name]] else getattr(module, name)
        if not name.startswith("_") and rest:
            if find_spec(f"{package}.{name}") is not None:
                return importlib.import_module(f"{package}.{name}")
            if name in everything():
                return getattr(importlib.import_module(rest), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}{hint(name, everything())}")

    def names() -> list[str]:
        return sorted(everything())

    return load, names
