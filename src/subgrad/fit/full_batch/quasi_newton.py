"""L-BFGS on the loss of all samples, as an engine of a training run: an epoch is one iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit.engine import NonFiniteLoss
from subgrad.fit.full_batch.loss_of_all import LossOfAll
from subgrad.fit.measuring.measured import Term
from subgrad.fit.several.several_outputs import comes_with_us
from subgrad.kinks.minimize.bfgs import Limited
from subgrad.kinks.minimize.line_search import weak_wolfe
from subgrad.kinks.minimize.objective import Point
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import FullBatch

PART = 4096
"""How many samples are looked at together, at most: what a network makes of them has to fit memory."""


class QuasiNewton:
    """As `engine.Compiled`, but each call of `run` is given all samples, and takes one iteration.

    Attributes:
        converged: no slope is larger than the tolerance, or no lower point was found.
    """

    def __init__(
        self, settings: FullBatch, loss: LossOfAll, variables: Sequence[np.ndarray], trained: Sequence[bool]
    ) -> None:
        self.variables, self.converged = [np.array(v) for v in variables], False
        self._settings, self._loss, self._trained = settings, loss, trained
        self._seen: dict[int, tuple[Point, np.ndarray]] = {}  # what was measured there, by the point's id
        self._at: Point | None = None
        self._inverse: Limited | None = None

    @property
    def terms(self) -> list[Term]:
        return self._loss.terms

    def rest(self) -> None:
        """As of `Compiled`."""

    def scale_sizes(self, factor: float) -> None:
        """As of `Compiled`."""
        raise ArgumentError(f"{self._settings.name} has no step size: it finds one")

    def run(
        self, batches: Sequence[np.ndarray], seed: int, first_step: int, first_batch: int = 0, last: Any = None
    ) -> np.ndarray:
        """One iteration; what the parts measure where it ends."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a step too long is seen by its value
            at = self._at or self._start(batches)
            found = self._next(batches, at)
        self._at = found or at
        self._seen = {id(self._at): self._seen[id(self._at)]}
        self.variables = self._variables(self._at.x)
        self.converged = found is None or np.abs(found.gradient).max(initial=0.0) <= self._settings.tol
        return self._seen[id(self._at)][1]

    def _next(self, batches: Sequence[np.ndarray], at: Point) -> Point | None:
        """A lower point, if one is found."""
        inverse = self._inverse = self._inverse or Limited(at.gradient if at.gradient.any() else np.ones(1))
        direction = -inverse.times(at.gradient)
        slope = float(at.gradient @ direction)
        found = weak_wolfe(lambda x: self._look(batches, x), at, direction, slope) if slope < 0 else None
        if found is not None:
            inverse.update(found.x - at.x, found.gradient - at.gradient)
        return found

    def _start(self, batches: Sequence[np.ndarray]) -> Point:
        point = self._look(batches, self._flat(self._moving(self.variables)))
        if not np.isfinite(point.value):
            raise NonFiniteLoss(0, "the loss of all samples, or its gradient, is not finite before the first step")
        return point

    def _look(self, batches: Sequence[np.ndarray], x: np.ndarray) -> Point:
        variables = self._variables(x)
        x = self._flat(self._moving(variables))  # in the numbers of their dtype
        loss, slopes, measured = self._loss(batches, variables)
        decay = self._settings.weight_decay
        value, gradient = loss + decay / 2 * float(x @ x), self._flat(slopes) + decay * x
        finite = np.isfinite(value) and np.isfinite(gradient).all()
        point = Point(x, value, gradient) if finite else Point(x, np.inf, np.zeros_like(x))
        self._seen[id(point)] = point, measured
        return point

    @staticmethod
    def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros(0), *map(np.ravel, arrays)])

    def _moving(self, variables: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [v for v, t in zip(variables, self._trained, strict=True) if t]

    def _variables(self, x: np.ndarray) -> list[np.ndarray]:
        """The parameters, of which those that are trained are at x."""
        sizes = [v.size for v in self._moving(self.variables)]
        moved = iter(np.split(x, np.cumsum(sizes)[:-1]))
        return [
            next(moved).reshape(v.shape).astype(v.dtype) if t else v
            for v, t in zip(self.variables, self._trained, strict=True)
        ]


def part_size(loss: Callable[..., Any], rows: int) -> int:
    """How many samples are looked at together: all, if it is not known that their loss follows from those of parts."""
    return PART if comes_with_us(loss) else rows


def require_plain(name: str, model: Module, *others: object) -> None:
    """Raise for what a run with a method of that name does not do."""
    if isinstance(model, Ensemble):
        raise ArgumentError(f"{name} takes no ensemble: its members would share one step")
    if any(option is not None for option in others):
        raise ArgumentError(
            f"a run with {name} takes no checkpoint, resume, accumulate or validation_every: it is short, and its "
            "epochs are steps"
        )
