"""A shared run on rows that stay in their files: each rank reads its part of every lot.

The order is that of one process, so that the losses are, too, and any number of ranks can go on with a run. Rows of a
lot are mixed: what a rank has read goes, once for each lot, to the ranks that learn from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.data.scanned.places import Order, Reading
from subgrad.fit.evaluation import measure_parts
from subgrad.fit.parallel.dealing import NOBODY, Dealt, dealt, own_places
from subgrad.fit.parallel.parallel_run import ParallelRun
from subgrad.fit.stream.rows_run import RowsRun
from subgrad.fit.stream.scanned_parts import parts_of
from subgrad.fit.training_run import of_validation


class SharedRows(ParallelRun, RowsRun):  # pyright: ignore[reportIncompatibleVariableOverride]
    """As both. A rank's engine has the samples of its own parts of batches."""

    def _mine(self, order: Order) -> Reading:
        return order.of_rank(self.ranks.rank, self.ranks.size)

    def _room(self) -> int:
        return 0

    def _lot(self, order: Order, group: int, done: int, before: Sequence[np.ndarray]) -> np.ndarray:
        first, start, end = self.batch_size * done, *order.starts[group : group + 2].tolist()
        samples, rows = np.arange(first, end), order.within(group)[max(0, first - start) :]
        owners, fresh = self._owners(samples), max(0, start - first)
        own = owners == self.ranks.rank
        arrays = dealt(self.ranks, self._take(), order.bounds(group, self.ranks.size), rows, owners[fresh:], before)
        self.engine.data = Dealt(arrays, np.where(own, np.cumsum(own) - 1, NOBODY))
        return np.arange(len(samples))

    def _of(self, samples: np.ndarray) -> list[np.ndarray]:
        return super()._of(own_places(self.engine.data, samples))

    def _owners(self, samples: np.ndarray) -> np.ndarray:
        """Int16 (n,): the ranks that learn from samples, which are numbered as they come in the epoch."""
        last = self._per_epoch() - 1
        batches = np.minimum(samples // self.batch_size, last)
        places = samples - batches * self.batch_size
        lengths = np.where(batches < last, self.batch_size, self._lengths_of_last())
        return np.where(places < lengths, self.engine.owners(batches, places, lengths), NOBODY).astype(np.int16)

    def _lengths_of_last(self) -> int:
        """How many samples the last batch of an epoch has."""
        return self.batch_size if self.drop_last else len(self.rows) - (self._per_epoch() - 1) * self.batch_size

    def _next(self) -> list[np.ndarray]:
        with self.ranks.agreed():  # a file that one rank cannot read ends the run of all, with the steps until then
            return super()._next()

    def _looked_at(self) -> list[Any]:
        """The memory that rows may take, by which they are put into lots, and what tells the rows from others."""
        head = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in self.data)).hexdigest()
        return [f"memory={self.memory}", self.data_digest[:12], head[:12]]

    def _held_out(self, when: str) -> dict[str, float]:
        if self._later is None:
            return super()._held_out(when)
        n = self.ranks.size
        among, part = (self.ranks, (self.ranks.rank, n)) if self._later.has_parts(n) else (None, (0, 1))
        found = measure_parts(self.model, parts_of(self.model, self.loss, self._later, *part), self.loss, self.metrics,
                              among)  # fmt: skip
        with self.ranks.known():
            return of_validation(found, when)


__all__ = ["SharedRows"]
