"""Lengths that differ from call to call, as the batch does: how one follows from others.

A model is traced for several lengths of its inputs. A number that is the same in all traces is written as it is; one
that differs is a formula of lengths that are known when the file runs, found by its values: a multiple of a length or
of a product of two, plus a constant, or a whole part of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

Vector = tuple[int, ...]
"""A number in each trace."""


class Unlike(Exception):
    """Traces of other lengths do not follow from one another: such an axis has the example's length."""


class Length(NamedTuple):
    """An axis of a tensor in the file, and how long it is in each trace."""

    name: str
    tensor: str
    axis: int
    values: Vector


class Formula(NamedTuple):
    """``factor * product of lengths // divisor + offset``."""

    lengths: tuple[Length, ...]
    factor: int = 1
    divisor: int = 1
    offset: int = 0

    def __str__(self) -> str:
        """As a name of an axis, such as ``batch`` or ``2*time + 1``."""
        product = "*".join([str(self.factor)] * (self.factor != 1) + [length.name for length in self.lengths])
        quotient = f"{product}//{self.divisor}" if self.divisor != 1 else product
        return f"{quotient} {'+' if self.offset > 0 else '-'} {abs(self.offset)}" if self.offset else quotient


def is_same(values: Vector) -> bool:
    """Whether a number is the same in all traces."""
    return len(set(values)) <= 1


def formula(values: Vector, lengths: Sequence[Length]) -> Formula | None:
    """How a number that differs follows from ``lengths``; None if it does not.

    >>> batch = Length("batch", "x", 0, (2, 3, 5))
    >>> str(formula((4, 6, 10), [batch])), str(formula((1, 2, 4), [batch])), formula((2, 3, 4), [batch])
    ('2*batch', 'batch - 1', None)
    """
    for chosen in _products(lengths):
        product = _multiplied(chosen)
        for found in (_multiple(values, product), _quotient(values, product)):
            if found:
                return Formula(chosen, *found)
    return None


def _products(lengths: Sequence[Length]) -> Iterator[tuple[Length, ...]]:
    yield from ((length,) for length in lengths)
    yield from combinations_with_replacement(lengths, 2)


def _multiplied(lengths: Sequence[Length]) -> Vector:
    found = [1] * len(lengths[0].values)
    for length in lengths:
        found = [a * b for a, b in zip(found, length.values, strict=True)]
    return tuple(found)


def _multiple(values: Vector, product: Vector) -> tuple[int, int, int] | None:
    """Factor, divisor and offset, where ``values`` are so many times ``product``, and a constant more."""
    low, high = min(zip(product, values, strict=True)), max(zip(product, values, strict=True))
    if low[0] == high[0] or (high[1] - low[1]) % (high[0] - low[0]):
        return None
    factor = (high[1] - low[1]) // (high[0] - low[0])
    offset = low[1] - factor * low[0]
    fits = all(v == factor * p + offset for v, p in zip(values, product, strict=True))
    return (factor, 1, offset) if fits and factor else None


def _quotient(values: Vector, product: Vector) -> tuple[int, int, int] | None:
    """The same, where ``product`` is so many times ``values``."""
    if not values[0] or product[0] % values[0]:
        return None
    divisor = product[0] // values[0]
    return (1, divisor, 0) if all(v * divisor == p for v, p in zip(values, product, strict=True)) else None


__all__ = ["Formula", "Length", "Unlike", "Vector", "formula", "is_same"]
