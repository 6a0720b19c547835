"""Things that are chosen by name or passed as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from subgrad.errors import ArgumentError

T = TypeVar("T", bound=Callable)


def look_up(name: str | T, table: Mapping[str, T], what: str) -> T:
    """The entry of ``table`` for ``name``, or ``name`` itself if it can be called.

    >>> look_up("cosine", {"sine": abs}, "wave")
    Traceback (most recent call last):
    subgrad.errors.ArgumentError: unknown wave 'cosine': expected a function or one of sine
    """
    if isinstance(name, str) and name in table:
        return table[name]
    if isinstance(name, str) or not callable(name):
        raise ArgumentError(f"unknown {what} {name!r}: expected a function or one of {', '.join(table)}")
    return name


__all__ = ["look_up"]
