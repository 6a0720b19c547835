"""Training on a data set, or on batches that come one by one."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from subgrad import optim
from subgrad.errors import ArgumentError
from subgrad.fit import metrics as metric_table
from subgrad.fit import options
from subgrad.fit.arrays import as_batch, is_scanned, split_validation
from subgrad.fit.callbacks.callback import Callbacks
from subgrad.fit.callbacks.callback import callbacks as as_callbacks
from subgrad.fit.history import History
from subgrad.fit.options import Checkpoint, EarlyStopping
from subgrad.fit.several.batch_form import require_call
from subgrad.fit.several.several_outputs import looked_up, loss_for
from subgrad.fit.training_run import Run, Watch
from subgrad.hints import hinted
from subgrad.io.atomic import require_writable
from subgrad.io.interrupts import Interrupts
from subgrad.io.terminal import waiting
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import LBFGS, FullBatch
from subgrad.optim.levenberg_marquardt import LevenbergMarquardt

if TYPE_CHECKING:
    from subgrad.fit.parallel.ranks import Ranks


@hinted
def fit(
    model: Module,
    X: Any,
    y: Any = None,
    *,
    loss: Any,
    loss_weights: Any = None,
    optimizer: str | optim.Optimizer | FullBatch = "adam",
    epochs: int = 10,
    batch_size: int = 32,
    validation: Any = None,
    metrics: Any = (),
    sample_weight: Any = None,
    shuffle: bool = True,
    drop_last: bool = False,
    accumulate: int = 1,
    steps_per_epoch: int | None = None,
    validation_every: int | None = None,
    seed: int = 0,
    early_stopping: EarlyStopping | int | bool | None = None,
    callbacks: Callbacks | Iterable[Callbacks] = (),
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    verbose: bool | None = None,
    comm: Any = None,
    averaging: Any = None,
    sync_batch_norm: bool = False,
) -> History:
    """Train ``model`` in place on samples ``X`` with targets ``y``.

    The last batch of an epoch may be smaller, but a single sample that is left over goes with the batch before it:
    there is no variance in one. The same seed gives the same bits. Ctrl-C ends the run cleanly: the model keeps the
    parameters of its best epoch, and the history says ``stopped == "interrupted"``.

    Args:
        model: any module, in either mode; a part that is in evaluation mode while the module is not stays so. Each
            member of an ensemble is trained as if it were alone.
        X: (n, ...) array, tensor, or pandas or polars frame; floats become the dtype of the model's parameters. An
            array mapped from a file (``np.load(path, mmap_mode="r")``) of that dtype, or of bytes, is not loaded: it
            may be larger than memory. For a model of several inputs a tuple has the arguments of ``forward`` by
            position, and a dict has them by name. Without ``y`` these are batches, from a list, a generator, a function
            that makes one, or another iterable such as PyTorch's ``DataLoader``: (x, y), (x, y, weights), or a dict, of
            which ``forward`` takes those that it has an argument for, and the loss the others. A thread fetches them.
            Or the rows of files, `subgrad.data.scan_table`, with their targets.
        y: (n, ...) targets, as the loss takes them; (n,) targets fit an output of shape (n, 1). For several outputs
            that each have a loss, a tuple or dict like the one that the model returns; outputs in a dict may be more.
        loss: a name, such as ``"cross_entropy"``, or a function ``loss(output, y)`` that returns a scalar tensor; with
            weights it is called as ``loss(output, y, sample_weight=...)``; one that also has arguments of the names
            ``inputs`` or ``step`` is given what the model was called with, and the number of batches before, a tensor
            (None in evaluation). For several outputs a tuple or dict of such;
            a loss of `subgrad.nn` alone is taken for each of them, and a function of your own alone gets the outputs
            and y as they are.
        loss_weights: a factor for the loss of each output, in a tuple or dict; 1 where there is none.
        optimizer: an optimiser, or the name of one with its default settings. `LBFGS` and `LevenbergMarquardt` look at
            all samples in each step, whatever ``batch_size`` and ``shuffle`` say: an epoch is one iteration.
        epochs: passes over the data, those of a resumed run included.
        batch_size: samples a step. Batches that you give are as long as they are.
        validation: (X, y) or (X, y, sample_weight), or the share of the samples to hold out; measured after each epoch.
            Beside batches also an iterable of such, which is read once; beside rows in files also such.
        metrics: names, such as ``"accuracy"``, or functions ``metric(output, y)`` that return the mean of a batch. For
            several outputs a dict of such by the output's name or position. Those of `subgrad.metrics`, such as
            ``"f1"`` or ``"roc_auc"``, are measured of all samples after each epoch, which takes a pass over them.
        sample_weight: (n,) weights, given to the loss.
        shuffle: whether each epoch has an order of its own; batches that you give keep theirs.
        drop_last: whether an epoch leaves out the samples that do not fill its last batch.
        accumulate: of how many batches the gradients are put together for one step of the optimiser: as one batch of
            all their samples would have them, if the loss is a mean (weighted or not) or a sum over samples.
        steps_per_epoch: of how many batches an epoch consists, if they come without end.
        validation_every: after how many batches the validation is measured also within an epoch, for
            ``history.steps``.
        seed: of the shuffling, of dropout, and of the share held out.
        early_stopping: an `EarlyStopping`, or its patience, or True; the model ends with the parameters of its best
            epoch.
        callbacks: functions of the history, called after each epoch, where an answer of True ends the run; or
            `Callback` objects, which hear more.
        checkpoint: a `Checkpoint`, or a path to save to after every epoch.
        resume: a checkpoint to go on from; the parameters become those of a run that was never interrupted, bit for
            bit. One of other data, another loss, model or optimiser, or of other settings is refused; metrics and
            validation may differ.
        verbose: whether to show progress; None does on a terminal.
        comm: a communicator of mpi4py, such as ``MPI.COMM_WORLD``: its processes share the run. Each is given the same
            model, data and settings, takes its part of every batch, and ends with the same parameters; see
            docs/guide/scale.md.
        averaging: how these processes come together: an `Averaging`, or after how many steps. With 1 their gradients
            are added up in each step; None is for that too, unless adding up takes longer than a step.
        sync_batch_norm: whether batch normalisation has the statistics of the whole batch, and not of each process's
            part: twice more is added up for each such layer, in both passes.

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
        RankError: in the other ranks, if one of them raises something before the first step.

    Example:
        >>> import numpy as np, subgrad as sg
        >>> X = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
        >>> net = sg.nn.Sequential(sg.nn.Linear(2, 8, seed=0), sg.nn.Tanh(), sg.nn.Linear(8, 2, seed=1))
        >>> history = sg.fit(net, np.array(X, float), [0, 1, 1, 0], loss="cross_entropy", epochs=200, batch_size=4,
        ...                  optimizer=sg.Adam(0.05), metrics=["accuracy"])
        >>> history["accuracy"][-1]
        1.0
    """
    ranks = None if comm is None else _ranks(comm)
    with contextlib.nullcontext() if ranks is None else ranks.agreed():
        options.require_module("fit", model)
        epochs, batch_size = options.count("epochs", epochs), options.count("batch_size", batch_size)
        shuffle, drop_last = options.switch("shuffle", shuffle), options.switch("drop_last", drop_last)
        verbose, seed = None if verbose is None else options.switch("verbose", verbose), options.seed(seed)
        accumulate = options.count("accumulate", accumulate)
        every = None if validation_every is None else options.count("validation_every", validation_every)
        given_loss = looked_up(loss)
        chosen = _optimizer(optimizer)
        stopping, saving = options.early_stopping(early_stopping), options.checkpoint(checkpoint)
        interrupts = Interrupts(terminates=saving is not None)
        watch = Watch(stopping, as_callbacks(callbacks), saving, every, verbose, interrupts)
        if every is not None and validation is None:
            raise ArgumentError("validation_every is how often the validation is measured, and there is none")
        if ranks is not None:
            _require_shared(model, chosen, X, y)
        if saving is not None and (ranks is None or ranks.leads):
            require_writable(saving.path)
        if is_scanned(X):
            if y is not None or sample_weight is not None or steps_per_epoch is not None:
                raise ArgumentError("rows in files have their targets with them: X stands alone, without y, "
                                    "sample_weight and steps_per_epoch")  # fmt: skip
            from subgrad.fit.stream.rows_run import RowsRun, start_rows  # few runs read files

            run: Run = start_rows(
                model, X, validation, given_loss, loss_weights, chosen, metrics, batch_size, seed, shuffle, drop_last,
                accumulate, verbose, _kind(ranks, averaging, sync_batch_norm, RowsRun),
            )  # fmt: skip
        elif y is None:
            from subgrad.fit import stream  # few runs are given batches

            stream.require_plain(chosen, saving, resume, sample_weight)
            run = stream.start(
                model, X, validation, given_loss, loss_weights, chosen, metrics, seed, accumulate, steps_per_epoch,
                verbose,
            )  # fmt: skip
        else:
            if steps_per_epoch is not None:
                raise ArgumentError("steps_per_epoch is for batches that come one by one, and there are X and y")
            data = as_batch(model._dtype(), X, y, sample_weight)
            require_call(model, data.form.x)
            whole_loss = loss_for(given_loss, loss_weights, data.form.y)
            measures = metric_table.resolve(metrics, data.form.y)
            rows, held_out = split_validation(data, validation, seed, model._dtype())
            if isinstance(chosen, FullBatch):
                from subgrad.fit import full_batch  # few runs need its line search

                several = accumulate if accumulate > 1 else None
                full_batch.require_plain(chosen.name, model, saving, resume, every, several)
                batch_size, shuffle, drop_last = full_batch.part_size(whole_loss, len(rows)), False, False
            with waiting("compiling", verbose):
                run = _kind(ranks, averaging, sync_batch_norm)(
                    model, whole_loss, chosen, data, rows, held_out, measures, batch_size, seed, shuffle, drop_last,
                    accumulate,
                )  # fmt: skip
    run.begin_as(resume)
    try:
        run.train(epochs, watch)
    finally:
        run.engine.rest()
    return run.history


def _ranks(comm: Any) -> Ranks | None:
    """The processes of a communicator, if there are several."""
    from subgrad.fit.parallel.ranks import ranks_of

    return ranks_of(comm)


def _require_shared(model: Module, optimizer: Any, X: Any, y: Any) -> None:
    from subgrad.fit.parallel.parallel_run import require_plain

    require_plain(model, optimizer)
    if y is None and not is_scanned(X):
        raise ArgumentError("several ranks take arrays, X and y, or rows in files, of which each reads its part, and "
                            "no batches")  # fmt: skip


def _kind(ranks: Ranks | None, averaging: Any, synchronised: Any, alone: type[Run] = Run) -> Callable[..., Any]:
    """The run of one process, or of several."""
    synchronised = options.switch("sync_batch_norm", synchronised)
    if ranks is None and averaging is None:
        return alone
    from subgrad.fit.parallel.local_sgd import averaging as as_averaging  # few runs are shared

    how = as_averaging(averaging)
    if ranks is None:
        return alone
    from subgrad.fit.parallel.parallel_run import ParallelRun
    from subgrad.fit.parallel.shared_rows import SharedRows

    return functools.partial(ParallelRun if alone is Run else SharedRows, ranks, how, synchronised)


def _optimizer(given: Any) -> optim.Optimizer | FullBatch:
    """What ``fit(optimizer=...)`` means."""
    if isinstance(given, FullBatch):
        return given
    return next((kind() for kind in (LBFGS, LevenbergMarquardt) if given == kind.name), None) or optim.get(given)
