"""The assumptions under which a subgradient is exact, as sentences; and a test of `where` for jumps near the point."""

from __future__ import annotations

import numpy as np

from subgrad.errors import GradientError
from subgrad.graph import source_location
from subgrad.graph.tensor import Tensor
from subgrad.kinks.one_sided.branch_selection import Points, random_direction
from subgrad.kinks.one_sided.corners import margin, snapped
from subgrad.kinks.one_sided.walk import TiedWhere, Walk, live
from subgrad.kinks.problem import Problem

CLOSE = 2.0**-10
"""The distance of the two directions that are compared to test a `where`; so small that few kinks lie between them."""


HALVINGS = 40
"""How often the interval between two directions is halved to find the direction at which a condition switches."""


def by_hand(walk: Walk) -> list[str]:
    """An assumption for each derivative that is written by hand."""
    return [f"the derivative written by hand at {node.site} is that of its function" for node in walk.by_hand]


def snap(problem: Problem, tau: float) -> tuple[Points, list[str]]:
    """Inputs moved onto the kink for each node that is within tau of its kink, and a sentence for each node."""
    points: Points = {}
    said: list[str] = []
    if tau == 0:
        return points, said
    for node in live(problem.y, problem.sources):
        if node.op.kink is None:
            continue
        xs = [i.numpy() for i in node.inputs]
        away = margin(node, xs)
        moved = (away > 0) & (away <= tau)
        if moved.any():
            points[node] = snapped(node, xs, tau)
            count, furthest = int(moved.sum()), float(away[moved].max())
            said.append(
                f"{node.op.name} at {node.site}: {count} elements up to {furthest:.3g} away count as on the kink"
            )
    return points, said


def continuous(problem: Problem, points: Points, walk: Walk, seed: int) -> list[str]:
    """An assumption for each `where` at its threshold; raises `GradientError` if one has a jump near the point.

    The branches have equal values at x. To first order they have equal values on the whole surface where the condition
    switches only if, along every direction, the difference of their slopes is proportional to the slope of the
    condition. This is tested for two directions. A condition of several comparisons has no slope: then the branches are
    compared at a direction, between these two, at which the condition switches.
    """
    if not walk.pieces:
        return []
    first, step = (random_direction(problem.sources, [seed, k]) for k in (1, 2))
    second = [a + CLOSE * d for a, d in zip(first, step, strict=True)]
    before = Walk(problem.y, problem.sources, first, points)
    after = Walk(problem.y, problem.sources, second, points)
    for node, piece in before.pieces.items():
        joined = piece.on & np.isnan(piece.slope)
        fits = _in_proportion(piece, after.pieces[node], ~joined, node.dtype)
        if not fits or (joined.any() and not _meets(problem, points, node, joined, first, seed)):
            with source_location.inherit(node.site, node.scope):
                raise GradientError(
                    f"{node.op.name} is at its threshold, and its branches, equal here, differ nearby: it jumps there"
                )
    return [f"where at {node.site}: its branches agree, as they do here to first order" for node in before.pieces]


def _meets(
    problem: Problem, points: Points, node: Tensor, joined: np.ndarray, first: list[Tensor], seed: int
) -> bool:
    """Whether the branches have one slope where the condition switches, on the ways from a direction to others."""

    def at(along: list[Tensor]) -> Walk:
        return Walk(problem.y, problem.sources, along, points)

    for k in range(3, 11):
        near, far = first, random_direction(problem.sources, [seed, k])
        switched = joined & (_branch(at(near), node) != _branch(at(far), node))
        if switched.any():
            i = tuple(np.argwhere(switched)[0])
            for _ in range(HALVINGS):
                middle = [(a + b) / 2 for a, b in zip(near, far, strict=True)]
                same = _branch(at(middle), node)[i] == _branch(at(near), node)[i]
                near, far = (middle, far) if same else (near, middle)
            piece = at(near).pieces[node]
            if not np.abs(piece.gap[i]) <= 2.0 ** (8 - HALVINGS) * (1 + piece.size[i]):
                return False
    return True


def _branch(walk: Walk, node: Tensor) -> np.ndarray:
    return walk.switches[node.inputs[0]].after


def _in_proportion(a: TiedWhere, b: TiedWhere, which: np.ndarray, dtype: np.dtype) -> bool:
    apart = np.abs(a.gap * b.slope - b.gap * a.slope)
    rounding = 64 * np.finfo(dtype).eps * (a.size * np.abs(b.slope) + b.size * np.abs(a.slope))
    return bool((apart <= rounding)[a.on & which].all())


__all__ = ["by_hand", "continuous", "snap"]
