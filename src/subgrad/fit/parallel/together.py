"""Training steps whose gradients are summed over all ranks: each takes its part of a batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrad.fit.diagnose import find_source
from subgrad.fit.engine import Compiled, NonFiniteLoss, Taken, TraceFor
from subgrad.fit.measuring.measured import Term
from subgrad.fit.parallel.dealing import own_places
from subgrad.fit.parallel.ranks import Ranks
from subgrad.fit.parallel.segments import Segments
from subgrad.fit.parallel.sums_over_ranks import SharedSums, sums_of
from subgrad.fit.step import Step

WARM, TRIALS, TRIAL_SECONDS = 3, 30, 0.3
"""Steps that do not count, steps that do at most, and seconds after which no other is begun."""


class Together(Compiled):
    """As `Compiled`, for batches that all ranks know, of which each takes its share.

    All ranks end a step with the same variables, bit for bit, and are told the same of it.

    Args:
        ranks: who takes part.
        kind: by which its programs are told from those of one process.
        local: traces a step that sums nothing, for finding out where a NaN came from.
        lengths: of the whole batches that are known to come.
        others: the other arguments of `Compiled`.
    """

    def __init__(self, ranks: Ranks, kind: Any, local: TraceFor, lengths: Sequence[int], **others: Any) -> None:
        self.ranks, self._local = ranks, local
        self._sums: SharedSums | None = None
        mine = sorted({ranks.lengths(n)[ranks.rank] for n in lengths} - {0})
        super().__init__(lengths=mine, clock=ranks.clock, **others)
        self._form = kind, *self._form
        for n in mine:
            self._native(n)  # what a shape has against the model is known before the first step

    def _program_of(self, step: Step, stepped: range) -> Segments:
        return Segments(step, len(stepped))

    def _measured(self, batches: Sequence[np.ndarray], seed: int, first: int, flags: np.ndarray) -> np.ndarray:
        """The numbers of whole batches."""
        mine = super()._measured([self._own(self.data, rows) for rows in batches], self.ranks.seed(seed), first, flags)
        of_all = self.ranks.gathered(mine)
        return together(self.terms, of_all, np.array([self.ranks.lengths(len(rows)) for rows in batches]).T)

    def _met(self) -> SharedSums:
        """Where gradients are added up: all ranks ask for it before their first step."""
        if self._sums is None:
            self._sums = sums_of(self.ranks, self._native(self._longest).program.bytes)
        return self._sums

    def _own(self, data: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
        """Where this rank's part of a batch is in the data."""
        return own_places(data, self.ranks.share(rows))

    def owners(self, batches: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Which rank learns from samples (n,), by the numbers of their batches, their places in them and how long these
        are: see `Ranks.share`."""
        return ((places + 1) * self.ranks.size - 1) // lengths

    def _parts(self, batches: Sequence[np.ndarray]) -> list[Sequence[np.ndarray]]:
        """Batches of which this rank has nothing are apart."""
        if all(map(len, batches)):
            return super()._parts(batches)
        return [[rows] for rows in batches]

    def _steps(self, batches: Sequence[np.ndarray], seed: int, first: int, flags: np.ndarray) -> np.ndarray:
        for native in {n: self._native(n or self._longest) for n in {*map(len, batches)}}.values():
            native.program.sums = self._met()
        if len(batches[0]):
            return super()._steps(batches, seed, first, flags)
        step, program, length, numbers = self._native(self._longest)
        order = np.zeros((1, length), np.int64)
        told = np.ascontiguousarray(np.concatenate([flags.T, numbers[:, None]]))
        outputs = program([np.zeros((1, 2), np.int64), *told, order, *self.data, *self._sizes(step), *self.variables],
                          1, empty=True)  # fmt: skip
        return np.stack(outputs[: step.measured], axis=1)

    def times(self) -> tuple[float, float]:
        """Seconds that this rank's part of a step takes, and those of adding up: medians of some steps on copies of the
        variables, those of the slowest rank."""
        step, program, length, numbers = self._native(self._longest)
        variables, sums = [v.copy() for v in self.variables], _Timed(self._met(), self.ranks)
        given = [np.zeros((1, 2), np.int64), *([np.zeros(1)] * step.accumulates), *numbers[:, None],
                 np.arange(length)[None] % len(self.data[0])]  # fmt: skip
        program.sums, steps, spent, begun = sums, [], [], self.ranks.clock()
        while len(steps) < WARM + 1 or (self.ranks.clock() - begun < TRIAL_SECONDS and len(steps) < TRIALS):
            sums.seconds = 0.0
            start = time.perf_counter()
            program([*given, *self.data, *self._sizes(step), *variables])
            steps.append(time.perf_counter() - start)
            spent.append(sums.seconds)
        program.rest()
        alone = np.subtract(steps, spent)[WARM:]
        found = np.array([np.median(alone), np.median(spent[WARM:])])
        slowest = self.ranks.gathered(found).max(axis=0)
        return float(slowest[0]), float(slowest[1])

    def _find_op(self, seed: int, last: Sequence[Taken]) -> None:
        """Each rank looks at its own part of the last two steps; the first that finds something tells the others."""
        before = []
        for taken in last:
            self.data = taken.data
            before.append([v.copy() for v in self.variables])
            self._measured([taken.rows], seed, taken.step, taken.flags)
        source = None
        for taken, variables in zip(last, before, strict=True):
            source = source or self._source(seed, taken, variables)
        self.variables = before[-1]
        found = next(((r, s) for r, s in enumerate(self.ranks.all(source)) if s), None)
        nothing = "every number is finite when the batch is repeated"
        said = nothing if found is None else f"{found[1]}, in rank {found[0]}"
        with self.ranks.known():
            raise NonFiniteLoss(last[-1].batch, said)

    def _source(self, seed: int, taken: Taken, variables: Sequence[np.ndarray]) -> str | None:
        rows = self._own(taken.data, taken.rows)
        if not len(rows) or not all(np.isfinite(v).all() for v in variables if v.dtype.kind == "f"):
            return None
        step = self._local([((len(rows), *a.shape[1:]), a.dtype) for a in taken.data])
        given = [np.array([self.ranks.seed(seed), taken.step]), *taken.flags[0], *(a[rows] for a in taken.data)]
        return find_source(step, [*map(np.asarray, given), *self._sizes(step), *variables])


class _Timed:
    """Sums, and the seconds that they took: a rank that is early does not count its waiting."""

    def __init__(self, sums: SharedSums, ranks: Ranks) -> None:
        self.own, self.seconds, self._sums, self._ranks = sums.own, 0.0, sums, ranks

    def add(self, buffer: np.ndarray) -> None:
        self._ranks.comm.Barrier()
        start = time.perf_counter()
        self._sums.add(buffer)
        self.seconds += time.perf_counter() - start


def together(terms: Sequence[Term], of_ranks: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What whole batches measure, from what ranks have of it.

    Args:
        terms: what is measured.
        of_ranks: shape (ranks, batches, outputs).
        rows: (ranks, batches), the samples of each part.

    Returns:
        Shape (batches, outputs). Weights are added up, means are weighted with them; a mean of nothing is 0.

    Example:
        >>> loss = Term("loss", at=0)
        >>> together([loss], np.array([[[1.0]], [[4.0]]]), np.array([[2], [1]]))
        array([[2.]])
    """
    found = of_ranks.sum(axis=0)
    for term in terms:
        if not term.added:
            values, weights = of_ranks[..., term.at], rows if term.weight is None else of_ranks[..., term.weight]
            counts, whole = weights != 0, weights.sum(axis=0, dtype=np.float64)
            total = np.where(counts, values * weights, 0).sum(axis=0)
            found[:, term.at] = np.divide(total, whole, out=np.zeros_like(whole), where=whole != 0)
    return found
