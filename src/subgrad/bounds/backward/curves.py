"""Nodes that are not affine: between two affine functions of their inputs, over each box.

Slopes are floats that may be any; the offsets are then rounded so that the functions are bounds in real arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from subgrad.intervals.arithmetic import Interval
from subgrad.intervals.domains import is_anything, unless

UP, DOWN = np.inf, -np.inf


@dataclass(frozen=True, eq=False)
class Relaxation:
    """For elements of a node: ``low_offset + sum low_slope x <= z <= high_offset + sum high_slope x``.

    Attributes:
        slopes: for each input that varies the slopes of the lower and of the upper function, shape (B, \\*T).
        low, high: the offsets, shape (B, \\*T); None for 0.
    """

    slopes: list[tuple[np.ndarray, np.ndarray]]
    low: np.ndarray | None
    high: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Curve:
    """A node that is elementwise and not affine.

    Attributes:
        inputs: the numbers of the inputs that vary.
        relax: from their intervals, and that of the node, to a relaxation.
        interval: the node's interval from theirs.
        open: where tighter intervals of the inputs may help.
        least: where it is open its lower line may have any slope from this one to 1, and the offset 0; None if not.
        pieces: it is made of linear pieces.
    """

    inputs: Sequence[int]
    relax: Callable[[Sequence[Interval], Interval], Relaxation]
    interval: Callable[[Sequence[Interval]], Interval]
    open: Callable[[Sequence[Interval]], np.ndarray]
    least: float | None = None
    pieces: bool = False


def up(x: np.ndarray) -> np.ndarray:
    """At least the real number that x was before its last rounding."""
    return np.nextafter(x, UP)


def down(x: np.ndarray) -> np.ndarray:
    """At most the real number that x was before its last rounding."""
    return np.nextafter(x, DOWN)


def constant_where_unknown(found: Relaxation, z: Interval) -> Relaxation:
    """The node's own interval where nothing else is known, or where that is one number."""
    parts = [p for pair in found.slopes for p in pair] + [o for o in (found.low, found.high) if o is not None]
    known = np.logical_and.reduce([np.isfinite(p) for p in parts])
    if known.all():
        return found
    slopes = [(np.where(known, a, 0.0), np.where(known, b, 0.0)) for a, b in found.slopes]
    offsets = (0.0 if o is None else o for o in (found.low, found.high))
    low, high = (np.where(known, o, end) for o, end in zip(offsets, z, strict=True))
    return Relaxation(slopes, low, high)


def flat(count: int, z: Interval) -> Relaxation:
    """A node of which the interval is all that is known; of its inputs, whatever their shapes, nothing is asked."""
    none = np.zeros((1,))
    return Relaxation([(none, none)] * count, z.low, z.high)


# One kink


def bent(slope: float) -> Curve:
    """max(x, slope x) for a slope of at most 1: relu with 0, the absolute value with -1.

    The chord from above; from below one of the two lines, whichever leaves the smaller area (Zhang et al. 2018).
    """

    def crosses(xs: Sequence[Interval]) -> np.ndarray:
        return (xs[0].low < 0) & (xs[0].high > 0)

    def interval(xs: Sequence[Interval]) -> Interval:
        low, high = xs[0]
        if slope == 0:
            return unless(is_anything(xs[0]), Interval(np.maximum(low, 0.0), np.maximum(high, 0.0)))
        with np.errstate(all="ignore"):
            least = [np.where(e >= 0, e, down(slope * e)) for e in (low, high)]
            most = [np.where(e >= 0, e, up(slope * e)) for e in (low, high)]
        at_kink = 0.0 if slope < 0 else least[0]
        found = Interval(np.where(crosses(xs), at_kink, np.minimum(*least)), np.maximum(*most))
        return unless(is_anything(xs[0]), found)

    def relax(xs: Sequence[Interval], z: Interval) -> Relaxation:
        """Whatever the chord's slope c is: the function minus c x is convex, so largest at an end."""
        low, high = xs[0]
        both = crosses(xs)
        with np.errstate(all="ignore"):
            chord = np.clip((high - slope * low) / (high - low), slope, 1.0)
            left = up(up(slope * low) - down(chord * low))
            offset = np.maximum(left, up(high - down(chord * high)))
        beside = np.where(low >= 0, 1.0, slope)
        above = np.where(both, chord, beside)
        below = np.where(both, np.where(high > -low, 1.0, slope), beside)
        return constant_where_unknown(Relaxation([(below, above)], None, np.where(both, offset, 0.0)), z)

    return Curve((0,), relax, interval, crosses, slope, pieces=True)


# The larger of two


def larger() -> Curve:
    """max(x, y) = y + relu(x - y), of which the difference need not be known as a node; one may be minus infinity."""

    def interval(xs: Sequence[Interval]) -> Interval:
        found = Interval(np.maximum(xs[0].low, xs[1].low), np.maximum(xs[0].high, xs[1].high))
        return unless(is_anything(xs[0]) | is_anything(xs[1]), found)

    def crosses(xs: Sequence[Interval]) -> np.ndarray:
        return (xs[0].high > xs[1].low) & (xs[1].high > xs[0].low)

    def relax(xs: Sequence[Interval], z: Interval) -> Relaxation:
        x, y = xs
        both, first = crosses(xs), x.low >= y.high
        with np.errstate(all="ignore"):
            low, high = down(x.low - y.high), up(x.high - y.low)  # of x - y
            chord = np.clip(high / (high - low), 0.0, 1.0)
            offset = np.maximum(up(-chord * low), up(high - down(chord * high)))
            # s x + (1 - s) y: the second slope is rounded, which moves the bound by at most 2^-53 |y|
            rest = 1.0 - chord
            offset = up(offset + 2.0**-52 * y.largest)
            nearer = np.where(x.low + x.high > y.low + y.high, 1.0, 0.0)
        alone = first.astype(np.float64)
        slopes = [
            (np.where(both, nearer, alone), np.where(both, chord, alone)),
            (np.where(both, 1 - nearer, 1 - alone), np.where(both, rest, 1 - alone)),
        ]
        return constant_where_unknown(Relaxation(slopes, None, np.where(both, offset, 0.0)), z)

    return Curve((0, 1), relax, interval, crosses, pieces=True)


# Products


def product(interval: Callable[[Sequence[Interval]], Interval]) -> Curve:
    """x y: between two of the planes that go through three corners (McCormick 1976). Their slopes are ends."""

    def relax(xs: Sequence[Interval], z: Interval) -> Relaxation:
        x, y = xs
        slopes = [(y.low, y.high), (x.low, x.low)]
        with np.errstate(all="ignore"):
            low, high = down(-x.low * y.low), up(-x.low * y.high)
        return constant_where_unknown(Relaxation(slopes, low, high), z)

    return Curve((0, 1), relax, interval, wide)


def wide(xs: Sequence[Interval]) -> np.ndarray:
    """Where an input is not one number; nowhere if inputs differ in shape, of which none counts for itself."""
    if len({x.low.shape for x in xs}) > 1:
        return np.zeros(0, bool)
    return np.logical_or.reduce([x.low < x.high for x in xs])


__all__ = ["Curve", "Relaxation", "bent", "constant_where_unknown", "down", "flat", "larger", "product", "up", "wide"]
