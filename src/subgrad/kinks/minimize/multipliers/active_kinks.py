"""The kinks that a point is on, as equations: differences of numbers that are 0 there, and a gradient that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrad import ops
from subgrad.diff.reverse import gradients
from subgrad.diff.vmap import vmap
from subgrad.graph.tensor import Tensor, constant
from subgrad.kinks.minimize.multipliers.smoothed_kinks import Evaluation, Smooth, SmoothedKinks, is_choice

DECIDED = 1e-10
"""Slopes that near to those of one side are that."""

LARGEST = 2e7
"""The most numbers in a matrix of slopes."""


class ActiveKinks:
    """The differences whose slope is on neither side, or that are within ``near`` of 0.

    Attributes:
        pairs: for each op pairs of places in its arguments whose difference is meant; -1 is a 0.
        low, high: a difference is above 0 in those patterns that belong to numbers between these.
    """

    def __init__(self, smooth: SmoothedKinks, found: Evaluation, near: float) -> None:
        made = [
            (_of_rows if is_choice(node) else _of_hinges)(slopes.astype(float), arguments.astype(float), near)
            for node, slopes, arguments in zip(smooth.nodes, found.slopes, found.arguments, strict=True)
        ]
        self.pairs = [pairs for pairs, _, _ in made]
        self.low, self.high = (np.concatenate([np.zeros(0), *(ends[i] for ends in made)]) for i in (1, 2))
        self._smooth = smooth

    def __len__(self) -> int:
        return len(self.low)

    @property
    def size(self) -> float:
        """How many numbers their slopes take, with all that is computed on the way."""
        return max(self._smooth.problem.size, *(m.size for m in self._smooth.multipliers)) * len(self)

    def turned(self, slopes: list[np.ndarray], changes: np.ndarray) -> list[np.ndarray]:
        """The slopes, changed at the differences."""
        new = [s.copy() for s in slopes]
        start = 0
        for s, (of, minus) in zip(new, (p.T for p in self.pairs), strict=True):
            part = changes[start : start + len(of)]
            start += len(of)
            np.add.at(s.reshape(-1), of, part)
            other = minus >= 0
            np.subtract.at(s.reshape(-1), minus[other], part[other])
        return new


def _of_hinges(slopes: np.ndarray, arguments: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    s, z = slopes.ravel(), arguments.ravel()
    on = np.flatnonzero((np.minimum(s, 1 - s) > DECIDED) | (np.abs(z) <= near))
    return np.stack([on, np.full(on.size, -1)], 1), np.zeros(on.size), s[on]


def _of_rows(slopes: np.ndarray, arguments: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each of the tied elements of a row but the first, less the first."""
    length = slopes.shape[-1]
    pairs: list[tuple[int, int]] = []
    low, high = [], []
    tied = (slopes > DECIDED) | (arguments >= arguments.max(-1, keepdims=True) - near)
    for row in np.flatnonzero(tied.sum(-1) > 1).tolist():
        first, *others = np.flatnonzero(tied[row]).tolist()
        ends = np.cumsum(slopes[row])
        for i in others:
            pairs.append((row * length + i, row * length + first))
            low.append(ends[i - 1])
            high.append(ends[i])
    return np.array(pairs, int).reshape(-1, 2), np.array(low), np.array(high)


def joined(kinks: Sequence[Smooth], active: ActiveKinks) -> tuple[Tensor, Tensor]:
    """The differences, of which there is one at least, and by what the function, the last of ``kinks``, changes with
    the value of each kink: (m,) both."""
    *kinks, whole = kinks
    effects = gradients(whole.value, [k.part for k in kinks])
    parts, factors = [], []
    for kink, effect, pairs in zip(kinks, effects, active.pairs, strict=True):
        if len(pairs):
            flat, (of, minus) = ops.reshape(kink.arguments, (-1,)), pairs.T
            parts.append(flat[of] if (minus < 0).all() else flat[of] - flat[minus])
            factors.append(ops.reshape(effect, (-1,))[of * effect.size // flat.size])
    return ops.concatenate(parts), ops.concatenate(factors)


def jacobian(y: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """The slopes of a vector by all numbers of ``sources``, (m, n)."""
    rows = vmap(lambda u: gradients(y, sources, u))(constant(np.eye(y.size, dtype=y.dtype)))
    return ops.concatenate([ops.reshape(r, (y.size, -1)) for r in rows], 1)


class Linearised:
    """What is 0 at a minimum on m kinks of a function of n variables: all differences, and the gradient of the function
    with the slopes in the place of its kinks.

    Attributes:
        differences: (m,).
        effects: by what the function changes with the value of each kink, (m,).
        gradient: (n,).
    """

    def __init__(self, smooth: SmoothedKinks, x: np.ndarray, slopes: list[np.ndarray], active: ActiveKinks) -> None:
        self._sources = [constant(part) for part in smooth.problem.split(x)]
        kinks = smooth.graph(self._sources, [constant(s) for s in slopes], None)
        self._joined, effects = joined(kinks, active)
        slopes_by_x = gradients(kinks[-1].value, self._sources)
        self._slopes = ops.concatenate([ops.reshape(s, (-1,)) for s in slopes_by_x])
        self.gradient, self.differences, self.effects = (
            t.numpy().astype(float) for t in (self._slopes, self._joined, effects)
        )

    def rows(self) -> np.ndarray:
        """The slopes of the differences, (m, n)."""
        return jacobian(self._joined, self._sources).numpy().astype(float)

    def curvature(self) -> np.ndarray:
        """The second derivatives, (n, n)."""
        return jacobian(self._slopes, self._sources).numpy().astype(float)


__all__ = ["LARGEST", "ActiveKinks", "Linearised", "jacobian", "joined"]
