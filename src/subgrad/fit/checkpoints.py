"""A run on disk: model, optimiser state, best parameters so far and history, in one file."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from subgrad.errors import ArgumentError, DataError, FileError, SubgradError
from subgrad.fit.arrays import AT_ONCE, Part
from subgrad.fit.evaluation import measure
from subgrad.fit.history import History
from subgrad.fit.measuring.measured import Label, Term, labels, relabelled, tabled, together
from subgrad.fit.several.batch_form import Form
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.io.model_file import description, part, read_model_file, write_model_file
from subgrad.nn.module import Module
from subgrad.optim.lbfgs import FullBatch
from subgrad.optim.optimizer import Optimizer

DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
PROBE = 8  # samples whose loss shows whether model and loss are those of the checkpoint
_LONG = {"architecture": "another architecture", "data": "other data"}


@dataclass
class Begun:
    """How far an epoch is.

    Attributes:
        measured: what its batches measured, some batches a table.
        columns: of these tables.
        sizes: how many samples each of the batches had.
        seconds: how long they took.
    """

    measured: list[np.ndarray] = field(default_factory=list)
    columns: list[Label] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, terms: Sequence[Term], values: np.ndarray, sizes: Sequence[int]) -> None:
        """Some more batches, of which a run that was resumed may measure other numbers than before."""
        now = labels(terms)
        if now != self.columns:
            self.measured = [relabelled(table, self.columns, now) for table in self.measured]
        self.measured.append(tabled(terms, values, sizes))
        self.columns, self.sizes = now, [*self.sizes, *sizes]

    def together(self) -> dict[str, float]:
        """The numbers of all batches so far."""
        return together(self.columns, np.concatenate(self.measured))

    def last(self) -> dict[str, float]:
        """The numbers of the last batch, as far as it has them: one whose weights are all 0 has no mean."""
        return together(self.columns, self.measured[-1][-1:], undefined=math.nan)


@dataclass(kw_only=True, eq=False)
class RunState:
    """A run between two batches.

    Attributes:
        model, loss, optimizer: as `fit` was given them, names looked up.
        data: features, targets and perhaps weights.
        form: which of these arrays is what.
        rows: the numbers of the samples to train on.
        batch_size, seed, shuffle, drop_last, accumulate: as `fit` was given them.
        state: the optimiser's, a tree of tensors.
        best: the values of the parameters in the best epoch so far, in the order of ``model.named_state()``.
        history: of the epochs so far.
        step_factor: what constant step sizes are multiplied with by now.
        begun: the epoch that has begun.
        average_every: of several ranks, after how many steps their parameters are averaged; 1 if their gradients are.
        velocity: of the outer step that averages take.
        memory: that rows in files may take, by which they are put into lots; None for data in memory.
    """

    model: Module
    loss: Callable[..., Any]
    optimizer: Optimizer | FullBatch
    data: list[np.ndarray]
    form: Form
    rows: np.ndarray
    batch_size: int
    seed: int
    shuffle: bool
    drop_last: bool
    accumulate: int
    state: Any
    best: list[np.ndarray]
    history: History
    step_factor: float = 1.0
    begun: Begun = field(default_factory=Begun)
    average_every: int = 1
    velocity: list[np.ndarray] = field(default_factory=list)
    memory: int | None = None

    @functools.cached_property
    def data_digest(self) -> str:
        """The SHA-256 digest of the data, read in pieces, and of the numbers of the samples to train on."""
        found = hashlib.sha256(np.ascontiguousarray(self.rows, np.int64).data)
        for array in self.data:
            found.update(f"{array.dtype} {array.shape}".encode())
            step = max(1, AT_ONCE // max(1, array[:1].size))
            for start in range(0, len(array), step):
                piece = np.ascontiguousarray(array[start : start + step])
                found.update(piece.reshape(-1).view(np.uint8).data)
        return found.hexdigest()


def save(path: str | os.PathLike[str], run: RunState) -> None:
    """Write the run, atomically."""
    names = [name for name, _ in run.model.named_state()]
    tensors = {
        **{f"model.{name}": value for name, value in run.model.state_dict().items()},
        **{f"best.{name}": value for name, value in zip(names, run.best, strict=True)},
        **{f"optimizer.{i}": s.numpy() for i, s in enumerate(leaves(run.state))},
        **{f"velocity.{i}": v for i, v in enumerate(run.velocity)},
    }
    if run.begun.sizes:
        tensors |= {"epoch.measured": np.concatenate(run.begun.measured), "epoch.sizes": np.array(run.begun.sizes)}
    history, steps = (_rows_written(rows) for rows in (run.history.epochs, run.history.steps))
    header = {"run": _settings(run), "probe": _written(_probe(run)), "history": history, **_described(run)}
    header |= {"steps": steps, "step_factor": run.step_factor, "seconds": run.begun.seconds}
    header |= {"average_every": run.average_every, "columns": run.begun.columns}
    try:
        write_model_file(path, tensors, header)
    except FileError as error:
        if os.path.exists(path):
            error.args = (f"{error}; what was saved there before is whole: make room, and go on from it with resume",)
        raise


def restore(path: str | os.PathLike[str], run: RunState) -> None:
    """Put ``run`` where the checkpoint was; `ArgumentError` if it would go elsewhere: then nothing has changed."""
    tensors, header = read_model_file(path)
    if "run" not in header:
        raise FileError(f"{path} is a model, not a checkpoint of a run")
    before = run.model.state_dict()
    try:
        _check_settings(path, header["run"], _settings(run))
        best, state = part(tensors, "best."), part(tensors, "optimizer.")
        after = _state(state, run)
        run.model.load_state_dict(best)  # which says what does not fit
        run.model.load_state_dict(part(tensors, "model."))
        found, was = _probe(run), float(header["probe"])
        if not np.isclose(found, was, rtol=1e-3, atol=1e-6, equal_nan=True):
            raise ArgumentError(
                f"{path} was saved by a run with another loss or model: that of its first samples was {was:g}, "
                f"and is {found:g} now"
            )
        factor, every = float(header["step_factor"]), int(header["average_every"])
        velocity = part(tensors, "velocity.")
        history, steps = (_rows_read(header[key]) for key in ("history", "steps"))
        begun = _begun(part(tensors, "epoch."), header["columns"], float(header.get("seconds", 0.0)))
    except Exception as error:
        run.model.load_state_dict(before)
        if isinstance(error, SubgradError) or not isinstance(error, DAMAGED):
            raise
        raise FileError(f"{path} is damaged, or no checkpoint of this version: {error!r}"[:300]) from None
    run.best = [best[name] for name, _ in run.model.named_state()]
    run.state, run.history, run.step_factor, run.begun = after, History(history, steps=steps), factor, begun
    run.average_every, run.velocity = every, [velocity[str(i)] for i in range(len(velocity))]


def _begun(saved: dict[str, np.ndarray], columns: list[list[Any]], seconds: float) -> Begun:
    if not saved:
        return Begun()
    measured, sizes = saved["measured"], saved["sizes"].tolist()
    if measured.shape != (len(sizes), len(columns), 2):
        raise ValueError(f"{len(sizes)} batches measured {len(columns)} terms, in a table of {measured.shape}")
    return Begun([measured], [(str(name), bool(added)) for name, added in columns], sizes, seconds)


def _state(saved: dict[str, np.ndarray], run: RunState) -> Any:
    """The optimiser's state; `ArgumentError` if the optimiser of this run has another."""
    values = [saved[str(i)] for i in range(len(saved))]
    now = leaves(run.state)
    if [(v.shape, v.dtype) for v in values] != [(s.shape, s.dtype) for s in now]:
        raise ArgumentError("the state of the optimiser does not fit: it was saved for another model or optimiser")
    return rebuild(run.state, [constant(v) for v in values])


