"""A run on rows that stay in their files, see `subgrad.data.scan_table`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from subgrad import optim
from subgrad.data.scanned import ScannedTable
from subgrad.data.scanned.places import Order, Reading
from subgrad.data.scanned.reused_memory import ReusedMemory
from subgrad.errors import ArgumentError
from subgrad.fit import metrics as metric_table
from subgrad.fit.arrays import Part, as_batch
from subgrad.fit.evaluation import measure_parts
from subgrad.fit.measuring.all_rows import apart
from subgrad.fit.several.batch_form import Form, require_call
from subgrad.fit.several.several_outputs import loss_for
from subgrad.fit.stream.ahead import Ahead
from subgrad.fit.stream.scanned_parts import first_rows, parts_of, targets, whole_part
from subgrad.fit.training_run import Chunk, Run, Watch, of_validation
from subgrad.io.terminal import waiting
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import FullBatch

HELD_OUT = 0.25
"""Rows held out stay in memory if they take at most so much of what rows may take."""


def start_rows(
    model: Module, rows: ScannedTable, validation: Any, loss: Any, loss_weights: Any, optimizer: Any, metrics: Any,
    batch_size: int, seed: int, shuffle: bool, drop_last: bool, accumulate: int, verbose: bool | None,
    kind: Callable[..., RowsRun],
) -> RowsRun:  # fmt: skip
    """A run of some ``kind`` that has seen the first rows."""
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(f"{optimizer.name} looks at all samples in each step: it takes arrays, not rows in files")
    require_call(model, None)
    whole_loss, measures = loss_for(loss, loss_weights, None), metric_table.resolve(metrics, None)
    if validation is None and (whole := apart(measures)[1]):
        raise ArgumentError(f"{next(iter(whole))} is measured of all samples at once: beside rows in files, of a "
                            "validation, and there is none")  # fmt: skip
    with waiting("reading", verbose):
        learnt, held_out = _apart(model, whole_loss, rows, validation, seed)
        head = first_rows(model, whole_loss, learnt)
    with waiting("compiling", verbose):
        return kind(model, whole_loss, optimizer, learnt, head, held_out, measures, batch_size, seed, shuffle,
                    drop_last, accumulate)  # fmt: skip


def _apart(
    model: Module, loss: Any, rows: ScannedTable, validation: Any, seed: int
) -> tuple[ScannedTable, ScannedTable | Part | None]:
    """What to learn from, and what to validate with, which is in memory if it is small."""
    if validation is None:
        return rows, None
    if isinstance(validation, tuple) and len(validation) in (2, 3):
        return rows, as_batch(model._dtype(), *validation, form=Form(weighted=len(validation) > 2))
    if isinstance(validation, ScannedTable):
        learnt, held_out = rows, validation
    else:
        learnt, held_out = rows.parted(cast(float, validation), seed)
    if 0 < len(held_out) <= held_out.rows_of(HELD_OUT, model._dtype()):
        return learnt, whole_part(model, loss, held_out)
    return learnt, held_out


class RowsRun(Run):
    """As `Run`; its engine has some rows at a time, which a thread reads while those before them are learnt from."""

    def __init__(
        self, model: Module, loss: Any, optimizer: optim.Optimizer, scanned: ScannedTable, head: Part,
        held_out: ScannedTable | Part | None, metrics: dict[str, metric_table.Metric], batch_size: int, seed: int,
        shuffle: bool, drop_last: bool, accumulate: int,
    ) -> None:  # fmt: skip
        self._scanned, self._later = scanned, held_out if isinstance(held_out, ScannedTable) else None
        small, rows = held_out if isinstance(held_out, Part) else None, range(len(scanned))
        self._ahead: Ahead | None = None
        super().__init__(
            model, loss, optimizer, head, cast(np.ndarray, rows), small, metrics, batch_size, seed, shuffle, drop_last,
            accumulate,
        )  # fmt: skip
        self.memory, self.data_digest = scanned.memory, scanned.digest()  # as the files are now

    def train(self, epochs: int, watch: Watch) -> None:
        """As of `Run`; then no more rows are read."""
        try:
            super().train(epochs, watch)
        finally:
            if self._ahead is not None:
                self._ahead.close()
                self._ahead = None

    def _chunks(self, epoch: int, done: int, validation_every: int | None) -> Iterator[Chunk]:
        order, over = self._order(epoch), done == self._per_epoch()
        first = len(order.groups) if over else order.group_at(self.batch_size * done)
        if self._ahead is None:
            self._ahead = Ahead(lambda stop: self._read(epoch, first, stop))
        left = [a[:0] for a in self.data]
        for group in range(first, len(order.groups)):
            self._forget()
            places, start = self._lot(order, group, done, left), 0
            while batches := self._ready(places[start:], done, self._most(validation_every)):
                start, done = start + sum(map(len, batches)), done + len(batches)
                yield batches, done == self._per_epoch()
            left = self._of(places[start:])

    def _lot(self, order: Order, group: int, done: int, before: Sequence[np.ndarray]) -> np.ndarray:
        """Give the engine the rows of a group, and those ``before`` that are left of the one before it: the numbers of
        its samples from batch number ``done`` on, in the order in which they are learnt from."""
        arrays, room, n = self._take(), self._room(), len(before[0])
        for a, rows in zip(arrays, before, strict=True):
            a[room - n : room] = rows
        self.engine.data = [*arrays]
        skip = max(0, self.batch_size * done - int(order.starts[group]))
        return np.concatenate([np.arange(room - n, room), room + order.within(group)[skip:]])

    def _of(self, samples: np.ndarray) -> list[np.ndarray]:
        """Some samples that the engine has."""
        return [a[samples] for a in self.engine.data]

    def _ready(self, places: np.ndarray, done: int, most: int) -> list[np.ndarray]:
        """The batches after so many that all rows are there for, at most so many."""
        found, start = [], 0
        for i in range(done, min(done + most, self._per_epoch())):
            last = i + 1 == self._per_epoch() and not self.drop_last
            end = start + (len(self.rows) - i * self.batch_size if last else self.batch_size)
            if end > len(places):
                break
            found.append(places[start:end])
            start = end
        return found

    def _order(self, epoch: int) -> Order:
        return self._scanned.order(self.seed, epoch, self.shuffle, self.model._dtype())

    def _mine(self, order: Order) -> Order | Reading:
        """What this process reads of an order."""
        return order

    def _room(self) -> int:
        """For how many rows there is room before those of a group."""
        return self.batch_size

    def _read(self, epoch: int, first: int, stop: threading.Event) -> Iterator[list[np.ndarray]]:
        """The rows of groups, epoch after epoch, behind some room; read once if there is one group."""
        only: list[np.ndarray] | None = None
        dtype, memory = self.model._dtype(), ReusedMemory()
        while not stop.is_set():
            order = self._order(epoch)
            if only is not None:
                yield only
            else:
                for X, y in self._scanned.groups(self._mine(order), first, self._room(), dtype, stop, memory):
                    arrays = [X, targets(self.loss, y, X.dtype)]
                    only = arrays if len(order.groups) == 1 else None
                    yield arrays
            epoch, first = epoch + 1, 0

    def _next(self) -> list[np.ndarray]:
        assert self._ahead is not None
        return self._ahead.take()

    def _take(self) -> list[np.ndarray]:
        try:
            return self._next()
        except Exception:
            self._sync()  # the steps until then are not lost
            raise

    def _forget(self) -> None:
        """Keep no rows of the group before: they are as large as memory allows, and the next ones are there."""
        self.engine.data = self.data
        self.engine.forget()

    def _of_all_rows(self) -> dict[str, float]:
        return {}  # the rows are gone: these are measured of the validation

    def _held_out(self, when: str) -> dict[str, float]:
        if self._later is None:
            return super()._held_out(when)
        parts = parts_of(self.model, self.loss, self._later)
        return of_validation(measure_parts(self.model, parts, self.loss, self.metrics), when)
