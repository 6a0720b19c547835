"""The training run: epochs of batches, validation, early stopping, checkpoints, Ctrl-C."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad import optim
from subgrad.compile.garbage import uncollected
from subgrad.entropy import philox
from subgrad.errors import ArgumentError, NonFiniteError
from subgrad.fit import checkpoints, options
from subgrad.fit import metrics as metric_table
from subgrad.fit.arrays import Part
from subgrad.fit.callbacks.callback import Callback, says_stop
from subgrad.fit.engine import NonFiniteLoss, engine_for
from subgrad.fit.epoch_progress import Progress
from subgrad.fit.evaluation import measure, measure_whole
from subgrad.fit.history import History
from subgrad.fit.kept import kept
from subgrad.fit.measuring.all_rows import apart
from subgrad.fit.options import Checkpoint, EarlyStopping
from subgrad.fit.step import check_values, initial_state, trace_forward, trace_step
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.graph.values import assign_all, nodes_of
from subgrad.io.interrupts import Interrupts
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import LBFGS, FullBatch

if TYPE_CHECKING:
    from subgrad.fit.parallel.ranks import Ranks

CONTROL_SECONDS = 0.1  # how often a run comes back for the progress bar and Ctrl-C

Chunk = tuple[Sequence[np.ndarray], bool]
"""Batches that run in one call, each as the numbers of its samples, and whether the epoch ends with them."""


@dataclass(frozen=True)
class Watch:
    """Who looks at a run, and when: as `fit` was given them."""

    stopping: EarlyStopping | None = None
    callbacks: Sequence[Callback] = ()
    saving: Checkpoint | None = None
    validation_every: int | None = None
    verbose: bool | None = None
    interrupts: Interrupts = field(default_factory=Interrupts)


class Run(checkpoints.RunState):
    """The state of a run, and the engine that moves it.

    Attributes:
        epochs: how many there will be.
        step: how many batches have gone by.
        ranks: the processes that share the run; None if this one is alone.
    """

    epochs = 0
    ranks: Ranks | None = None
    _saved = 0, 0  # where it was saved last

    @uncollected
    def __init__(
        self, model: Module, loss: Callable[..., Any], optimizer: optim.Optimizer | FullBatch, data: Part,
        rows: np.ndarray, held_out: Part | None, metrics: dict[str, metric_table.Metric], batch_size: int, seed: int,
        shuffle: bool, drop_last: bool = False, accumulate: int = 1,
    ) -> None:  # fmt: skip
        if drop_last and len(rows) < batch_size:
            raise ArgumentError(f"drop_last leaves nothing of {len(rows)} samples in batches of {batch_size}")
        self.metrics = _checked(model, loss, data, held_out, metrics)
        self._in_step, self._whole = apart(self.metrics)
        self.held_out, self.parameters, self.step = held_out, [p for _, p in model.named_state()], 0
        super().__init__(
            model=model, loss=loss, optimizer=optimizer, data=data.arrays, form=data.form, rows=rows,
            batch_size=batch_size, seed=seed, shuffle=shuffle, drop_last=drop_last, accumulate=accumulate,
            state=initial_state(model, optimizer, accumulate > 1), best=self._values(), history=History(),
        )  # fmt: skip
        more = ["accumulates"] if accumulate > 1 else []
        self.programs = kept(model, loss, optimizer, *self._in_step.items(), data.form, *more)
        self.engine, self.pace = self._start(), _Pace()

    def _start(self) -> Any:
        several, model, loss, optimizer = self.accumulate > 1, self.model, self.loss, self.optimizer
        state, measures, form = self.state, self._in_step, self.form

        # the engine has these: about this run, they would hold it, and its data, until cycles are looked for
        def trace(batch, gathers=False, shorter=None, across=False):
            return trace_step(model, loss, optimizer, state, batch, measures, gathers, shorter, form, several, across)

        def forward(batch, weighed=several):
            return trace_forward(model, loss, batch, measures, form, weighed)

        if isinstance(self.optimizer, FullBatch):
            from subgrad.fit import full_batch

            trained = [p.requires_grad for p in self.parameters]
            of_all = full_batch.LossOfAll(forward, self.data, trained, self.programs, self.optimizer.name)
            parts = self.optimizer, of_all, self._values(), trained
            if isinstance(self.optimizer, LBFGS):
                return full_batch.QuasiNewton(*parts)
            full_batch.require_squared(self.loss)
            normal = full_batch.NormalMatrix(self.model, self.form, self.data, trained, self.programs)
            return full_batch.DampedGaussNewton(*parts, normal)
        return self._engine(trace, forward, [*self._values(), *(s.numpy() for s in leaves(state))])

    def _engine(self, trace: Callable[..., Any], forward: Callable[..., Any], variables: list[np.ndarray]) -> Any:
        return engine_for(trace, forward, self.data, variables, self._lengths(), self.programs)

    def _lengths(self) -> list[int]:
        """The lengths of batches that are known to come."""
        n, size, count = len(self.rows), self.batch_size, self._per_epoch()
        return sorted({size if count > 1 or self.drop_last else n, size if self.drop_last else n - (count - 1) * size})

    def _values(self) -> list[np.ndarray]:
        return [n.numpy() for n in nodes_of(self.parameters)]

    # Epochs

    def train(self, epochs: int, watch: Watch) -> None:
        """Epochs until there are so many."""
        if not self.model.training:
            self.model.train()
        self.epochs, stopping = epochs, watch.stopping
        self.history.watch(None if stopping is None else stopping.monitor, stopping is not None and stopping.rises)
        for callback in watch.callbacks:
            callback.run = self
            callback.on_train_begin()
        try:
            with Progress(epochs, watch.verbose) as progress:
                self._epochs(epochs, watch, progress)
                early = self.history.stopped in ("interrupted", "early stopping")
                back = self.history.stopped == "interrupted" or (stopping is not None and stopping.restore_best)
                if (back or stopping is not None) and len(self.history) and not self.history.best_epoch:
                    warnings.warn(f"{self.history.monitored} is NaN after every epoch: none is the best, and the model "
                                  "stays as it is after the last", stacklevel=2)  # fmt: skip
                elif back and len(self.history):
                    self._assign(self.best)
                    if early:
                        progress.say(f"{self.history.stopped}: the model of epoch {self.history.best_epoch} is kept")
        finally:
            for callback in watch.callbacks:
                callback.on_train_end()

    def _epochs(self, epochs: int, watch: Watch, progress: Progress) -> None:
        self._saved = self._place()
        try:
            with watch.interrupts:
                while len(self.history) < epochs and self.history.stopped == "finished":
                    self._epoch(progress, watch)
                    self._after_epoch(watch)
        except KeyboardInterrupt:
            if watch.saving is not None and self._saved != self._place() and not watch.interrupts.within:
                self._save(watch.saving)
            self.history.stopped = "interrupted"
            watch.interrupts.go_on()

    def _epoch(self, progress: Progress, watch: Watch) -> None:
        now, number = self.begun, len(self.history)
        start, saved = time.perf_counter() - now.seconds, time.perf_counter()
        for batches, over in self._chunks(number, len(now.sizes), watch.validation_every):
            with watch.interrupts.later():
                found = self._steps(batches, over, number, len(now.sizes))
                now.note(self.engine.terms, found, [*map(len, batches)])
                now.seconds = time.perf_counter() - start
            progress.batches(number, self._share(len(now.sizes)))
            for callback in watch.callbacks:
                callback.on_batch_end(self.step, now.last())
            if watch.validation_every and self.step % watch.validation_every == 0:
                self._validate(number, watch.callbacks)
            if watch.saving is not None and watch.saving.is_due(time.perf_counter() - saved) and not over:
                self._save(watch.saving)
                saved = time.perf_counter()
        self._sync()
        row = {**now.together(), **self._of_all_rows()}
        row |= self._held_out(f"after epoch {number + 1}")
        with watch.interrupts.later():  # what is saved is within an epoch or behind it, with the best one so far
            self.history.epochs.append({**row, "seconds": time.perf_counter() - start})
            self.begun = checkpoints.Begun()
            self._keep_best()
        progress.epoch(self.history)

    def _steps(self, batches: Sequence[np.ndarray], over: bool, epoch: int, done: int) -> np.ndarray:
        """What these batches measure, each before its step; they are numbered from ``done`` on in their epoch."""
        start = self._clock()
        try:
            found = self.engine.run(batches, self.seed, self.step, done, self._last(len(batches), over, done))
        except NonFiniteLoss as error:
            of = f" of {n}" if (n := self._per_epoch()) else ""
            raise NonFiniteError(
                f"the loss became NaN or inf in epoch {epoch + 1}, batch {error.batch + 1}{of}: {error.source}"
            ) from None
        self.step += len(batches)
        self.pace.note(len(batches), self._clock() - start)
        return found

    def _clock(self) -> float:
        return time.perf_counter()

    def _last(self, n: int, over: bool, done: int) -> np.ndarray | None:
        """Which of n batches, from number ``done`` of an epoch on, are the last that a step of the optimiser needs."""
        if self.accumulate == 1:
            return None
        found = (np.arange(done + 1, done + n + 1) % self.accumulate == 0).astype(float)
        if over:
            found[-1] = 1
        return found

    def _validate(self, epoch: int, callbacks: Sequence[Callback]) -> None:
        self._sync()
        row = {"epoch": epoch + 1, "step": self.step, **self._held_out(f"after step {self.step}")}
        self.history.steps.append(row)
        for callback in callbacks:
            callback.on_validation_end(self.step, row)

    def _of_all_rows(self) -> dict[str, float]:
        return measure_whole(self.model, Part(self.data, self.rows, self.form), self._whole, self.ranks)

    def _held_out(self, when: str) -> dict[str, float]:
        if self.held_out is None:
            return {}
        return of_validation(measure(self.model, self.held_out, self.loss, self.metrics, self.ranks), when)

    def _after_epoch(self, watch: Watch) -> None:
        epoch, row = len(self.history), self.history.epochs[-1]
        self._save_epoch(watch.saving)
        before = self.step_factor, dict(row)
        answers = self._told(watch, epoch, row)
        if before != (self.step_factor, row):
            self._keep_best()
            self._save_epoch(watch.saving)
        if any(map(says_stop, answers)):
            self.history.stopped = "callback"
        if isinstance(self.optimizer, FullBatch) and self.engine.converged:
            self.history.stopped = "converged"
        if watch.stopping is not None and watch.stopping.says_stop(self.history):
            self.history.stopped = "early stopping"

    def _told(self, watch: Watch, epoch: int, row: dict[str, float]) -> list[Any]:
        """What callbacks answer: each is asked, whatever others say."""
        return [callback.on_epoch_end(epoch, row) for callback in watch.callbacks]

    def _save_epoch(self, saving: Checkpoint | None) -> None:
        if saving is not None and len(self.history) % saving.every == 0:
            self._save(saving)

    def _save(self, saving: Checkpoint) -> None:
        self._sync()
        checkpoints.save(saving.path, self)
        self._saved = self._place()

    def _place(self) -> tuple[int, int]:
        """How far the run is: epochs, and batches of the one that has begun."""
        return len(self.history), len(self.begun.sizes)

    def _keep_best(self) -> None:
        watched = self.history.monitored
        if watched in self.history.names and self.history.best_epoch == len(self.history):
            self.best = self._values()

    # Batches

    def _chunks(self, epoch: int, done: int, validation_every: int | None) -> Iterator[Chunk]:
        """The batches of an epoch, those that run in one call together, after so many that are done."""
        batches, at = self._batches(epoch), done
        while at < len(batches):
            most = len(batches) if isinstance(self.optimizer, FullBatch) else self._most(validation_every)
            part = batches[at : at + most]
            at += len(part)
            yield part, at == len(batches)

    def _most(self, validation_every: int | None) -> int:
        """How many batches may run in one call."""
        return min(self.pace.size, validation_every - self.step % validation_every if validation_every else 2**62)

    def _batches(self, epoch: int) -> list[np.ndarray]:
        n, order = len(self.rows), self.rows
        if self.shuffle:
            order = order[philox(self.seed, 2, epoch).permutation(n)]
        return [order[i:j] for i, j in pairwise(ends(n, self.batch_size, self.drop_last))]

    def _per_epoch(self) -> int:
        """How many batches an epoch has; 0 if that is not known."""
        return batches_of(len(self.rows), self.batch_size, self.drop_last)

    def _share(self, done: int) -> float:
        """How much of an epoch so many batches are."""
        return done / max(done, self._per_epoch() or 2 * done)

    # Values

    def _sync(self) -> None:
        """Give the engine's variables to the model and the optimiser's state: copies, the engine writes to its own."""
        values = [v.copy() for v in self.engine.variables]
        self._assign(values[: len(self.parameters)])
        self.state = rebuild(self.state, [constant(v) for v in values[len(self.parameters) :]])

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        assign_all(self.parameters, [constant(v) for v in values])

    def scale_step_size(self, factor: float) -> None:
        """Multiply the step sizes of the optimiser from now on; `ArgumentError` unless they are constant numbers."""
        self.step_factor *= factor
        self.engine.scale_sizes(self.step_factor)

    def begin_as(self, checkpoint: str | os.PathLike[str] | None) -> None:
        """Before the first epoch: where a checkpoint was, if there is one."""
        if checkpoint is not None:
            self.restore(checkpoint)

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Go on from a checkpoint."""
        checkpoints.restore(path, self)
        self._restart()

    def _restart(self) -> None:
        """Go on from the model, the optimiser's state and the history as they are."""
        self.engine, self.step = self._start(), len(self.history) * self._per_epoch() + len(self.begun.sizes)
        if self.step_factor != 1:
            self.engine.scale_sizes(self.step_factor)


