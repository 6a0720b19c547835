"""The piecewise linear function with the fewest pieces that stays within eps of f: a minimum-link path in a tube.

Around the graph of f lies a tube, given by a lower and an upper bound at the ends of small pieces. The first line goes
as far as a line in the tube can go; where it leaves the tube it has touched one side and crosses the other. Between
the touched vertex and the exit lies its window: the next line starts anywhere in it and goes as far as it can, and so
on. No path in the tube has fewer lines, wherever its knots are (Imai, Iri 1986, *An optimal algorithm for
approximating a piecewise linear function*, Journal of Information Processing 9). A line's limits are kept vertex by
vertex, with the convex hulls of the vertices that may still be touched (O'Rourke 1981, *An on-line algorithm for
fitting straight lines between data ranges*, Communications of the ACM 24), so the time is about that of reading the
tube once.

Nothing is proven here: `error_bound` proves the error of the network that is made of these knots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np

Point = tuple[float, float]


class Line(NamedTuple):
    """Through ``(x, y)`` with a slope. ``touched`` is the last vertex of the tube that limits it, and ``after`` the
    number of the next vertex of that side."""

    x: float
    y: float
    slope: float
    touched: Point
    after: int

    def at(self, x: float) -> float:
        return self.y + self.slope * (x - self.x)


@dataclass(frozen=True)
class Path:
    """A piecewise linear function: its knots, the ends of the tube among them, and its values there."""

    knots: list[float]
    values: list[float]

    def __len__(self) -> int:
        """The number of lines."""
        return len(self.knots) - 1

    @property
    def units(self) -> int:
        """How many units it takes: one for each line but a horizontal one, and one at least."""
        return max(1, len(self) - any(a == b for a, b in pairwise(self.values)))


class _Window(NamedTuple):
    """The part of a line between the vertex that it touched last and where it left the tube."""

    line: Line
    end: float

    def meets(self, line: Line) -> float:
        """Where the next line crosses it."""
        turn = line.slope - self.line.slope
        knot = self.line.x - (line.at(self.line.x) - self.line.y) / turn if turn else self.end
        return min(max(knot, self.line.touched[0]), self.end)


def minimum_link(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, most: float = math.inf, level: int = -1
) -> Path:  # fmt: skip
    """The path with the fewest lines between ``low`` and ``high``, (m,) each, at rising ``x``, m > 1.

    Where the two meet the path goes through that point. It ends early, short of the last x, when it has more than
    ``most`` lines; or where no horizontal line goes on, if line number ``level`` has to be one.

    >>> bend = np.array([0.0, 1.0, 0.0])
    >>> minimum_link(np.array([0.0, 1.0, 2.0]), bend, bend)
    Path(knots=[0.0, 1.0, 2.0], values=[0.0, 1.0, 0.0])
    """
    places, sides = x.tolist(), (low.tolist(), high.tolist())
    window, path = None, Path([], [])
    reach: _Lines = _Level() if level == 0 else _Reach()
    for i, vertex in enumerate(zip(places, *sides, strict=True)):
        line, side = reach.beyond(*vertex)
        if line is not None:
            _begin(path, window, line, places[0])
            if len(path) > most:
                return path
            window = _Window(line, _exit(line, reach.last[side], (places[i], sides[side][i])))
            opposite = [(places[k], sides[1 - side][k]) for k in range(line.after, i)]
            numbered = list(enumerate([line.touched, *opposite], line.after))
            reach = (_Level if len(path.knots) == level else _Reach).through(window, side, numbered, i)
            if isinstance(reach, _Level) and reach.beyond(*vertex)[0] is not None:
                return path
        reach.take(i + 1, *vertex)
    line = reach.middle()
    if line is not None:
        _begin(path, window, line, places[0])
    elif window is not None:  # it left the tube at its very end
        line = window.line
    path.knots.append(places[-1])
    path.values.append(line.at(places[-1]) if line else sides[0][0])
    return path


def _begin(path: Path, window: _Window | None, line: Line, start: float) -> None:
    """Adds the knot where a line begins: in the window of the one before it, if there is one."""
    knot = window.meets(line) if window else start
    path.knots.append(knot)
    path.values.append((window.line if window and line.slope else line).at(knot))


def _exit(line: Line, inside: Point, outside: Point) -> float:
    """Where a line crosses a side of the tube, between two of that side's vertices."""
    a, b = abs(inside[1] - line.at(inside[0])), abs(outside[1] - line.at(outside[0]))
    return min(max(inside[0] + (outside[0] - inside[0]) * (a / (a + b) if a + b else 0.0), inside[0]), outside[0])


class _Lines(Protocol):
    """Lines through the tube from a window up to a vertex. ``last`` has the last vertex of each side."""

    last: list[Point]

    def beyond(self, x: float, low: float, high: float) -> tuple[Line | None, int]:
        """If no line goes on to a vertex, the one that comes nearest, and the side that it leaves by."""
        ...

    def take(self, after: int, x: float, low: float, high: float) -> None:
        """Go on to a vertex."""
        ...

    def middle(self) -> Line | None:
        """A line in the middle of all, if a line is limited at all."""
        ...


