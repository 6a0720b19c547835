"""The cases of a property that have the same box: polytopes of outputs, which share rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from subgrad.bounds.vnnlib.unreachable import Case


@dataclass(frozen=True, eq=False)
class Polytopes:
    """Outputs y with ``rows[i] @ y <= limits[i]`` for all i of a member.

    Attributes:
        box: shape (d, 2), which holds all points.
        points: shape (d, 2), a box whose points are among them, of float32 where it has any; see `around`.
        rows: shape (m, k).
        limits: shape (m, 2), the floats around each limit.
        members: for each polytope the numbers of its rows.
    """

    box: np.ndarray
    points: np.ndarray
    rows: np.ndarray
    limits: np.ndarray
    members: list[np.ndarray]

    def around(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points as numbers of float32, if some lie in the box, so that others can run the network there; as boxes
        (low, high) of a point each, but for coordinates of which no float lies in the box: they are its whole side."""
        low, high = self.points.T
        near = np.clip(at.astype(np.float32).astype(np.float64), low, high)
        none = low > high
        return np.where(none, self.box[:, 0], near), np.where(none, self.box[:, 1], near)

    def excess(self, below: np.ndarray) -> np.ndarray:
        """At least the least amount by which some row keeps outputs inside of a polytope, for lower bounds (B, m) of
        the rows: negative in boxes in which no output is in it. Shape (B, polytopes)."""
        inside = np.nextafter(self.limits[:, 1] - below, np.inf)
        return np.stack([inside[:, rows].min(axis=1) for rows in self.members], axis=1)


def gathered(cases: Sequence[Case]) -> list[Polytopes]:
    """All cases, those with the same box together. Rows are of outputs and all inputs, if some case speaks of those."""
    if any(c.inputs is not None for c in cases):
        cases = [_of_all(c) for c in cases]
    boxes: dict[bytes, list[Case]] = {}
    for case in cases:
        boxes.setdefault(case.box.tobytes() + case.inside.tobytes(), []).append(case)
    return [_together(group) for group in boxes.values()]


def _of_all(case: Case) -> Case:
    none = np.zeros((case.rows, len(case.box)))
    matrix = np.concatenate([case.matrix, none if case.inputs is None else case.inputs], axis=1)
    return replace(case, matrix=matrix, inputs=None)


def _together(cases: Sequence[Case]) -> Polytopes:
    every = np.concatenate([np.concatenate([c.matrix, c.limits], axis=1) for c in cases]) + 0.0
    rows, place = np.unique(every, axis=0, return_inverse=True)
    ends = np.cumsum([0, *(c.rows for c in cases)])
    members = [place.ravel()[a:b] for a, b in itertools.pairwise(ends)]
    box, inside = cases[0].box, cases[0].inside
    return Polytopes(box, _of_float32(inside), rows[:, :-2], rows[:, -2:], members)


def _of_float32(inside: np.ndarray) -> np.ndarray:
    """The largest box of float32 ends inside; as it was where there is none."""
    with np.errstate(all="ignore"):
        near = inside.astype(np.float32)
        low = np.where(near[:, 0] < inside[:, 0], np.nextafter(near[:, 0], np.float32(np.inf)), near[:, 0])
        high = np.where(near[:, 1] > inside[:, 1], np.nextafter(near[:, 1], np.float32(-np.inf)), near[:, 1])
    found = np.stack([low, high], axis=1).astype(np.float64)
    return np.where((found[:, :1] <= found[:, 1:]), found, inside)


__all__ = ["Polytopes", "gathered"]
