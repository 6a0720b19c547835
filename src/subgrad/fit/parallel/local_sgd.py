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

from subgrad.errors import ArgumentError
from subgrad.fit.engine import Compiled, Last, NonFiniteLoss
from subgrad.fit.parallel.ranks import Ranks

SHARE = 0.1  # of a run's time that averages may take, where their number is chosen
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
        (1, 27, 100)
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
        self.ranks, self._trained, self._velocity = ranks, trained, velocity
        self._every, self._lr = averaging.every or 1, averaging.lr
        self._momentum = 1 - 1 / ranks.size if averaging.momentum is None else averaging.momentum
        self._last = [v.copy() for v, t in zip(self.variables, trained, strict=False) if t]
        self._seen, self._apart = 0, False  # samples since the last average; whether the states of optimisers differ
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
                mine, flags = [batches[i] for i in own], np.empty((len(own), 0))
                measured[own] = self._measured(mine, self.ranks.seed(seed), number, flags)
                self._seen, self._apart = self._seen + sum(map(len, mine)), True
            if (first_batch + end) % period == 0:
                self._average()
            done = end
        self.ranks.add(measured)
        bad = np.flatnonzero(~np.isfinite(measured[:, 0]))
        if bad.size:
            self._refuse(first_batch + int(bad[0]))
        return measured

    def _refuse(self, batch: int) -> NoReturn:
        """Go back to the last average."""
        self._put(self._last)
        with self.ranks.known():
            raise NonFiniteLoss(batch, f"in rank {batch % self.ranks.size}, which took steps of its own; a run with "
                                       "averaging=1 says from which op it came")  # fmt: skip

    def settle(self) -> None:
        """All ranks become alike: parameters, and what the optimiser knows, whose floats become means."""
        self._average()
        if any(self.ranks.all(self._apart)):
            state = self.variables[len(self._trained) :]
            self._to_means([v for v in state if v.dtype.kind == "f"], 1.0)
            whole = [v for v in state if v.dtype.kind != "f"]
            for v, first in zip(whole, self.ranks.arrays_of_leader(whole), strict=True):
                v[...] = first  # rank 0 has taken as many steps as any
        self._apart = False

    def _average(self) -> None:
        """The outer step, if any rank has moved."""
        seen = self.ranks.all(self._seen)
        if not any(seen):
            return
        parameters = self.variables[: len(self._trained)]
        self._to_means(parameters, self._seen * len(seen) / sum(seen))
        moved = [v for v, trained in zip(parameters, self._trained, strict=True) if trained]
        for mean, last, velocity in zip(moved, self._last, self._velocity, strict=True):
            way = mean - last
            velocity *= velocity.dtype.type(self._momentum)
            velocity += way
            last += velocity.dtype.type(self._lr) * (way + velocity.dtype.type(self._momentum) * velocity)
        self._put(self._last)
        self._seen = 0

    def _put(self, values: Sequence[np.ndarray]) -> None:
        moved = [v for v, trained in zip(self.variables, self._trained, strict=False) if trained]
        for v, value in zip(moved, values, strict=True):
            v[...] = value

    def _to_means(self, arrays: Sequence[np.ndarray], weight: float) -> None:
        """In place, by one sum of a flat array for each dtype; the weights of all ranks have the mean 1."""
        for dtype in {a.dtype: None for a in arrays}:
            mine = [a for a in arrays if a.dtype == dtype]
            flat = np.concatenate([a.ravel() for a in mine])
            flat *= dtype.type(weight / self.ranks.size)
            self.ranks.add(flat)
            for a, part in zip(mine, np.split(flat, np.cumsum([a.size for a in mine])[:-1]), strict=True):
                a[...] = part.reshape(a.shape)


__all__ = ["Apart", "Averaging", "averaging", "chosen"]