def _checked(
    model: Module, loss: Callable[..., Any], data: Part, held_out: Part | None, metrics: dict[str, metric_table.Metric]
) -> dict[str, metric_table.Metric]:
    """The metrics, once model, loss and metrics have seen all values."""
    sets = [data]
    if held_out is not None and held_out.arrays is not data.arrays:
        sets.append(held_out)
    for part in sets:
        options.require_weighted(loss, part.form.weighted)
    seen = [check_values(model, loss, part.arrays, part.form) for part in sets]
    return metric_table.knowing(metrics, seen[0], sets, loss)


def of_validation(found: dict[str, float], when: str) -> dict[str, float]:
    """What was measured, by the names that a history has; `NonFiniteError` if the loss is not finite."""
    if not np.isfinite(found["loss"]):
        raise NonFiniteError(f"the validation loss is NaN or inf {when}")
    return {f"validation_{name}": value for name, value in found.items()}


class _Pace:
    """How many batches take about `CONTROL_SECONDS`; an epoch goes on at the pace of the one before it."""

    def __init__(self) -> None:
        self.size = 1

    def note(self, done: int, seconds: float) -> None:
        """So many batches took so long."""
        self.size = max(1, min(4 * self.size, int(done * CONTROL_SECONDS / max(seconds, 1e-6))))


def batches_of(n: int, size: int, drop_last: bool) -> int:
    """How many batches n samples make. A single one that is left joins the batch before it."""
    whole, left = divmod(n, size)
    return whole if drop_last else whole + (left > 1 or (left == 1 and not whole))


def ends(n: int, size: int, drop_last: bool) -> list[int]:
    """Where the batches of n samples end, from 0 on."""
    starts = [size * i for i in range(batches_of(n, size, drop_last))]
    return [*starts, len(starts) * size if drop_last else n]
