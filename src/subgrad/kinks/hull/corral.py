"""The points of an active set, with the inverse of the matrix of their products."""

from __future__ import annotations

import math

import numpy as np

RIDGE = 1e-14
"""What makes products of points that depend on each other regular."""

EXACT, GOOD = 4e-15, 1e-10
"""The errors of a solution that is not corrected, relative to the sum of its magnitudes, and of one that is good
enough, relative to its largest number."""


class Corral:
    """Some points of a hull, of which the affine combination with the least value is wanted, in their order here.

    A point that comes or goes changes the inverse by a matrix of rank one, which takes k^2 steps and not k^3. The
    rounding errors of many changes add up. So a solution is corrected by its residual, and where that does not help,
    the equations are solved as they are and the inverse is made anew.

    Products are those of points whose length is of the order of 1, and all have 1 added to them. As the weights sum to
    1 this changes nothing but that the matrix becomes positive definite, if the points are affinely independent.

    Attributes:
        members: the numbers of the points.
    """

    def __init__(self) -> None:
        self.members: list[int] = []
        self._products, self._inverse = np.empty((0, 0)), np.empty((0, 0))
        self._known = True

    def __len__(self) -> int:
        return len(self.members)

    def append(self, member: int, products: np.ndarray) -> None:
        """One point more: its products with those that are there, and at last with itself."""
        k, row = len(self), products + 1
        self._make_room(k + 1)
        self._products[k, : k + 1] = self._products[: k + 1, k] = row
        self.members.append(member)
        if self._known:
            inverse = self._inverse
            image = inverse[:k, :k] @ row[:k]
            rest = float(row[k] - row[:k] @ image)
            self._known = rest > RIDGE
            if self._known:
                inverse[:k, :k] += np.outer(image, image / rest)
                inverse[k, :k] = inverse[:k, k] = -image / rest
                inverse[k, k] = 1 / rest

    def fill(self, members: list[int], products: np.ndarray) -> None:
        """These points in the place of others, with the products of all of them."""
        k = len(members)
        self.members = list(members)
        self._make_room(k)
        self._products[:k, :k] = products + 1
        self._known = False

    def remove(self, place: int) -> None:
        """The point at a place goes, and the last one takes it."""
        k = len(self)
        own = float(self._inverse[place, place]) if self._known else 0.0
        self._known = own > 0
        if self._known:
            column = self._inverse[:k, place].copy()
            self._inverse[:k, :k] -= np.outer(column, column / own)
        for table in (self._products, self._inverse):
            corner = table[k - 1, k - 1]
            table[place, :k] = table[k - 1, :k]
            table[:k, place] = table[:k, k - 1]
            table[place, place] = corner
        self.members[place] = self.members[-1]
        self.members.pop()

    def minimiser(self, linear: np.ndarray, share: np.ndarray) -> np.ndarray | None:
        """The minimum over weights with sum 1, of any sign, of half the square of the combination plus linear @
        weights; None where rounding leaves none that is lower than ``share``.

        A constant added to the linear part changes nothing. If the points are not affinely independent, a ridge of the
        size of rounding makes the matrix regular: where the linear part falls without end, the minimum lies far out in
        that direction.
        """
        k = len(self)
        given = np.ones((k, 2))
        given[:, 1] = linear - linear[0]
        slopes = self._products[:k, :k] @ share - share.sum() + given[:, 1]
        for ridge in (RIDGE,) if given[:, 1].any() else (0.0, RIDGE):  # a bundle's pieces nearly depend on one another
            solved = self._solved(given, ridge)
            total, pulled = (math.nan, math.nan) if solved is None else solved.sum(0).tolist()
            if solved is None or not (math.isfinite(pulled) and 0 < total < math.inf):
                continue
            target = solved[:, 0] * ((1 + pulled) / total) - solved[:, 1]
            if slopes @ (target - share) <= 1e-15 * np.abs(target).sum():
                return target
        return None

    def _solved(self, given: np.ndarray, ridge: float) -> np.ndarray | None:
        """The columns that the products, with the ridge on their diagonal, turn into the given ones."""
        found = self._corrected(given, ridge)
        if found is None:
            self._invert()
            found = self._corrected(given, ridge)
        if found is not None:
            return found
        k = len(self)
        try:
            found = np.linalg.solve(self._products[:k, :k] + ridge * np.eye(k), given)
        except np.linalg.LinAlgError:
            return None
        error = np.abs(self._residual(found, given, ridge)).max()
        return found if error <= GOOD * max(1.0, np.abs(found).max()) else None

    def _corrected(self, given: np.ndarray, ridge: float) -> np.ndarray | None:
        """What the inverse makes of the given columns, corrected twice at most; None if that is not enough."""
        if not self._known:
            return None
        inverse = self._inverse[: len(self), : len(self)]
        found = inverse @ given
        for corrections in range(3):
            error = self._residual(found, given, ridge)
            if np.abs(error).max() <= EXACT * max(1.0, np.abs(found).sum(0).max()):
                return found
            if corrections < 2:
                found = found + inverse @ error
        return None

    def _residual(self, found: np.ndarray, given: np.ndarray, ridge: float) -> np.ndarray:
        return given - self._products[: len(self), : len(self)] @ found - ridge * found

    def _invert(self) -> None:
        k = len(self)
        try:
            inverse = np.linalg.inv(self._products[:k, :k] + RIDGE * np.eye(k))
        except np.linalg.LinAlgError:
            self._known = False
            return
        self._inverse[:k, :k] = inverse
        self._known = bool(np.isfinite(inverse).all())

    def _make_room(self, count: int) -> None:
        if count > len(self._products):
            room = max(16, 2 * count)
            for name in ("_products", "_inverse"):
                table, old = np.zeros((room, room)), getattr(self, name)
                table[: len(old), : len(old)] = old
                setattr(self, name, table)


__all__ = ["Corral"]
