"""Taylor models of functions of one number: over the range of its argument, each lies between two parallel lines.

A curve is bounded relative to a line through its value at the centre c of the range: for ``|z - c| <= w`` it lies in
``value + slope (z - c) + [down, up]``. `relaxed` makes the Taylor model of the result from that; all else here
finds the line.
Errors of the elementary functions, of slopes and of cancellation are counted as `CURVE` times the magnitudes involved.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from subgrad import ops
from subgrad.bounds.taylor.linear_rules import minus, negative, plus, squared, times
from subgrad.bounds.taylor.rounding import CURVE, UNIT
from subgrad.bounds.taylor.taylor_model import TaylorModel, total
from subgrad.errors import ArgumentError
from subgrad.graph.tensor import Tensor
from subgrad.ops.shape import full

Function = Callable[[Tensor], Tensor]


def relaxed(
    x: TaylorModel, value: Tensor, slope: Tensor, down: Tensor, up: Tensor, error: Tensor,
    low: float = -math.inf, high: float = math.inf,
) -> TaylorModel:  # fmt: skip
    """A function that stays within ``error`` of ``value + slope (x - centre) + [down, up]``."""
    middle, width = (down + up) * 0.5, (up - down) * 0.5
    slopes = None if x.slopes is None else ops.expand_dims(slope, 1) * x.slopes
    steep = ops.abs(slope)
    swing = None if x.swing is None else 8 * UNIT * steep * x.swing
    rounded = 8 * UNIT * (ops.abs(value) + ops.abs(down) + ops.abs(up))
    rest = None if x.radius is None else steep * x.radius
    radius = total(width, error, swing, rounded, rest, roundings=8)
    return TaylorModel(x.half, value + middle, slopes, radius, low, high)


def _reach(x: TaylorModel) -> Tensor:
    return ops.zeros_like(x.centre) if x.reach is None else x.reach


def _noise(x: TaylorModel, slope: Tensor, *values: Tensor) -> Tensor:
    """What values of a curve at some places of the range, and their distances from a line, may be off together."""
    left, right = x.ends
    size = ops.abs(slope) * (right - left)
    for value in values:
        size = size + ops.abs(value)
    return CURVE * size


# Convex and concave functions


def convex_relaxation(
    f: Function, slope: Callable[[Tensor, Tensor], Tensor], low: float = -math.inf
) -> Callable[..., TaylorModel]:
    """A convex or a concave function: the tangent at the centre on one side, the ends on the other.

    ``slope(c, f(c))`` is the derivative at c.
    """

    def rule(node: Tensor, x: TaylorModel) -> TaylorModel:
        value = f(x.centre)
        steep = slope(x.centre, value)
        down, up, noise = _beyond_tangent(f, x, value, steep)
        return relaxed(x, value, steep, down, up, noise, low)

    return rule


def _beyond_tangent(f: Function, x: TaylorModel, value: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How far a convex or a concave function goes below and above its tangent, and the error of that."""
    at_left, at_right = map(f, x.ends)
    off = _off_line(x, value, slope, at_left, at_right)
    down = ops.minimum(ops.minimum(*off), 0.0)
    up = ops.maximum(ops.maximum(*off), 0.0)
    return down, up, _noise(x, slope, value, at_left, at_right)


def _off_line(x: TaylorModel, value: Tensor, slope: Tensor, *at_ends: Tensor) -> list[Tensor]:
    """How far the values at the ends of the range are above the line through the value at the centre."""
    return [y - value - slope * (z - x.centre) for z, y in zip(x.ends, at_ends, strict=True)]


def reciprocal(x: TaylorModel) -> TaylorModel:
    """1 / x, infinite where x may be 0."""
    value = 1.0 / x.centre
    return _on_one_side(lambda z: 1.0 / z, x, value, -value * value)


def _on_one_side(f: Function, x: TaylorModel, value: Tensor, slope: Tensor) -> TaylorModel:
    """A function with a pole at 0 that is convex or concave on each side of it; nothing is known where x may be 0."""
    down, up, noise = _beyond_tangent(f, x, value, slope)
    left, right = x.ends
    apart = (left > 0) | (right < 0)
    return relaxed(x, value, slope, down, up, ops.where(apart, noise, math.inf), 0.0 if x.low >= 0 else -math.inf)


