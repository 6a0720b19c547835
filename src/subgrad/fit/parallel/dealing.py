"""Rows that ranks read, each its own, go to those that learn from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from subgrad.fit.parallel.ranks import Ranks

NOBODY = -1


class Dealt(list[np.ndarray]):
    """The samples of a lot that this rank learns from.

    Attributes:
        places: of each sample of the lot, where it is among them; `NOBODY` if another rank has it.
    """

    def __init__(self, arrays: Iterable[np.ndarray], places: np.ndarray) -> None:
        super().__init__(arrays)
        self.places = places

    def own(self, samples: np.ndarray) -> np.ndarray:
        """Where those of some samples are that this rank has."""
        places = self.places[samples]
        return places[places != NOBODY]


def own_places(data: Sequence[np.ndarray], samples: np.ndarray) -> np.ndarray:
    """Where a rank's samples are in its data: data that all ranks have are there as they are."""
    return data.own(samples) if isinstance(data, Dealt) else samples


def dealt(
    ranks: Ranks, read: Sequence[np.ndarray], bounds: np.ndarray, rows: np.ndarray, owners: np.ndarray,
    before: Sequence[np.ndarray],
) -> list[np.ndarray]:  # fmt: skip
    """The rows of this rank, in the order in which they are learnt from. Called by all ranks.

    Args:
        ranks: who takes part.
        read: what this rank has read of the lot.
        bounds: (ranks + 1,) rank r has read the rows of the lot from number ``bounds[r]`` up to ``bounds[r + 1]``.
        rows: (n,) numbers of rows within the lot, in the order in which they are learnt from.
        owners: (n,) the rank that learns from each, or `NOBODY`.
        before: arrays of rows that come before these.
    """
    readers = (np.searchsorted(bounds, rows, side="right") - 1).astype(np.int16)
    given, to = _by_rank(owners, (readers == ranks.rank) & (owners != NOBODY), ranks.size)
    taken, of = _by_rank(readers, owners == ranks.rank, ranks.size)
    own = np.empty(len(rows), np.int64)
    own[np.sort(taken)] = np.arange(len(taken))
    found = []
    for array, first in zip(read, before, strict=True):
        arrived = np.empty((len(taken), *array.shape[1:]), array.dtype)
        ranks.exchange(array[rows[given] - bounds[ranks.rank]], to, arrived, of)
        whole = np.empty((len(first) + len(taken), *array.shape[1:]), array.dtype)
        whole[: len(first)] = first
        whole[len(first) + own[taken]] = arrived
        found.append(whole)
    return found


def _by_rank(numbers: np.ndarray, which: np.ndarray, size: int) -> tuple[np.ndarray, list[int]]:
    """The places where ``which`` is true, by the rank that ``numbers`` has there, and how many each rank has."""
    places = np.flatnonzero(which)
    order = np.argsort(numbers[places], kind="stable")
    return places[order], np.bincount(numbers[places], minlength=size).tolist()


__all__ = ["NOBODY", "Dealt", "dealt", "own_places"]
