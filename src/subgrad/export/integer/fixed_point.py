"""Integers that stand for numbers: codes of 8 bits, sums of 32, and the way from one to the other in 32-bit arithmetic.

Each knows how far the number that it stands for can be from the one that the network computes in exact arithmetic, for
all inputs between the ends of their codes. And each is there a second time, as a function of the network's input: the
same integers in float64, which holds them exactly, for bounds that look closer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from subgrad import ops
from subgrad.errors import ArgumentError
from subgrad.export.routine import Grid
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor, as_tensor, constant
from subgrad.intervals.arithmetic import Interval
from subgrad.ops.indexing import gather
from subgrad.ops.shape import cast

CODES = np.arange(256)
_FACTOR, _ROOM, _SHIFT = 2**15 - 1, 2**30, 20
"""The largest factor of a product, sums that it takes, and how many bits at most are cut off after it."""

_LEAST_SCALE, _LARGEST_SCALE = (float(n) for n in (np.finfo(np.float32).tiny, np.finfo(np.float32).max / 2**10))

_ROUNDED = 1 + 1e-9
"""More than the rounding errors of float64 in a bound, which is a sum of products of positive numbers."""


@dataclass(frozen=True)
class Codes:
    """A uint8 tensor: code c stands for ``values[c]``, where the network has a number between the ends of ``real[c]``.

    Without a ``grid`` the values are those of a function of other codes, and in no arithmetic progression.

    Attributes:
        whole: the codes in float64, as a function of the network's input.
        function: without a grid, the numbers that they stand for, as such a function.
    """

    node: Tensor
    whole: Tensor
    values: np.ndarray
    real: Interval
    grid: Grid | None
    function: Tensor | None = None

    @property
    def error(self) -> float:
        """How far the network's number can be from that of its code."""
        values = self.values.astype(np.float64)
        return float(np.max(np.maximum(self.real.high - values, values - self.real.low)))

    @property
    def number(self) -> Tensor:
        """What the codes stand for, as a function of the network's input."""
        if self.grid is not None:
            return (self.whole - float(self.grid.zero)) * self.grid.scale
        assert self.function is not None
        return self.function

    def moved(self, move: Callable[[Tensor], Tensor]) -> Codes:
        """The same codes at other places, as ``move`` puts them."""
        function = None if self.function is None else move(self.function)
        return replace(self, node=move(self.node), whole=move(self.whole), function=function)


@dataclass(frozen=True)
class Sums:
    """An int32 tensor: n stands for ``scale n + bias``, and lies between ``low`` and ``high``.

    These, and ``error``, are arrays that broadcast to the tensor's shape; ``whole`` is n in float64, as of codes.
    """

    node: Tensor
    whole: Tensor
    scale: np.ndarray
    bias: np.ndarray
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray

    def moved(self, move: Callable[[Tensor], Tensor], f: Callable[[np.ndarray], np.ndarray]) -> Sums:
        """At other places: ``f`` does with arrays what ``move`` does with tensors."""
        shape = self.node.shape
        each = (self.scale, self.bias, self.low, self.high, self.error)
        arrays = (compact(f(np.broadcast_to(a, shape))) for a in each)
        return Sums(move(self.node), move(self.whole), *arrays)

    @property
    def largest(self) -> np.ndarray:
        return np.maximum(np.abs(self.low), np.abs(self.high))


def compact(x: np.ndarray) -> np.ndarray:
    """Without repetition: an axis along which nothing changes has length 1.

    >>> compact(np.array([[1.0, 2.0], [1.0, 2.0]])).tolist()
    [[1.0, 2.0]]
    """
    for axis in range(x.ndim):
        first = x[(*[slice(None)] * axis, slice(0, 1))]
        if x.shape[axis] > 1 and np.array_equal(np.broadcast_to(first, x.shape), x):
            x = first
    return np.ascontiguousarray(x)


