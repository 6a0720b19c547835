"""LLVM text in several parts that take about as long, for processes side by side to make code of.

A function that is never put into its callers, such as a kernel, goes to one part, and is declared in those that call
it. All else goes to each part that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

LONG = 2500
"""Lines that are worth a part; a text of fewer than twice as many stays whole if nothing of it is begun."""

CALL = 4
"""Lines that take LLVM as long as the call of a kernel."""

_NAME = re.compile(r"@([\w.]+)")
_FUNCTION = re.compile(r"^define .*?^}\n?", re.DOTALL | re.MULTILINE)
_KERNEL = re.compile(r"^define internal (void @([\w.]+)\(.*\) noinline )", re.MULTILINE)


def module_parts(text: str, count: int, made: Collection[str] = ()) -> list[str]:
    """Modules, at most so many, that define together what ``text`` defines, but for the functions ``made`` elsewhere.

    >>> kernel = "define internal void @k() noinline {\\n  call void @deep()\\n  ret void\\n}\\n"
    >>> run = "define void @run() {\\n  call void @k()\\n  ret void\\n}\\n"
    >>> for part in module_parts("declare void @deep()\\n" + kernel + run, 2):
    ...     print(part)
    declare void @k() noinline
    define void @run() {
      call void @k()
      ret void
    }
    <BLANKLINE>
    declare void @deep()
    define void @k() noinline {
      call void @deep()
      ret void
    }
    <BLANKLINE>
    """
    functions = {_named(function): function for function in _FUNCTION.findall(text)}
    parts = {_named(line): f"{line}\n" for line in _FUNCTION.sub("", text).splitlines() if "@" in line} | functions
    apart = {name for name, function in functions.items() if " noinline " in function.partition("\n")[0]}
    needs = {name: _needs(name, parts, apart) for name in functions}
    sizes = {n: sum(CALL if m in apart and m != n else parts[m].count("\n") for m in needs[n]) for n in needs}
    exported = [n for n in functions if not parts[n].startswith("define internal ")]
    shares, lengths = [[] for _ in range(count)], [0] * count
    for name in sorted({*exported, *apart}.difference(made), key=lambda n: (-sizes[n], n)):
        shortest = lengths.index(min(lengths))
        shares[shortest].append(name)
        lengths[shortest] += sizes[name]
    return [_module(share, needs, parts, apart) for share in shares if share]


def begun(text: str) -> tuple[str, set[str]]:
    """A module of kernels that others will call, who are not written yet, and the names of these.

    >>> begun("define internal void @k() noinline {\\n  ret void\\n}\\n")
    ('define void @k() noinline {\\n  ret void\\n}\\n', {'k'})
    """
    return _KERNEL.sub(r"define \1", text), {name for _, name in _KERNEL.findall(text)}


def _named(part: str) -> str:
    found = _NAME.search(part)
    assert found is not None
    return found[1]


def _needs(name: str, parts: Mapping[str, str], apart: set[str]) -> set[str]:
    """What a function calls or reads, and what is put into it calls or reads, and itself."""
    found, pending = set(), [name]
    while pending:
        n = pending.pop()
        if n not in found and n in parts:
            found.add(n)
            if n == name or n not in apart:
                pending.extend(_NAME.findall(parts[n]))
    return found


def _module(share: Iterable[str], needs: Mapping[str, set[str]], parts: Mapping[str, str], apart: set[str]) -> str:
    """The functions of a share, with what they need."""
    own = set(share)
    wanted, found = set().union(*(needs[n] for n in own)), []
    for name in (n for n in parts if n in wanted):
        part = parts[name]
        if name in own:
            part = part.replace("define internal ", "define ", 1)
        elif name in apart:
            part = part.partition(" {\n")[0].replace("define internal ", "declare ", 1)
        found.append(part.rstrip("\n"))
    return "\n".join(found) + "\n"


__all__ = ["LONG", "begun", "module_parts"]