def _settings(run: RunState) -> dict[str, Any]:
    """What must agree for a resumed run to be the run that was interrupted."""
    return {
        "optimizer": run.optimizer.config(),
        "loss": _named(run.loss),
        "batch_size": run.batch_size,
        "seed": run.seed,
        "shuffle": run.shuffle,
        "drop_last": run.drop_last,
        "accumulate": run.accumulate,
        "memory": run.memory,
        "samples": len(run.rows),
        "data": run.data_digest,
        "architecture": _without_seeds(_described(run).get("model")),
    }


def _check_settings(path: Any, saved: dict[str, Any], given: dict[str, Any]) -> None:
    differ = [
        _LONG.get(key, f"{key} {saved.get(key)!r}, now {given[key]!r}") for key in given if saved.get(key) != given[key]
    ]
    if differ:
        raise ArgumentError(f"{path} was saved by a run with other settings: {'; '.join(differ)}")


def _described(run: RunState) -> dict[str, Any]:
    """The model as JSON, so that `subgrad.load` can read it; nothing if JSON cannot hold it."""
    try:
        return description(run.model)
    except ArgumentError:
        return {}


def _without_seeds(described: Any) -> Any:
    """A description without the seeds of initial values, which a checkpoint replaces."""
    if isinstance(described, dict):
        return {key: _without_seeds(value) for key, value in described.items() if key != "seed"}
    return [_without_seeds(value) for value in described] if isinstance(described, list) else described


def _named(loss: Any) -> str:
    """A loss by name, with the arguments that were bound to it."""
    if isinstance(loss, functools.partial):
        bound = [*map(_named, loss.args), *(f"{key}={value!r}" for key, value in loss.keywords.items())]
        return f"{_named(loss.func)}({', '.join(bound)})"[:1000]
    if isinstance(loss, tuple):
        return f"({', '.join(map(_named, loss))})"
    if not callable(loss) or (dataclasses.is_dataclass(loss) and not isinstance(loss, type)):
        return repr(loss)
    return getattr(loss, "__qualname__", type(loss).__qualname__)


def _probe(run: RunState) -> float:
    """The loss of the first samples in evaluation mode; NaN if none of them counts."""
    form = replace(run.form, weighted=False)
    try:
        return measure(run.model, Part(run.form.without_weight(run.data), run.rows[:PROBE], form), run.loss, {})["loss"]
    except DataError:
        return math.nan


def _rows_written(rows: list[dict[str, float]]) -> list[dict[str, float | str]]:
    return [{name: _written(value) for name, value in row.items()} for row in rows]


def _rows_read(rows: list[dict[str, Any]]) -> list[dict[str, float]]:
    return [{str(name): float(value) for name, value in row.items()} for row in rows]


def _written(value: float) -> float | str:
    """A number as JSON can hold it: NaN and infinities as texts."""
    return value if math.isfinite(value) else str(value)
