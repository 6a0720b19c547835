"""Numbers that rows have by their place: which part they belong to, and the order of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from subgrad.entropy import philox


class Share(NamedTuple):
    """The rows whose number, hashed with a seed, lies in [low, high) of the unit interval."""

    seed: int
    low: float
    high: float

    def has(self, places: np.ndarray) -> np.ndarray:
        """Truth values (n,): which rows belong to it, by their places (n,) among all rows."""
        found = hashed(places, self.seed)
        return (found >= self.low) & (found < self.high)


def within(shares: Iterable[Share], places: np.ndarray) -> np.ndarray:
    """Truth values (n,): which rows belong to all of these shares, by their places (n,)."""
    found = np.ones(len(places), bool)
    for share in shares:
        found &= share.has(places)
    return found


def hashed(places: np.ndarray, seed: int) -> np.ndarray:
    """Numbers in [0, 1) that look random, float64 (n,): the finaliser of SplitMix64 (Steele, Lea, Flood 2014).

    The same place has the same number whatever is read around it.

    >>> hashed(np.arange(3), seed=0).round(3).tolist()
    [0.883, 0.432, 0.026]
    """
    z = places.astype(np.uint64)
    z += np.uint64((seed * 0xD1342543DE82EF95 + 1) % 2**64)
    z *= np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z ^= z >> np.uint64(shift)
        z *= np.uint64(factor)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)) * 2.0**-53


class Order:
    """In which order the rows of an epoch come: blocks are shuffled, and put into groups, whose rows are shuffled.

    Each depends on the seed and the epoch alone, so that an order can be taken up anywhere. Where all rows are one
    group, their blocks stand in it as in their files.

    Args:
        counts: the rows of each block.
        group: how many rows a group has, at most; one of a larger block has that block alone.
        seed: of the shuffling.
        epoch: its number.
        shuffle: whether to; else rows come as they stand.
        blocks_stay: whether blocks come as they stand in any case, since they cannot be had in another order.
        units: a number for each block: those with the same one, which follow each other, stay together; None if each
            has its own.
    """

    def __init__(
        self, counts: np.ndarray, group: int, seed: int, epoch: int, shuffle: bool, blocks_stay: bool = False,
        units: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self._seed, self._epoch, self._shuffle, self._counts = seed, epoch, shuffle, counts
        blocks = np.arange(len(counts))
        if shuffle and not blocks_stay and counts.sum() > group:
            together = np.split(blocks, 1 + np.flatnonzero(np.diff(blocks if units is None else units)))
            blocks = np.concatenate([together[i] for i in self._random(0).permutation(len(together))])
        blocks = blocks[counts[blocks] > 0]
        self.groups = _grouped(blocks, counts, group)
        self.sizes = np.array([counts[blocks].sum() for blocks in self.groups], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])

    def group_at(self, row: int) -> int:
        """The group in which the row is that comes so many rows after the first of the epoch."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    def bounds(self, group: int, ranks: int) -> np.ndarray:
        """Int64 (ranks + 1,): rank r reads the rows of a group from number ``bounds[r]`` up to ``bounds[r + 1]``."""
        sizes = self._counts[self.groups[group]]
        return np.concatenate([[0], np.cumsum(sizes)])[shares(sizes, ranks)]

    def of_rank(self, rank: int, ranks: int) -> Reading:
        """What one of several ranks reads: of each group some blocks, about as many rows as each other."""
        cuts = [shares(self._counts[group], ranks)[rank : rank + 2] for group in self.groups]
        mine = [group[a:b] for group, (a, b) in zip(self.groups, cuts, strict=True)]
        return Reading(mine, np.array([self._counts[blocks].sum() for blocks in mine], np.int64))

    def within(self, group: int) -> np.ndarray:
        """The order of the rows of a group, which stand as its blocks do."""
        n = int(self.sizes[group])
        return self._random(1 + group).permutation(n) if self._shuffle else np.arange(n)

    def _random(self, part: int) -> np.random.Generator:
        return philox(self._seed, 4, self._epoch, part)


class Reading(NamedTuple):
    """Groups of blocks, and how many rows each has: those of an `Order`, or what one of several processes reads."""

    groups: list[np.ndarray]
    sizes: np.ndarray


def shares(sizes: np.ndarray, ranks: int) -> np.ndarray:
    """Int64 (ranks + 1,): where things of some sizes are cut into parts that follow each other, of about equal sums.

    >>> shares(np.array([3, 3, 3, 3]), 2).tolist(), shares(np.array([9, 1]), 3).tolist()
    ([0, 2, 4], [0, 0, 1, 2])
    """
    middles = 2 * np.cumsum(sizes) - sizes
    return np.searchsorted(middles * ranks // max(2 * int(sizes.sum()), 1), np.arange(ranks + 1))


def _grouped(blocks: np.ndarray, counts: np.ndarray, most: int) -> list[np.ndarray]:
    """Blocks, one after the other, in groups of so many rows at most."""
    found: list[list[int]] = []
    room = 0
    for block in blocks.tolist():
        if counts[block] > room:
            found.append([])
            room = most
        found[-1].append(block)
        room -= int(counts[block])
    return [np.array(group) for group in found]