class _Reach:
    """The lines through the tube from a window up to a vertex: the least and the greatest slope, with what they touch.

    Sides are 0 for the lower and 1 for the upper one. The steepest line touches a lower vertex and then an upper one,
    the flattest an upper and then a lower one.
    """

    def __init__(self) -> None:
        self._hulls: tuple[list[Point], list[Point]] = [], []
        self.last: list[Point] = [(math.nan, math.nan)] * 2  # vertex of each side
        self._limits: list[Line | None] = [None, None]  # the flattest, which side 0 limits at last, and the steepest

    @classmethod
    def through(cls, window: _Window, side: int, opposite: list[tuple[int, Point]], after: int) -> _Reach:
        """The lines through a window that leaves the tube by a side, before that side's vertex number ``after``.

        Only the opposite side limits them inside of the window: the other one is behind it.
        """
        found, end = cls(), (window.end, window.line.at(window.end))
        for _, vertex in opposite:
            found._push(1 - side, vertex)
        found._limit(side, end, after)
        found._push(side, end)
        return found

    def beyond(self, x: float, low: float, high: float) -> tuple[Line | None, int]:
        """If no line goes on to a vertex, the one that comes nearest, and the side that it leaves by."""
        flattest, steepest = self._limits
        if flattest is not None and flattest.at(x) > high:
            return flattest, 1
        if steepest is not None and steepest.at(x) < low:
            return steepest, 0
        return None, 0

    def take(self, after: int, x: float, low: float, high: float) -> None:
        """Go on to a vertex. Some line reaches it: a limit that does not is a rounding, in a window of no length."""
        flattest, steepest = self._limits
        if flattest is None or not low <= flattest.at(x) <= high:
            self._limit(0, (x, low), after)
        if steepest is None or not low <= steepest.at(x) <= high:
            self._limit(1, (x, high), after)
        self._push(0, (x, low))
        self._push(1, (x, high))

    def middle(self) -> Line | None:
        """A line in the middle of all, if a line is limited at all."""
        found = [line for line in self._limits if line is not None]
        if not found:
            return None
        a, b = found[0], found[-1]
        return Line(a.x, (a.y + b.at(a.x)) / 2, (a.slope + b.slope) / 2, b.touched, b.after)

    def _limit(self, side: int, to: Point, after: int) -> None:
        """The line that a new vertex of a side limits: through it, and touching the hull of the opposite side."""
        hull, sign = self._hulls[1 - side], 1 - 2 * side
        best = None
        for k, (x, y) in enumerate(hull):  # slopes along a hull fall and then rise, or the other way round
            slope = (to[1] - y) / (to[0] - x) if to[0] > x else None
            if slope is None or (best is not None and (slope - best[0]) * sign < 0):
                break
            best = slope, k
        if best is not None:
            del hull[: best[1]]  # what lies before is never touched again
            self._limits[side] = Line(*hull[0], best[0], to, after)

    def _push(self, side: int, to: Point) -> None:
        """Add a vertex to the hull of a side: lower vertices are seen from above, upper ones from below."""
        hull, sign = self._hulls[side], 1 - 2 * side
        while len(hull) > 1 and _turn(hull[-2], hull[-1], to) * sign >= 0:
            hull.pop()
        hull.append(to)
        self.last[side] = to


class _Level:
    """The horizontal lines through the tube from a window up to a vertex: the lowest and the highest one, with what
    they touch."""

    def __init__(self) -> None:
        self.last: list[Point] = [(math.nan, math.nan)] * 2
        self._ends = [Line(0.0, -math.inf, 0.0, self.last[0], 0), Line(0.0, math.inf, 0.0, self.last[1], 0)]

    @classmethod
    def through(cls, window: _Window, side: int, opposite: list[tuple[int, Point]], after: int) -> _Level:
        """As `_Reach.through`."""
        found = cls()
        for number, vertex in opposite:
            found._limit(1 - side, vertex, number)
        found._limit(side, (window.end, window.line.at(window.end)), after)
        return found

    def beyond(self, x: float, low: float, high: float) -> tuple[Line | None, int]:
        """As `_Reach.beyond`; some line if there is none at all."""
        lowest, highest = self._ends
        if lowest.y > min(high, highest.y):
            return lowest, 1
        return (highest, 0) if highest.y < low else (None, 0)

    def take(self, after: int, x: float, low: float, high: float) -> None:
        """Go on to a vertex."""
        self._limit(0, (x, low), after)
        self._limit(1, (x, high), after)

    def middle(self) -> Line | None:
        """The line in the middle."""
        lowest, highest = self._ends
        return lowest._replace(y=(lowest.y + highest.y) / 2)

    def _limit(self, side: int, to: Point, after: int) -> None:
        if (to[1] - self._ends[side].y) * (1 - 2 * side) >= 0:
            self._ends[side] = Line(*to, 0.0, to, after)
        self.last[side] = to


def _turn(a: Point, b: Point, c: Point) -> float:
    """Positive if the way from a over b to c turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
