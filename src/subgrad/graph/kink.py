"""Where an op is not differentiable: the breakpoints of one variable, ties for the largest, or the cone of a norm.

From these few words follow where the kink is, which slopes its subdifferential holds, how far away an argument is, and
how to put one on the kink or take it off, here in NumPy; in other packages the derivative along a direction and the
linear pieces. A `Kink` that is made by hand knows only where it is and which slopes it has.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from subgrad.errors import ArgumentError

Arrays = Sequence[np.ndarray]
Bounds = Sequence[tuple[Any, Any]]
Numbers = Sequence[float]
Sides = Sequence[tuple[float, float]]


class Kink:
    """Where an op is not differentiable, and which slopes its Clarke subdifferential holds there.

    `linear`, `curved`, `largest` and `smallest` make one of a few numbers, and everything else follows. One made by
    hand says where it is and between which slopes; its op needs a ``one_sided_jvp``, and its pieces stay unknown.

    Args:
        at: ``at(*xs, **attrs)``, a bool array of the output's shape (elementwise ops) or of the reduced shape
            (reductions): True on a kink.
        hull: ``hull(*xs, **attrs)`` gives for each input a pair (low, high) of arrays that bound the slopes,
            elementwise.
        joint: ``joint(slopes, *xs, **attrs)``, where the slopes of several inputs or elements hang together (they sum
            to 1 in a maximum): True where they do.

    Example:
        >>> import numpy as np
        >>> import subgrad as sg
        >>> kink = sg.Kink.linear([1], slopes=[-1, 0])  # of max(1 - x, 0)
        >>> kink.at(np.array([0.0, 1.0])).tolist(), kink.margin(np.array([0.0, 1.0])).tolist()
        ([False, True], [1.0, 0.0])
    """

    _joint: Callable[..., Any] | None = None

    def __init__(self, at: Callable[..., Any], hull: Callable[..., Bounds], joint: Callable[..., Any] | None = None):
        self._at, self._hull, self._joint = at, hull, joint

    @staticmethod
    def linear(breaks: Numbers | Callable[..., Numbers], slopes: Numbers | Callable[..., Numbers]) -> Breaks:
        """Of an elementwise op of one input whose pieces are linear.

        Args:
            breaks: the points where they meet, rising; or ``breaks(**attrs)``.
            slopes: those of the pieces, from left to right, one more than there are breaks; or ``slopes(**attrs)``.

        Raises:
            ArgumentError: if the breaks do not rise, or the numbers do not fit; for functions of attributes once they
                are known.
        """

        def sides(**attrs: Any) -> Sides:
            found = _given(slopes, attrs)
            if len(found) != len(_given(breaks, attrs)) + 1:
                raise ArgumentError(f"{len(found)} slopes do not fit {len(_given(breaks, attrs))} breaks: one more")
            return list(itertools.pairwise(found))

        return Breaks(breaks, sides if callable(breaks) or callable(slopes) else sides(), straight=True)

    @staticmethod
    def curved(breaks: Numbers | Callable[..., Numbers], sides: Sides | Callable[..., Sides]) -> Breaks:
        """Of an elementwise op of one input whose pieces are smooth.

        Args:
            breaks: the points where they meet, rising; or ``breaks(**attrs)``.
            sides: for each break the slopes on its left and on its right; or ``sides(**attrs)``.

        Raises:
            ArgumentError: as `linear`.
        """
        return Breaks(breaks, sides, straight=False)

    @staticmethod
    def largest() -> Largest:
        """Of an elementwise op that is the largest of its inputs."""
        return Largest(1)

    @staticmethod
    def smallest() -> Largest:
        """Of an elementwise op that is the smallest of its inputs."""
        return Largest(-1)

    def at(self, *xs: Any, **attrs: Any) -> Any:
        """Where the kink is: a bool array."""
        return self._at(*xs, **attrs)

    def hull(self, *xs: Any, **attrs: Any) -> Bounds:
        """The least and the largest slope by each input."""
        return self._hull(*xs, **attrs)

    def joint(self, slopes: Sequence[Any], *xs: Any, **attrs: Any) -> Any:
        """Whether slopes by several inputs or elements are one of the subdifferential's together."""
        if self._joint is None:
            return np.ones(np.shape(self.at(*xs, **attrs)), bool)
        return self._joint(slopes, *xs, **attrs)

    def margin(self, *xs: np.ndarray, **attrs: Any) -> np.ndarray:
        """How far away the kink is, in the shape of `at`: 0 on it, inf where there is none or where it is not known."""
        return np.where(self.at(*xs, **attrs), 0.0, np.inf)

    def snap(self, tau: float, *xs: np.ndarray, **attrs: Any) -> Arrays:
        """The inputs, with those within ``tau`` of the kink moved onto it."""
        return xs

    def nudge(self, xs: Arrays, ts: Arrays, **attrs: Any) -> Arrays | None:
        """The inputs, with those on the kink moved off it, as little as can be, along the tangents ``ts``; what has a
        tangent of 0 stays. None if it is not known how."""
        on = np.asarray(self.at(*xs, **attrs), bool)
        return [_step(xs[0], ts[0], on)] if len(xs) == 1 and on.shape == xs[0].shape else None