def divided(node: Tensor, x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """x / y."""
    if not y.exact:
        return times(x, reciprocal(y))
    slopes = None if x.slopes is None else x.slopes / ops.expand_dims(y.centre, 1)
    centre, size = x.centre / y.centre, ops.abs(y.centre)
    error = 2 * UNIT * x.linear_size / size
    rest = None if x.radius is None else x.radius / size
    low = 0.0 if x.low >= 0 <= y.low else -math.inf
    return TaylorModel(x.half, centre, slopes, total(error, rest, roundings=4), low)


def power(node: Tensor, x: TaylorModel) -> TaylorModel:
    """x to the power of a number: products for whole exponents that are small, else a convex or concave curve."""
    p = node.attrs["p"]
    if not math.isfinite(p):
        raise ArgumentError(node.site.after(f"there are no bounds for a power of {p}"))
    return _whole_power(x, int(p)) if p == int(p) else _convex_power(x, p)


def _convex_power(x: TaylorModel, p: float) -> TaylorModel:
    """x to the power of an even number, or of one that is not whole: then x is not negative, or nothing is known."""
    slope = lambda z, y: ops.where(z == 0, 0.0, p * ops.pow(z, p - 1))  # noqa: E731
    return convex_relaxation(lambda z: ops.pow(z, p), slope, 0.0)(x.centre, x)


def rooted(node: Tensor, x: TaylorModel) -> TaylorModel:
    """The square root; at 0, where its slope is infinite, it lies above a line without slope."""
    least = math.nextafter(math.sqrt(max(x.low, 0.0)), 0.0)
    return convex_relaxation(ops.sqrt, lambda z, y: ops.where(z == 0, 0.0, 0.5 / y), least)(node, x)


def _whole_power(x: TaylorModel, p: int) -> TaylorModel:
    if p < -64:
        value = ops.pow(x.centre, p)
        return _on_one_side(lambda z: ops.pow(z, p), x, value, p * ops.pow(x.centre, p - 1))
    if p < 0:
        return reciprocal(_whole_power(x, -p))
    if p <= 1:
        return x if p else number(x, 1.0)
    if p > 64:
        return times(_convex_power(x, p - 1), x) if p % 2 else _convex_power(x, p)
    half = squared(_whole_power(x, p // 2))
    return times(half, x) if p % 2 else half


def number(x: TaylorModel, value: float) -> TaylorModel:
    """A constant beside x."""
    return TaylorModel(x.half, full((1, *x.centre.shape[1:]), value, x.centre.dtype), None, None, value, value)


# Sigmoids and waves


def sigmoid_relaxation(
    f: Function, slope: Callable[[Tensor, Tensor], Tensor], bend: float, turn: float, low: float
) -> Callable[..., TaylorModel]:
    """A rising function that is convex below 0 and concave above, with its steepest place at 0.

    Its second derivative is at most ``bend``, and at most ``turn`` times \\|z\\|. Of two pairs of lines the closer one
    is taken: around the tangent at the centre, or with the least slope in the range, relative to which the function
    still rises (Singh et al., "An abstract domain for certifying neural networks", POPL 2019).
    """

    def rule(node: Tensor, x: TaylorModel) -> TaylorModel:
        (left, right), reach = x.ends, _reach(x)
        value, at_left, at_right = f(x.centre), f(left), f(right)
        tangent = slope(x.centre, value)
        least = ops.maximum(ops.minimum(slope(left, at_left), slope(right, at_right)) - CURVE, 0.0)
        noise = CURVE * (1 + (right - left))
        first, last = _off_line(x, value, tangent, at_left, at_right)
        curve = 0.5 * reach * reach
        one_way = (left >= 0) | (right <= 0)
        down = ops.where(one_way, ops.minimum(first, last), -curve * ops.minimum(bend, turn * ops.maximum(right, 0.0)))
        up = ops.where(one_way, ops.maximum(first, last), curve * ops.minimum(bend, turn * ops.maximum(-left, 0.0)))
        down, up = ops.minimum(down, 0.0), ops.maximum(up, 0.0)
        flat_down, flat_up = _off_line(x, value, least, at_left, at_right)
        closer = flat_up - flat_down < up - down
        steep = ops.where(closer, least, tangent)
        down, up = ops.where(closer, flat_down, down), ops.where(closer, flat_up, up)
        return relaxed(x, value, steep, down, up, noise, low, 1.0)

    return rule


def sine_relaxation(f: Function, slope: Function) -> Callable[..., TaylorModel]:
    """sin or cos, whose second derivative is minus itself; far out, and for wide ranges, between -1 and 1."""

    def rule(node: Tensor, x: TaylorModel) -> TaylorModel:
        reach, value, steep = _reach(x), f(x.centre), slope(x.centre)
        curve = 0.5 * reach * reach
        up = curve * ops.minimum(ops.maximum(reach - value, 0.0), 1.0)
        down = -curve * ops.minimum(ops.maximum(reach + value, 0.0), 1.0)
        known = (up - down < 2) & (x.size < 2.0**29)
        value, steep = ops.where(known, value, 0.0), ops.where(known, steep, 0.0)
        down, up = ops.where(known, down, -1.0), ops.where(known, up, 1.0)
        noise = CURVE * (1 + reach) + 0.0 * x.size  # NaN stays NaN
        return relaxed(x, value, steep, down, up, noise, -1.0, 1.0)

    return rule


# Kinks


def rectified(x: TaylorModel) -> TaylorModel:
    """The chord of the range above, its parallel through 0 below; exact if the range has no kink inside."""
    below, above = _sides(x)
    slope = _share(above, above - below)
    up = ops.maximum(-slope * below, (1.0 - slope) * above)
    return relaxed(x, slope * x.centre, slope, ops.zeros_like(up), up, 4 * UNIT * up, 0.0)


def absolute(x: TaylorModel) -> TaylorModel:
    """\\|x\\|, between parallel lines like `rectified`."""
    below, above = _sides(x)
    slope = _share(above + below, above - below)
    up = ops.maximum(-below * (1.0 + slope), above * (1.0 - slope))
    return relaxed(x, slope * x.centre, slope, ops.zeros_like(up), up, 4 * UNIT * (up + above - below), 0.0)


def _sides(x: TaylorModel) -> tuple[Tensor, Tensor]:
    """The range's part below 0, and its part above."""
    left, right = x.ends
    return ops.minimum(left, 0.0), ops.maximum(right, 0.0)


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 for 0 / 0."""
    return part / ops.where(whole == 0, 1.0, whole)


def larger(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """The larger of two numbers."""
    found = plus(x, rectified(minus(y, x)))
    found.low = max(x.low, y.low)
    return _but_for_infinity(x, y, found) if x.infinite or y.infinite else found


def _but_for_infinity(x: TaylorModel, y: TaylorModel, found: TaylorModel) -> TaylorModel:
    """The larger of two numbers, which is the other one where one of them is -inf: there is no difference then."""
    only_y, only_x = x.centre == -math.inf, y.centre == -math.inf

    def picked(part: str, axis: int | None = None) -> Tensor | None:
        if getattr(found, part) is None:
            return None
        a, b, c = (0.0 if v is None else v for v in (getattr(f, part) for f in (x, y, found)))
        u, v = (w if axis is None else ops.expand_dims(w, axis) for w in (only_y, only_x))
        return ops.where(u, b, ops.where(v, a, c))

    centre, slopes, radius = picked("centre"), picked("slopes", 1), picked("radius")
    return TaylorModel(x.half, centre, slopes, radius, found.low, found.high, True)  # pyright: ignore[reportArgumentType]


def smaller(x: TaylorModel, y: TaylorModel) -> TaylorModel:
    """The smaller of two numbers."""
    return negative(larger(negative(x), negative(y)))


__all__ = [
    "absolute", "convex_relaxation", "divided", "larger", "number", "power", "reciprocal", "rectified", "relaxed",
    "rooted", "sigmoid_relaxation", "sine_relaxation", "smaller",
]  # fmt: skip
