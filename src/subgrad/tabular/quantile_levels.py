"""The shares whose quantiles a model learns: those that were asked for, and the median."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Real

import numpy as np

from subgrad.errors import ArgumentError

MEDIAN = 0.5


def checked(quantiles: Iterable[float] | None) -> tuple[float, ...]:
    """What ``quantiles`` means. Raises `ArgumentError` for anything but different shares between 0 and 1."""
    if quantiles is None:
        return ()
    given = tuple(quantiles) if isinstance(quantiles, Iterable) and not isinstance(quantiles, str) else (quantiles,)
    if not all(isinstance(q, Real) and 0 < float(q) < 1 for q in given) or len(set(given)) != len(given) or not given:
        expected = "different shares between 0 and 1, such as [0.1, 0.9]"
        raise ArgumentError(f"quantiles are {expected}, got {quantiles!r}"[:300])
    return tuple(float(q) for q in given)


def learnt(quantiles: Sequence[float]) -> list[float]:
    """The shares that are learnt, in order: the median too, which is the answer.

    >>> learnt((0.9, 0.1)), learnt(())
    ([0.1, 0.5, 0.9], [])
    """
    return sorted({*quantiles, MEDIAN}) if quantiles else []


def places_of(quantiles: Sequence[float]) -> list[int]:
    """Where these are among those that are learnt."""
    return [learnt(quantiles).index(q) for q in quantiles]


def around(quantiles: Sequence[float], coverage: float) -> tuple[int, int] | None:
    """Where those that are learnt lie nearest to the ends of an interval; None if one side of the median has none.

    >>> around([0.1, 0.25, 0.9], 0.5), around([0.1, 0.25, 0.9], 0.95), around([0.25], 0.5)
    ((1, 3), (0, 3), None)
    """
    shares, tail = learnt(quantiles), (1 - coverage) / 2
    below, above = [q for q in shares if q < MEDIAN], [q for q in shares if q > MEDIAN]
    if not (below and above):
        return None
    low, high = min(below, key=lambda q: abs(q - tail)), min(above, key=lambda q: abs(q - (1 - tail)))
    return shares.index(low), shares.index(high)


def pinball(y: np.ndarray, answers: np.ndarray, levels: Sequence[float], weights: np.ndarray | None = None) -> float:
    """The mean pinball loss of quantiles (n, q) of numbers (n,), whose least value they are (Koenker, Bassett 1978)."""
    above, q = y[:, None] - answers, np.array(levels)
    return float(np.average(np.maximum(q * above, (q - 1) * above).mean(1), weights=weights))


__all__ = ["MEDIAN", "around", "checked", "learnt", "pinball", "places_of"]
