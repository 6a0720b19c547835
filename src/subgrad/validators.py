"""Validators of settings: each returns the setting as a plain Python value, or raises an error that names it."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from subgrad.errors import ArgumentError

Validator = Callable[[str, Any], Any]


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


def decay(what: str, value: Any) -> float:
    """The weight of the past in a running average."""
    return _real(what, value, lambda x: 0 <= x < 1, "a number from 0 to below 1")


def share(what: str, value: Any) -> float:
    """A number from 0 to 1."""
    return _real(what, value, lambda x: 0 <= x <= 1, "a number from 0 to 1")


def whole(what: str, value: Any) -> int:
    """A whole number, 0 or above."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise ArgumentError(f"{what} needs to be a whole number of 0 or more, got {value!r}")
    return int(value)


def count(what: str, value: Any) -> int:
    """A whole number, 1 or above."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{what} needs to be a whole number above 0, got {value!r}")
    return int(value)


def optional(validator: Validator) -> Validator:
    """A validator that lets None pass, and gives everything else to ``validator``."""
    return lambda what, value: None if value is None else validator(what, value)


def _real(what: str, value: Any, holds: Callable[[float], bool], wanted: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not holds(float(value)):
        raise ArgumentError(f"{what} needs to be {wanted}, got {value!r}")
    return float(value)
