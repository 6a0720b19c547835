"""Branch and bound on relu units: each part of the box is where some of them have one sign.

In a part such a unit is linear, and a multiplier tightens the bound by its sign (beta-CROWN: Wang et al. 2021, arXiv
2103.06624; see `subgrad.bounds.backward.tightening`). The intervals of all units are found once, on the whole box. Of
the units that lose most, that one is split whose worse half is bounded best (as De Palma et al., "Improved branch and
bound for neural network verification via Lagrangian decomposition", 2021, arXiv 2104.06718, filter them).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import Boxes
from subgrad.bounds.backward.rows_back import Choice
from subgrad.bounds.backward.tightening import Tightened, tightened
from subgrad.bounds.backward.walk_back import Step
from subgrad.bounds.branching.arrays_of_parts import Columns
from subgrad.bounds.branching.branch_and_bound import BranchAndBound, Evidence
from subgrad.bounds.branching.linear_programs import KINKS
from subgrad.bounds.branching.lost import losses
from subgrad.bounds.branching.shown_parts import Decided, ShownParts
from subgrad.bounds.chains.float_descent import FloatDescent
from subgrad.intervals.arithmetic import Interval

AT_FIRST, LATER = 40, 12  # rounds of descent for the whole box, and for a part,
ALONE = 150  # and for one that has no units left to split
CANDIDATES = 8  # units of a part that are tried
LEAST = 4  # parts that a thread takes
MANY = 64  # parts that are split in a round
ROOMY = 2**25  # numbers of open parts: with more than that, those that are nearly done come first


@dataclass(frozen=True, eq=False)
class Nodes(Columns):
    """Parts of the box, in which a row may be below its limit. W is the number of units.

    Attributes:
        row: the number of the row, shape (n,).
        signs: those of the units that are split, 1 or -1, else 0; shape (n, W).
        slopes, weights: what is chosen for the units, in float32, shape (n, W).
        unit: which one to split, -1 for none; shape (n,).
        rises: the inputs that are at their upper ends where the linear bound is least, shape (n, d).
        excess: as `Parts` has it.
    """

    row: np.ndarray
    signs: np.ndarray
    slopes: np.ndarray
    weights: np.ndarray
    unit: np.ndarray
    rises: np.ndarray
    excess: np.ndarray


class UnitSplitting(BranchAndBound):
    """A search in parts of a box, by signs of units."""

    def _first(self) -> Nodes:
        low, high = self.polytopes.box.T[:, None]
        whole = self.bounds.over(low, high)
        self.boxes += 1
        steps = whole.steps
        self._curves = {k: steps[k].inputs[0] for k in split_curves(steps)}
        ends = np.cumsum([0, *(math.prod(steps[i].shape) for i in self._curves.values())]).tolist()
        self._columns = dict(zip(self._curves.values(), map(slice, ends[:-1], ends[1:]), strict=True))
        self._parts = ShownParts()
        self._points: list[np.ndarray] = []
        if (excess := self.polytopes.excess(whole.below(self.polytopes.rows).bound)[0]).max() < 0:
            self.leaves.append((low, high))
        else:
            whole = self._refined(whole)
        self._smooth = [k for k in whole.relaxations if _is_parallel(whole, k)]
        arguments = [steps[k].inputs[0] for k in self._smooth]
        arguments = [i for i in arguments if isinstance(steps[i].made, Affine)]
        self._inner = {i: whole.intervals[i] for i in (*self._curves.values(), *arguments)}
        self._floats = self._in_floats()
        found = whole.below(self.polytopes.rows).bound
        excess = np.minimum(excess, self.polytopes.excess(found)[0])
        self.done = float(excess[excess < 0].max(initial=-np.inf))
        off = self.polytopes.limits[:, 1] - found[0]
        rows = np.array([m[np.argmin(off[m])] for m in self.polytopes.members], int)
        slopes = self._slopes(whole)[np.zeros(len(rows), int)]
        signs, weights, left = np.zeros(slopes.shape, np.int8), np.zeros(slopes.shape), excess >= 0
        smooth = self._smooth_slopes(whole)[np.zeros(len(rows), int)]
        self._parts.decided(Decided(rows, signs, slopes, weights, smooth)[~left])
        return self._bounded(rows[left], signs[left], slopes[left], weights[left], AT_FIRST)

    def evidence(self) -> Evidence | None:
        found = super().evidence()
        if found is not None:
            return found
        arrays = self._parts.arrays()
        if arrays is None:
            return None
        units, smooth = self._elements(self._columns)[self._parts.units], self._elements(self._smooth)
        return Evidence("signs", {"units": units, "smooth": smooth, **arrays})

    def _elements(self, steps: Iterable[int]) -> np.ndarray:
        """All elements of some steps: the number of the step and that of the element, shape (n, 2)."""
        sizes = [(k, math.prod(self.bounds.steps[k].shape)) for k in steps]
        each = [np.stack([np.full(n, k), np.arange(n)], axis=1) for k, n in sizes]
        return np.concatenate([np.empty((0, 2), np.int64), *each])

    def _corners(self, parts: Nodes) -> np.ndarray:
        low, high = self.polytopes.box.T
        return np.where(parts.rises, high, low)

    def _round(self, number: int) -> Nodes | None:
        """Split the worst parts, and look for counter-examples in them."""
        assert isinstance(self.open, Nodes)
        ready = np.flatnonzero(self.open.unit >= 0)
        if not len(ready):
            return None
        order = self.open.excess[ready]
        order = -order if self.open.slopes.size < ROOMY else order
        chosen = ready[np.argsort(order, kind="stable")[:MANY]]
        nodes, others = self.open[chosen], self.open[np.setdiff1d(np.arange(len(self.open)), chosen)]
        signs = np.repeat(nodes.signs, 2, axis=0)
        signs[np.arange(len(signs)), np.repeat(nodes.unit, 2)] = np.tile([1, -1], len(nodes))
        row, slopes, weights = (np.repeat(x, 2, axis=0) for x in (nodes.row, nodes.slopes, nodes.weights))
        found = Nodes.joined(others, self._bounded(row, signs, slopes, weights, LATER))
        if len(found):
            self._look(self._corners(nodes), number)
        return found

    def _refined(self, whole: Boxes) -> Boxes:
        """The whole box, with intervals of units by descent, as long as their signs are open."""
        low, high = self.polytopes.box.T[:, None]
        inside: dict[int, Interval] = {}
        for i in sorted(self._columns):
            a, b = (np.array(e, np.float64).ravel() for e in whole.intervals[i])
            units = np.flatnonzero((a < 0) & (b > 0))
            numbers = self._columns[i].start + units
            if not whole.steps[i].tight and len(units) and not self.late():
                rows = np.zeros((2 * len(units), a.size))
                rows[np.arange(len(rows)), np.tile(units, 2)] = np.repeat([1.0, -1.0], len(units))
                rows = rows.reshape(-1, *whole.steps[i].shape)

                def share(
                    s: slice, i: int = i, rows: np.ndarray = rows, whole: Boxes = whole
                ) -> tuple[np.ndarray, np.ndarray]:
                    owner = np.zeros(len(rows[s]), int)
                    found = tightened(whole, i, rows[s], owner, LATER, 0.0, late=self.late)
                    return found.above, self._chosen(whole, found.choice, np.zeros(len(found.above), int))

                above, slopes = map(np.concatenate, zip(*self._shares(share, len(rows), LEAST), strict=True))
                self._parts.bounded(numbers, slopes)
                b[units] = np.minimum(b[units], above[: len(units)])
                a[units] = np.maximum(a[units], -above[len(units) :])
                shape = whole.intervals[i].low.shape
                inside[i] = Interval(a.reshape(shape), b.reshape(shape))
                whole = self.bounds.over(low, high, dict(inside))
            self._parts.units = np.append(self._parts.units, numbers)
        return whole

    # Parts

    def _bounded(
        self, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray, rounds: int
    ) -> Nodes:  # fmt: skip
        """Those of the parts that are not decided, and which of their units to split."""
        self.boxes += len(row)

        def share(s: slice) -> tuple[Nodes, Decided, float]:
            found = self._part_bounded(row[s], signs[s], slopes[s], weights[s], rounds)
            found = self._tried_harder(*found, found[0].unit < 0, self._by_descent)
            if not self.lp:
                return found
            few = (found[0].unit < 0) | (self._free_kinks(found[0].signs) <= KINKS)
            return self._tried_harder(*found, few, self._by_programs)

        found = self._shares(share, len(row), LEAST)
        self.done = max(self.done, *(done for _, _, done in found))
        for _, decided, _ in found:
            self._parts.decided(decided)
        if self._points:
            self._try(np.stack(self._points))
            self._points.clear()
        return Nodes.joined(*(nodes for nodes, _, _ in found))

    def _part_bounded(
        self, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray, rounds: int
    ) -> tuple[Nodes, Decided, float]:  # fmt: skip
        if not len(row):
            none = np.empty((0, len(self.polytopes.box)), bool)
            undecided = Nodes(row, signs, slopes, weights, np.empty(0, int), none, np.empty(0))
            smooth = np.empty((0, len(self._elements(self._smooth))))
            return undecided, Decided(row, signs, slopes, weights, smooth), -np.inf
        over = self._over(signs)
        if self._floats is not None and rounds:
            wanted = -self.polytopes.limits[row, 1]
            near = self._floats.chosen(row, signs, slopes, weights, rounds, wanted, self.late)
            slopes, weights, rounds = near.slopes, near.weights, 0
        slopes, weights = slopes.astype(np.float64), weights.astype(np.float64)
        tight = self._tight(over, row, signs, slopes, weights, rounds)
        limits = self.polytopes.limits[row, 1]
        excess = np.nextafter(limits + tight.above, np.inf)
        slopes = self._chosen(over, tight.choice, np.arange(len(row)))
        weights = self._weights(tight.choice, len(row))
        decided = Decided(row, signs, slopes, weights, self._smooth_slopes(over))[excess < 0]
        left = np.flatnonzero(excess >= 0)
        trail = {k: t[left] for k, t in tight.choice.trail.items() if k in self._curves}
        lost = losses(over, trail, left)
        score = np.zeros((len(left), signs.shape[1]))
        for k, i in self._curves.items():
            if k in lost:
                score[:, self._columns[i]] = _flat(lost[k])
        slopes, weights = slopes[left].astype(np.float32), weights[left].astype(np.float32)
        unit, rises = np.full(len(left), -1), tight.slopes[left] > 0
        found = Nodes(row[left], signs[left], slopes, weights, unit, rises, excess[left])
        found.unit[:] = self._unit(found, np.where(found.signs == 0, score, 0.0))
        return found, decided, _most(excess)

    def _tried_harder(
        self, found: Nodes, decided: Decided, done: float, some: np.ndarray,
        how: Callable[[Nodes], tuple[Nodes, Decided, float]],
    ) -> tuple[Nodes, Decided, float]:  # fmt: skip
        """Some of the parts are bounded once more."""
        if not some.any():
            return found, decided, done
        last, more, most = how(found[some])
        return Nodes.joined(found[~some], last), Decided.joined(decided, more), max(done, most)

    def _by_descent(self, nodes: Nodes) -> tuple[Nodes, Decided, float]:
        return self._part_bounded(nodes.row, nodes.signs, nodes.slopes, nodes.weights, ALONE)

    def _free_kinks(self, signs: np.ndarray) -> np.ndarray:
        """How many units may have both signs in each part, shape (n,)."""
        found = np.zeros(len(signs), int)
        for i, own in self._columns.items():
            low, high = (e.ravel() for e in self._inner[i])
            found += ((signs[:, own] == 0) & (low < 0) & (high > 0)).sum(axis=1)
        return found

    def _by_programs(self, nodes: Nodes) -> tuple[Nodes, Decided, float]:
        """Bounds by linear programs, whose points are tried as counter-examples."""
        over, slopes, weights = self._over(nodes.signs), nodes.slopes.copy(), nodes.weights.copy()
        shapes = {i: over.steps[i].shape for i in self._columns}
        for part, row in enumerate(nodes.row):
            signs = {i: nodes.signs[part, own].reshape(shapes[i]) for i, own in self._columns.items()}
            solved = self._programs.solve(over, part, -self.polytopes.rows[row], signs, self._seconds_left())
            if solved is not None:
                self._points.append(solved.point)
                for k, i in self._curves.items():
                    slopes[part, self._columns[i]] = solved.slopes[k].ravel()
                    weights[part, self._columns[i]] = solved.weights[i].ravel()
        return self._part_bounded(nodes.row, nodes.signs, slopes, weights, 0)

    def _unit(self, nodes: Nodes, score: np.ndarray) -> np.ndarray:
        """The unit of each part whose worse half has the best bound, of those with the highest scores."""
        n, width = score.shape
        count = min(CANDIDATES, width)
        if not n or not count:
            return np.full(n, -1)
        best = np.argpartition(-score, count - 1, axis=1)[:, :count]
        row, signs, slopes, weights = (
            np.repeat(x, 2 * count, axis=0) for x in (nodes.row, nodes.signs, nodes.slopes, nodes.weights)
        )
        signs[np.arange(len(signs)), np.repeat(best.ravel(), 2)] = np.tile([1, -1], n * count)
        above = self._quickly(row, signs, slopes, weights)
        worse = np.maximum(above, -self.polytopes.limits[row, 1]).reshape(n, count, 2)
        scores = np.take_along_axis(score, best, axis=1)
        worse = np.where(scores > 0, worse.sum(axis=2), np.inf)
        found = best[np.arange(n), np.lexsort((-scores, worse), axis=1)[:, 0]]
        return np.where((scores > 0).any(axis=1), found, -1)

    def _quickly(self, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """About what no value of the rows exceeds, by what is chosen."""
        if self._floats is not None:
            return self._floats.bound(row, signs, slopes, weights)
        return self._tight(self._over(signs), row, signs, slopes, weights, 0).above

    def _in_floats(self) -> FloatDescent | None:
        """The descent in float32, if the network is a chain of layers, whose bends are all to be split."""
        layers = self._layers
        if layers is None or [layer.step for layer in layers[:-1]] != list(self._columns):
            return None
        ends = [self._inner[layer.step] for layer in layers[:-1]]
        return FloatDescent(layers, ends, self.polytopes.box, -self.polytopes.rows)

    def _over(self, signs: np.ndarray) -> Boxes:
        """The steps over parts: the whole box, with the intervals of units cut at 0."""
        low, high = (np.broadcast_to(e, (len(signs), len(e))) for e in self.polytopes.box.T)
        inside = {}
        for i, (a, b) in self._inner.items():
            sign = signs[:, self._columns[i]] if i in self._columns else np.zeros((len(signs), a[0].size))
            sign = sign.reshape(len(signs), *a.shape[1:])
            inside[i] = Interval(np.where(sign > 0, np.maximum(a, 0.0), a), np.where(sign < 0, np.minimum(b, 0.0), b))
        return self.bounds.over(low, high, inside, refined=False)

    def _tight(
        self, over: Boxes, row: np.ndarray, signs: np.ndarray, slopes: np.ndarray, weights: np.ndarray, rounds: int
    ) -> Tightened:  # fmt: skip
        last = len(over.steps) - 1
        a = -self.polytopes.rows[row].reshape(-1, *over.steps[last].shape)
        start, known = Choice(), {}
        for k, i in self._curves.items():
            shape, own = (len(row), *over.steps[i].shape), self._columns[i]
            start.slopes[k], start.added[i], sign = (x[:, own].reshape(shape) for x in (slopes, weights, signs))
            made = over.steps[k].made
            if isinstance(made, Curve) and made.least is not None:  # a float32 may lie beside the least slope
                start.slopes[k] = np.clip(start.slopes[k], made.least, 1.0)
            if sign.any():
                known[i] = sign
        wanted = -self.polytopes.limits[row, 1]
        return tightened(over, last, a, np.arange(len(row)), rounds, wanted, known, start, self.late)

    def _chosen(self, over: Boxes, choice: Choice, owner: np.ndarray) -> np.ndarray:
        """The slopes of all units side by side, of rows in the parts ``owner``."""
        slopes = self._slopes(over)[owner]
        for k, i in self._curves.items():
            if k in choice.slopes:
                slopes[:, self._columns[i]] = _flat(choice.slopes[k])
        return slopes

    def _weights(self, choice: Choice, count: int) -> np.ndarray:
        """The multipliers of all units side by side, of so many rows."""
        weights = np.zeros((count, max(c.stop for c in self._columns.values())))
        for i, columns in self._columns.items():
            if i in choice.added:
                weights[:, columns] = _flat(np.abs(choice.added[i]))
        return weights

    def _slopes(self, over: Boxes) -> np.ndarray:
        return self._of_lines(over, self._curves)

    def _smooth_slopes(self, over: Boxes) -> np.ndarray:
        return self._of_lines(over, self._smooth)

    def _of_lines(self, over: Boxes, curves: Iterable[int]) -> np.ndarray:
        """The slopes of the lines below some curves side by side."""
        none = np.zeros((over.count, 0))
        parts = (_flat(over.relaxations[k].slopes[0][0]) for k in curves)
        return np.concatenate([none, *parts], axis=1)


def _is_parallel(over: Boxes, k: int) -> bool:
    """Whether a curve is smooth, with a pair of parallel lines."""
    made, slopes = over.steps[k].made, over.relaxations[k].slopes
    return isinstance(made, Curve) and not made.pieces and len(slopes) == 1 and slopes[0][0].ndim > 1


def _flat(x: np.ndarray) -> np.ndarray:
    """Elements side by side, for each row; there may be none."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _most(excess: np.ndarray) -> float:
    """The largest excess of what is decided."""
    return float(excess[excess < 0].max(initial=-np.inf))


def split_curves(steps: list[Step]) -> list[int]:
    """The steps that are relu, or bent elsewise, of something affine: each of a step of its own."""
    found = {}
    for k, step in enumerate(steps):
        if getattr(step.made, "least", None) is not None:
            found.setdefault(step.inputs[0], k)
    return list(found.values())


__all__ = ["Nodes", "UnitSplitting", "split_curves"]
