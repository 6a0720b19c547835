"""The training run: epochs of shuffled batches, validation, early stopping, checkpoints, Ctrl-C."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from subgrad import optim
from subgrad.compile.garbage import uncollected
from subgrad.errors import ArgumentError, NonFiniteError
from subgrad.fit import checkpoints, options
from subgrad.fit import metrics as metric_table
from subgrad.fit.arrays import Part, as_batch, split_validation
from subgrad.fit.engine import NonFiniteLoss, engine_for
from subgrad.fit.epoch_progress import Progress
from subgrad.fit.evaluation import measure
from subgrad.fit.history import History
from subgrad.fit.kept import kept
from subgrad.fit.measured import over_all
from subgrad.fit.options import Callback, Checkpoint, EarlyStopping
from subgrad.fit.several.form import require_call
from subgrad.fit.several.outputs import looked_up, loss_for
from subgrad.fit.step import check_values, initial_state, trace_forward, trace_step
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.graph.values import assign_all, nodes_of
from subgrad.io.atomic import require_writable
from subgrad.io.terminal import waiting
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import LBFGS

CONTROL_SECONDS = 0.1  # how often a run comes back for the progress bar and Ctrl-C


def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Any,
    loss_weights: Any = None,
    optimizer: str | optim.Optimizer | LBFGS = "adam",
    epochs: int = 10,
    batch_size: int = 32,
    validation: Any = None,
    metrics: Any = (),
    sample_weight: Any = None,
    shuffle: bool = True,
    drop_last: bool = False,
    seed: int = 0,
    early_stopping: EarlyStopping | int | bool | None = None,
    callbacks: Callback | Iterable[Callback] = (),
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    verbose: bool | None = None,
) -> History:
    """Train ``model`` in place on samples ``X`` with targets ``y``.

    The last batch of an epoch may be smaller, but a single sample that is left over goes with the batch before it:
    there is no variance in one. The same seed gives the same bits. Ctrl-C ends the run cleanly: the model keeps the
    parameters of its best epoch, and the history says ``stopped == "interrupted"``.

    Args:
        model: any module; each member of an ensemble is trained as if it were alone.
        X: (n, ...) array, tensor, or pandas or polars frame; floats become the dtype of the model's parameters. An
            array mapped from a file (``np.load(path, mmap_mode="r")``) of that dtype, or of bytes, is not loaded: it
            may be larger than memory. For a model of several inputs a tuple has the arguments of ``forward`` by
            position, and a dict has them by name.
        y: (n, ...) targets, as the loss takes them; (n,) targets fit an output of shape (n, 1). For several outputs
            that each have a loss, a tuple or dict like the one that the model returns; outputs in a dict may be more.
        loss: a name, such as ``"cross_entropy"``, or a function ``loss(output, y)`` that returns a scalar tensor; with
            weights it is called as ``loss(output, y, sample_weight=...)``. For several outputs a tuple or dict of such;
            a loss of `subgrad.nn` alone is taken for each of them, and a function of your own alone gets the outputs
            and y as they are.
        loss_weights: a factor for the loss of each output, in a tuple or dict; 1 where there is none.
        optimizer: an optimiser, or the name of one with its default settings. `LBFGS` and ``"lbfgs"`` look at all
            samples in each step, whatever ``batch_size`` and ``shuffle`` say: an epoch is one iteration.
        epochs: passes over the data, those of a resumed run included.
        batch_size: samples a step.
        validation: (X, y) or (X, y, sample_weight), or the share of the samples to hold out; measured after each epoch.
        metrics: names, such as ``"accuracy"``, or functions ``metric(output, y)`` that return the mean of a batch. For
            several outputs a dict of such by the output's name or position.
        sample_weight: (n,) weights, given to the loss.
        shuffle: whether each epoch has an order of its own.
        drop_last: whether an epoch leaves out the samples that do not fill its last batch.
        seed: of the shuffling, of dropout, and of the share held out.
        early_stopping: an `EarlyStopping`, or its patience, or True; the model ends with the parameters of its best
            epoch.
        callbacks: functions of the history, called after each epoch; an answer of True ends the run.
        checkpoint: a `Checkpoint`, or a path to save to after every epoch.
        resume: a checkpoint to go on from; the parameters become those of a run that was never interrupted, bit for
            bit. One of other data, another loss, model or optimiser, or of other settings is refused; metrics and
            validation may differ.
        verbose: whether to show progress; None does on a terminal.

    Returns:
        `History`, the loss, metrics and seconds of each epoch; of several outputs, called ``"a"`` and ``"b"``, also
        ``"a_loss"``, ``"b_loss"``, and metrics such as ``"a_accuracy"``. Each number is the mean over all samples, a
        weighted loss the weighted one, however they are batched; those of the training are of the parameters as they
        were when a batch went by, as everywhere. (A function of your own that is no mean over samples is averaged as
        one.)

    Raises:
        ArgumentError: for an argument that is not what is said above.
        DataError: for NaN, inf or text in the data, or targets that do not fit the loss or a metric.
        ShapeError: if X and y differ in length, or an op in the model does not fit.
        NonFiniteError: if the loss becomes NaN or inf, with the epoch, the batch and the op.

    Example:
        >>> import subgrad as sg
        >>> X = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.Tanh(), sg.nn.Linear(8, 2, seed=1))
        >>> history = sg.fit(net, np.array(X, float), [0, 1, 1, 0], loss="cross_entropy", epochs=200, batch_size=4,
        ...                  optimizer=sg.Adam(0.05), metrics=["accuracy"])
        >>> history["accuracy"][-1]
        1.0
    """
    options.require_module("fit", model)
    epochs, batch_size = options.count("epochs", epochs), options.count("batch_size", batch_size)
    shuffle, drop_last = options.switch("shuffle", shuffle), options.switch("drop_last", drop_last)
    verbose, seed = None if verbose is None else options.switch("verbose", verbose), options.seed(seed)
    looked_up_loss = looked_up(loss)
    chosen = LBFGS() if optimizer == LBFGS.name else optimizer if isinstance(optimizer, LBFGS) else optim.get(optimizer)
    stopping, saving = options.early_stopping(early_stopping), options.checkpoint(checkpoint)
    calls = options.callbacks(callbacks)
    if saving is not None:
        require_writable(saving.path)
    data = as_batch(model._dtype(), X, y, sample_weight)
    require_call(model, data.form.x)
    given_loss = loss_for(looked_up_loss, loss_weights, data.form.y)
    measures = metric_table.resolve(metrics, data.form.y)
    rows, held_out = split_validation(data, validation, seed, model._dtype())
    if isinstance(chosen, LBFGS):
        from subgrad.fit import full_batch  # few runs need its line search

        full_batch.require_plain(model, saving, resume)
        batch_size, shuffle, drop_last = full_batch.part_size(given_loss, len(rows)), False, False
    with waiting("compiling", verbose):
        run = _Run(model, given_loss, chosen, data, rows, held_out, measures, batch_size, seed, shuffle, drop_last)
        if resume is not None:
            run.restore(resume)
    try:
        run.train(epochs, stopping, calls, saving, verbose)
    finally:
        run.engine.rest()
    return run.history


class _Run(checkpoints.RunState):
    """The state of a run, and the engine that moves it."""

    @uncollected
    def __init__(
        self, model: Module, loss: Callable[..., Any], optimizer: optim.Optimizer | LBFGS, data: Part,
        rows: np.ndarray, held_out: Part | None, metrics: dict[str, metric_table.Metric], batch_size: int, seed: int,
        shuffle: bool, drop_last: bool = False,
    ) -> None:  # fmt: skip
        if drop_last and len(rows) < batch_size:
            raise ArgumentError(f"drop_last leaves nothing of {len(rows)} samples in batches of {batch_size}")
        self.metrics = _checked(model, loss, data, held_out, metrics)
        self.held_out, self.parameters = held_out, [p for _, p in model.named_state()]
        super().__init__(
            model=model, loss=loss, optimizer=optimizer, data=data.arrays, form=data.form, rows=rows,
            batch_size=batch_size, seed=seed, shuffle=shuffle, drop_last=drop_last,
            state=initial_state(model, optimizer), best=self._values(), history=History(),
        )  # fmt: skip
        self.programs = kept(model, loss, optimizer, *self.metrics.items(), data.form)
        self.engine, self.pace = self._start(), _Pace()

    def _start(self) -> Any:
        def trace(batch, gathers=False, shorter=None):
            parts = self.model, self.loss, self.optimizer, self.state, batch, self.metrics
            return trace_step(*parts, gathers, shorter, self.form)

        def forward(batch):
            return trace_forward(self.model, self.loss, batch, self.metrics, self.form)

        if isinstance(self.optimizer, LBFGS):
            from subgrad.fit import full_batch

            trained = [p.requires_grad for p in self.parameters]
            of_all = full_batch.LossOfAll(forward, self.data, trained, self.programs)
            return full_batch.QuasiNewton(self.optimizer, of_all, self._values(), trained)
        state = [s.numpy() for s in leaves(self.state)]
        lengths = {j - i for i, j in pairwise(_ends(len(self.rows), self.batch_size, self.drop_last))}
        return engine_for(trace, forward, self.data, [*self._values(), *state], sorted(lengths), self.programs)

    def _values(self) -> list[np.ndarray]:
        return [n.numpy() for n in nodes_of(self.parameters)]

    def train(
        self, epochs: int, stopping: EarlyStopping | None, callbacks: Sequence[Callback], saving: Checkpoint | None,
        verbose: bool | None,
    ) -> None:  # fmt: skip
        self.model.train()
        with Progress(epochs, verbose) as progress:
            try:
                while len(self.history) < epochs and self.history.stopped == "finished":
                    self._epoch(progress)
                    self._after_epoch(stopping, callbacks, saving)
            except KeyboardInterrupt:
                self.history.stopped = "interrupted"
            early = self.history.stopped in ("interrupted", "early stopping")
            if (early or stopping is not None) and len(self.history):
                self._assign(self.best)
                if early:
                    progress.say(f"{self.history.stopped}: the model of epoch {self.history.best_epoch} is kept")

    def _epoch(self, progress: Progress) -> None:
        start, number = time.perf_counter(), len(self.history)
        batches = self._batches(number)
        measured: list[np.ndarray] = []
        try:
            for chunk in [batches] if isinstance(self.optimizer, LBFGS) else self.pace.parts(batches):
                done = len(measured)
                measured.extend(self.engine.run(chunk, self.seed, number * len(batches) + done, done))
                progress.batches(number, len(measured) / len(batches))
        except NonFiniteLoss as error:
            raise NonFiniteError(
                f"the loss became NaN or inf in epoch {number + 1}, batch {error.batch + 1} of {len(batches)}: "
                f"{error.source}"
            ) from None
        self._sync()
        row = over_all(self.engine.terms, np.array(measured), [len(b) for b in batches])
        if self.held_out is not None:
            found = measure(self.model, self.held_out, self.loss, self.metrics)
            if not np.isfinite(found["loss"]):
                raise NonFiniteError(f"the validation loss is NaN or inf after epoch {number + 1}")
            row.update({f"validation_{name}": value for name, value in found.items()})
        self.history.epochs.append({**row, "seconds": time.perf_counter() - start})
        if self.history.best_epoch == len(self.history):
            self.best = self._values()
        progress.epoch(self.history)

    def _after_epoch(
        self, stopping: EarlyStopping | None, callbacks: Sequence[Callback], saving: Checkpoint | None
    ) -> None:
        if saving is not None and len(self.history) % saving.every == 0:
            checkpoints.save(saving.path, self)
        answers = [callback(self.history) for callback in callbacks]  # each is called, whatever others say
        if any(map(options.says_stop, answers)):
            self.history.stopped = "callback"
        if isinstance(self.optimizer, LBFGS) and self.engine.converged:
            self.history.stopped = "converged"
        if stopping is not None and stopping.says_stop(self.history):
            self.history.stopped = "early stopping"

    def _batches(self, epoch: int) -> list[np.ndarray]:
        n, order = len(self.rows), self.rows
        if self.shuffle:
            entropy = np.random.SeedSequence([abs(self.seed), 2, epoch])
            order = order[np.random.Generator(np.random.Philox(entropy)).permutation(n)]
        return [order[i:j] for i, j in pairwise(_ends(n, self.batch_size, self.drop_last))]

    def _sync(self) -> None:
        """Give the engine's variables to the model and the optimiser's state: copies, the engine writes to its own."""
        values = [v.copy() for v in self.engine.variables]
        self._assign(values[: len(self.parameters)])
        self.state = rebuild(self.state, [constant(v) for v in values[len(self.parameters) :]])

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        assign_all(self.parameters, [constant(v) for v in values])

    def restore(self, path: str | os.PathLike[str]) -> None:
        checkpoints.restore(path, self)
        self.engine = self._start()


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
    return metric_table.knowing(metrics, seen[0], sets)


class _Pace:
    """Batches in runs that take about `CONTROL_SECONDS` each; an epoch goes on at the pace of the one before it."""

    def __init__(self) -> None:
        self._size = 1

    def parts(self, batches: Sequence[np.ndarray]) -> Iterator[Sequence[np.ndarray]]:
        at = 0
        while at < len(batches):
            start, part = time.perf_counter(), batches[at : at + self._size]
            yield part
            at += len(part)
            elapsed = max(time.perf_counter() - start, 1e-6)
            self._size = max(1, min(4 * self._size, int(len(part) * CONTROL_SECONDS / elapsed)))


def _ends(n: int, size: int, drop_last: bool) -> list[int]:
    """Where the batches of n samples end, from 0 on."""
    whole, left = divmod(n, size)
    ends = [size * i for i in range(whole + 1)]
    if not left or drop_last:
        return ends
    return [*ends[:-1], n] if left == 1 and whole else [*ends, n]
