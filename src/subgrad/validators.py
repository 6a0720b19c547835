"""Validators of settings: each returns the setting as a plain Python value, or raises an error that names it."""

from __future__ import annotations

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from types import UnionType
from typing import Any, TypeVar

from subgrad.errors import ArgumentError

Validator = Callable[[str, Any], Any]
T = TypeVar("T")


def validate(owner: Any, **fields: Validator) -> None:
    """Replace each field of the frozen dataclass ``owner`` by what its validator returns.

    Raises:
        ArgumentError: for a value outside the domain of its field.
    """
    for field, validator in fields.items():
        found = validator(f"{field} of {type(owner).__name__}", getattr(owner, field))
        object.__setattr__(owner, field, found)


def number(what: str, value: Any) -> float:
    """A finite real number."""
    return _real(what, value, math.isfinite, "a finite number")


def positive(what: str, value: Any) -> float:
    """A finite number above 0."""
    return _real(what, value, lambda x: 0 < x < math.inf, "a positive number")


def not_negative(what: str, value: Any) -> float:
    """A finite number, 0 or above."""
    return _real(what, value, lambda x: 0 <= x < math.inf, "a number of 0 or more")


def duration(what: str, value: Any) -> float:
    """A time of 0 or more, which may have no end."""
    return _real(what, value, lambda x: x >= 0, "a time of 0 or more")


def decay(what: str, value: Any) -> float:
    """The weight of the past in a running average."""
    return _real(what, value, lambda x: 0 <= x < 1, "a number from 0 to below 1")


def share(what: str, value: Any) -> float:
    """A number from 0 to 1."""
    return _real(what, value, lambda x: 0 <= x <= 1, "a number from 0 to 1")


def level(what: str, value: Any) -> float:
    """A share that is neither nothing nor all."""
    return _real(what, value, lambda x: 0 < x < 1, "a share between 0 and 1")


def whole(what: str, value: Any) -> int:
    """A whole number, 0 or above."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise ArgumentError(f"{what} needs to be a whole number of 0 or more, got {shown(value)}")
    return int(value)


def count(what: str, value: Any) -> int:
    """A whole number, 1 or above."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{what} needs to be a whole number above 0, got {shown(value)}")
    return int(value)


def optional(validator: Validator) -> Validator:
    """A validator that lets None pass, and gives everything else to ``validator``."""
    return lambda what, value: None if value is None else validator(what, value)


def shown(value: Any) -> str:
    """A setting for a message: an integer may have more digits than Python writes."""
    try:
        return repr(value)
    except ValueError:
        return f"{type(value).__name__} of more digits than are written"


def typed(made: T) -> T:
    """A dataclass that was made of what a file says, whose fields have to be what they are declared to be.

    Raises:
        TypeError: for a field of another type.
    """
    for own, kind in _kinds(type(made)):
        if not _fits(value := getattr(made, own), kind):
            raise TypeError(f"{own} of a {type(made).__name__} is {shown(value)[:100]}")
    return made


@functools.cache
def _kinds(of: Any) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(of)
    return [(own.name, hints[own.name]) for own in dataclasses.fields(of)]


def _fits(value: Any, kind: Any) -> bool:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin in (list, tuple, Sequence):
        return isinstance(value, origin) and not isinstance(value, str) and all(_fits(v, parts[0]) for v in value)
    if kind not in (int, float):
        return isinstance(value, origin or kind)
    number = isinstance(value, (int, kind)) and not isinstance(value, bool)
    return number and (kind is int or -_MOST <= value <= _MOST or value != value)


_MOST = float.fromhex("0x1.fffffffffffffp+1023")  # of float64


def _real(what: str, value: Any, holds: Callable[[float], bool], wanted: str) -> float:
    try:
        if isinstance(value, Real) and not isinstance(value, bool) and holds(float(value)):
            return float(value)
    except OverflowError:  # an integer beyond the largest float
        pass
    raise ArgumentError(f"{what} needs to be {wanted}, got {shown(value)}")