class Break(NamedTuple):
    """A point of one variable where the slope changes from ``left`` to ``right``."""

    at: float
    left: float
    right: float


class Breaks(Kink):
    """Of an elementwise op of one input: points where its slope changes. See `Kink.linear` and `Kink.curved`."""

    def __init__(
        self, breaks: Numbers | Callable[..., Numbers], sides: Sides | Callable[..., Sides], *, straight: bool
    ) -> None:
        self._breaks, self._sides, self.straight = breaks, sides, straight
        if not (callable(breaks) or callable(sides)):
            self.points()  # raises if they do not fit

    def points(self, **attrs: Any) -> list[Break]:
        """The breaks, rising, without those that are none: at infinity, or with one slope on both sides."""
        breaks, sides = _given(self._breaks, attrs), _given(self._sides, attrs)
        if len(breaks) != len(sides) or any(b < a for a, b in itertools.pairwise(breaks)):
            raise ArgumentError(f"breaks of a kink rise, with slopes on both sides: {list(breaks)}, {list(sides)}")
        found: list[Break] = []
        for p, (left, right) in zip(breaks, sides, strict=True):
            if found and found[-1].at == p:
                left = found.pop().left
            found.append(Break(float(p), float(left), float(right)))
        return [b for b in found if np.isfinite(b.at) and b.left != b.right]

    def at(self, *xs: Any, **attrs: Any) -> Any:
        return np.logical_or.reduce([np.zeros(np.shape(xs[0]), bool), *(xs[0] == b.at for b in self.points(**attrs))])

    def hull(self, *xs: Any, **attrs: Any) -> Bounds:
        """Off the kinks too, between the least of all slopes at breaks and the largest."""
        points = self.points(**attrs)
        least, most = ([pick(b.left, b.right) for b in points] for pick in (min, max))
        low, high = np.full_like(xs[0], min(least, default=-np.inf)), np.full_like(xs[0], max(most, default=np.inf))
        for b in points:
            low = np.where(xs[0] == b.at, min(b.left, b.right), low)
            high = np.where(xs[0] == b.at, max(b.left, b.right), high)
        return [(low, high)]

    def margin(self, *xs: np.ndarray, **attrs: Any) -> np.ndarray:
        return np.min([np.full(xs[0].shape, np.inf), *(np.abs(xs[0] - b.at) for b in self.points(**attrs))], axis=0)

    def snap(self, tau: float, *xs: np.ndarray, **attrs: Any) -> Arrays:
        (x,) = xs
        for b in self.points(**attrs):
            x = np.where(np.abs(x - b.at) <= tau, np.asarray(b.at, x.dtype), x)
        return [x]


