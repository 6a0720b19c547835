"""What ranks do in these tests, by mpiexec: ``python shared_runs.py TASK FOLDER``. Rank 0 writes what is judged."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from mpi4py import MPI

import subgrad as sg
from subgrad import nn
from subgrad.errors import ArgumentError, FileError, NonFiniteError, RankError
from subgrad.fit.parallel.ranks import Ranks
from subgrad.fit.parallel.sums_over_ranks import sums_of
from subgrad.fit.stream import rows_run

COMM = MPI.COMM_WORLD
RNG = np.random.default_rng(0)
X, Y, WEIGHTS = RNG.normal(size=(103, 6)).astype(np.float32), RNG.integers(0, 3, 103), RNG.random(103)
ROOM = {"loss": "cross_entropy", "batch_size": 20, "averaging": 1}  # the last batch has 3 samples
ROWS = {"batch_size": 64, "optimizer": sg.Adam(0.05)}  # the last batch has 65


def net(*between: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8, seed=1), *between, nn.Tanh(), nn.Linear(8, 3, seed=2))


def wide(*between: nn.Module) -> nn.Module:
    """So large that memory is shared for its sums."""
    last = nn.Linear(80, 90, seed=2), nn.Linear(90, 3, seed=3)
    return nn.Sequential(nn.Linear(6, 80, seed=1), *between, nn.Tanh(), *last)


def digest(model: nn.Module) -> str:
    return hashlib.sha256(b"".join(p.numpy().tobytes() for _, p in model.named_state())).hexdigest()


def compared(make: Any = net, given: Any = (X, Y), **options: Any) -> dict[str, Any]:
    """How far a shared run is from that of one process, which rank 0 does, too."""
    many, options = make(), {**ROOM, **options}
    history = sg.fit(many, *given, comm=COMM, **options)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    found: dict[str, Any] = {"models": COMM.allgather(digest(many)), "histories": COMM.allgather(rows)}
    if COMM.rank == 0:
        one = make()
        options.pop("resume", None)
        alone = sg.fit(one, *given, **options)
        found["apart"] = max(abs(a - alone.epochs[i][k]) for i, row in enumerate(rows) for k, a in row.items())
        found["parameters apart"] = max(
            float(np.abs(a.numpy() - b.numpy()).max())
            for (_, a), (_, b) in zip(one.named_state(), many.named_state(), strict=True)
        )
    return found


def raised(kind: Any, **options: Any) -> list[str]:
    """What all ranks say of a run that fails; ``options`` may be functions of the rank."""
    own = {k: v() if callable(v) else v for k, v in options.items()}
    try:
        sg.fit(own.pop("model", net()), own.pop("X", X), own.pop("Y", Y), comm=COMM, **{**ROOM, **own})
    except kind as error:
        return COMM.allgather(f"{type(error).__name__}: {error}")
    raise AssertionError("nothing was raised")


class Killed:
    """A communicator that kills its process at the n-th sum."""

    def __init__(self, n: int) -> None:
        self._left = n

    def __getattr__(self, name: str) -> Any:
        return getattr(COMM, name)

    def Allreduce(self, *arguments: Any) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        COMM.Allreduce(*arguments)


def size(f: sg.Tensor, y: sg.Tensor) -> sg.Tensor:
    return (f * f).mean()


class Interrupts(sg.Callback):
    """Ctrl-C after the first batches."""

    def on_batch_end(self, step: int, logs: dict[str, float]) -> None:
        raise KeyboardInterrupt


class Breaks(sg.Callback):
    """Empties a file after the first batch."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_batch_end(self, step: int, logs: dict[str, float]) -> None:
        self._path.write_bytes(b"")


