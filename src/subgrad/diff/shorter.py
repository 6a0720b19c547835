"""A graph of a batch that serves shorter batches, too: it is given their rows, and others behind them.

The function of the batch is traced for a long batch and for a shorter one, and the two graphs are gone through side by
side, from the inputs on. By the rules of `subgrad.diff.masking` the long graph is made anew, so that each of its values
begins with what the shorter one has there. Numbers in which the graphs differ (how many rows count, the divisor of a
mean, whatever else a function makes of a length) become inputs of the new graph. So nothing is guessed from lengths:
what the shorter batch would give is read off its own trace, for each length anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from subgrad.diff.masking import MASK, At, Unproven, given
from subgrad.graph import source_location
from subgrad.graph.dtype import float64, int64
from subgrad.graph.order import toposort
from subgrad.graph.tensor import CONST, INPUT, Tensor, placeholder
from subgrad.ops import arange, reshape
from subgrad.ops.shape import cast

Key = tuple[int | str, ...]
Pair = tuple[float, float]


class Traced(NamedTuple):
    """A function of a batch as a graph; those of one function have their inputs in one order."""

    inputs: list[Tensor]
    outputs: list[Tensor]


class Shorter:
    """A graph for a long batch, made anew so that it gives the results of shorter ones.

    Attributes:
        outputs: those of the long graph, in terms of its inputs and of ``numbers``.
        numbers: float64 scalars that say how long the batch is.
    """

    def __init__(self, long: Traced, short: Traced) -> None:
        """Raises `Unproven` if it is not certain that such a graph would be right."""
        self._long = long
        walk = _Walk(_Numbers(), long.inputs, short.inputs)
        self.outputs = walk.through(long.outputs, short.outputs)
        self._places, self._uses = walk.numbers.places, walk.numbers.uses
        self.numbers = list(self._places.values())

    @property
    def of_long(self) -> np.ndarray:
        """What ``numbers`` are for the long batch itself."""
        return np.array([long for long, _ in self._places], np.float64)

    def of(self, short: Traced) -> np.ndarray | None:
        """What ``numbers`` are for another batch; None if it has its own graph.

        The graphs must differ in the same numbers of the same nodes; so nothing is left out.
        """
        try:
            uses = Shorter(self._long, short)._uses
        except Unproven:
            return None
        if uses.keys() != self._uses.keys():
            return None
        found: dict[Pair, float] = {}
        for key, pair in self._uses.items():
            if found.setdefault(pair, uses[key][1]) != uses[key][1]:
                return None
        return np.array([found[pair] for pair in self._places], np.float64)


class _Numbers:
    """The numbers in which two graphs differ: each pair once, and where it is needed."""

    def __init__(self) -> None:
        self.places: dict[Pair, Tensor] = {}
        self.uses: dict[Key, Pair] = {}
        self.rows: dict[tuple[Tensor, int, int, int], Tensor] = {}
        self.key: Key = ()

    def number(self, what: str, long: float, short: float) -> Tensor:
        """See `subgrad.diff.masking.Walk`."""
        pair = (float(long), float(short))
        if pair != (long, short):  # an integer that no float64 is, or NaN
            raise Unproven("number")
        if self.uses.setdefault((*self.key, what), pair) != pair:
            raise Unproven("number")
        if pair not in self.places:
            self.places[pair] = placeholder((), float64, "a number of rows")
        return self.places[pair]


class _Walk:
    """Goes through two graphs side by side. ``beside`` has the short node of a long one, ``made`` the new one."""

    def __init__(self, numbers: _Numbers, longs: Sequence[Tensor], shorts: Sequence[Tensor]) -> None:
        self.numbers, self.beside = numbers, dict(zip(longs, shorts, strict=True))
        self.made = dict(zip(longs, longs, strict=True))
        for a, b in self.beside.items():
            _check_block(a, b)

    def through(self, longs: Sequence[Tensor], shorts: Sequence[Tensor]) -> list[Tensor]:
        """See `subgrad.diff.masking.Walk`."""
        known = set(self.beside.values())
        orders = toposort(longs, self.beside.__contains__), toposort(shorts, known.__contains__)
        if len(orders[0]) != len(orders[1]):
            raise Unproven("graphs of other forms")
        around = self.numbers.key
        for i, (a, b) in enumerate(zip(*orders, strict=True)):
            self.numbers.key = (*around, i)
            if a not in self.beside:
                self._check(a, b)
                self.beside[a] = b
                with source_location.inherit(a.site, a.scope):
                    self.made[a] = self._new(a, b)
            elif self.beside[a] is not b:
                raise Unproven(a.op.name)
        self.numbers.key = around
        if any(self.beside[a] is not b for a, b in zip(longs, shorts, strict=True)):
            raise Unproven("other results")
        return [self.made[a] for a in longs]

    def _check(self, a: Tensor, b: Tensor) -> None:
        """The same op on nodes that belong together."""
        if a.op is not b.op or len(a.inputs) != len(b.inputs):
            raise Unproven(a.op.name)
        if any(self.beside[x] is not y for x, y in zip(a.inputs, b.inputs, strict=True)):
            raise Unproven(a.op.name)
        _check_block(a, b)

    def _new(self, a: Tensor, b: Tensor) -> Tensor:
        if a.op is CONST:
            return self._constant(a, b)
        if a.op is INPUT:  # a seed, which neither trace was given: that of `vmap`, or of a step
            if (a.shape, b.shape, a.dtype) != ((2,), (2,), int64):
                raise Unproven("input")
            return a
        at = At(a, b, [self.made[i] for i in a.inputs], self)
        if at.is_same:
            return at.again()
        rule = MASK.get(a.op)
        if rule is None:
            raise Unproven(a.op.name)
        return rule(at)

    def _constant(self, a: Tensor, b: Tensor) -> Tensor:
        x, y = a.numpy(), b.numpy()
        if x is y or np.array_equal(x[tuple(map(slice, y.shape))], y, equal_nan=y.dtype.kind == "f"):
            return a
        if x.size != 1 or x.shape != y.shape:
            raise Unproven("constant")
        return given(At(a, b, (), self), x.item(), y.item())

    def number(self, what: str, long: float, short: float) -> Tensor:
        """See `subgrad.diff.masking.Walk`."""
        return self.numbers.number(what, long, short)

    def rows(self, number: Tensor, length: int, axis: int, ndim: int) -> Tensor:
        """See `subgrad.diff.masking.Walk`."""
        key = number, length, axis, ndim
        if key not in self.numbers.rows:
            counts = arange(length) < cast(number, int64)
            self.numbers.rows[key] = reshape(counts, [length if i == axis else 1 for i in range(ndim)])
        return self.numbers.rows[key]

    def inside(self, places: Sequence[Tensor], beside: Sequence[Tensor]) -> _Walk:
        """See `subgrad.diff.masking.Walk`."""
        return _Walk(self.numbers, places, beside)


def _check_block(a: Tensor, b: Tensor) -> None:
    """A shorter value can be the first block of a longer one."""
    if a.dtype != b.dtype or a.ndim != b.ndim or any(m < n for m, n in zip(a.shape, b.shape, strict=True)):
        raise Unproven("shapes")


__all__ = ["Shorter", "Traced", "Unproven"]
