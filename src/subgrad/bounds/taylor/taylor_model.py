"""First-order Taylor models: numbers that vary over a box, as a linear function and a remainder.

At the point ``m + delta`` of a box with ``|delta_i| <= h_i`` a Taylor model stands for a number within ``radius``
of ``centre + slopes . delta``. It holds for the real number, not for a rounded one: what rounding did to centre and
slopes is part of the radius. The difference of two models subtracts their slopes before anything is bounded, and the
remainder of a smooth function is of second order in h (Makino, Berz, "Taylor models and other validated functional
inclusion methods", 2003; with these relaxations of relu it is Fast-Lin: Weng et al. 2018, arXiv 1804.09699).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

from subgrad import ops
from subgrad.bounds.taylor.rounding import UNIT, raised
from subgrad.graph.op import apply
from subgrad.graph.tensor import Tensor
from subgrad.ops.contract import contract


@dataclass(eq=False)
class TaylorModel:
    """A tensor of shape S for each of B boxes in d variables, as tensors of the graph that bounds it.

    Attributes:
        half: half the sides of the boxes, shape (B, d).
        centre: shape (B, \\*S), or (1, \\*S) if it is the same for all boxes.
        slopes: shape (B, d, \\*S), or (1, d, \\*S), or None if the number does not vary with the point.
        radius: like the centre, at least 0; None if there is no remainder, not even of rounding.
        low, high: what the number cannot leave anyway, such as 0 and infinity for a square.
        infinite: whether centres may be constants that are infinite, such as the padding of a pooling.
    """

    half: Tensor
    centre: Tensor
    slopes: Tensor | None = None
    radius: Tensor | None = None
    low: float = field(default=-math.inf)
    high: float = field(default=math.inf)
    infinite: bool = False

    @property
    def exact(self) -> bool:
        """Whether it is one number, known exactly, such as a weight."""
        return self.slopes is None and self.radius is None

    @functools.cached_property
    def swing(self) -> Tensor | None:
        """The most that the linear part adds, ``sum_i |slope_i| h_i``, rounded up."""
        if self.slopes is None:
            return None
        steep, (b, d) = ops.abs(self.slopes), self.half.shape
        shape = steep.shape[2:]
        if steep.shape[0] == 1:
            flat = steep.reshape(d, math.prod(shape))
            return raised(apply(contract, (self.half, flat), {"spec": "bd,ds->bs"}).reshape(b, *shape), d)
        return raised((steep * self.half.reshape(b, d, *(1,) * len(shape))).sum(1), d)

    @functools.cached_property
    def reach(self) -> Tensor | None:
        """How far the number may be from its centre; None if it cannot leave it."""
        if self.swing is None or self.radius is None:
            return self.radius if self.swing is None else self.swing
        return raised(self.swing + self.radius, 1)

    @functools.cached_property
    def linear_size(self) -> Tensor:
        """The largest magnitude of the linear part: what the rounding of operations on it is measured by."""
        size = ops.abs(self.centre)
        return size if self.swing is None else size + self.swing

    @functools.cached_property
    def size(self) -> Tensor:
        """The largest magnitude of the number."""
        size = ops.abs(self.centre)
        return size if self.reach is None else raised(size + self.reach, 1)

    @functools.cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """An interval that holds the number; its ends are NaN where nothing is known."""
        if self.reach is None:
            return self.centre, self.centre
        slack = 2 * UNIT * (ops.abs(self.centre) + self.reach)
        low, high = self.centre - self.reach - slack, self.centre + self.reach + slack
        if self.low > -math.inf:  # the centre stays inside, since curves are looked at from there
            low = ops.minimum(ops.maximum(low, self.low), self.centre)
        if self.high < math.inf:
            high = ops.maximum(ops.minimum(high, self.high), self.centre)
        return low, high


def total(*parts: Tensor | None, roundings: int) -> Tensor | None:
    """A bound for the sum of magnitudes, of which some may be absent."""
    there = [p for p in parts if p is not None]
    if not there:
        return None
    found = there[0]
    for p in there[1:]:
        found = found + p
    return raised(found, roundings + len(there))


__all__ = ["TaylorModel", "total"]
