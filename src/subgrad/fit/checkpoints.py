"""A run on disk: model, optimiser state, best parameters so far and history, in one file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from subgrad.errors import ArgumentError, FileError
from subgrad.fit.history import History
from subgrad.graph.tensor import constant
from subgrad.graph.tree import leaves, rebuild
from subgrad.io.model_file import read_model_file, write_model_file

if TYPE_CHECKING:
    from subgrad.fit.train import _Run


def save(path: str | os.PathLike[str], run: _Run) -> None:
    """Write the run, atomically."""
    names = [name for name, _ in run.model.named_state()]
    tensors = {
        **{f"model.{name}": value for name, value in run.model.state_dict().items()},
        **{f"best.{name}": value for name, value in zip(names, run.best, strict=True)},
        **{f"optimizer.{i}": s.numpy() for i, s in enumerate(leaves(run.state))},
    }
    write_model_file(path, tensors, {"run": _settings(run), "history": run.history.epochs})


def restore(path: str | os.PathLike[str], run: _Run) -> None:
    """Put ``run`` where the checkpoint was; `ArgumentError` if its settings would take it elsewhere."""
    tensors, header = read_model_file(path)
    if "run" not in header:
        raise FileError(f"{path} is a model, not a checkpoint of a run")
    _check_settings(path, header["run"], _settings(run))
    run.model.load_state_dict(_part(tensors, "model."))
    best = _part(tensors, "best.")
    run.best = [best[name] for name, _ in run.model.named_state()]
    state = _part(tensors, "optimizer.")
    run.state = rebuild(run.state, [constant(state[str(i)]) for i in range(len(state))])
    run.history = History(header["history"])


def _settings(run: _Run) -> dict[str, Any]:
    """What must agree for a resumed run to be the run that was interrupted."""
    return {
        "optimizer": run.optimizer.config(),
        "batch_size": run.batch_size,
        "seed": run.seed,
        "shuffle": run.shuffle,
        "samples": len(run.rows),
    }


def _check_settings(path: Any, saved: dict[str, Any], given: dict[str, Any]) -> None:
    differ = [f"{key} {saved.get(key)!r}, now {given[key]!r}" for key in given if saved.get(key) != given[key]]
    if differ:
        raise ArgumentError(f"{path} was saved by a run with other settings: {'; '.join(differ)}")


def _part(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
