"""Greedy segmentation: the knots of a piecewise linear function that stays within eps of f, and its offsets there.

The chord of a convex f lies above f, by at most h²/8 max f'' on a cell of length h. If the chord is lowered by eps,
that distance may be 2 eps: the error is -eps at the knots and eps in the middle. So on a convex stretch the knots lie
at f - eps and the cells satisfy h² f'' = 16 eps; on a concave stretch they lie at f + eps; where the sign of f''
changes, at f itself. As eps goes to 0 no continuous piecewise linear function needs fewer knots, and an interpolant
needs √2 times as many. The segmentation goes from left to right and makes each cell as long as its error allows, so
all cells but a few have the same error.

Nothing is proven here: `error_bound` proves the error of the network that is made of these knots.
"""

from __future__ import annotations

import math

import numpy as np

from subgrad.approx.univariate.piecewise_bounds import PiecewiseBounds


class GreedySegmentation:
    """The cells that a pass over the pieces from left to right makes, each as long as its error allows.

    Args:
        pieces: what is known of f.
        eps: the largest distance from f.
        most: the pass stops when it has made more cells than this.

    Attributes:
        knots: where the cells begin and end.
        offsets: the distance of the piecewise linear function from f at the knots: eps, 0 or -eps.
    """

    def __init__(self, pieces: PiecewiseBounds, eps: float, most: float = math.inf) -> None:
        self.eps, self.most = eps, most
        self.edges = pieces.edges.tolist()
        self.bend = np.abs(pieces.curvature).max(axis=0).tolist()
        self.slope, self.value = pieces.slope.T.tolist(), pieces.value.T.tolist()
        sign = (pieces.curvature[0] >= 0).astype(int) - (pieces.curvature[1] <= 0)
        self.sign = sign.tolist()
        last = len(sign) - 1
        changes = np.append(np.flatnonzero(np.diff(sign)), last)
        self.same = changes[np.searchsorted(changes, np.arange(last + 1))].tolist()  # the last piece of that sign
        self.knots = [self.edges[0]]
        one_cell = self._farthest(self.edges[0], 0, last, eps)[1] > last
        self.offsets = [0.0 if one_cell else -eps * self.sign[0]]
        self._run(last)

    def __len__(self) -> int:
        """The number of cells, which is that of units."""
        return len(self.knots) - 1

    def _run(self, last: int) -> None:
        at, piece = self.edges[0], 0
        while piece <= last and len(self) <= self.most:
            sign, offset, end = self.sign[piece], self.offsets[-1], self.same[piece]
            to, then = self._farthest(at, piece, end, 2 * self.eps if offset else self.eps)
            after = -self.eps * sign
            if sign == 0 or (then > end and end < last):
                # The sign changes within a cell's length: that cell ends on f, and one that starts there may cross.
                to, then = self._farthest(at, piece, end if offset else last, self.eps)
                after = 0.0
            at, piece = (to, then) if to > at else (self.edges[piece + 1], piece + 1)
            self.knots.append(at)
            self.offsets.append(after)

    def _farthest(self, at: float, piece: int, end: int, budget: float) -> tuple[float, int]:
        """The longest cell from ``at`` within pieces up to ``end`` whose chord is off by at most ``budget``.

        Returns where it ends, and the piece that the next one begins in.
        """
        bend, (low, high), (least, most) = 0.0, self.slope[piece], self.value[piece]
        for i in range(piece, end + 1):
            bend = max(bend, self.bend[i])
            low, high = min(low, self.slope[i][0]), max(high, self.slope[i][1])
            least, most = min(least, self.value[i][0]), max(most, self.value[i][1])
            if most - least <= budget:
                continue
            length = math.sqrt(8 * budget / bend) if bend else math.inf
            if high > low:
                length = max(length, 4 * budget / (high - low))
            if at + length < self.edges[i + 1]:
                return max(at + length, self.edges[i] if i > piece else at), i
        return self.edges[end + 1], end + 1
