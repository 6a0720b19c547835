"""A run that several ranks share: each has all of its state, and a part of every batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit.callbacks.callback import says_stop
from subgrad.fit.history import History
from subgrad.fit.parallel.ranks import Ranks
from subgrad.fit.parallel.together import Together
from subgrad.fit.training_run import Run, Watch
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.nn.ensemble import Ensemble
from subgrad.optim.lbfgs import FullBatch

LOOKED_AT = 8  # samples at the start and at the end of the data, which all ranks must have alike


def require_plain(model: Any, optimizer: Any) -> None:
    """Raise for what several ranks do not share."""
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(f"{optimizer.name} looks at all samples in each step, in one process: it takes no comm")
    if isinstance(model, Ensemble):
        raise ArgumentError("the members of an ensemble are trained in one process: it takes no comm")


class ParallelRun(Run):
    """As `Run`, in all ranks at once; what it decides it decides alike in all of them.

    Callbacks are called by rank 0, which also writes checkpoints and shows the progress. What they do to the run, the
    others hear.
    """

    ranks: Ranks  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, ranks: Ranks, *args: Any) -> None:
        self.ranks = ranks
        super().__init__(*args)
        if self.batch_size < ranks.size:
            raise ArgumentError(f"batch_size {self.batch_size} is less than a sample for each of {ranks.size} ranks")

    def _roots(self) -> list[str]:
        return ["across"]

    @property
    def _weighed(self) -> bool:
        return True

    def _engine(self, trace: Callable[..., Any], forward: Callable[..., Any], variables: list[np.ndarray]) -> Any:
        def across(batch: Any, gathers: bool = False, shorter: Any = None) -> Any:
            return trace(batch, gathers, shorter, across=True)

        return Together(self.ranks, self._lengths(), trace, trace=across, data=self.data, variables=variables,
                        forward=forward, programs=self.programs)  # fmt: skip

    def begin_as(self, checkpoint: str | os.PathLike[str] | None) -> None:
        """As rank 0 begins, once all ranks are known to have the same model and data."""
        with self.ranks.known():
            self._check_alike()
        if self.ranks.of_leader(checkpoint is not None):
            self.restore(checkpoint or "")
        else:
            self._take_over()

    def _check_alike(self) -> None:
        model = [(name, p.shape, str(p.dtype), p.requires_grad) for name, p in self.model.named_state()]
        settings = self.optimizer.config(), self.batch_size, self.seed, self.shuffle, self.drop_last, self.accumulate
        for what, own in (("model", model), ("settings", settings), ("data", self._looked_at())):
            self._require_alike(what, own)

    def _require_alike(self, what: str, own: Any) -> None:
        said = self.ranks.all(repr(own))
        other = next((r for r, text in enumerate(said) if text != said[0]), None)
        if other is not None:
            raise ArgumentError(f"all ranks are given the same {what}, and rank {other} has another than rank 0: "
                                f"{_difference(said[other], said[0])}")  # fmt: skip

    def _looked_at(self) -> list[Any]:
        """Shapes, and a digest of the first and the last samples and of the numbers of those to train on."""
        rows = hashlib.sha256(np.ascontiguousarray(self.rows, np.int64).data)
        for a in self.data:
            for part in (a[:LOOKED_AT], a[-LOOKED_AT:]):
                rows.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
        return [*((a.shape, str(a.dtype)) for a in self.data), rows.hexdigest()[:12]]

    def _take_over(self) -> None:
        """The state of rank 0: parameters, the optimiser's state, the best epoch so far, the history."""
        state = [s.numpy() for s in leaves(self.state)]
        arrays = self.ranks.arrays_of_leader([*self._values(), *self.best, *state])
        n = len(self.parameters)
        self._assign(arrays[:n])
        self.best, self.state = arrays[n : 2 * n], rebuild(self.state, [constant(a) for a in arrays[2 * n :]])
        epochs, steps, self.step_factor, self.begun = self.ranks.of_leader(
            (self.history.epochs, self.history.steps, self.step_factor, self.begun)
        )
        self.history = History(epochs, steps=steps)
        self._restart()

    def restore(self, path: str | os.PathLike[str]) -> None:
        """As of `Run`; rank 0 alone reads the file."""
        with self.ranks.agreed():
            if self.ranks.leads:
                super().restore(path)
        self._take_over()

    def train(self, epochs: int, watch: Watch) -> None:
        own = watch if self.ranks.leads else replace(watch, callbacks=(), saving=None, verbose=False)
        with self.ranks.known():
            self._require_alike("epochs and settings", (epochs, watch.stopping, watch.validation_every))
        with self.ranks.failing_together():
            super().train(epochs, own)

    def _clock(self) -> float:
        return self.ranks.clock()

    def _steps(self, batches: Sequence[np.ndarray], over: bool, epoch: int, done: int) -> np.ndarray:
        factor = self.ranks.of_leader(self.step_factor)  # a callback of rank 0 may have changed it
        if factor != self.step_factor:
            self.scale_step_size(factor / self.step_factor)
        return super()._steps(batches, over, epoch, done)

    def _held_out(self, when: str) -> dict[str, float]:
        with self.ranks.known():
            return super()._held_out(when)

    def _told(self, watch: Watch, epoch: int, row: dict[str, float]) -> list[Any]:
        answers: list[Any] = []
        with self.ranks.agreed():
            answers = [says_stop(answer) for answer in super()._told(watch, epoch, row)]
        answers, after, factor = self.ranks.of_leader((answers, row, self.step_factor))
        row.update(after)
        if factor != self.step_factor:
            self.scale_step_size(factor / self.step_factor)
        return answers


def _difference(one: str, other: str) -> str:
    """Where two texts begin to differ."""
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, start - 20)
    return f"{one[start : start + 80]} and {other[start : start + 80]}"