def rows_of(folder: Path) -> sg.data.ScannedTable:
    """1,025 rows in two files, in several lots."""
    values = np.random.default_rng(1).normal(size=(1025, 6))
    frame = pl.DataFrame(values, [*"abcdef"], orient="row").with_columns(label=values[:, :3].argmax(1).astype(str))
    if COMM.rank == 0:
        (folder / "rows").mkdir(exist_ok=True)
        frame.head(600).write_parquet(folder / "rows" / "0.parquet", row_group_size=150)
        frame.tail(425).write_parquet(folder / "rows" / "1.parquet", row_group_size=150)
    COMM.Barrier()
    rows = sg.data.scan_table(folder / "rows", "label", memory=1 << 16)
    assert len(rows.order(0, 0, True, np.dtype("f4")).groups) > 2
    return rows


def in_files(folder: Path) -> None:
    """Rows in files, against one process; the last run breaks off."""
    rows = rows_of(folder)
    found: dict[str, Any] = {"plain": compared(given=(rows,), **ROWS, epochs=2)}
    rows_run.HELD_OUT = 0  # so that they stay in their files
    options = {"epochs": 2, "validation": 0.3, "metrics": ["accuracy", "f1"], "drop_last": True}
    found["validation"] = compared(given=(rows,), **ROWS, **options)
    arrays = [np.concatenate(one) for one in zip(*rows.parts(np.dtype("f4")), strict=True)]
    models = [net() for _ in range(2)]
    for model, data in zip(models, ((rows,), arrays), strict=True):
        sg.fit(model, *data, **{**ROOM, **ROWS, "averaging": 3}, shuffle=False, epochs=2, comm=COMM)
    found["apart"] = COMM.allgather([*map(digest, models)])
    alone, saving = folder / "alone.safetensors", sg.Checkpoint(folder / "rows.safetensors", minutes=0)
    if COMM.rank == 0:
        options = {**ROOM, **ROWS, "epochs": 2, "callbacks": Interrupts()}
        assert sg.fit(net(), rows, **options, checkpoint=alone).stopped == "interrupted"
    found["from one"] = compared(given=(rows,), **ROWS, epochs=2, resume=alone)
    found["broken"] = raised((FileError, RankError), X=rows, Y=None, **ROWS, epochs=3, checkpoint=saving,
                             callbacks=Breaks(folder / "rows" / "1.parquet"))  # fmt: skip
    if COMM.rank == 0:
        (folder / "in_files.json").write_text(json.dumps(found))


def dying(folder: Path) -> None:
    """Rank 1 dies in the third epoch: each has 6 steps, of one sum each."""
    in_files(folder)
    comm = Killed(15) if COMM.rank == 1 else COMM
    sg.fit(net(), X, Y, **ROOM, epochs=4, comm=comm, checkpoint=folder / "run.safetensors", optimizer=sg.Adam(0.01))


def apart(folder: Path) -> dict[str, Any]:
    """Averages after two steps of each rank; once more with a pause; and beside them Adam and running statistics."""
    noted = folder / "apart.safetensors"
    options = {"loss": "squared", "batch_size": 6, "seed": 3, "comm": COMM, "verbose": False}

    def linear(epochs: int, momentum: float | None, **more: Any) -> nn.Module:
        model = nn.Linear(6, 1, seed=4)
        sg.fit(model, X, X.sum(1), **options, epochs=epochs, optimizer=sg.SGD(0.05),
               averaging=sg.Averaging(2, 0.9, momentum), **more)  # fmt: skip
        return model

    whole = linear(3, None)
    linear(1, None, checkpoint=noted)
    again = linear(3, None, resume=noted if COMM.rank == 0 else None)
    other = net(nn.BatchNorm1d(8))
    history = sg.fit(other, X, Y, **{**options, "loss": "cross_entropy"}, epochs=2, averaging=3, validation=0.2)
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    return {
        "weight": whole.weight.tolist(), "bias": whole.bias.tolist(), "models": COMM.allgather(digest(whole)),
        "again": digest(again), "others": COMM.allgather(digest(other)), "histories": COMM.allgather(rows),
    }  # fmt: skip


