"""The cells around a point: open cones of directions that do not overlap, on each of which a function is linear.

They are found by a depth-first search over the kinks in topological order. On the current cone the arguments of the
next kink are linear functions. The cone is divided into the parts on which one of them, or 0, is the largest; a linear
program decides whether a part has an interior.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from operator import mul
from typing import NoReturn

import numpy as np

from subgrad.kinks.hull.normal_form import NormalForm
from subgrad.kinks.hull.programs import NARROW, interior
from subgrad.kinks.one_sided.jumps import jump_error

CANCELLED = 1e-13
"""A sum that is smaller than this, relative to its terms, counts as 0."""

JUMPS = 1e-12
"""Branches of a `where` count as equal if they differ by less than this, relative to the terms of the difference."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A cone {d: rows @ d >= 0} with an interior, and the gradient of the function there.

    Attributes:
        winners: for each active kink which of its arguments is the largest in the cell, 0 for the constant 0.
        rows: shape (m, n): the sides of the cone.
        direction: shape (n,): a direction in its interior.
        gradient: shape (n,).
    """

    winners: tuple[int, ...]
    rows: np.ndarray
    direction: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True, eq=False)
class _Branch:
    """A cone on which the first kinks are settled: ``values[k]`` is the linear function that kink k is there."""

    rows: np.ndarray
    direction: np.ndarray
    values: np.ndarray
    winners: tuple[int, ...] = ()


class _Stopped(Exception):
    """Raised with the reason for which not all cells can be found."""


class Enumeration:
    """Walks through the cells of a form; at most ``budget`` linear programs, and at most as many cells.

    Attributes:
        cells: those found.
        empty: the sides of the cones in which a linear program found nothing.
        missing: why they may not be all; empty if they are.
        cancelled: whether functions that differ by what rounding may leave were taken for one, or rounding hides a
            gradient whose terms cancel.
        programs: how many linear programs were solved.
    """

    def __init__(self, form: NormalForm, budget: int) -> None:
        self.form, self.budget, self.programs = form, budget, 0
        self.cells: list[Cell] = []
        self.empty: list[np.ndarray] = []
        self.missing, self.cancelled = "", form.cancelled
        n = form.gradient.size
        stack = [_Branch(np.zeros((0, n)), np.ones(n), np.zeros((0, n)))]
        try:
            while stack:
                branch = stack.pop()
                if len(branch.values) == len(form.effects):
                    self._finish(branch)
                else:
                    stack.extend(self._children(branch))
        except _Stopped as why:
            self.missing = str(why)

    def _finish(self, branch: _Branch) -> None:
        if len(self.cells) == self.budget:
            self._spent()
        gradient = self.form.gradient + self.form.effects @ branch.values
        self.cancelled = self.cancelled or self._is_hidden(gradient, branch.values)
        self.cells.append(Cell(branch.winners, branch.rows, branch.direction, gradient + 0.0))

    def _is_hidden(self, gradient: np.ndarray, values: np.ndarray) -> bool:
        """Whether a number of a gradient is small beside its terms, and is not exactly their sum."""
        first, effects = self.form.gradient, self.form.effects
        small = np.abs(gradient) <= CANCELLED * (np.abs(first) + np.abs(effects) @ np.abs(values))
        factors = [Fraction(1), *map(Fraction, effects.tolist())]
        return any(
            sum(map(mul, factors, map(Fraction, [float(first[i]), *values[:, i].tolist()]))) != Fraction(gradient[i])
            for i in np.flatnonzero(small).tolist()
        )

    def _spent(self) -> NoReturn:
        raise _Stopped(f"the budget of {self.budget} is spent")

    def _children(self, branch: _Branch) -> list[_Branch]:
        """The branch with the next kink settled: one for each argument that is the largest somewhere."""
        functions, winners = self._candidates(branch)
        parts = []
        for i in range(len(winners)):
            rows = _leads(functions, i)
            direction = self._reach(branch, rows)
            if direction is not None:
                parts.append((i, direction))
        present = [i for i, _ in parts]  # what wins nowhere limits no other
        values = self._values(branch, functions, [winners[i] for i in present])
        return [
            _Branch(
                np.vstack([branch.rows, _leads(functions[present], present.index(i))]), direction,
                np.vstack([branch.values, values[i]]), (*branch.winners, winners[i]),
            )
            for i, direction in parts
        ]  # fmt: skip

    def _values(self, branch: _Branch, functions: np.ndarray, present: list[int]) -> np.ndarray:
        """What the next kink is on each part: the function that is largest there, or for a `where` what it adds.

        Raises `GradientError` for a `where` that jumps between the parts.
        """
        jump = self.form.jumps[len(branch.values)]
        if jump is None:
            return functions
        k = len(branch.values)
        added = jump.row + jump.coupling[:k] @ branch.values
        size = np.abs(jump.row) + np.abs(jump.coupling[:k]) @ np.abs(branch.values)
        if len(functions) == 1 or len(present) == 2:
            rest = added - _along(added, functions[-1])
            if (np.abs(rest) > JUMPS * size).any():
                if not self.form.arguments[k].any():
                    place = f"the where at {jump.node.site}"
                    raise _Stopped(f"the condition of {place} is not one comparison that first derivatives decide")
                raise jump_error(jump.node)
        return np.array([0 * added, jump.factor * added])[: len(functions)]

    def _candidates(self, branch: _Branch) -> tuple[np.ndarray, list[int]]:
        """0 and the arguments of the next kink on the cone, each once, and which they are."""
        k = len(branch.values)
        factors = self.form.couplings[k][:, :k]
        arguments = self.form.arguments[k] + factors @ branch.values
        sizes = np.abs(self.form.arguments[k]) + np.abs(factors) @ np.abs(branch.values)
        functions, scales = [np.zeros(arguments.shape[1])], [np.zeros(arguments.shape[1])]
        winners = [0]
        for i, (row, size) in enumerate(zip(arguments, sizes, strict=True), 1):
            same = [(np.abs(row - f) <= CANCELLED * (size + s)).all() for f, s in zip(functions, scales, strict=True)]
            if not any(same):
                functions.append(row)
                scales.append(size)
                winners.append(i)
            elif (row != functions[same.index(True)]).any():
                self.cancelled = True
        return np.array(functions), winners

    def _reach(self, branch: _Branch, rows: np.ndarray) -> np.ndarray | None:
        """A direction in the branch's cone with rows @ d > 0: the known one, a shift of it, or what a program finds."""
        if (rows @ branch.direction > NARROW).all():
            return branch.direction
        together = np.vstack([branch.rows, rows])
        shifted = _shifted(branch, rows, together)
        if (together @ shifted > NARROW).all():
            return shifted
        if self.programs == self.budget:
            self._spent()
        self.programs += 1
        found = interior(together)
        if found is None:
            self.empty.append(together)
        return found


def _along(vector: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The part of a vector in the direction of another one; 0 if that is 0."""
    size = np.abs(other).max()
    unit = other / size if size else other
    return (vector @ unit) / max(unit @ unit, 1.0) * unit


def _leads(functions: np.ndarray, i: int) -> np.ndarray:
    """By how much the i-th function exceeds each other one, as rows with a largest element between 1/2 and 1 in
    magnitude; powers of 2 scale them, so that no digit is lost."""
    rows = functions[i] - np.delete(functions, i, axis=0)
    return np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1, keepdims=True))[1])


def _shifted(branch: _Branch, rows: np.ndarray, together: np.ndarray) -> np.ndarray:
    """The branch's direction moved so that the products with ``rows`` become 1 and those with its own rows stay, if
    that can be; in the unit box."""
    wanted = np.append(np.zeros(len(branch.rows)), 1 - rows @ branch.direction)
    moved = branch.direction + np.linalg.lstsq(together, wanted, rcond=None)[0]
    return moved / max(np.abs(moved).max(), NARROW)
