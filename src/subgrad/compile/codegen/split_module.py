"""A module of LLVM text as several that together are the same: LLVM makes machine code of them side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_FUNCTION = re.compile(r"^define .*?^}$", re.MULTILINE | re.DOTALL)
_HEAD = re.compile(r"define (internal )?(.*?)@([\w.]+)\((.*?)\)")
_CALLED = re.compile(r"call [^@\n]*@([\w.]+)\(")


class _Function(NamedTuple):
    """A definition: its text, whether it is inlined, what it calls, and how other modules declare it."""

    text: str
    inlined: bool
    calls: frozenset[str]
    declaration: str


def split_module(ir: str, parts: int, least: int) -> list[str]:
    """The text as up to so many modules, of ``least`` lines each or more; as it is if it is too short for two.

    What is inlined is in each module that calls it. Other functions are in one module, as alike in size as can be, and
    known by their names to the others; so are declarations, constants and metadata to all.
    """
    parts = min(parts, ir.count("\n") // least)
    if parts < 2:
        return [ir]
    functions = dict(map(_parsed, _FUNCTION.findall(ir)))
    shared = _FUNCTION.sub("", ir)
    closures = {name: _closure(name, functions) for name, f in functions.items() if not f.inlined}
    sizes = {name: sum(len(functions[n].text) for n in closure) for name, closure in closures.items()}
    bins: list[list[str]] = [[] for _ in range(parts)]
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        min(bins, key=lambda names: sum(sizes[n] for n in names)).append(name)
    return [_module(names, closures, functions, shared) for names in bins]


def _parsed(text: str) -> tuple[str, _Function]:
    head = _HEAD.match(text)
    assert head is not None
    _, result, name, parameters = head.groups()
    types = ", ".join(p.rsplit(" ", 1)[0] for p in parameters.split(", ") if p)
    calls = frozenset(_CALLED.findall(text)) - {name}
    return name, _Function(text, "alwaysinline" in text.split("\n", 1)[0], calls, f"declare {result}@{name}({types})")


def _closure(name: str, functions: Mapping[str, _Function]) -> list[str]:
    """The function, and all that is inlined in it."""
    found, pending = {name: None}, [name]
    while pending:
        for called in functions[pending.pop()].calls:
            if called in functions and functions[called].inlined and called not in found:
                found[called] = None
                pending.append(called)
    return list(found)


def _module(
    names: Sequence[str], closures: Mapping[str, Sequence[str]], functions: Mapping[str, _Function], shared: str
) -> str:
    """These functions, with what is inlined in them; what they call besides is declared."""
    here = dict.fromkeys(n for name in names for n in closures[name])
    known = sorted({c for n in here for c in functions[n].calls if c in functions and c not in here})
    texts = [functions[n].text if functions[n].inlined else _public(functions[n].text) for n in here]
    return "\n".join([shared, *(functions[n].declaration for n in known), *texts]) + "\n"


def _public(text: str) -> str:
    """A function that other modules may call."""
    return text.replace("define internal ", "define ", 1)


__all__ = ["split_module"]
