"""A run that several ranks share: each has all of its state, and a part of every batch."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError
from subgrad.fit import checkpoints
from subgrad.fit.callbacks.callback import says_stop
from subgrad.fit.history import History
from subgrad.fit.options import Checkpoint
from subgrad.fit.parallel.all_reduce import all_reduce
from subgrad.fit.parallel.local_sgd import Apart, Averaging, chosen
from subgrad.fit.parallel.ranks import Ranks
from subgrad.fit.parallel.together import Together
from subgrad.fit.training_run import Run, Watch
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.io.interrupts import Interrupts
from subgrad.nn.ensemble import Ensemble
from subgrad.nn.of_all_ranks import adding_up
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

    told = ""  # why averages are as often as they are
    ranks: Ranks

    def __init__(self, ranks: Ranks, averaging: Averaging, synchronised: bool, *args: Any) -> None:
        self.synchronised = synchronised
        self.ranks, self.averaging = ranks, averaging  # pyright: ignore[reportIncompatibleVariableOverride]
        super().__init__(*args)
        if self.every == 1 and (longest := max(self._lengths())) < ranks.size:
            raise ArgumentError(f"a batch of {longest} is less than a sample for each of {ranks.size} ranks")
        if self.every > 1 and synchronised:
            raise ArgumentError("statistics are synchronised in steps that ranks take together: averaging=1")
        if self.every > 1 and self.accumulate > 1:
            raise ArgumentError("accumulate is for gradients that are added up in each step, by averaging=1")

    @property
    def every(self) -> int:
        """After how many steps of each rank their parameters are averaged; 1 if their gradients are added up."""
        return self.averaging.every or self.average_every

    def _engine(self, trace: Callable[..., Any], forward: Callable[..., Any], variables: list[np.ndarray]) -> Any:
        common = {"data": self.data, "variables": variables, "programs": self.programs, "lengths": self._lengths()}
        if self.every > 1:
            trained = [p.requires_grad for p in self.parameters]
            zeros = [np.zeros_like(v) for v, t in zip(variables, trained, strict=False) if t]
            self.velocity = self.velocity or zeros
            by = replace(self.averaging, every=self.every)
            return Apart(self.ranks, by, trained, self.velocity, trace=trace, forward=forward, **common)

        def across(batch: Any, gathers: bool = False, shorter: Any = None) -> Any:
            with self._statistics():
                return trace(batch, gathers, shorter, across=True)

        def weighed(batch: Any) -> Any:
            with self._statistics():
                return forward(batch, weighed=True)

        kind = "across", self.synchronised
        return Together(self.ranks, kind, trace, trace=across, forward=weighed, **common)

    def _statistics(self) -> AbstractContextManager[None]:
        return adding_up(all_reduce) if self.synchronised else nullcontext()

    def begin_as(self, checkpoint: str | os.PathLike[str] | None) -> None:
        """As rank 0 begins, once all ranks are known to have the same model and data."""
        with self.ranks.failing_together():
            with self.ranks.known():
                self._check_alike()
            if self.ranks.of_leader(checkpoint is not None):
                self.restore(checkpoint or "")
            else:
                self._take_over()
                if self.averaging.every is None and self.accumulate == 1 and not self.synchronised:
                    self._choose()

    def _choose(self) -> None:
        """By measured times; the engine is then one for that."""
        step, total = self.engine.times()
        self.average_every = chosen(step, total, self._per_epoch() // self.ranks.size)
        self.told = f"a rank's part of a step takes {_time(step)}, and adding up the gradients {_time(total)}"
        if self.average_every > 1:
            self._restart()

    def _check_alike(self) -> None:
        model = [(name, p.shape, str(p.dtype), p.requires_grad) for name, p in self.model.named_state()]
        settings = self.optimizer.config(), self.batch_size, self.seed, self.shuffle, self.drop_last, self.accumulate
        settings = *settings, self.averaging, self.synchronised
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
        epochs, steps, self.step_factor, self.begun, self.average_every, self.velocity = self.ranks.of_leader(
            (self.history.epochs, self.history.steps, self.step_factor, self.begun, self.average_every, self.velocity)
        )
        self.history = History(epochs, steps=steps)
        self._restart()

    def restore(self, path: str | os.PathLike[str]) -> None:
        """As of `Run`; rank 0 alone reads the file."""
        with self.ranks.agreed():
            if self.ranks.leads:
                super().restore(path)
        self._take_over()

    def _described(self) -> str:
        """How the ranks come together, in a line."""
        n = self.ranks.size
        if self.every == 1:
            how = f"{n} ranks add up their gradients in each step"
        else:
            how = f"{n} ranks take steps of their own, and average their parameters after every {self.every}"
        return f"{how}: {self.told}" if self.told else how

    def train(self, epochs: int, watch: Watch) -> None:
        if self.ranks.leads and watch.verbose is not False:
            print(self._described(), file=sys.stderr, flush=True)
        silent = replace(watch, callbacks=(), saving=None, verbose=False, interrupts=Interrupts())
        own = watch if self.ranks.leads else silent
        with self.ranks.known():
            self._require_alike("epochs and settings", (epochs, watch.stopping, watch.validation_every))
        with self.ranks.failing_together():
            super().train(epochs, own)
            if self.history.stopped == "interrupted":  # which the others do not know
                raise KeyboardInterrupt

    def _most(self, validation_every: int | None) -> int:
        """As many batches for each rank as for any other, where they take turns."""
        most = super()._most(validation_every)
        return most if self.every == 1 or validation_every else -(-most // self.ranks.size) * self.ranks.size

    def _sync(self) -> None:
        if self.every > 1:
            self.engine.settle()
        super()._sync()

    def _save(self, saving: Checkpoint) -> None:
        if self.every == 1:
            super()._save(saving)
        elif not self.begun.sizes:  # within an epoch, ranks are apart
            checkpoints.save(saving.path, self)
            self._saved = self._place()

    def _clock(self) -> float:
        return self.ranks.clock()

    def _steps(self, batches: Sequence[np.ndarray], over: bool, epoch: int, done: int) -> np.ndarray:
        self._scale_to(self.ranks.of_leader(self.step_factor))  # a callback of rank 0 may have changed it
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
        self._scale_to(factor)
        return answers

    def _scale_to(self, factor: float) -> None:
        """Take the leader's factor of the step size."""
        if factor != self.step_factor:
            self.scale_step_size(factor / self.step_factor)


def _time(seconds: float) -> str:
    """Seconds in a unit that suits them.

    >>> _time(0.0123), _time(3.4e-5)
    ('12.3 ms', '34 us')
    """
    return f"{1e3 * seconds:.3g} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.3g} us"


def _difference(one: str, other: str) -> str:
    """Where two texts begin to differ."""
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(0, start - 20)
    return f"{one[start : start + 80]} and {other[start : start + 80]}"
