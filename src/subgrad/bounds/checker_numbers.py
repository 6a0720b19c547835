"""Numbers of the checker of proofs: how they are read from a file, and arithmetic with them in balls of Arb.

A ball holds a real number for certain: each operation of Arb rounds outwards. A number that varies over a box is a row:
its value at the middle, as a ball that also holds what is not linear, then its slopes; one that does not vary is a
ball. Functions are expanded to second order, unlike in the prover.
"""

# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false, reportIndexIssue=false
import math

import numpy as np
from flint import arb, arb_mat, ctx

try:
    from subgrad.errors import FileError
except ImportError:  # the checker runs by itself as well
    FileError = ValueError

ctx.prec = 100  # bits
LARGEST = 2**24  # how many numbers the graph of a proof may have


class CheckFailed(FileError):
    """The proof does not show what it claims, or has something that this checker does not understand."""


def require(condition, otherwise):
    """Raise that the claim is not proven unless the condition holds."""
    if not condition:
        raise CheckFailed(f"not proven: {otherwise}")


def understood(condition, what):
    """Raise that the file is no proof unless the condition holds."""
    if not condition:
        raise ValueError(f"{what} is not what a proof has there")


# What a file holds


def names(given, *wanted):
    """Require a record with just these names."""
    understood(type(given) is dict and set(given) == set(wanted), f"a record without just {', '.join(wanted)}")


def real(value, infinite=False):
    """A number of the file; an infinite one, where that may be, is a word."""
    if infinite and value in ("inf", "-inf"):
        return float(value)
    understood(type(value) in (int, float) and math.isfinite(value) and float(value) == value, "a number")
    return float(value)


def whole(value, least=0):
    """An integer of the file."""
    understood(type(value) is int and value >= least, "an integer")
    return value


def wholes(values, least=0):
    """A list of integers of the file."""
    understood(type(values) is list, "a list of integers")
    return tuple(whole(v, least) for v in values)


def shape_of(values):
    """A shape of the file, of not too many elements."""
    found = wholes(values)
    understood(math.prod(found) <= LARGEST, "a size")
    return found


# Functions of balls


def monotone(f):
    """A rising or falling function of a ball, by its ends: Arb's exp or cosh of a wide ball is infinite or NaN."""
    return lambda z: f(z.lower()).union(f(z.upper()))


@monotone
def softplus(z):
    """ln(1 + e^z)."""
    return z.max(0) + (-abs(z)).exp().log1p()


@monotone
def sigmoid(z):
    """1 / (1 + e^-z)."""
    return 1 / (1 + (-z).exp())


def bell(z):
    """The derivative of erf, 2 / sqrt(pi) e^(-z^2), which falls with the magnitude of z."""
    nearest, farthest = (-z.abs_lower() ** 2).exp(), (-z.abs_upper() ** 2).exp()
    return 2 / arb.pi().sqrt() * nearest.union(farthest)


def square_from_zero(size):
    """All squares of numbers of magnitude at most ``size``."""
    return arb(0).union(size * size)


def real_power(q):
    """z^q for z >= 0 and a real number q, by the ends of z; NaN where that is not defined."""

    def at(v):
        if v > 0:
            return v**q
        return arb(0) if v == 0 and q > 0 else arb.nan()

    return lambda low, high: at(low).union(at(high))


def whole_power(q):
    """z^q for an integer q, by the ends of z and 0: it rises or falls on either side of 0. NaN at a pole."""

    def f(low, high):
        may_be_zero = not (low > 0 or high < 0)
        if q < 0 and may_be_zero:
            return arb.nan()
        ends = (low**q).union(high**q)
        return ends.union(arb(0)) if q > 0 and low < 0 < high else ends

    return f


# Arrays of numbers and conditions


def each(f, *arrays):
    """f of the elements of arrays of one shape, as an array of objects."""
    understood(len({a.shape for a in arrays}) == 1, "an operation on tensors of several shapes")
    return np.frompyfunc(f, len(arrays), 1)(*arrays, out=np.empty(arrays[0].shape, object))


def element(v):
    """A number, an integer that counts as a place, or a condition."""
    if isinstance(v, (bool, np.bool_)):
        return bool(v)
    return int(v) if isinstance(v, (int, np.integer)) else arb(float(v))


def counted(x):
    """Conditions as numbers: 1 where one holds, 0 where not, what lies between where that is not known."""

    def number(v):
        if v is None:
            return arb(0).union(arb(1))
        return arb(int(v)) if isinstance(v, bool) else v

    return each(number, x)


