"""Lines around functions of one number on an interval, in balls of Arb, for the checker of proofs.

max(x, c x) lies below its chord, and above a line through 0 with a slope from c to 1. A smooth function is followed
over the interval with its first two derivatives. Where the second one has a sign, the function is convex or concave,
and lies between its chord and its tangents. Where it has none, the interval is cut into pieces; what is still neither
lies around its tangent by Taylor's theorem.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import functools
import itertools
from typing import NamedTuple

from flint import arb

if __package__:
    from subgrad.bounds import checker_numbers as numbers
else:  # the checker is run by its path
    import checker_numbers as numbers

PIECES = 24  # of an interval; even, so that its middle is between two


# Functions on an interval


class Jet(NamedTuple):
    """Balls with all values of a function on an interval, and of its first two derivatives.

    Where the function has kinks, ``first`` has the slopes on both sides of them, and ``second`` is not finite.
    """

    value: arb
    first: arb
    second: arb

    def plus(self, other):
        return Jet(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, factor):
        return Jet(*(a * factor for a in self))

    def product(self, other):
        (x, dx, ddx), (y, dy, ddy) = self, other
        return Jet(x * y, dx * y + x * dy, ddx * y + 2 * dx * dy + x * ddy)

    def squared(self):
        return self.product(self)._replace(value=numbers.whole_power(2)(self.value.lower(), self.value.upper()))

    def into(self, f, first, second):
        """f of it, with the derivatives of f as functions of a ball and the values of f there."""
        y = f(self.value)
        slope, bend = first(self.value, y), second(self.value, y)
        return Jet(y, slope * self.first, bend * self.first * self.first + slope * self.second)

    def bent(self, c):
        """max(x, c x) of it, for c < 1."""
        x = self.value
        if x > 0:  # at 0 itself its slopes are those of both sides
            return self
        if x < 0:
            return self.times(c)
        ends = (c * x.lower()).max(x.upper()).union((c * x.lower()).min(0))
        return Jet(ends, self.first * c.union(arb(1)), arb.nan())


def itself(ball):
    """The number, where it lies in a ball."""
    return Jet(ball, arb(1), arb(0))


ALWAYS_ONE = Jet(arb(1), arb(0), arb(0))


class Knot(NamedTuple):
    """A function at a number."""

    at: arb
    found: Jet

    def less(self, slope):
        """The function less ``slope x``, and its derivative."""
        return self.found.value - slope * self.at, self.found.first - slope


class Piece:
    """A function on the interval from one knot to another."""

    def __init__(self, left, right, curve):
        self.left, self.right, self.curve = left, right, curve
        self.ball = left.at.union(right.at)
        self.on = curve(itself(self.ball))

    def beside(self, slope):
        """The least and the most that the function less ``slope x`` is there."""
        (p, falls), (q, rises) = self.left.less(slope), self.right.less(slope)
        if self.on.second >= 0:
            return self.turn(p, falls, q, rises), p.max(q).upper()
        if self.on.second <= 0:
            return p.min(q).lower(), -self.turn(-p, -falls, -q, -rises)
        found = self.on.value - slope * self.ball
        if self.on.first.is_finite():
            middle = self.ball.mid()
            level, tilt = Knot(middle, self.curve(itself(middle))).less(slope)
            sides = self.ball - middle
            line = level + (self.on.first - slope) * sides
            if self.on.second.is_finite():
                line = level + tilt * sides + self.on.second * numbers.square_from_zero(sides.abs_upper()) / 2
            return found.lower().max(line.lower()), found.upper().min(line.upper())
        return found.lower(), found.upper()

    def turn(self, p, falls, q, rises):
        """What a convex function is at least that is p and q at the ends, with these slopes: above both tangents."""
        least = (p + falls * (self.ball - self.left.at)).lower()
        if not falls < rises:
            return least
        meeting = p + falls * (q - p - rises * (self.right.at - self.left.at)) / (falls - rises)
        return least.max(p.min(q).min(meeting).lower())  # they meet below both, if the one falls and the other rises


# Lines


class Lines(NamedTuple):
    """A unit lies below ``above x + offset`` and above ``below x + under``, for its argument x.

    ``open``: they would be closer for a smaller range of x.
    """

    above: arb
    offset: arb
    below: arb
    under: arb
    open: bool


def bent_lines(low, high, c):
    """The lines of max(x, c x) for x from ``low`` to ``high``, and its range."""
    if low >= 0:
        return Lines(arb(1), arb(0), arb(1), arb(0), False), low.union(high)
    if high <= 0:
        return Lines(c, arb(0), c, arb(0), False), (c * low).union(c * high)
    chord = ((high - c * low) / (high - low)).mid()
    offset = ((c - chord) * low).max((1 - chord) * high)  # the unit less a line is convex: largest at an end
    most = (c * low).max(high)
    return Lines(chord, offset, arb(1) if high > -low else c, arb(0), True), (c * low).min(0).union(most)


def smooth_lines(low, high, curve, slope=None):
    """The lines of a function of a number from ``low`` to ``high``, and its range.

    They have the slope that is given; else the slopes that bring them near in the middle.
    """
    whole = curve(itself(low.union(high)))
    if not (low < high and low.is_finite() and high.is_finite()):
        return flat(whole.value, False), whole.value
    count = 2 if whole.second >= 0 or whole.second <= 0 else PIECES
    inner = [(low + (high - low) * k / count).mid() for k in range(1, count)]
    knots = [Knot(x, curve(itself(x))) for x in (low, *inner, high)]
    pieces = [Piece(a, b, curve) for a, b in itertools.pairwise(knots)]
    own = functools.reduce(arb.union, [p.on.value for p in pieces])
    least, most = extremes(pieces, arb(0))
    if least.is_finite() and most.is_finite():
        own = own.lower().max(least).union(own.upper().min(most))
    above, below = slopes(knots) if slope is None else (arb(slope), arb(slope))
    found = Lines(above, extremes(pieces, above)[1], below, extremes(pieces, below)[0], True)
    return (found if all(v.is_finite() for v in found[:4]) else flat(own, True)), own


def flat(own, open_):
    """Lines that say no more than the range."""
    return Lines(arb(0), own.upper(), arb(0), own.lower(), open_)


def extremes(pieces, slope):
    """The least and the most that a function less ``slope x`` is on all pieces."""
    ends = [p.beside(slope) for p in pieces]
    return functools.reduce(arb.min, [a for a, _ in ends]), functools.reduce(arb.max, [b for _, b in ends])


def slopes(knots):
    """Slopes of lines above and below: those of the hull of the knots, in the middle."""
    middle = knots[len(knots) // 2]
    away = [((k.at - middle.at).mid(), (k.found.value - middle.found.value).mid()) for k in knots]
    return [sign * of_hull([(x, sign * y) for x, y in away], sign * middle.found.first.mid()) for sign in (1, -1)]


def of_hull(points, tangent):
    """The slope at 0 of the upper hull of points, of which (0, 0) is one; that of a tangent, if it is a corner."""
    left, right = [p for p in points if p[0] < 0], [p for p in points if p[0] > 0]
    if not (left and right):
        return tangent
    falls, rises = min((y / x).mid() for x, y in left), max((y / x).mid() for x, y in right)
    if falls >= rises:
        return tangent.max(rises).min(falls)

    def through(pair):
        (a, p), (b, q) = pair
        return ((q - p) / (b - a)).mid()

    def height(pair):
        return (pair[0][1] - pair[0][0] * through(pair)).mid()

    return through(max(itertools.product(left, right), key=height))