def grid_of(low: float, high: float) -> Grid:
    """256 codes from ``low`` to ``high``, one of them for 0; all of them for 0 where float32 has no smaller scale."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    if not math.isfinite(scale):
        raise ArgumentError(f"int8: expected finite numbers in the network, got some from {low:g} to {high:g}")
    scale = 1.0 if scale < _LEAST_SCALE else _in_float32(scale)
    return Grid(scale, round(-low / scale))


def _in_float32(scale: float) -> float:
    """A scale with which the caller can compute, who has it in float32."""
    if not _LEAST_SCALE <= abs(scale) <= _LARGEST_SCALE:
        raise ArgumentError(f"int8: numbers of the network have the scale {scale:.3g}, which float32 does not have")
    return scale


def on_grid(node: Tensor, whole: Tensor, grid: Grid, error: float) -> Codes:
    """Codes of numbers that are off by ``error`` at most."""
    values = grid.numbers(CODES)
    return Codes(node, whole, values, Interval(values - error, values + error), grid)


def nearest(number: Tensor, grid: Grid) -> Tensor:
    """The nearest codes of numbers in float64, as `Grid.codes` has them."""
    return within_codes(ops.floor(number / grid.scale + float(grid.zero) + 0.5))


def within_codes(whole: Tensor) -> Tensor:
    """Whole numbers in float64, between the first code and the last."""
    return ops.minimum(ops.maximum(whole, 0.0), 255.0)


def grid_in(values: np.ndarray) -> Grid | None:
    """The grid that values lie on already, up to rounding."""
    if values.dtype.kind != "f" or values[0] == values[255] or not np.isfinite(values).all():
        return None
    scale = float(values[255] - values[0]) / 255
    found = Grid(scale, round(-float(values[0]) / scale))
    near = 0 <= found.zero <= 255 and np.allclose(found.numbers(CODES), values, rtol=0, atol=1e-6 * abs(scale))
    return found if near else None


def looked_up(x: Codes, grid: Grid) -> Codes:
    """The codes on ``grid`` of a function of codes, by a table."""
    table = grid.codes(x.values)
    exact = grid.numbers(table)
    error = float(np.max(np.maximum(x.real.high - exact, exact - x.real.low))) * _ROUNDED
    node = apply(gather, (as_tensor(table), x.node), {"axes": (0,)})
    return on_grid(node, nearest(x.number, grid), grid, error)


def signed_bytes(whole: np.ndarray) -> Tensor:
    """Integers from -127 to 127 as bytes."""
    return as_tensor(np.ascontiguousarray(whole).astype(np.int8).view(np.uint8))


def signed(byte: Tensor) -> Tensor:
    """Such bytes as int32, in a form that becomes the instruction which reads signed bytes."""
    return ops.right_shift(cast(byte, "int32") * (1 << 24), 24)


def as_sums(x: Codes) -> Sums:
    """Codes on a grid as 32-bit integers."""
    assert x.grid is not None
    scale, zero = x.grid
    one = np.ones((1,) * x.node.ndim)
    return Sums(cast(x.node, "int32"), x.whole, scale * one, -scale * zero * one, 0 * one, 255 * one, x.error * one)


def added(a: Sums, b: Sums) -> Sums:
    """The sum of two, in a unit that both are brought to."""
    a, b = _finer(a), _finer(b)
    unit = (max(np.abs(a.scale).max(), np.abs(b.scale).max()) or 1.0) * 2**16 / _FACTOR
    parts = [_multiplied(x, unit / 2**16) for x in (a, b)]
    ones = np.ones((1,) * a.node.ndim)
    low, high = (np.asarray(sum(np.floor(getattr(p, end)) for p in parts)) for end in ("low", "high"))
    error = (sum(p.error for p in parts) * unit + a.error + b.error) * _ROUNDED
    node, whole = parts[0].node + parts[1].node, parts[0].whole + parts[1].whole
    return Sums(node, whole, unit * ones, a.bias + b.bias, low, high, error)


class _Product(NamedTuple):
    """A product in 32 bits, about ``low`` to ``high``; ``error`` in units of one."""

    node: Tensor
    whole: Tensor
    low: np.ndarray
    high: np.ndarray
    error: np.ndarray


def _finer(x: Sums) -> Sums:
    """Multiplied with a power of 2, as large as there is room: a product is cut off behind 16 bits."""
    largest = float(x.largest.max())
    if largest >= _ROOM:
        raise ArgumentError(f"int8: sums of up to {largest:.3g} in units of their products do not fit 32 bits")
    factor = 1 << max(0, math.floor(math.log2((_ROOM - 1) / max(largest, 1.0))))
    node = x.node * factor if factor > 1 else x.node
    whole = x.whole * float(factor)
    return replace(x, node=node, whole=whole, scale=x.scale / factor, low=x.low * factor, high=x.high * factor)


def _multiplied(x: Sums, unit: float) -> _Product:
    """``x.scale n / unit / 2**16``, rounded down."""
    exact = x.scale / unit
    factor = np.rint(exact)
    m = as_tensor(compact(factor).astype(np.int32))
    high = ops.right_shift(x.node, 16)
    node = high * m + ops.right_shift((x.node - high * 2**16) * m, 16)
    whole = ops.floor(x.whole * constant(compact(factor) / 2**16))
    ends = np.minimum(x.low * factor, x.high * factor), np.maximum(x.low * factor, x.high * factor)
    error = x.largest * np.abs(factor - exact) / 2**16 + 1
    return _Product(node, whole, ends[0] / 2**16 - 1, ends[1] / 2**16 + 1, error)


def requantized(x: Sums, grid: Grid, positive: bool = False, inside: bool = False) -> Codes:
    """The nearest codes on ``grid``; with ``positive`` those of what is left of relu. With ``inside`` the error is that
    of numbers in the range that the grid is for: the ends of the grid are half a step from those, at most."""
    x = _finer(x)
    cut, offset, unit = _cut(x, grid)
    product = _multiplied(x, unit / 2**16)
    offset = compact(offset)
    shifted = ops.right_shift(product.node + as_tensor(offset.astype(np.int32)), cut)
    node = cast(ops.minimum(ops.maximum(shifted, 0), 255), "uint8")
    whole = within_codes(ops.floor((product.whole + constant(offset)) * 2.0**-cut))
    ends = grid.numbers(CODES[[0, 255]])
    numbers = [x.scale * end + x.bias for end in (x.low, x.high)]
    above = np.maximum(np.maximum(*numbers) - ends.max(), 0)
    below = 0 if positive else np.maximum(ends.min() - np.minimum(*numbers), 0)
    rounding = abs(grid.scale) / 2 + abs(unit) * (product.error + 1)
    lost = 0 if inside else np.maximum(above, below)
    return on_grid(node, whole, grid, float(np.max(x.error + rounding + lost)) * _ROUNDED)


def _cut(x: Sums, grid: Grid) -> tuple[int, np.ndarray, float]:
    """How many bits are cut off after the product, what is added before, and the unit of what is cut."""
    for cut in reversed(range(_SHIFT + 1)):
        unit = grid.scale / 2**cut
        factor = np.abs(x.scale / unit).max() * 2**16
        offset = np.rint(x.bias / unit + (grid.zero << cut) + (1 << cut >> 1))
        most = (x.largest * np.abs(x.scale / unit)).max() + np.abs(offset).max()
        if factor <= _FACTOR and most < 2**31 - 2**14:
            return cut, offset, unit
    raise ArgumentError("int8: the numbers of the network are too far apart, its sums against what they become")


class Answer(NamedTuple):
    """A result of a network: integers, what they stand for, how far off that is, and the numbers as a function of the
    network's input."""

    node: Tensor
    grid: Grid
    error: float
    number: Tensor


def as_wide(x: Sums) -> Answer:
    """int32 numbers of a single scale, whose zero is 0."""
    x = _finer(x)
    unit = float(max(np.abs(x.scale).max() * 2**16 / _FACTOR, np.abs(x.bias).max() / 2**29)) or 1.0
    product = _multiplied(x, unit / 2**16)
    bias = compact(np.rint(x.bias / unit))
    node, whole = product.node + as_tensor(bias.astype(np.int32)), product.whole + constant(bias)
    error = float(np.max(x.error + unit * (product.error + 1))) * _ROUNDED
    return Answer(node, Grid(_in_float32(unit), 0), error, whole * unit)


__all__ = [
    "CODES", "Answer", "Codes", "Sums", "added", "as_sums", "as_wide", "compact", "grid_in", "grid_of", "looked_up",
    "nearest", "on_grid", "requantized", "signed", "signed_bytes",
]  # fmt: skip
