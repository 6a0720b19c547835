"""Branch and bound: parts of a box, until no output of them is in a polytope, with a search for counter-examples.

Without a deadline, nothing depends on time; attacks start from points of a fixed seed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from subgrad.blas_threads import one_thread
from subgrad.bounds.backward.linear_bounds import LinearBounds
from subgrad.bounds.branching.attack import MANY, POINTS, attack, deepest
from subgrad.bounds.branching.by_runs import found_by_runs
from subgrad.bounds.branching.linear_programs import LinearPrograms
from subgrad.bounds.branching.polytopes import Polytopes
from subgrad.bounds.branching.slabs import between_rows
from subgrad.bounds.chains.layer_chain import Layer, chain_of
from subgrad.compile.runtime.threads import get_threads

LOOSE = 1e-6  # what rounding leaves open of an output, relatively, at most
LOOK = 16  # rounds after which corners are tried again, once there were so many
ATTACKS = (1, 4, 16, 64, 256, 1024, 4096)  # the rounds in which counter-examples are searched for by descent


Result = TypeVar("Result")


class Parts(Protocol):
    """What is not decided.

    Attributes:
        excess: how far outputs may be inside of a polytope, shape (n,).
    """

    @property
    def excess(self) -> np.ndarray: ...
    def __len__(self) -> int: ...


class Evidence(NamedTuple):
    """What shows that no output is in a polytope, as a proof has it.

    Attributes:
        kind: "boxes", or "signs" of units.
        arrays: by their names in a proof; units are given as a step and an element of it.
    """

    kind: str
    arrays: dict[str, np.ndarray]


@dataclass
class BranchAndBound:
    """A search in one box.

    Attributes:
        bounds: of the network.
        polytopes: what is not to be reached.
        budget: how many parts to bound at most.
        deadline: a time of ``time.perf_counter``, None for none.
        watch: is called after each round.
        lp: bound what is left by linear programs, too.
        boxes: how many parts were bounded.
        done: the largest excess of the parts that are decided; no output of them is in a polytope.
        witness: the box of floats (low, high) around a counter-example, None without one; or a point next to one.
        value: how far inside the counter-example is, at least.
        interrupted: whether Ctrl-C ended the search.
        open: what is not decided.
        leaves: corners (low, high) of boxes that are decided; together they are the box if all is, and it was a search
            in boxes.
    """

    bounds: LinearBounds
    polytopes: Polytopes
    budget: int
    deadline: float | None = None
    watch: Callable[[Any], None] | None = None
    lp: bool = False
    boxes: int = field(default=0, init=False)
    done: float = field(default=-np.inf, init=False)
    witness: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False)
    value: float = field(default=-np.inf, init=False)
    interrupted: bool = field(default=False, init=False)
    open: Parts | None = field(default=None, init=False)
    leaves: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list, init=False)

    goal = 0.0

    @property
    def proven(self) -> bool:
        """Whether no output is in a polytope."""
        return self.open is not None and not len(self.open)

    @property
    def below(self) -> float:
        """As `value`, by the name that a line of progress knows."""
        return self.value

    @property
    def above(self) -> float:
        """As `excess`, likewise."""
        return self.excess

    @property
    def excess(self) -> float:
        """The most by which an output is inside of a polytope, at most; negative if none is."""
        return np.inf if self.open is None else max(self.done, float(self.open.excess.max(initial=-np.inf)))

    @property
    def stuck(self) -> np.ndarray:
        """A box, shape (d, 2), that holds the part with the largest bound."""
        return self.polytopes.box

    def evidence(self) -> Evidence | None:
        """What shows it, if it is proven; None if that was too much to keep."""
        if not self.leaves:
            return None
        low, high = (np.concatenate(ends) for ends in zip(*self.leaves, strict=True))
        return Evidence("boxes", {"low": low, "high": high})

    def late(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.perf_counter() >= self.deadline

    def run(self) -> Self:
        """Search until all is decided, the budget or the time is spent, or Ctrl-C is pressed."""
        pool = ThreadPoolExecutor(get_threads(), initializer=np.seterr, initargs=("ignore",))
        # NumPy's loops run without the interpreter lock; what overflows in them is no bound, and needs no warning
        with np.errstate(all="ignore"), one_thread(), pool as self._pool:
            known, rounds = (None, self.done), 0
            if self.lp:
                self._programs = LinearPrograms(self.bounds.steps)
            try:
                self.open = self._first()
                if not self.proven:
                    self._try(self._corners(self.open))
                while not self.proven and self.witness is None and not self.late() and self.boxes < self.budget:
                    known, rounds = (self.open, self.done), rounds + 1
                    found = self._round(rounds)
                    if found is None:
                        break
                    self.open = found
                    if self.watch:
                        self.watch(self)
            except KeyboardInterrupt:  # parts may be missing in the midst of a round, and no array is ever written to
                self.open, self.done = known
                self.interrupted = True
        return self

    def _seconds_left(self) -> float:
        return np.inf if self.deadline is None else max(0.0, self.deadline - time.perf_counter())

    def _shares(self, f: Callable[[slice], Result], count: int, least: int) -> list[Result]:
        """What f gives for shares of so many parts, one for each thread, if they are no smaller than ``least``."""
        threads = max(1, min(get_threads(), count // least))
        ends = [count * k // threads for k in range(threads + 1)]
        return list(self._pool.map(f, map(slice, ends[:-1], ends[1:])))

    def _first(self) -> Parts:
        """The whole box, or nothing if it is decided."""
        raise NotImplementedError

    def _round(self, number: int) -> Parts | None:
        """What is left when the worst parts were parted; None if no part can be."""
        raise NotImplementedError

    def _corners(self, parts: Any) -> np.ndarray:
        """The points where the linear bounds of parts are least, shape (n, d)."""
        raise NotImplementedError

    @functools.cached_property
    def _layers(self) -> list[Layer] | None:
        """The network as a chain of layers, if it is one."""
        low, high = self.polytopes.box.T[:, None]
        return chain_of(self.bounds.over(low, high, refined=False))

    @functools.cached_property
    def _sees(self) -> bool:
        """Whether bounds say what outputs are at a point: some ops have none, or loose ones where they may jump."""
        middle = self.polytopes.points.mean(axis=1)[None]
        low, high = self.bounds.over(middle, middle).outputs
        return bool((np.isfinite(low) & (high - low <= LOOSE * (1 + np.abs(low)))).all())

    # Counter-examples

    def _try(self, points: np.ndarray) -> None:
        ends = self.polytopes.around(points)
        best, depth = deepest(self.bounds, self.polytopes, *ends)
        if depth > self.value:
            self.value = depth
            if depth >= 0:
                self.witness = ends[0][best], ends[1][best]

    def _look(self, corners: np.ndarray, number: int) -> None:
        """Try corners of the parts of a round, the worst ones first, at times by descent from them."""
        if self.witness is None and (number & (number - 1) == 0 or number % LOOK == 0):
            self._try(corners[:POINTS])
        if number in ATTACKS and self.witness is None:
            low, high = self.polytopes.box.T
            of_parts = (corners - low) / np.where(high > low, high - low, 1.0)
            count = POINTS if self._layers is None else MANY
            self._attack(_starts(len(low), count) if number == ATTACKS[0] else of_parts[:count])

    def _attack(self, starts: np.ndarray) -> None:
        if not self._sees:
            self.witness = found_by_runs(self.bounds, self.polytopes, starts, self.late)
        else:
            went = attack(self.bounds, self.polytopes, starts, self.late, self._layers)
            if went.found is not None:
                self._try(went.found[0][None])
                return
            self.witness = between_rows(self.bounds, self.polytopes, went.at, self.late)
        if self.witness is not None:
            self.value = 0.0


def _starts(dimensions: int, count: int) -> np.ndarray:
    """Points of the unit cube: random ones, and random corners."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(count, dimensions))
    points[::2] = np.round(points[::2])
    return points


__all__ = ["BranchAndBound", "Evidence", "Parts"]
