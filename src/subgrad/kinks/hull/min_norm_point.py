"""The point of least norm in the convex hull of finitely many points: what decides whether 0 lies in it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from subgrad.kinks.hull.corral import Corral


def least_norm(
    points: np.ndarray, start: np.ndarray | None = None, tolerance: float = 1e-12
) -> tuple[np.ndarray, np.ndarray]:
    """The point of least norm in the hull of the rows of ``points``, and its weights.

    Wolfe's algorithm (P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11, 1976): a
    corral of affinely independent points, whose hull holds the answer, gains the point that lies farthest
    towards 0 and loses those that get no positive weight.

    Args:
        points: shape (m, n), m at least 1, finite.
        start: weights of shape (m,) to start from, such as those of a similar problem.
        tolerance: the search stops when no point promises to shorten the squared norm by more than this part of it.

    Returns:
        The point p, shape (n,), and weights of shape (m,), at least 0 and with sum 1, such that weights @ points
        is p up to rounding of the points. Every g of ``points`` has g.p >= \\|p\\|^2 up to rounding.

    Example:
        >>> import numpy as np
        >>> p, weights = least_norm(np.array([[2.0, 0.0], [0.0, 2.0], [5.0, 5.0]]))
        >>> p.round(12).tolist()
        [1.0, 1.0]
    """
    weights = Hull(points).least(start=start, tolerance=tolerance)
    return _upright(weights @ points, points[weights > 0]), weights


SHORT = 1e-3
"""How long a combination is, relative to its points, of which rounding leaves enough."""


class Hull:
    """The convex hull of points that come and go, and its point of least norm, found from the one before.

    With a linear part that is the quadratic program of bundle methods (K. Kiwiel, "A method for solving certain
    quadratic programming problems arising in nonsmooth optimization", IMA Journal of Numerical Analysis 6, 1986).

    Args:
        points: shape (m, n), m at least 1, finite.

    Example:
        >>> import numpy as np
        >>> hull = Hull(np.array([[1.0], [-1.0]]))
        >>> hull.least(np.array([0.0, 0.5])).round(12).tolist()
        [0.625, 0.375]
        >>> hull.append(np.array([-0.5]))
        >>> hull.least().round(12).tolist()
        [0.5, 0.5, 0.0]
    """

    def __init__(self, points: np.ndarray) -> None:
        self._count = len(points)
        self._points = np.array(points)
        self._weights = np.zeros(self._count)
        self._corral = Corral()
        self._measure()

    def __len__(self) -> int:
        return self._count

    @property
    def points(self) -> np.ndarray:
        return self._points[: self._count]

    def append(self, point: np.ndarray) -> None:
        """One point more, the last."""
        if self._count == len(self._points):
            room = max(8, self._count)
            self._points = np.vstack([self._points, np.zeros((room, self._points.shape[1]))])
            self._squares = np.append(self._squares, np.zeros(room))
            self._weights = np.append(self._weights, np.zeros(room))
        self._points[self._count] = point
        self._weights[self._count] = 0.0
        self._count += 1
        if np.abs(point).max(initial=0.0) > 2 * self._scale:
            self._measure()
        else:
            self._squares[self._count - 1] = _square(point / self._scale) / self._size

    def keep(self, rows: Sequence[int] | np.ndarray) -> None:
        """Forget all others."""
        new = {old: i for i, old in enumerate(np.asarray(rows).tolist())}
        self._leave([j for j in self._corral.members if j not in new])
        self._corral.members = [new[j] for j in self._corral.members]
        self._count = len(new)
        for table in (self._points, self._squares, self._weights):
            table[: self._count] = table[rows]

    def least(
        self, linear: np.ndarray | None = None, start: np.ndarray | None = None, tolerance: float = 1e-12
    ) -> np.ndarray:
        """The weights w >= 0 with sum 1 that minimise \\|w @ points\\|^2 / 2 + linear @ w.

        Args:
            linear: shape (m,); 0 if None.
            start: weights of shape (m,) to start from. If None, those found last.
            tolerance: as for `least_norm`.
        """
        linear = np.zeros(len(self)) if linear is None else linear / self._scale / self._scale / self._size
        if start is not None or not len(self._corral):
            self._begin(start, linear)
        best, least = self._weights[: len(self)].copy(), np.inf
        self._reduce(linear)
        while True:
            weights = self._weights[: len(self)]
            p, tilt = self._combination(weights), float(weights @ linear)
            square = float(p @ p)
            if square / 2 + tilt >= least:  # rounding: nothing is gained any more
                break
            best, least = weights.copy(), square / 2 + tilt
            slopes = self._products(p) + linear
            j, level = int(slopes.argmin()), square + tilt
            rounding = 1e-15 * math.sqrt(square * self._squares[: len(self)].max())
            if level - slopes[j] <= tolerance * abs(level) + rounding or j in self._corral.members:
                break
            self._enter(j)
            self._reduce(linear)
        return best

    # Points are divided by what makes the longest of them, at the time of measuring, one of length 1

    def _measure(self) -> None:
        self._scale = float(np.abs(self.points).max(initial=0.0)) or 1.0
        self._squares = np.zeros(len(self._points))
        self._squares[: len(self)] = [_square(g / self._scale) for g in self.points]
        self._size = float(self._squares.max()) or 1.0
        self._squares /= self._size
        members, self._corral = self._corral.members, Corral()
        for j in members:
            self._enter(j)

    def _combination(self, weights: np.ndarray) -> np.ndarray:
        return weights @ self.points / (self._scale * math.sqrt(self._size))

    def _products(self, p: np.ndarray) -> np.ndarray:
        return self.points @ p / (self._scale * math.sqrt(self._size))

    def _enter(self, j: int) -> None:
        members = self._corral.members
        point = self.points[j] / (self._scale * math.sqrt(self._size))
        products = self._products(point)[members]
        self._corral.append(j, np.append(products, self._squares[j]))

    def _begin(self, start: np.ndarray | None, linear: np.ndarray) -> None:
        self._corral = Corral()
        self._weights[:] = 0.0
        if start is None:
            j = int((self._squares[: len(self)] / 2 + linear).argmin())
            self._weights[j] = 1.0
            self._enter(j)
        else:
            self._weights[: len(self)] = start
            members = np.flatnonzero(start)
            rows = self.points[members] / (self._scale * math.sqrt(self._size))
            self._corral.fill(members.tolist(), rows @ rows.T)

    def _leave(self, members: list[int]) -> None:
        """Points leave the corral, and their weight goes to the others."""
        for place in range(len(self._corral) - 1, -1, -1):
            if self._corral.members[place] in members:
                self._corral.remove(place)
        if members:
            self._weights[members] = 0.0
            self._weights /= self._weights.sum() or 1.0

    def _reduce(self, linear: np.ndarray) -> None:
        """From the weights towards the affine minimiser, dropping points on the way until it lies inside the hull."""
        while True:
            members = np.array(self._corral.members)
            share = self._weights[members]
            target = self._corral.minimiser(linear[members], share)
            if target is None:
                return
            if (target > 0).all():
                self._weights[members] = target / target.sum()
                return
            falling = target <= 0
            ratios = share[falling] / np.maximum(share[falling] - target[falling], np.finfo(float).tiny)
            share = share + min(1.0, float(ratios.min())) * (target - share)
            kept = share > 1e-14
            kept[np.flatnonzero(falling)[ratios.argmin()]] = False
            if not kept.any():  # rounding
                kept[0], share[0] = True, 1.0
            self._weights[members] = share
            self._leave(members[~kept].tolist())


def _upright(p: np.ndarray, corral: np.ndarray) -> np.ndarray:
    """p without what rounding left of it along the corral, to which it is at right angles.

    A sum of long points that is short has the rounding of those. As a direction it would be wrong by that part of it:
    the slopes of the points along it are its square, which is shorter still.
    """
    if math.hypot(*p) > SHORT * math.hypot(*corral[0]) or len(corral) == 1:
        return p
    along = (corral[1:] - corral[0]).T
    return p - along @ np.linalg.lstsq(along, p)[0]


def _square(vector: np.ndarray) -> float:
    return float(vector @ vector)


__all__ = ["Hull", "least_norm"]