def sums(seen: bool) -> dict[str, Any]:
    """What all ranks have of a sum, in memory that they see or through messages, and of what lies around it."""
    ranks = Ranks(COMM)
    ranks.on_one_machine = lambda: seen
    found = sums_of(ranks, 1 << 20)
    right = []
    for dtype, size in (("f4", 5), ("f4", 100_003), ("f8", 70_001), ("f4", 4096)):
        found.own[:] = 7
        buffer = found.own[64:].view(dtype)[:size]
        parts = [np.random.default_rng(rank).integers(-99, 99, size) for rank in range(COMM.size)]
        buffer[:] = parts[COMM.rank]
        found.add(buffer)
        inside = bool((buffer == np.sum(parts, 0)).all())
        right.append(inside and bool((found.own[:64] == 7).all() and (found.own[64 + buffer.nbytes :] == 7).all()))
    return {"right": COMM.allgather(right), "memory": COMM.allgather(found.in_memory)}


def sharing(folder: Path) -> None:
    found: dict[str, Any] = {
        "plain": compared(epochs=3),
        "weights": compared(epochs=2, sample_weight=WEIGHTS),
        "accumulated": compared(epochs=2, accumulate=2, optimizer=sg.SGD(0.1, momentum=0.9)),
        "validation": compared(epochs=2, validation=0.2, metrics=["accuracy", "f1"], early_stopping=1),
    }
    options = {"epochs": 2, "sync_batch_norm": True, "sample_weight": WEIGHTS, "optimizer": sg.SGD(0.1)}
    found["batch norm"] = compared(lambda: net(nn.BatchNorm1d(8)), **options)
    found["large"] = compared(lambda: wide(nn.BatchNorm1d(80)), **options)
    found["sums"] = {"memory": sums(True), "messages": sums(False)}
    told: list[int] = []
    dropping = net(nn.Dropout(0.5))
    options = {**ROOM, "epochs": 3, "comm": COMM, "shuffle": False}
    history = sg.fit(dropping, X, Y, **options, callbacks=lambda h: told.append(COMM.rank) or len(h) == 2)
    found["callback"] = {"ranks": COMM.allgather(told), "stopped": COMM.allgather((history.stopped, len(history)))}
    found["dropout"] = COMM.allgather(digest(dropping))
    large = np.where(np.arange(103)[:, None] == 27, np.float32(3e38), X)  # in the second batch, of rank 1
    found["errors"] = {
        "nan": raised(NonFiniteError, model=lambda: nn.Linear(6, 3, seed=1), X=large, shuffle=False, loss=lambda: size),
        "one rank": raised((ArgumentError, RankError), batch_size=lambda: 0.5 if COMM.rank == 1 else 20),
        "other data": raised(ArgumentError, X=lambda: X + (COMM.rank == 2)),
        "small": raised(ArgumentError, X=X[:3], Y=Y[:3]),  # in a batch of 20
    }
    found["apart"] = apart(folder)
    resumed = net()
    checkpoint = folder / "run.safetensors"
    history = sg.fit(resumed, X, Y, **ROOM, epochs=4, comm=COMM, optimizer=sg.Adam(0.01),
                     resume=checkpoint if COMM.rank == 0 else "elsewhere")  # fmt: skip
    whole = net()
    alone = sg.fit(whole, X, Y, **ROOM, epochs=4, optimizer=sg.Adam(0.01))
    found["resumed"] = {"models": COMM.allgather(digest(resumed)), "epochs": len(history),
                        "apart": float(np.abs(np.subtract(history["loss"], alone["loss"])).max())}  # fmt: skip
    from_rows = {"given": (rows_of(folder),), "epochs": 3, "resume": folder / "rows.safetensors"}
    found["resumed rows"] = compared(**ROWS, **from_rows)
    if COMM.rank == 0:
        (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    {"dying": dying, "sharing": sharing}[sys.argv[1]](Path(sys.argv[2]))
