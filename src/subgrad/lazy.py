"""Names of a package that are loaded by their first use, so that importing the package stays quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Later = Mapping[str, tuple[str, ...]]
"""The modules of a package, and what it offers from each of them besides the module itself."""


def attach(package: str, later: Later, offered: Iterable[str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, as in Scientific Python's recommendation SPEC 1.

    Args:
        package: its name.
        later: the names that come with their first use. Type checkers see them by imports under ``TYPE_CHECKING``.
        offered: all public names, for ``dir`` and completion.
    """
    homes = {name: module for module, names in later.items() for name in (module, *names)}

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f"{package}.{homes[name]}")
        value = module if name not in later[homes[name]] else getattr(module, name)
        vars(sys.modules[package])[name] = value
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *offered})

    return load, names
