"""Counter-examples: points where all inequalities of a case hold for certain, found by projected subgradient descent.

A point is a box without a width. Its linear bounds are its values, with their rounding errors, and the slopes there are
the gradient; so whatever `values_at` says holds of the network in real arithmetic. Where rounding keeps it from saying
whether a limit is met, values without rounding may tell. Steps need no more than floats, and of a chain of layers they
take no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.chains.layer_chain import Layer

POINTS, MANY = 64, 256  # at once; of a chain of layers, where a step takes a hundredth of the time
STEPS, FINE = 25, 40  # from each; likewise
FIRST, LAST, LEAST = 0.25, 0.002, 1e-4  # sizes of the first step and the last one, in widths of the box; likewise
TURNS, TRIED, MOVED = 50, 10, 0.6  # of points that wander: steps of each, tried for each, and inputs that one changes,
GROW, SHRINK = 1.3, 0.75  # and by what their sizes change
NEAR = 1e-9  # how far off a point may seem, relative to limits, whose values are looked at more closely,
EXACT = 4  # and of how many of them those without rounding


@dataclass(frozen=True, eq=False)
class Values:
    """For each of N points and each polytope by how much the row that is furthest off exceeds its limit.

    Attributes:
        low, high: between what this lies for certain, shape (N, polytopes).
    """

    low: np.ndarray
    high: np.ndarray


def values_at(bounds: LinearBounds, low: np.ndarray, high: np.ndarray, of: Polytopes) -> Values:
    """The values at points, given as the smallest boxes of floats that hold them, shape (N, d)."""
    m = len(of.rows)
    found = bounds.over(low, high).below(np.concatenate([of.rows, -of.rows]))
    least, most = found.bound[:, :m], -found.bound[:, m:]
    above, below = np.nextafter(most - of.limits[:, 0], np.inf), np.nextafter(least - of.limits[:, 1], -np.inf)
    return Values(
        np.stack([below[:, rows].max(axis=1) for rows in of.members], axis=1),
        np.stack([above[:, rows].max(axis=1) for rows in of.members], axis=1),
    )


def deepest(bounds: LinearBounds, of: Polytopes, low: np.ndarray, high: np.ndarray) -> tuple[int, float]:
    """Of some points, as boxes (low, high), the number of the one that lies deepest in a polytope, and how deep it lies
    for certain: it is not in one if that is negative. Where the network is not defined, no point is in any."""
    found = values_at(bounds, low, high, of)
    most, least = found.high.min(axis=1), found.low.min(axis=1)
    order = np.argsort(most, kind="stable")
    for k in order[most[order] <= 0][:EXACT]:
        if np.isfinite(bounds.run(low[k])).all():
            return int(k), -float(most[k])
    maybe = order[(most[order] > 0) & (least[order] <= 0) & (low[order] == high[order]).all(axis=1)]
    for k in maybe[:EXACT]:
        if _is_inside(of, bounds.exactly(low[k])) and np.isfinite(bounds.run(low[k])).all():
            return int(k), 0.0
    outside = order[most[order] > 0]
    return (int(outside[0]), -float(most[outside[0]])) if len(outside) else (int(order[0]), -np.inf)


def _is_inside(of: Polytopes, outputs: list[Fraction | None]) -> bool:
    """Whether outputs, as far as they are known, lie in a polytope."""

    def holds(row: int) -> bool:
        terms = [(Fraction(a), y) for a, y in zip(of.rows[row].tolist(), outputs, strict=True) if a]
        known = [a * y for a, y in terms if y is not None]
        return len(known) == len(terms) and sum(known) <= Fraction(of.limits[row, 0])

    return any(all(map(holds, member.tolist())) for member in of.members)


@dataclass(frozen=True, eq=False)
class Attacked:
    """What descent has come to.

    Attributes:
        found: the box (low, high) of floats around a point that lies in a polytope for certain; None without one.
        at: the points in the end, the nearest first, shape (N, d).
    """

    found: tuple[np.ndarray, np.ndarray] | None
    at: np.ndarray


def attack(
    bounds: LinearBounds, of: Polytopes, starts: np.ndarray, over: Callable[[], bool], layers: list[Layer] | None = None
) -> Attacked:
    """Go from some points towards polytopes, each to one of them.

    Args:
        starts: in the unit cube, shape (N, d), which stands for the box.
        layers: the network, if it is a chain.
        over: whether to stop.
    """
    low, high = of.points.T
    width, order = high - low, np.arange(len(starts))
    at = low + width * starts
    aim = order % len(of.members)
    for size in np.geomspace(FIRST, LAST, STEPS) if layers is None else np.geomspace(FIRST, LEAST, FINE):
        if over():
            break
        ends = of.around(at)
        near, slopes = _towards(bounds, *ends, of, aim) if layers is None else _along(layers, *ends, of, aim)
        order = np.argsort(near, kind="stable")
        hit = order[near[order] <= NEAR * (1 + np.abs(of.limits).max())][:POINTS]
        if len(hit):
            certain = _certain(bounds, of, ends[0][hit], ends[1][hit])
            if certain is not None:
                return Attacked(certain, at)
        at = np.clip(at - size * width * np.sign(slopes), low, high)
    return Attacked(None, at[order])


def wandered(
    bounds: LinearBounds, of: Polytopes, starts: np.ndarray, over: Callable[[], bool], layers: list[Layer], seed: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """As `attack`, without slopes: each point goes to the best of some random steps, which grow where they lead nearer
    and shrink where they do not (I. Rechenberg, *Evolutionsstrategie*, 1973).

    Where several rows keep a point out, the slope of the one that is furthest off leads to where it is another one.
    """
    low, high = of.points.T
    rng, width = np.random.default_rng(seed), high - low
    at, aim = low + width * starts, np.arange(len(starts)) % len(of.members)
    off, size = _off(layers, at, of, aim), np.full(len(at), FIRST)
    for _ in range(TURNS):
        if over():
            return None
        steps = rng.normal(size=(len(at), TRIED, len(low))) * size[:, None, None]
        steps *= rng.random(steps.shape) < MOVED
        around = np.clip(at[:, None] + width * steps, low, high)
        found = _off(layers, around.reshape(-1, len(low)), of, np.repeat(aim, TRIED)).reshape(len(at), TRIED)
        best, everywhere = np.argmin(found, axis=1), np.arange(len(at))
        better = found[everywhere, best] < off
        at = np.where(better[:, None], around[everywhere, best], at)
        off = np.where(better, found[everywhere, best], off)
        size = np.where(better, GROW * size, SHRINK * size)
    hit = np.argsort(off, kind="stable")[:POINTS]
    ends = of.around(at[hit[off[hit] <= NEAR * (1 + np.abs(of.limits).max())]])
    return _certain(bounds, of, *ends) if len(ends[0]) else None


def _certain(
    bounds: LinearBounds, of: Polytopes, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:  # fmt: skip
    """Of some points, as boxes (low, high), the one that lies deepest in a polytope for certain."""
    best, depth = deepest(bounds, of, low, high)
    return (low[best], high[best]) if depth >= 0 else None


def _off(layers: list[Layer], x: np.ndarray, of: Polytopes, aim: np.ndarray) -> np.ndarray:
    """About how far each point is outside of the polytope ``aim``."""
    for layer in layers[:-1]:
        z = x @ layer.weights.T + layer.constant
        x = np.maximum(z, layer.slope * z)
    values = (x @ layers[-1].weights.T + layers[-1].constant) @ of.rows.T - of.limits[:, 0]
    return np.stack([values[:, rows].max(axis=1) for rows in of.members], axis=1)[np.arange(len(aim)), aim]


def _towards(
    bounds: LinearBounds, low: np.ndarray, high: np.ndarray, of: Polytopes, aim: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each point about how far it is outside of the polytope ``aim``, and the gradient of that, shape (N, d)."""
    boxes = bounds.over(low, high)
    outputs = boxes.outputs.low / 2 + boxes.outputs.high / 2
    worst, values = _worst(outputs.reshape(len(low), -1), of, aim)
    last, everywhere = len(boxes.steps) - 1, np.arange(len(low))
    a = of.rows[worst].reshape(-1, *boxes.steps[last].shape)
    return values, boxes.above(last, a, everywhere)[1]


def _along(
    layers: list[Layer], low: np.ndarray, high: np.ndarray, of: Polytopes, aim: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same for a chain of layers."""
    *hidden, last = layers
    x, factors = low / 2 + high / 2, []
    for layer in hidden:
        z = x @ layer.weights.T + layer.constant
        factors.append(np.where(z > 0, 1.0, layer.slope))
        x = z * factors[-1]
    worst, values = _worst(x @ last.weights.T + last.constant, of, aim)
    slopes = of.rows[worst] @ last.weights
    for layer, factor in zip(reversed(hidden), reversed(factors), strict=True):
        slopes = (slopes * factor) @ layer.weights
    return values, slopes


def _worst(outputs: np.ndarray, of: Polytopes, aim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row that keeps each point out of its polytope, and by how much."""
    values = outputs @ of.rows.T - of.limits[:, 0]
    worst = np.stack([rows[np.argmax(values[:, rows], axis=1)] for rows in of.members], axis=1)
    everywhere = np.arange(len(aim))
    return worst[everywhere, aim], values[everywhere, worst[everywhere, aim]]


__all__ = ["MANY", "POINTS", "Attacked", "Values", "attack", "deepest", "values_at", "wandered"]
