"""What a function's code names: globals, attributes, imports. And which code is the user's own."""

from __future__ import annotations

import dis
import functools
import os
import sys
import sysconfig
from types import CodeType
from typing import NamedTuple

import subgrad

_PACKAGES = tuple(
    os.path.realpath(path) + os.sep
    for path in {
        os.path.dirname(os.path.abspath(subgrad.__file__)),
        *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
)


class Names(NamedTuple):
    """``globals`` that code reads, ``attributes`` that it reads (also those it has as strings), ``imports`` inside."""

    globals: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[str]


@functools.lru_cache(4096)
def names_of(code: CodeType) -> Names:
    """The names in ``code`` and in the functions defined inside of it.

    >>> names = names_of((lambda x: scale(x.width, "height")).__code__)
    >>> sorted(names.globals), sorted(names.attributes)
    (['scale'], ['height', 'width'])
    """
    found: tuple[set[str], set[str], set[str]] = set(), set(), set()
    for step in dis.get_instructions(code):
        kind, name = step.opname, step.argval
        if isinstance(name, CodeType):
            for mine, inner in zip(found, names_of(name), strict=True):
                mine |= inner
        elif isinstance(name, str):
            if kind in ("LOAD_GLOBAL", "LOAD_NAME"):
                found[0].add(name)
            elif kind == "IMPORT_NAME":
                found[2].add(name)
            elif kind.startswith(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER", "LOAD_CONST", "IMPORT_FROM")):
                found[1].add(name)
    return Names(*map(frozenset, found))


@functools.lru_cache(4096)
def is_installed(module: str | None) -> bool:
    """Whether the module of this name is Python's, this package's, or another installed one: not the user's own code.

    >>> is_installed("numpy"), is_installed("subgrad.graph.op"), is_installed("__main__")
    (True, True, False)
    """
    if module == "__main__" or not isinstance(module, str):
        return False
    if module == "builtins" or module.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(_PACKAGES)


__all__ = ["Names", "is_installed", "names_of"]