def filled(shape, value):
    """An array of objects with one value everywhere."""
    found = np.empty(shape, object)
    found.fill(value)
    return found


# Arithmetic


class Numbers:
    """Arithmetic with rows, on the box with the half sides ``deltas``, a column under a 1.

    Of each method it is proven: at every point of the box the result holds what the operation gives for the numbers
    that the arguments hold there.
    """

    deltas: arb_mat

    def row(self, x):
        """A number as a row; one that does not vary has slopes of 0."""
        if isinstance(x, arb_mat):
            return x
        understood(isinstance(x, (arb, int)) and not isinstance(x, bool), "a condition in the place of a number")
        return arb_mat([[x, *[0] * (self.deltas.nrows() - 1)]])

    def range(self, x):
        """All values of x over the box, as a ball."""
        return x if isinstance(x, arb) else (self.row(x) * self.deltas)[0, 0]

    def line(self, x, slope, at, value):
        """slope (x - at) + value."""
        found = x * slope
        found[0, 0] = (x[0, 0] - at) * slope + value
        return found

    def curve(self, x, f, first, second):
        """f(t) + f'(t) (x - t) + f''(range) (x - t)^2 / 2 by Taylor's theorem, or the range of f where that says more.

        ``first(z, y)`` and ``second(z, y)`` are the derivatives on a ball z on which f is y.
        """
        x, z = self.row(x), self.range(x)
        t, values = x[0, 0].mid(), f(z)
        rest = second(z, values) * square_from_zero((z - t).abs_upper()) / 2
        at_middle = f(t)
        line = self.line(x, first(t, at_middle), t, at_middle + rest)
        closer = rest.is_finite() and self.range(line).rad() <= 2 * values.rad()
        return line if closer else self.row(values)

    def relu(self, x):
        """max(x, 0): below the chord of the range, and above the chord's parallel through 0."""
        x, low, high = self.row(x), self.range(x).lower(), self.range(x).upper()
        if low >= 0:
            return x
        if high <= 0:
            return self.row(arb(0))
        slope = (high / (high - low)).mid()  # the chord's
        return self.line(x, slope, 0, arb(0).union(-slope * low).union((1 - slope) * high))

    def magnitude(self, x):
        """\\|x\\|: below the chord of the range, and above the chord's parallel through 0."""
        x, low, high = self.row(x), self.range(x).lower(), self.range(x).upper()
        if low >= 0:
            return x
        if high <= 0:
            return self.times(x, -1)
        slope = ((high + low) / (high - low)).mid()
        return self.line(x, slope, 0, arb(0).union(-low * (1 + slope)).union(high * (1 - slope)))

    def larger(self, x, y):
        """max(x, y) = x + max(y - x, 0)."""
        z, w = self.range(x), self.range(y)
        if z >= w:
            return x
        if w >= z:
            return y
        return self.sum(x, self.relu(self.sum(y, self.times(x, -1))))

    def sum(self, x, y):
        """x + y."""
        return x + y if isinstance(x, arb) and isinstance(y, arb) else self.row(x) + self.row(y)

    def times(self, x, factor):
        """x times a ball."""
        return x * factor if isinstance(x, arb) else self.row(x) * factor

    def product(self, x, y):
        """x y = x b + y a - a b + (x - a) (y - b) for the middles a and b; the last term goes into the ball."""
        if not isinstance(x, arb_mat):
            x, y = y, x
        if not (isinstance(x, arb_mat) and isinstance(y, arb_mat)):
            understood(not isinstance(y, bool) and y is not None, "a condition in the place of a number")
            return self.times(x, y)
        a, b = x[0, 0].mid(), y[0, 0].mid()
        off, away = self.range(x) - a, self.range(y) - b
        rest = square_from_zero(off.abs_upper()) if x is y else off * away
        found = x * b + y * a
        found[0, 0] += rest - a * b
        return found

    def power(self, x, p, positive):
        """x to the power of a number p; where x is known to be ``positive`` or 0, its range is taken from 0 on."""
        if p == 0:
            return self.row(arb(1))
        if p == 1:
            return x

        def to(k):
            """z^(p - k), for the value and the derivatives."""
            f = whole_power(int(p) - k) if p == int(p) else real_power(arb(p) - k)
            return lambda z: f(z.lower().max(0) if positive else z.lower(), z.upper())

        q = arb(p)
        return self.curve(x, to(0), lambda z, y: q * to(1)(z), lambda z, y: q * (q - 1) * to(2)(z))