class Largest(Kink):
    """Of the largest (``sign`` 1) or the smallest (-1) of all inputs, or of all elements of one along ``axis``.

    Args:
        sign: 1 or -1.
        along: whether it is that of elements: of a reduction with the attributes ``axis`` and ``keepdims``.
    """

    def __init__(self, sign: int, *, along: bool = False) -> None:
        self.sign, self.along = sign, along

    def _rows(self, xs: Sequence[Any], attrs: dict[str, Any]) -> tuple[np.ndarray, tuple[int, ...], bool]:
        """All candidates in one array, the axes along which they compete, and whether the result keeps these."""
        if self.along:
            return xs[0], attrs["axis"], attrs["keepdims"]
        return np.stack(np.broadcast_arrays(*xs)), (0,), False

    def _unstacked(self, x: np.ndarray) -> Arrays:
        return [x] if self.along else list(x)

    def _best(self, x: np.ndarray, axis: tuple[int, ...]) -> np.ndarray:
        return (np.max if self.sign > 0 else np.min)(x, axis=axis, keepdims=True)

    def at(self, *xs: Any, **attrs: Any) -> Any:
        x, axis, kept = self._rows(xs, attrs)
        return np.sum(x == self._best(x, axis), axis=axis, keepdims=kept) > 1

    def hull(self, *xs: Any, **attrs: Any) -> Bounds:
        x, axis, _ = self._rows(xs, attrs)
        shares = (x == self._best(x, axis)).astype(x.dtype)
        return [(np.zeros_like(s), s) for s in self._unstacked(shares)]

    def joint(self, slopes: Sequence[Any], *xs: Any, **attrs: Any) -> Any:
        s, axis, kept = self._rows(slopes, attrs)
        return np.isclose(np.sum(s, axis=axis, keepdims=kept), 1)

    def margin(self, *xs: np.ndarray, **attrs: Any) -> np.ndarray:
        """The lead of the best over the second."""
        x, axis, keep = self._rows(xs, attrs)
        kept = np.max(x, axis=axis, keepdims=keep).shape
        rows = np.moveaxis(x, axis, range(-len(axis), 0)).reshape(*kept, -1) if axis else x[..., None]
        if rows.shape[-1] == 1:
            return np.full(kept, np.inf)
        second, first = (-2, -1) if self.sign > 0 else (1, 0)
        rows = np.partition(rows, (second, first), axis=-1)
        return np.abs(rows[..., first] - rows[..., second])

    def snap(self, tau: float, *xs: np.ndarray, **attrs: Any) -> Arrays:
        x, axis, _ = self._rows(xs, attrs)
        best = self._best(x, axis)
        return self._unstacked(np.where(np.abs(best - x) <= tau, best, x))

    def nudge(self, xs: Arrays, ts: Arrays, **attrs: Any) -> Arrays:
        """Those rise that are the best of the tied ones along the tangents."""
        (x, axis, _), (t, _, _) = self._rows(xs, attrs), self._rows(ts, attrs)
        tied = x == self._best(x, axis)
        wins = tied & (t == self._best(np.where(tied, t, -self.sign * np.inf), axis))
        decided = np.any(tied & ~wins, axis=axis, keepdims=True)
        up = np.full_like(x, self.sign * np.inf)
        return self._unstacked(np.where(wins & decided, np.nextafter(x, up), x))


class Cone(Kink):
    """Of a Euclidean norm along ``axis``, at 0: its subdifferential is the unit ball."""

    def __init__(self) -> None:
        pass

    def at(self, *xs: Any, **attrs: Any) -> Any:
        return np.all(xs[0] == 0, axis=attrs["axis"], keepdims=attrs["keepdims"])

    def hull(self, *xs: Any, **attrs: Any) -> Bounds:
        return [(-np.ones_like(xs[0]), np.ones_like(xs[0]))]

    def joint(self, slopes: Sequence[Any], *xs: Any, **attrs: Any) -> Any:
        return np.sum(slopes[0] ** 2, axis=attrs["axis"], keepdims=attrs["keepdims"]) <= 1 + 1e-9

    def margin(self, *xs: np.ndarray, **attrs: Any) -> np.ndarray:
        return _length(xs[0], attrs["axis"], attrs["keepdims"])

    def snap(self, tau: float, *xs: np.ndarray, **attrs: Any) -> Arrays:
        (x,) = xs
        return [np.where(_length(x, attrs["axis"], True) <= tau, 0, x).astype(x.dtype)]

    def nudge(self, xs: Arrays, ts: Arrays, **attrs: Any) -> Arrays:
        """The unit vector along the tangent: the norm has the slope there that it has at 0 along it."""
        (x,), (t,), axis = xs, ts, attrs["axis"]
        length = _length(t, axis, True)
        unit = t / np.where(length == 0, 1, length)
        return [np.where(np.all(x == 0, axis=axis, keepdims=True), unit, x)]


def _given(numbers: Any, attrs: dict[str, Any]) -> Any:
    return numbers(**attrs) if callable(numbers) else numbers


def _step(x: np.ndarray, t: np.ndarray, on: np.ndarray) -> np.ndarray:
    """The next number in the direction of t, where ``on`` holds and t is not 0."""
    return np.where(on & (t != 0), np.nextafter(x, np.copysign(np.inf, t).astype(x.dtype)), x)


def _length(x: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """The norm, without overflow or underflow."""
    largest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    unit = np.where((largest > 0) & np.isfinite(largest), largest, 1)
    length = unit * np.sqrt(np.sum((x / unit) ** 2, axis=axis, keepdims=True))
    return length if keepdims else np.squeeze(length, axis=axis)


__all__ = ["Break", "Breaks", "Cone", "Kink", "Largest"]
