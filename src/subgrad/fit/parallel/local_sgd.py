"""Local SGD: ranks take steps of their own, and now and then the mean of their parameters.

Stich 2019, "Local SGD converges fast and communicates little", arXiv 1805.09767; the outer step with Nesterov's
momentum is that of DiLoCo, Douillard et al. 2023, arXiv 2311.08105.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np

from subgrad.compile.runtime.fallback import runnable
from subgrad.errors import ArgumentError
from subgrad.fit.engine import Compiled, Last, NonFiniteLoss
from subgrad.fit.parallel.dealing import own_places
from subgrad.fit.parallel.ranks import Ranks
from subgrad.fit.parallel.sums_over_ranks import LINE, SharedSums, sums_of
from subgrad.graph.tensor import placeholder

SHARE = 0.05  # of a run's time that the sums of averages may take; the outer steps take about as long again
MOST = 500  # steps between two averages, at most, as in DiLoCo


@dataclass(frozen=True)
class Averaging:
    """How the ranks of a run come together: ``fit(comm=..., averaging=Averaging(every=20))``.

    With ``every=1`` each batch is divided between the ranks, and their gradients are added up in each step: the run is
    that of one process. With more, each rank takes so many steps on batches of its own, of ``batch_size`` samples each.
    Then the mean of all ranks' parameters, seen as one step from the last mean, is the gradient of an outer step:
    ``v = momentum v + (mean - last); last = last + lr (mean - last + momentum v)``, Nesterov's.

    Args:
        every: steps between two averages; None chooses by measured times: 1, unless adding up takes longer than a
            rank's part of a step; else as many that averages take about a tenth of the time.
        lr: of the outer step; 1 is the plain mean where there is no momentum.
        momentum: of the outer step; None for 1 - 1 / ranks, with which parameters move in the long run as far as the
            steps of all ranks would move them one after the other.

    Raises:
        ArgumentError: for an argument that is not what is said above.

    Example:
        >>> Averaging(every=8, momentum=0.0)
        Averaging(every=8, lr=1.0, momentum=0.0)
    """

    every: int | None = None
    lr: float = 1.0
    momentum: float | None = None

    def __post_init__(self) -> None:
        if self.every is not None and (isinstance(self.every, bool) or not isinstance(self.every, Integral)):
            raise ArgumentError(f"averages are every 1 or more steps, got {self.every!r}")
        if self.every is not None and self.every < 1:
            raise ArgumentError(f"averages are every 1 or more steps, got {self.every!r}")
        if not isinstance(self.lr, Real) or not 0 < float(self.lr) < math.inf:
            raise ArgumentError(f"the lr of an outer step is a number above 0, got {self.lr!r}")
        if self.momentum is not None and (not isinstance(self.momentum, Real) or not 0 <= float(self.momentum) < 1):
            raise ArgumentError(f"the momentum of an outer step is in [0, 1), got {self.momentum!r}")


def averaging(given: Any) -> Averaging:
    """What ``fit(averaging=...)`` means: None, a number of steps, or an `Averaging`.

    >>> averaging(4), averaging(None)
    (Averaging(every=4, lr=1.0, momentum=None), Averaging(every=None, lr=1.0, momentum=None))
    """
    return given if isinstance(given, Averaging) else Averaging(given)


def chosen(step: float, total: float, rounds: int) -> int:
    """How many steps there are between two averages.

    Args:
        step: seconds that a rank's part of a step takes.
        total: seconds that it takes to add up as many numbers as there are parameters.
        rounds: steps of each rank in an epoch, at whose end there is an average in any case.

    Example:
        >>> chosen(1e-2, 1e-3, 1000), chosen(1e-5, 3e-5, 1000), chosen(1e-5, 1.0, 100)
        (1, 57, 100)
    """
    if total <= step or rounds < 2:
        return 1
    return min(math.ceil(total / step * (1 - SHARE) / SHARE), MOST, rounds)


class Apart(Compiled):
    """As `Compiled`, for batches that all ranks know, of which each takes those of its turn.

    Args:
        ranks: who takes part.
        averaging: when and how they come together.
        trained: for each parameter, whether it is trained; the others, such as running statistics, become their means.
        velocity: of the outer step, for each trained parameter; it is changed in place.
        others: the other arguments of `Compiled`.
    """

    def __init__(
        self, ranks: Ranks, averaging: Averaging, trained: Sequence[bool], velocity: list[np.ndarray], **others: Any
    ) -> None:
        super().__init__(**others)
        self.ranks, self._every = ranks, averaging.every or 1
        momentum = 1 - 1 / ranks.size if averaging.momentum is None else averaging.momentum
        n = len(trained)
        moved = [i for i in range(n) if trained[i]]
        still = [v for v, t in zip(self.variables, trained, strict=False) if not t]
        self._outer = [
            _Outer(self.variables, [moved[k] for k in ks], velocity, ks, averaging.lr, momentum)
            for ks in _by_dtype([self.variables[i] for i in moved])
        ]
        self._still, self._state = _flats(still), _flats([v for v in self.variables[n:] if v.dtype.kind == "f"])
        self._whole = [v for v in self.variables[n:] if v.dtype.kind != "f"]
        self._sums: SharedSums | None = None
        self._seen = np.zeros(ranks.size)  # samples of each rank since the last average
        self._apart = False  # whether the states of optimisers differ
        self._native(self._longest)

    def run(
        self, batches: Sequence[np.ndarray], seed: int, first_step: int, first_batch: int = 0, last: Last = None
    ) -> np.ndarray:
        """As `Compiled.run`; the ranks take turns."""
        measured = np.zeros((len(batches), self._native(self._longest).step.measured))
        period, done = self._every * self.ranks.size, 0
        while done < len(batches):
            end = min(len(batches), done + period - (first_batch + done) % period)
            own = [i for i in range(done, end) if (first_batch + i) % self.ranks.size == self.ranks.rank]
            if own:
                number = first_step - first_batch + (first_batch + own[0]) // self.ranks.size
                mine, flags = [own_places(self.data, batches[i]) for i in own], np.empty((len(own), 0))
                measured[own] = self._measured(mine, self.ranks.seed(seed), number, flags)
            turns = (first_batch + np.arange(done, end)) % self.ranks.size
            np.add.at(self._seen, turns, [len(rows) for rows in batches[done:end]])
            self._apart = True
            if (first_batch + end) % period == 0:
                self._average()
            done = end
        self.ranks.add(measured)
        bad = np.flatnonzero(~np.isfinite(measured[:, 0]))
        if bad.size:
            self._refuse(first_batch + int(bad[0]))
        return measured

    def owners(self, batches: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """As of `Together`: the ranks take turns."""
        return batches % self.ranks.size

    def _refuse(self, batch: int) -> NoReturn:
        """Go back to the last average."""
        for outer in self._outer:
            outer.go_back()
        with self.ranks.known():
            raise NonFiniteLoss(batch, f"in rank {batch % self.ranks.size}, which took steps of its own; a run with "
                                       "averaging=1 says from which op it came")  # fmt: skip

    def settle(self) -> None:
        """All ranks become alike: parameters, and what the optimiser knows, whose floats become means."""
        self._average()
        if self._apart:
            for flat in self._state:
                flat.to_mean(self._met(), 1 / self.ranks.size)
            for v, first in zip(self._whole, self.ranks.arrays_of_leader(self._whole), strict=True):
                v[...] = first  # rank 0 has taken as many steps as any
        self._apart = False

    def _average(self) -> None:
        """The outer step, if any rank has moved."""
        if not self._seen.any():
            return
        sums, weight = self._met(), float(self._seen[self.ranks.rank] / self._seen.sum())
        for flat in self._still:
            flat.to_mean(sums, weight)
        for outer in self._outer:
            outer.step(sums, weight)
        self._seen[:] = 0

    def _met(self) -> SharedSums:
        """Where means are taken: all ranks ask for it before their first one."""
        if self._sums is None:
            flats = [*self._still, *self._outer, *self._state]
            self._sums = sums_of(self.ranks, sum(flat.room for flat in flats))
            area = self._sums.own
            for flat in flats:
                flat.lie_in(area[: flat.room])
                area = area[flat.room :]
        return self._sums


class _Flat:
    """Arrays of one dtype, and one for all of them, in memory that it is given: so many bytes as `room` says."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.arrays, self.dtype, self.size = arrays, arrays[0].dtype, sum(a.size for a in arrays)
        self.room = -(-self.size * self.dtype.itemsize // LINE) * LINE

    def lie_in(self, area: np.ndarray) -> None:
        """Use this memory."""
        self.flat = area.view(self.dtype)[: self.size]
        self._views = views(self.flat, self.arrays)

    def add_up(self, sums: SharedSums, weight: float) -> None:
        """The mean of all ranks' arrays, into the flat one; the sum of all ranks' weights is 1."""
        for view, a in zip(self._views, self.arrays, strict=True):
            np.multiply(a, a.dtype.type(weight), out=view)
        sums.add(self.flat)

    def to_mean(self, sums: SharedSums, weight: float) -> None:
        """The same, in place."""
        self.add_up(sums, weight)
        for view, a in zip(self._views, self.arrays, strict=True):
            a[...] = view


class _Outer(_Flat):
    """Parameters with their last mean and the velocity of the outer step, which are flat, too."""

    def __init__(
        self, variables: Sequence[np.ndarray], at: Sequence[int], velocity: list[np.ndarray], places: Sequence[int],
        lr: float, momentum: float,
    ) -> None:  # fmt: skip
        super().__init__([variables[i] for i in at])
        self._last, self._velocity = np.zeros(self.size, self.dtype), np.zeros(self.size, self.dtype)
        self._means = views(self._last, self.arrays)
        for view, a in zip(self._means, self.arrays, strict=True):
            view[...] = a
        for k, view in zip(places, views(self._velocity, self.arrays), strict=True):
            view[...] = velocity[k]
            velocity[k] = view  # what a checkpoint saves
        self._program = _outer_step(self.size, self.dtype, lr, momentum)

    def lie_in(self, area: np.ndarray) -> None:
        super().lie_in(area)
        updated = [self._last, self._velocity]
        self._bound = self._program.bind([self.flat, *updated], updated)

    def step(self, sums: SharedSums, weight: float) -> None:
        """Towards the mean, and with the velocity beyond it."""
        self.add_up(sums, weight)
        self._bound.once()
        self.go_back()

    def go_back(self) -> None:
        """To the last mean."""
        for view, a in zip(self._means, self.arrays, strict=True):
            a[...] = view


def _outer_step(n: int, dtype: np.dtype, lr: float, momentum: float) -> Any:
    """The program of an outer step: from a mean (n,), the last one and the velocity; the latter two become new."""
    mean, last, velocity = (placeholder((n,), dtype, name) for name in ("mean", "last", "velocity"))
    way = mean - last
    faster = momentum * velocity + way
    return runnable([mean, last, velocity], [last + lr * (way + momentum * faster), faster], {0: 1, 1: 2})


def views(flat: np.ndarray, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Parts of a flat array with the shapes of others, one behind the other."""
    ends = np.cumsum([0, *(a.size for a in arrays)]).tolist()
    return [flat[i:j].reshape(a.shape) for i, j, a in zip(ends, ends[1:], arrays, strict=False)]


def _by_dtype(arrays: Sequence[np.ndarray]) -> list[list[int]]:
    """The places of the arrays of each dtype."""
    return [[i for i, a in enumerate(arrays) if a.dtype == dtype] for dtype in {a.dtype: None for a in arrays}]


def _flats(arrays: Sequence[np.ndarray]) -> list[_Flat]:
    return [_Flat([arrays[i] for i in places]) for places in _by_dtype(arrays)]


__all__ = ["Apart", "Averaging", "averaging", "chosen"]
