"""What is free for a row, chosen by a linear program: the best choice there is, which descent only comes near to.

The lines of all curves over a box, both lower lines of relu, its corners and the signs of a part of it are constraints
(Ehlers 2017, arXiv 1705.01320). Their multipliers are the slopes and weights of the best bound (Salman et al. 2019,
arXiv 1902.08722). HiGHS finds them in floats, and nothing that it says is trusted: a bound is what `Boxes.above` makes
of them, with all rounding, as of any others.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import Boxes
from subgrad.bounds.backward.walk_back import Step
from subgrad.errors import missing_extra

KINKS = 32  # relus and the like that may go both ways, in parts that are worth a program
BROKEN = 1e4  # what it costs, in largest factors of the row, to break lines and signs: so some point is always allowed
LEAST = 1e-9  # multipliers below this count as 0
AT_ONCE = 256  # rows of a matrix that are made of a linear map


class Solution(NamedTuple):
    """What a program says of a row in a part of a box.

    Attributes:
        slopes: of the lower lines of relu and the like, by the numbers of their steps, of the shape of the step.
        weights: of elements that have a sign in the part, likewise.
        point: where the row is largest by the lines, shape (d,).
    """

    slopes: dict[int, np.ndarray]
    weights: dict[int, np.ndarray]
    point: np.ndarray


class _Kinks(NamedTuple):
    """Elements of a curve with two lower lines, and where the program has these: one for each element, one for each of
    the kinked ones."""

    kinked: np.ndarray
    steep: slice
    flat: slice


@dataclass
class _Program:
    """Ends of variables, and inequalities ``factors @ variables <= limits`` as entries of a sparse matrix."""

    low: np.ndarray
    high: np.ndarray
    limits: list[np.ndarray] = field(default_factory=list)
    entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    count: int = 0

    def add(self, limits: np.ndarray, *terms: tuple[np.ndarray, np.ndarray | float], breakable: bool = False) -> slice:
        """As many as there are finite limits: each term has a variable and a factor for each of them. The last variable
        breaks those that are ``breakable``."""
        if breakable:
            terms = (*terms, (np.full(len(limits), len(self.low) - 1), -1.0))
        known = np.isfinite(limits)
        limits, start = limits[known], self.count
        rows = np.arange(start, start + len(limits))
        self.entries += [(rows, variables[known], np.broadcast_to(by, known.shape)[known]) for variables, by in terms]
        self.limits.append(limits)
        self.count += len(limits)
        return slice(start, self.count)

    def solved(self, cost: np.ndarray, matrix: Any, limits: np.ndarray, seconds: float) -> Any:
        """What SciPy says, with equalities ``matrix @ variables == limits`` as well."""
        own = [np.concatenate([np.empty(0, np.int64), *parts]) for parts in zip(*self.entries, strict=True)]
        rows, columns, values = own or [np.empty(0, np.int64)] * 3
        factors = _scipy().sparse.csr_array((values, (rows, columns)), shape=(self.count, len(cost)))
        return _scipy().optimize.linprog(
            cost, factors, np.concatenate([np.empty(0), *self.limits]), matrix, limits,
            np.stack([self.low, self.high], axis=1), method="highs", options={"time_limit": seconds},
        )  # fmt: skip


class LinearPrograms:
    """The programs of a network: a variable for each element of each step, and one that breaks lines.

    Raises:
        MissingExtraError: without SciPy.
    """

    def __init__(self, steps: list[Step]) -> None:
        _scipy()
        self.steps = steps
        ends = np.cumsum([0, *(math.prod(s.shape) for s in steps)]).tolist()
        self._elements = [np.arange(a, b) for a, b in itertools.pairwise(ends)]
        self._width = ends[-1] + 1

    def kinks(self, boxes: Boxes) -> np.ndarray:
        """How many elements of relu and the like may go both ways in each box, shape (B,)."""
        found = np.zeros(boxes.count, np.int64)
        for k in boxes.relaxations:
            kinked = self._kinked(boxes, k)
            if kinked is not None:
                found += np.broadcast_to(kinked, (boxes.count, *self.steps[k].shape)).reshape(boxes.count, -1).sum(1)
        return found

    def solve(
        self, boxes: Boxes, part: int, row: np.ndarray, signs: dict[int, np.ndarray], seconds: float
    ) -> Solution | None:  # fmt: skip
        """The choice that makes the upper bound of a row of the last step least, in one of the boxes; None without one.

        Args:
            signs: of elements of steps, 1 or -1 where they have that sign in the part, else 0.
            seconds: when to give up.
        """
        if seconds <= 0:  # HiGHS would take it for no limit
            return None
        program = _Program(np.full(self._width, -np.inf), np.full(self._width, np.inf))
        program.low[self._elements[0]], program.high[self._elements[0]] = (_of(e, part) for e in boxes.intervals[0])
        program.low[-1] = 0.0
        kinks, halves = {}, {}
        for k in boxes.relaxations:
            found = self._add_lines(program, boxes, k, part)
            if found is not None:
                kinks[k] = found
        for i, sign in signs.items():
            some = np.flatnonzero(sign)
            side = -sign.ravel()[some].astype(np.float64)
            halves[i] = some, program.add(np.zeros(len(some)), (self._elements[i][some], side), breakable=True)
        cost = np.zeros(self._width)
        cost[self._elements[-1]] = -row.ravel()
        cost[-1] = BROKEN * max(1.0, float(np.abs(row).max(initial=0.0)))
        found = program.solved(cost, *self._affine, seconds)
        if found.x is None or found.status != 0:
            return None
        multipliers, weights = np.maximum(-found.ineqlin.marginals, 0.0), {}
        for i, (some, at) in halves.items():
            weights[i] = np.zeros(self.steps[i].shape)
            weights[i].ravel()[some] = multipliers[at]
        slopes = {k: self._slopes(boxes, k, part, where, multipliers) for k, where in kinks.items()}
        return Solution(slopes, weights, found.x[self._elements[0]])

    def _add_lines(self, program: _Program, boxes: Boxes, k: int, part: int) -> _Kinks | None:
        """The lines of a curve; where two lower ones are, if it has such."""
        relaxed, z = boxes.relaxations[k], self._elements[k]
        pairs = [[_of(p, part) for p in pair] for pair in relaxed.slopes]
        below, above = (np.zeros(z.size) if o is None else _of(o, part) for o in (relaxed.low, relaxed.high))
        if any(s.size != z.size for pair in pairs for s in pair):  # nothing of its inputs
            program.low[z], program.high[z] = below, above
            return None
        inputs = [self._elements[i] for i in self.steps[k].inputs]
        lower, upper = ([(x, side * pair[j]) for x, pair in zip(inputs, pairs, strict=True)]
                        for j, side in ((0, 1.0), (1, -1.0)))  # fmt: skip
        program.add(above, (z, 1.0), *upper, breakable=True)
        made, every = self.steps[k].made, self._kinked(boxes, k)
        if every is None or not isinstance(made, Curve) or made.least is None:
            program.add(-below, (z, -1.0), *lower)
            return None
        kinked, ((x, slope),) = _of(every, part), lower
        steep = program.add(np.zeros(z.size), (z, -1.0), (x, np.where(kinked, 1.0, slope)))
        flat = program.add(np.zeros(kinked.sum()), (z[kinked], -1.0), (x[kinked], made.least))
        return _Kinks(kinked, steep, flat)

    def _slopes(self, boxes: Boxes, k: int, part: int, where: _Kinks, multipliers: np.ndarray) -> np.ndarray:
        """Between the two lower lines, as much of each as its multiplier says."""
        made, found = self.steps[k].made, _of(boxes.relaxations[k].slopes[0][0], part).copy()
        assert isinstance(made, Curve)
        assert made.least is not None
        steep, flat = multipliers[where.steep][where.kinked], multipliers[where.flat]
        total = steep + flat
        between = np.clip((steep + made.least * flat) / np.maximum(total, LEAST), made.least, 1.0)
        found[where.kinked] = np.where(total > LEAST, between, found[where.kinked])
        return found.reshape(self.steps[k].shape)

    def _kinked(self, boxes: Boxes, k: int) -> np.ndarray | None:
        """Which elements of a curve have two lower lines in each box; None of other curves."""
        made = self.steps[k].made
        if not isinstance(made, Curve) or made.least is None:
            return None
        return made.open([boxes.intervals[i] for i in self.steps[k].inputs])

    @cached_property
    def _affine(self) -> tuple[Any, np.ndarray]:
        """The equations of affine steps."""
        entries, limits, count = [], [np.empty(0)], 0
        for k, step in enumerate(self.steps):
            if not isinstance(step.made, Affine):
                continue
            z = self._elements[k]
            entries.append((np.arange(count, count + z.size), z, np.ones(z.size)))
            for (_, part), i in zip(step.made.parts, step.inputs, strict=True):
                x = self._elements[i]
                for start in range(0, x.size, AT_ONCE):
                    one = np.eye(min(AT_ONCE, x.size - start), x.size, start)
                    by = part.forward(one.reshape(len(one), *self.steps[i].shape)).reshape(len(one), z.size)
                    source, to = np.nonzero(by)
                    entries.append((count + to, x[start + source], -by[source, to]))
            limits.append(np.zeros(z.size) if step.made.centre is None else np.ravel(step.made.centre))
            count += z.size
        rows, columns, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
        matrix = _scipy().sparse.csr_array((values, (rows, columns)), shape=(count, self._width))
        return matrix, np.concatenate(limits)


def _of(x: np.ndarray, part: int) -> np.ndarray:
    """What belongs to one of the boxes, in a row."""
    return x[part if len(x) > 1 else 0].ravel()


def _scipy() -> Any:
    try:
        import scipy.optimize
        import scipy.sparse
    except ImportError:
        raise missing_extra("scipy", "verify", "bounding by linear programs (lp=True)") from None
    return scipy


__all__ = ["KINKS", "LinearPrograms", "Solution"]
