"""A run on batches that come one by one."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DataError
from subgrad.fit import metrics as metric_table
from subgrad.fit import options
from subgrad.fit.arrays import Part, as_batch, given_validation
from subgrad.fit.measuring.all_rows import apart
from subgrad.fit.several.batch_form import Form, require_call
from subgrad.fit.several.several_outputs import loss_for
from subgrad.fit.step import check_values
from subgrad.fit.stream.batch_source import Reader, Source, all_of
from subgrad.fit.stream.prefetch import Item
from subgrad.fit.training_run import Chunk, Run, Watch
from subgrad.io.terminal import waiting
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import FullBatch


def require_plain(optimizer: Any, saving: Any, resume: Any, sample_weight: Any) -> None:
    """Raise for what a run on batches does not do."""
    if isinstance(optimizer, FullBatch):
        raise ArgumentError(f"{optimizer.name} looks at all samples in each step: it takes X and y, and no batches")
    if saving is not None or resume is not None:
        raise ArgumentError(
            "a run on batches takes no checkpoint and no resume, since it cannot find the place in them again; "
            "BestCheckpoint saves the model"
        )
    if sample_weight is not None:
        raise ArgumentError("weights come with the batches: (x, y, sample_weight)")


def start(
    model: Module, given: Any, validation: Any, loss: Any, loss_weights: Any, optimizer: Any, metrics: Any, seed: int,
    accumulate: int, steps_per_epoch: int | None, verbose: bool | None,
) -> StreamRun:  # fmt: skip
    """A run that has seen its first batch."""
    steps = None if steps_per_epoch is None else options.count("steps_per_epoch", steps_per_epoch)
    reader = Reader(model, tuple(loss) if isinstance(loss, Mapping) else None)
    source = Source(given, reader)
    try:
        first = source.batches().take()
        if first is None:
            raise DataError("there are no batches")
        data: Part = first.value
        require_call(model, data.form.x)
        whole_loss = loss_for(loss, loss_weights, data.form.y)
        held_out = _held_out(validation, Reader(model, reader.outputs), data.form, model)
        measures = metric_table.resolve(metrics, data.form.y)
        whole = apart(measures)[1]
        if whole and held_out is None:
            raise ArgumentError(
                f"{next(iter(whole))} is measured of all samples at once: beside batches, of a validation, and there "
                "is none"
            )
        with waiting("compiling", verbose):
            run = StreamRun(
                model, whole_loss, optimizer, data, data.rows, held_out, measures, len(data), seed, False, False,
                accumulate,
            )  # fmt: skip
    except BaseException:
        source.close()
        raise
    run.begin(source, first, steps)
    return run


def _held_out(validation: Any, reader: Reader, form: Form, model: Module) -> Part | None:
    if validation is None:
        return None
    if isinstance(validation, tuple):
        return given_validation(model._dtype(), validation, form, "batches")
    if callable(validation) and not isinstance(validation, Iterable):
        validation = validation()  # batches are made by a function here as they are for X
    if not isinstance(validation, Iterable):
        raise ArgumentError(f"beside batches, validation is (X, y) or batches, got {validation!r}"[:300])
    found = all_of(validation, reader)
    return as_batch(model._dtype(), *found.form.apart(found.arrays), form=form)


class StreamRun(Run):
    """As `Run`; its engine is given the samples of each call anew."""

    def begin(self, source: Source, first: Item, steps: int | None) -> None:
        """Where the batches come from, of which the first was taken already."""
        self._source, self._asked, self._length = source, steps, steps or 0
        self._first: Item | None = first
        self._broken: Exception | None = None

    def train(self, epochs: int, watch: Watch) -> None:
        """As of `Run`; then no more batches are fetched."""
        try:
            super().train(epochs, watch)
        finally:
            self._source.close()

    def _chunks(self, epoch: int, done: int, validation_every: int | None) -> Iterator[Chunk]:
        over = False
        while not over:
            parts, most = [], min(self._most(validation_every), (self._asked or 2**62) - done)
            while len(parts) < most and not over:
                item = self._take(parts)
                if item is None:
                    break
                parts.append(item.value)
                done += 1
                over = self._ends_epoch(item, epoch, done)
            self.engine.data = _together(parts)
            bounds = np.cumsum([len(p) for p in parts])
            yield np.split(np.arange(bounds[-1]), bounds[:-1]), over
        self._length = done

    def _take(self, parts: list[Part]) -> Item | None:
        """The next batch; None if it is not there yet, or cannot be had, and ``parts`` are there to be trained on."""
        if self._first is not None:
            item, self._first = self._first, None
            return item
        try:
            if self._broken is not None:
                raise self._broken
            item = self._source.batches().take(wait=not parts)
            if item is None and not parts:
                raise DataError("the batches came to an end: in this epoch there are none")
            return self._checked(item)
        except Exception as error:
            self._broken = error
            if parts:
                return None
            self._sync()  # the steps until then are not lost
            raise

    def _checked(self, item: Item | None) -> Item | None:
        """An item whose batch the loss takes."""
        if item is not None and all(a.dtype.kind == "f" for a in self.form.inputs_of(item.value.arrays)):
            check_values(self.model, self.loss, item.value.arrays, self.form)
        return item

    def _ends_epoch(self, item: Item, epoch: int, done: int) -> bool:
        """Whether an epoch ends with this batch, its number ``done``."""
        if not item.last:
            return done == self._asked
        if not self._source.begin_anew() and (epoch + 1 < self.epochs or done < (self._asked or 0)):
            self.history.stopped = "out of data"
            warnings.warn(
                f"the batches came to their end in epoch {epoch + 1} of {self.epochs}: give a list, or a function that "
                "makes a generator, to have them again",
                stacklevel=2,
            )
        return self._asked is None or done == self._asked or self.history.stopped == "out of data"

    def _of_all_rows(self) -> dict[str, float]:
        return {}  # the batches are gone: these are measured of the validation

    def _per_epoch(self) -> int:
        return self._length

    def _lengths(self) -> list[int]:
        return [self.batch_size]


def _together(parts: list[Part]) -> list[np.ndarray]:
    """The arrays of several batches, one behind the other."""
    if len(parts) == 1:
        return parts[0].arrays
    return [np.concatenate(of_one) for of_one in zip(*(p.arrays for p in parts), strict=True)]
