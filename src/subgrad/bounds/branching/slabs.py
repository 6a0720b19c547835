"""Counter-examples between two rows that leave a number little room, or none: ``Y_0 <= 0.5`` and ``Y_0 >= 0.5``.

Newton's method brings outputs there. No float may give such a number exactly; but if a continuous network gives less at
one point and more at the next, and all other rows hold between these for certain, then it is given in between.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrad.bounds.backward.affine import Affine
from subgrad.bounds.backward.curves import Curve
from subgrad.bounds.backward.linear_bounds import Boxes, LinearBounds
from subgrad.bounds.branching.attack import deepest
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.diff.conditions import may_jump

TRIED = 8  # points of each polytope
NEWTON = 8  # steps
FIRST, GROW, SIZES = 1e-6, 4.0, 12  # how far apart two points begin, in widths of the box; by what, and how often, more
HALVES = 60

Point = tuple[np.ndarray, np.ndarray]


def between_rows(bounds: LinearBounds, of: Polytopes, at: np.ndarray, over: Callable[[], bool]) -> Point | None:
    """A point next to which some number is in a polytope whose rows leave it little room, as a box (low, high).

    Args:
        at: points that are near, shape (N, d).
        over: whether to stop.
    """
    for member in of.members:
        pairs = _pairs(of, member)
        for x in at[:TRIED] if len(pairs) else []:
            if over():
                return None
            found = _near(bounds, of, member, pairs, x)
            if found is not None:
                return found
    return None


def _pairs(of: Polytopes, member: np.ndarray) -> np.ndarray:
    """Rows that limit the same number from above and from below, shape (s, 2), if certainly something is between."""
    found = [(i, j) for i in member for j in member
             if i < j and np.array_equal(of.rows[i], -of.rows[j]) and of.limits[i, 0] >= -of.limits[j, 0]]  # fmt: skip
    return np.array(found, np.int64).reshape(-1, 2)


def _near(
    bounds: LinearBounds, of: Polytopes, member: np.ndarray, pairs: np.ndarray, x: np.ndarray
) -> Point | None:  # fmt: skip
    low, high = of.points.T
    rows, wanted = of.rows[pairs[:, 0]], (of.limits[pairs[:, 0], 0] - of.limits[pairs[:, 1], 0]) / 2
    slopes = np.zeros((len(rows), len(x)))
    for _ in range(NEWTON):
        values, slopes = _values(bounds, x, rows)
        step = np.linalg.lstsq(slopes, wanted - values, rcond=None)[0]
        if not np.isfinite(step).all():
            return None
        x = np.clip(x + step, low, high)
    ends = of.around(x[None])
    best, depth = deepest(bounds, of, *ends)
    if depth >= 0:
        return ends[0][best], ends[1][best]
    others = np.setdiff1d(member, pairs)
    return _crossed(bounds, of, rows[0], pairs[0], others, x, slopes[0]) if len(pairs) == 1 else None


def _values(bounds: LinearBounds, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About what rows of outputs are at a point, and their slopes."""
    found = bounds.over(x[None], x[None]).below(rows)
    return found.bound[0], found.slopes[0]


def _crossed(
    bounds: LinearBounds, of: Polytopes, row: np.ndarray, pair: np.ndarray, others: np.ndarray, x: np.ndarray,
    slope: np.ndarray,
) -> Point | None:  # fmt: skip
    """One of two points next to one another, between which the number is what it has to be."""
    least, most = -of.limits[pair[1]].min(), of.limits[pair[0]].max()
    width = of.points[:, 1] - of.points[:, 0]
    ahead = width * slope / max(float(np.abs(width * slope).max()), 1e-300)

    def side(point: np.ndarray) -> int:
        """-1 if the number is certainly no more than what lies between the rows, 1 if no less, 0 if nobody knows."""
        found = bounds.over(point[None], point[None]).below(np.stack([row, -row])).bound[0]
        return 1 if found[0] >= most else -1 if -found[1] <= least else 0

    for size in FIRST * GROW ** np.arange(SIZES):
        below, above = of.around(np.stack([x - size * width * ahead, x + size * width * ahead]))[0]
        if side(below) < 0 < side(above):
            break
    else:
        return None
    for _ in range(HALVES):
        (middle,), _ = of.around((below / 2 + above / 2)[None])
        where = side(middle)
        if where == 0 or np.array_equal(middle, below) or np.array_equal(middle, above):
            break
        below, above = (middle, above) if where < 0 else (below, middle)
    low, high = np.minimum(below, above)[None], np.maximum(below, above)[None]
    boxes = bounds.over(low, high)
    if not _is_continuous(boxes):
        return None
    if len(others) and not (-boxes.below(-of.rows[others]).bound[0] <= of.limits[others, 0]).all():
        return None
    return below, below


def _is_continuous(boxes: Boxes) -> bool:
    """Whether all steps are continuous in a box for certain: an elementwise op that does not jump is, where it is
    defined and bounded."""
    for step, values in zip(boxes.steps[1:], boxes.intervals[1:], strict=True):
        if not isinstance(step.made, Affine | Curve):
            return False
        if isinstance(step.made, Affine) or step.made.pieces:
            continue
        node = step.node
        if node is None or node.dtype.kind != "f" or not node.op.elementwise or may_jump(node.op):
            return False
        if not (np.isfinite(values.low).all() and np.isfinite(values.high).all()):
            return False
    return True


__all__ = ["between_rows"]
